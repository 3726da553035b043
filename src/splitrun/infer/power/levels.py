"""What is known of a metric before the experiment: where it lies and how much its units differ.

Deng, Knoblich and Lu (2018) for ratios; Deng, Xu, Kohavi and Walker (2013) for what adjusting saves; Kish
(1965) and, for clusters of uneven size, Eldridge, Ashby and Kerry (2006), International Journal of
Epidemiology 35, 1292-1300, for what clusters cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from splitrun.errors import Mistake, SpecError
from splitrun.moments import FloatArray

__all__ = ["Level", "design_effect", "mean", "ratio", "share"]


@dataclass(frozen=True, slots=True)
class Level:
    """A metric in control, before anything is seen."""

    value: float
    """In the metric's unit."""
    variance: float
    """Of one unit's part: a level estimated from n units has variance / n."""
    yes: bool = False
    """Whether it is a share, whose variance moves with it."""
    noise: float = 1.0
    """What is left of the variance: (1 - R²) of adjusting, times the design effect of clusters."""

    def after(self, effect: npt.ArrayLike) -> FloatArray:
        """Variance of one unit's part where the level has moved by an effect, shape of `effect`."""
        moved = self.value + np.asarray(effect, dtype=np.float64)
        if self.yes:
            return np.asarray(self.noise * moved * (1 - moved))
        return np.full_like(moved, self.noise * self.variance)

    def adjusted(self, r2: float) -> Level:
        """The level with the noise taken away that was known before exposure.

        Args:
            r2: Part of the variance that covariates explain, from 0 to below 1.
        """
        if not 0 <= r2 < 1:
            raise refused(f"covariates explain {r2:g} of the variance", "give R² from 0 to below 1")
        return replace(self, noise=self.noise * (1 - r2))

    def clustered(self, effect: float) -> Level:
        """The level where units are alike in clusters, with their design effect."""
        return replace(self, noise=self.noise * effect)


def mean(value: float, variance: float) -> Level:
    """A mean over units.

    Raises:
        SpecError: The variance is not above zero, or a number is not finite.
    """
    if not (np.isfinite(value) and np.isfinite(variance) and variance > 0):
        raise refused(f"a mean of {value:g} with variance {variance:g}", "give a variance above 0")
    return Level(value=value, variance=variance)


def share(value: float) -> Level:
    """A share of units, with variance p (1 - p).

    Raises:
        SpecError: It does not lie between 0 and 1.
    """
    if not 0 < value < 1:
        raise refused(f"the baseline of a share is {value:g}", "give a share above 0% and below 100%")
    return Level(value=value, variance=value * (1 - value), yes=True)


def ratio(over: tuple[float, float], under: tuple[float, float], covariance: float) -> Level:
    """A ratio of two totals over units, by the delta method.

    Args:
        over: Mean and variance per unit of the numerator.
        under: The same of the denominator.
        covariance: Of the two, per unit.

    Raises:
        SpecError: The mean denominator is zero, or the moments leave no variance.
    """
    if under[0] == 0:
        raise refused("the mean denominator of a ratio is 0", "give the mean per unit of what is divided by")
    value = over[0] / under[0]
    variance = (over[1] - 2 * value * covariance + value**2 * under[1]) / under[0] ** 2
    if covariance**2 > over[1] * under[1] * (1 + 1e-9) or not variance > 0:
        says = f"variances {over[1]:g} and {under[1]:g} with covariance {covariance:g}"
        raise refused(says, "give moments that units can have, whose ratio varies")
    return Level(value=value, variance=variance)


def design_effect(size: float, correlation: float, spread: float = 0.0) -> float:
    """How many times more units clusters need than units on their own: 1 + ((spread² + 1) size - 1) icc.

    Args:
        size: Mean units per cluster, from 1 on.
        correlation: Intracluster correlation, from 0 to 1.
        spread: Coefficient of variation of the clusters' sizes; 0 where all are alike.

    Raises:
        SpecError: One of them lies outside.
    """
    if not (size >= 1 and 0 <= correlation <= 1 and spread >= 0):
        says = f"clusters of {size:g} units, icc {correlation:g}, spread of sizes {spread:g}"
        raise refused(says, "give a size from 1 on, an icc from 0 to 1 and a spread from 0 on")
    return 1 + ((spread**2 + 1) * size - 1) * correlation


def refused(says: str, remedy: str) -> SpecError:
    """A baseline that no metric can have."""
    return SpecError([Mistake(says=says, next=remedy)])
