"""The t-version: two variants with one variance, tested by Student's t (Cohen 1988; Harrison and Brady 2004).

For small experiments, and to agree with R's `power.t.test`, pwr and statsmodels to the last digit they keep.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import nctdtr, ndtri, stdtrit

from splitrun.errors import Mistake, SpecError
from splitrun.infer.looks.spending import checked_tail
from splitrun.moments import FloatArray

__all__ = ["student_power", "student_units"]


def student_power(
    effect: npt.ArrayLike, control: npt.ArrayLike, treatment: npt.ArrayLike, tail: float, *, either: bool
) -> FloatArray:
    """Power of Student's t.

    Args:
        effect: True effect in standard deviations, above 0, any shape; the others are broadcast with it.
        control: Units of control.
        treatment: Units of the treatment; together more than two.
        tail: Error of one tail: alpha / 2 where both sides are of interest.
        either: Whether finding the effect on the wrong side counts too, as in R with `strict = TRUE` and in
            statsmodels.
    """
    n_c, n_t = np.asarray(control, dtype=np.float64), np.asarray(treatment, dtype=np.float64)
    dof, drift = n_c + n_t - 2, np.asarray(effect) * np.sqrt(n_c * n_t / (n_c + n_t))
    reach = -stdtrit(dof, checked_tail(tail))
    found = 1 - nctdtr(dof, drift, reach)
    if not either:
        return np.asarray(found)
    # scipy gives NaN for some tails so far out that they are nothing
    return np.asarray(found + np.fmax(nctdtr(dof, drift, -reach), 0.0))


def student_units(effect: float, power: float, tail: float, *, ratio: float = 1.0, either: bool) -> float:
    """Units of control that give a power.

    Args:
        effect: True effect in standard deviations, above 0.
        power: Between `tail` and 1.
        tail: Error of one tail.
        ratio: Units of the treatment for each of control.
        either: As for `student_power`.

    Returns:
        Units of control, not rounded; at least what leaves one degree of freedom.

    Raises:
        SpecError: No size gives this power.
    """
    if not (effect > 0 and checked_tail(tail) < power < 1):
        says = f"power {power:g} for an effect of {effect:g} standard deviations, error {tail:g} in a tail"
        raise SpecError([Mistake(says=says, next="give an effect above 0, and a power above the error")])

    def missing(log_n: float) -> float:
        n = float(np.exp(log_n))
        return float(student_power(effect, n, ratio * n, tail, either=either)) - power

    normal = (float(ndtri(power) - ndtri(tail)) / effect) ** 2 * (1 + 1 / ratio)
    least = 3 / (1 + ratio)
    if missing(np.log(least)) >= 0:
        return least
    most = max(1.5 * normal, 10 * least)
    while missing(np.log(most)) < 0:
        most *= 2
    return float(np.exp(brentq(missing, np.log(least), np.log(most), xtol=1e-13)))
