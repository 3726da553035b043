"""Group-sequential bounds of z, and what crosses them.

Lan and DeMets (1983), Biometrika 70, 659-663; Pocock (1977), Biometrika 64, 191-199; O'Brien and Fleming
(1979), Biometrics 35, 549-556. Bounds are one-sided at `tail` = alpha / 2 each, used as plus and minus; that
one path may cross both is neglected, which can only make them wider. They depend on the information of looks
taken and on no later one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.infer.looks.spending import OBRIEN_FLEMING, Spending, checked_tail, information, spent
from splitrun.infer.looks.walk import DOWN, START, Crowd, grains, spaced
from splitrun.moments import FloatArray

__all__ = ["Crossing", "bound", "boundaries", "classic", "crossing"]

NOTHING = 1e-300
"""A look that may spend less than this has no finite bound."""
ALL = 1 - 1e-15


def boundaries(
    looks: npt.ArrayLike,
    tail: float,
    spending: Spending = OBRIEN_FLEMING,
    *,
    ended: bool = False,
) -> FloatArray:
    """Bounds of z at the looks taken.

    Args:
        looks: Matured units over planned units at each look so far, shape (looks,); may pass 1. A look that
            adds no information repeats the bound of the look before.
        tail: Error in one tail: alpha / 2 where both sides are of interest.
        spending: How the error is spent.
        ended: Whether the last look is the planned end, which spends all that remains whatever n is.

    Returns:
        Shape (looks,), all above 0 for a tail below 0.5; infinity where nothing may be concluded: no
        information yet, or no error left.
    """
    there = information(looks)
    cumulative = spent(there, tail, spending, ended=ended)
    stages = np.diff(cumulative, prepend=0.0)
    new = (np.diff(there, prepend=0.0) > 0) | ((stages > 0) & (there > 0))
    at = spaced(there[new])
    crowd, fresh = START, []
    for now, grain, stage, total in zip(at, grains(at), stages[new], cumulative[new], strict=True):
        high = bound(crowd, now, stage, low=-float(ndtri(total)) - 1e-6)
        crowd = crowd.inside(now, -np.inf, high, grain)
        fresh.append(high)
    # position of the last look with news, 0 (an infinite bound) before the first
    return np.concatenate([[np.inf], fresh])[np.cumsum(new)]


def bound(crowd: Crowd, now: float, stage: float, *, low: float = -DOWN) -> float:
    """The z that those still inside exceed with a given probability at the next look.

    Args:
        crowd: Paths inside until now.
        now: Information of the next look.
        stage: The probability.
        low: A number below the answer; it is the answer where too few are left.
    """
    if stage < NOTHING:
        return np.inf
    # nothing lies further out than if nobody had left
    high = max(-float(ndtri(stage)), low) + crowd.drift * np.sqrt(now) + 1e-6
    if crowd.above(now, low) <= stage:
        return low
    # as normal deviates both sides are nearly a line in z, which takes a handful of steps
    aim = float(ndtri(stage))

    def excess(z: float) -> float:
        return float(ndtri(min(max(crowd.above(now, z), NOTHING), ALL))) - aim

    return brentq(excess, low, high, xtol=1e-11)


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """Where paths leave; arrays of shape (looks,)."""

    above: FloatArray
    """Probability to leave through the upper bound at each look and no earlier."""
    below: FloatArray
    """The same for the lower bound."""

    @property
    def either(self) -> FloatArray:
        """Probability to leave at each look."""
        return self.above + self.below


def crossing(
    looks: npt.ArrayLike, upper: npt.ArrayLike, lower: npt.ArrayLike | None = None, *, drift: float = 0.0
) -> Crossing:
    """How likely z leaves its bounds, look by look.

    Args:
        looks: Information at the looks, shape (looks,), above 0 and rising.
        upper: Upper bounds of z, shape (looks,).
        lower: Lower bounds, or None where nothing leaves below.
        drift: Mean of z at information 1: the true effect over its standard error there.

    Raises:
        SpecError: Information does not rise, or there is not one bound for each look.
    """
    at, high = information(looks), np.atleast_1d(np.asarray(upper, dtype=np.float64))
    low = np.full(at.shape, -np.inf) if lower is None else np.atleast_1d(np.asarray(lower, dtype=np.float64))
    if high.shape != at.shape or low.shape != at.shape:
        raise refused(
            f"{high.size} upper and {low.size} lower bounds for {at.size} looks", "give one for each look"
        )
    if at[0] <= 0 or np.any(np.diff(at) <= 0):
        raise refused(f"information at the looks is {at.tolist()}", "leave out looks that add no information")
    at = spaced(at)
    crowd, above, below = replace(START, drift=drift), [], []
    for now, grain, top, bottom in zip(at, grains(at), high, low, strict=True):
        above.append(crowd.above(now, top))
        below.append(crowd.below(now, bottom))
        crowd = crowd.inside(now, bottom, top, grain)
    return Crossing(above=np.array(above), below=np.array(below))


def classic(looks: int, alpha: float, *, power: float) -> FloatArray:
    """Bounds of the classical shapes at equally spaced looks, two-sided: constant * t^(power - 1/2).

    Wang and Tsiatis (1987), Biometrics 43, 193-199. For comparison with published tables: the number and
    times of looks must be kept, which `boundaries` does not ask for.

    Args:
        looks: How many.
        alpha: Two-sided.
        power: 1/2 for Pocock, 0 for O'Brien and Fleming, or between them.
    """
    if looks < 1:
        raise refused(f"{looks} looks are planned", "plan one or more")
    if not 0 <= power <= 0.5:
        raise refused(f"the power of the classical bounds is {power}", "give 0 to 0.5")
    checked_tail(alpha / 2)
    at = np.arange(1, looks + 1) / looks
    form = at ** (power - 0.5)

    def excess(constant: float) -> float:
        return float(crossing(at, constant * form, -constant * form).either.sum()) - alpha

    # one look needs the least, Bonferroni the most (a tail of alpha / 2K at the look with the smallest bound)
    low, high = -float(ndtri(alpha / 2)), -float(ndtri(alpha / (2 * looks)))
    return np.asarray(brentq(excess, low - 1e-6, high + 1e-6, xtol=1e-11) * form, dtype=np.float64)


def refused(says: str, remedy: str) -> SpecError:
    """A plan of looks that cannot be taken."""
    return SpecError([Mistake(says=says, next=remedy)])
