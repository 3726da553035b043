"""Ways of reading a comparison: the drift that each needs for a power, and the power that a drift gives.

Power counts a reading that finds the effect on the side where it lies; finding it on the other is no success.
Group-sequential: Jennison and Turnbull (2000), Group Sequential Methods, chapters 2 and 7. Always-valid:
the half-width of the sequence at the planned end inverted, so that n is what the last reading needs; earlier
readings that find the effect too are counted where their moments are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import AlwaysValid
from splitrun.infer.looks.boundaries import boundaries, crossing
from splitrun.infer.looks.futility import Design, Futility, design
from splitrun.infer.looks.repeated import SMALLEST_TAIL
from splitrun.infer.looks.spending import OBRIEN_FLEMING, Spending, checked_tail
from splitrun.moments import FloatArray

__all__ = ["Anytime", "AtLooks", "Once", "Reading", "Sizes"]


FAR = 8.0
"""Standard errors beyond which a normal deviate is not met."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a way of reading costs, over one reading of the same error and power."""

    planned: float
    """Planned n."""
    with_effect: float
    """n at which it ends on average, under the effect."""
    without: float
    """The same where there is no effect."""


@dataclass(frozen=True, slots=True)
class Once:
    """Read once, at the planned end.

    Raises:
        SpecError: The tail does not lie between 1e-15 and 0.5.
    """

    tail: float
    """Error of one tail: alpha / 2 where both sides are of interest."""

    def __post_init__(self) -> None:
        sound(self.tail)

    def needed(self, power: float) -> float:
        """The drift that gives a power."""
        return float(ndtri(checked(power, self.tail)) - ndtri(self.tail))

    def power(self, drift: npt.ArrayLike) -> FloatArray:
        """The power that a drift gives, shape of `drift`."""
        return np.asarray(ndtr(np.asarray(drift, dtype=np.float64) + ndtri(self.tail)))

    def sizes(self, power: float) -> Sizes:
        """One reading is the measure of the others."""
        checked(power, self.tail)
        return Sizes(1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class AtLooks:
    """Read at a few planned looks; all alpha is spent by the last.

    Raises:
        SpecError: The tail does not lie between 1e-15 and 0.5.
    """

    tail: float
    fractions: tuple[float, ...]
    """Part of the planned units that has matured at each look, rising to 1."""
    spending: Spending = OBRIEN_FLEMING
    beta: float | None = None
    """Chance to miss that is spent on stopping for futility, heeded by everybody; None for no futility."""

    def __post_init__(self) -> None:
        sound(self.tail)

    def needed(self, power: float) -> float:
        """The drift that gives a power."""
        if self.beta is None or abs(self.beta - (1 - power)) < 1e-9:
            return self.laid_out(power).drift
        return solved(self.power, power, float(self.bounds()[0][-1]))

    def power(self, drift: npt.ArrayLike) -> FloatArray:
        """The power that a drift gives, shape of `drift`."""
        upper, lower = self.bounds()
        asked = np.asarray(drift, dtype=np.float64)
        each = [crossing(self.fractions, upper, lower, drift=theta).above.sum() for theta in asked.flat]
        return np.asarray(np.minimum(each, 1.0), dtype=np.float64).reshape(asked.shape)

    def sizes(self, power: float) -> Sizes:
        """What the looks cost, and what they save where they end early."""
        found = self.laid_out(power)
        return Sizes(found.inflation, found.size_with_effect, found.size_without)

    def laid_out(self, power: float) -> Design:
        """The plan of looks that has a power."""
        beta = None if self.beta is None else 1 - checked(power, self.tail)
        return laid_out(self.tail, self.fractions, self.spending, checked(power, self.tail), beta)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Upper and lower bounds of z at the looks."""
        if self.beta is None:
            upper = boundaries(self.fractions, self.tail, self.spending)
            return upper, np.full_like(upper, -np.inf)
        found = laid_out(self.tail, self.fractions, self.spending, 1 - self.beta, self.beta)
        return found.upper, found.lower


@dataclass(frozen=True, slots=True)
class Anytime:
    """Read whenever and as often as anybody likes.

    Raises:
        SpecError: A tail does not lie between 1e-15 and 0.5.
    """

    alpha: float
    """Of the comparison, as for `AlwaysValid`: of both sides together, or of the one."""
    side: Side = Side.BOTH
    moments: tuple[float, ...] = (1.0,)
    """Part of the planned units at each reading that counts, rising to 1; one: only the planned end."""
    reached: float = 1.0
    """n at the planned end over the n that the sequence is tuned to."""

    def __post_init__(self) -> None:
        sound(self.tail)

    def needed(self, power: float) -> float:
        """The drift that gives a power."""
        checked(power, self.tail)
        if len(self.moments) == 1:
            return float(self.bounds()[-1] + ndtri(power))
        return solved(self.power, power, float(self.bounds()[-1]))

    def power(self, drift: npt.ArrayLike) -> FloatArray:
        """The power that a drift gives, shape of `drift`."""
        bounds, asked = self.bounds(), np.asarray(drift, dtype=np.float64)
        if len(self.moments) == 1:
            return np.asarray(ndtr(asked - bounds[-1]))
        each = [crossing(self.moments, bounds, drift=theta).above.sum() for theta in asked.flat]
        return np.asarray(np.minimum(each, 1.0), dtype=np.float64).reshape(asked.shape)

    def sizes(self, power: float) -> Sizes:
        """What reading at any time costs, and where it ends if it stops as soon as it finds."""
        drift = self.needed(power)
        inflation = (drift / Once(self.tail).needed(power)) ** 2
        at, bounds = np.array(self.moments), self.bounds()
        ends = [crossing(at, bounds, drift=theta).above for theta in (drift, 0.0)]
        with_effect, without = (float(at @ leaves + 1 - leaves.sum()) for leaves in ends)
        return Sizes(inflation, inflation * with_effect, inflation * without)

    @property
    def tail(self) -> float:
        """Error of one tail."""
        return self.alpha / 2 if self.side is Side.BOTH else self.alpha

    def bounds(self) -> FloatArray:
        """Bounds of z at the moments."""
        # the sequence depends on n over the n it is tuned to, and on nothing else
        sequence = AlwaysValid.tuned(self.alpha, 1.0, self.side)
        return sequence.multiplier(np.array(self.moments) * self.reached)


Reading = Once | AtLooks | Anytime


@lru_cache(maxsize=256)
def laid_out(
    tail: float, fractions: tuple[float, ...], spending: Spending, power: float, beta: float | None
) -> Design:
    """A plan of looks, remembered: the same one is asked for again and again."""
    futility = None if beta is None else Futility(beta)
    return design(fractions, tail, power=power, spending=spending, futility=futility)


def solved(rising: Callable[[float], FloatArray], power: float, last: float) -> float:
    """The drift that gives a power; so far above the last bound nothing is missed."""
    return float(brentq(lambda drift: float(rising(drift)) - power, 0.0, last + FAR, xtol=1e-9))


def sound(tail: float) -> None:
    """Refuse an error that no design can be laid out for.

    Raises:
        SpecError: It does not lie between 1e-15 and 0.5.
    """
    if checked_tail(tail) < SMALLEST_TAIL:
        says = f"the error of one tail is {tail:g}"
        raise SpecError(
            [Mistake(says=says, next=f"give an alpha whose tails have {SMALLEST_TAIL:g} or more")]
        )


def checked(power: float, tail: float) -> float:
    """A power that a plan can ask for.

    Raises:
        SpecError: It does not lie between the error of one tail and 1.
    """
    if not tail < power < 1:
        says = f"power {power:g} with an error of {tail:g} in a tail"
        raise SpecError([Mistake(says=says, next="ask for more than the error and less than 1, like 0.8")])
    return power
