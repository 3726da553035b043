"""What the planned end is likely to show, from what a look shows now.

Predicted intervals: Evans, Li and Wei (2007), Biometrics 63, 1022-1029, and Li, Evans, Uno and Wei (2009).
Conditional power: Lan, Simon and Halperin (1982), Sequential Analysis 1, 207-219; predictive power:
Spiegelhalter, Freedman and Blackburn (1986), Controlled Clinical Trials 7, 8-17. All on z as a Gaussian walk
in information.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.moments import FloatArray

__all__ = ["Outlook", "conditional_power", "outlook"]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The planned end as seen from a look; arrays over cells."""

    stderr: FloatArray
    """Standard error that the effect will have at the planned end."""
    low: FloatArray
    """Lowest estimate expected at the end; it lies between `low` and `high` as often as asked for."""
    high: FloatArray
    reach: FloatArray
    """Half-width of the final interval: at the end it will be about estimate ± reach."""
    better: FloatArray
    """Probability that the final interval will lie above 0 (predictive power, flat prior)."""
    worse: FloatArray
    """Probability that it will lie below 0."""


def outlook(
    effect: npt.ArrayLike,
    stderr: npt.ArrayLike,
    fraction: npt.ArrayLike,
    bound: npt.ArrayLike,
    *,
    level: float = 0.9,
) -> Outlook:
    """Look ahead from an estimate to the planned end, the rest of the data being like what came so far.

    Args:
        effect: Estimates now, shape (cells,).
        stderr: Their standard errors.
        fraction: Information now over information at the planned end, above 0; from 1 on this is the end.
        bound: Bound of z at the planned end.
        level: How often the final estimate should lie between `low` and `high`.

    Raises:
        SpecError: A fraction is not above 0, or the level does not lie between 0 and 1.
    """
    t = np.minimum(np.asarray(fraction, dtype=np.float64), 1.0)
    if not np.all(t > 0) or not 0 < level < 1:
        says = f"an outlook is asked for from fractions {t.tolist()} at level {level}"
        raise SpecError([Mistake(says=says, next="give a fraction above 0 and a level below 1")])
    now = np.asarray(effect, dtype=np.float64)
    final = np.asarray(stderr, dtype=np.float64) * np.sqrt(t)
    # it still moves by what is to come and by what is not known of the truth: stderr^2 (1 - t) together
    spread = np.asarray(stderr, dtype=np.float64) * np.sqrt(1 - t)
    swing, reach = float(ndtri(0.5 + level / 2)) * spread, np.asarray(bound, dtype=np.float64) * final
    return Outlook(
        stderr=final,
        low=now - swing,
        high=now + swing,
        reach=reach,
        better=chance(now - reach, spread),
        worse=chance(-now - reach, spread),
    )


@np.errstate(divide="ignore", invalid="ignore")
def chance(above: FloatArray, spread: FloatArray) -> FloatArray:
    """Probability to end above a line, from the distance above it now; certain where nothing moves."""
    return np.where(spread > 0, ndtr(above / spread), np.where(above > 0, 1.0, 0.0))


@np.errstate(divide="ignore", invalid="ignore")
def conditional_power(
    z: npt.ArrayLike, fraction: npt.ArrayLike, bound: npt.ArrayLike, *, drift: npt.ArrayLike
) -> FloatArray:
    """Probability to end above the bound, given z now and a true effect.

    Args:
        z: Effect over standard error now, any shape.
        fraction: Information now over information at the planned end, 0 to 1.
        bound: Bound of z at the planned end.
        drift: True effect over the standard error of the planned end; z / sqrt(fraction) is the present
            trend.
    """
    t = np.minimum(np.asarray(fraction, dtype=np.float64), 1.0)
    rest = 1 - t
    above = np.asarray(z) * np.sqrt(t) + np.asarray(drift) * rest - np.asarray(bound)
    return chance(np.asarray(above, dtype=np.float64), np.sqrt(rest))
