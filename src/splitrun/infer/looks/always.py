"""Always-valid intervals and p: they hold at every look together, whenever and however often anybody looks.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), arXiv:2103.06476,
theorem 2.2 and, one-sided, equation 134 of its appendix, on Robbins' (1970) normal mixture. The small-sample
form is the anytime-valid regression of Lindon, Ham, Tingley and Bojinov (2022), arXiv:2210.08589. Both are
the ordinary effect ± multiplier · standard error, so one multiplier serves every asymptotically linear
estimator. The mSPRT of Johari, Pekelis and Walsh (2017) is the same family with another name for the mixing
variance.

They need a mean that is normal by the first look: `not_yet` says when it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.infer.estimate import Side
from splitrun.moments import FloatArray, IntArray

__all__ = [
    "LEAST_CONVERSIONS",
    "LEAST_UNITS",
    "MOST_ASYMMETRY",
    "MOST_ASYMMETRY_ONE_SIDED",
    "AlwaysValid",
    "Hybrid",
    "NotYet",
    "Regression",
    "asymmetry",
    "hybrid",
    "not_yet",
    "tail_error",
]

LEAST_UNITS = 500
"""Units per variant before the first look."""
LEAST_CONVERSIONS = 30
"""Units with a value other than zero, per variant, before the first look."""
MOST_ASYMMETRY = 0.1
"""Largest |skewness| of the estimated effect.

Beyond it, with a 90/10 split and 5 % buyers of lognormal spend, 11.4 % were called worse instead of 2.5 %.
"""
MOST_ASYMMETRY_ONE_SIDED = 0.05
"""The same where one end of an interval is read once or at planned looks, and no other end makes up for it.

By `tail_error` a one-sided 5 %, 2.5 % and 1 % then are off by 0.55, 0.42 and 0.26 points at most, inside what
calibration tolerates; at 0.06 1 % would not be.
"""
RUNNING_SHARE = 0.1
"""Part of alpha that a hybrid plan spends while running; the rest is for its planned end."""


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """An asymptotic confidence sequence with its tuning sealed.

    Raises:
        SpecError: Alpha does not lie between 0 and 0.5, or rho2 is not above 0.
    """

    alpha: float
    """Chance that any interval ever misses; all of it on one side where `side` bounds one end."""
    rho2: float
    """Mixing variance, rho squared in the paper; frozen before the first look, or the promise is void."""
    side: Side = Side.BOTH

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise refused(
                f"alpha of an always-valid interval is {self.alpha}", "give a number above 0 and below 0.5"
            )
        if not 0 < self.rho2 < np.inf:
            raise refused(f"rho2 of an always-valid interval is {self.rho2}", "give a number above 0")

    @staticmethod
    def tuned(alpha: float, planned: float, side: Side = Side.BOTH) -> AlwaysValid:
        """The sequence that is narrowest about when `planned` units are there (the paper's approximation).

        Args:
            alpha: Chance to miss.
            planned: Total units of the two compared variants at the planned end.
            side: One-sided sequences are tuned as the two-sided one of twice the alpha.

        Raises:
            SpecError: Fewer than one unit is planned, or alpha is out of range.
        """
        if not planned >= 1:
            raise refused(
                f"{planned} units are planned", "give the total of the two variants at the planned end"
            )
        depth = -2 * np.log(alpha if side is Side.BOTH else 2 * alpha) if 0 < alpha < 0.5 else 1.0
        return AlwaysValid(alpha=alpha, rho2=float((depth + np.log1p(depth)) / planned), side=side)

    @np.errstate(divide="ignore")
    def multiplier(self, n: npt.ArrayLike) -> FloatArray:
        """Half-width of the interval in standard errors.

        Args:
            n: Total units of the two compared variants now, any shape.

        Returns:
            Shape of `n`; infinity where there are no units.
        """
        weight = np.asarray(n, dtype=np.float64) * self.rho2
        if self.side is Side.BOTH:
            depth = 0.5 * np.log1p(weight) - np.log(self.alpha)
        else:
            depth = np.log1p(np.sqrt(1 + weight) / (2 * self.alpha))
        return np.asarray(np.sqrt(2 * (1 + weight) * depth / weight), dtype=np.float64)

    @np.errstate(divide="ignore")
    def log_e(self, z: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
        """Logarithm of the e-value against no effect: its mean is at most 1 without one, whenever stopped.

        Args:
            z: Effects over their standard errors, any shape. One-sided evidence is for an effect above zero
                where the low end is bounded, below zero where the high end is.
            n: Total units of the two compared variants, broadcast with `z`.
        """
        weight = np.asarray(n, dtype=np.float64) * self.rho2
        seen = np.asarray(z, dtype=np.float64)
        toward = {Side.BOTH: np.abs(seen), Side.LOWER: seen, Side.UPPER: -seen}[self.side]
        bulk = toward**2 * weight / (2 * (1 + weight))
        if self.side is Side.BOTH:
            return np.asarray(bulk - 0.5 * np.log1p(weight), dtype=np.float64)
        # the closed form: below the half-normal mixture by less than 1 % of a half-width, and never above it
        growth = np.where(bulk > 30, bulk + np.log1p(-np.exp(-bulk)), np.log(np.expm1(np.minimum(bulk, 30))))
        return np.where(toward > 0, np.log(2) + growth - 0.5 * np.log1p(weight), -np.inf)

    def p(self, z: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
        """The p now, min(1, 1/e): below alpha exactly when the interval now excludes zero.

        No running minimum: what it says may not depend on who looked before.
        """
        return np.exp(-np.maximum(self.log_e(z, n), 0.0))


@dataclass(frozen=True, slots=True)
class Regression:
    """The small-sample form: exact at every n for a normal outcome; the asymptotic one in the limit.

    Raises:
        SpecError: Alpha does not lie between 0 and 0.5, or g is not above 0.
    """

    alpha: float
    g: float
    """Prior precision in units; 1 / rho2 of the asymptotic form."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise refused(
                f"alpha of an always-valid interval is {self.alpha}", "give a number above 0 and below 0.5"
            )
        if not 0 < self.g < np.inf:
            raise refused(f"g of an always-valid regression is {self.g}", "give a number above 0")

    @staticmethod
    def tuned(alpha: float, planned: float, coefficients: int = 2) -> Regression:
        """The form that is narrowest at the planned end.

        Args:
            alpha: Chance to miss.
            planned: Total units of the two compared variants at the planned end.
            coefficients: Of the regression: intercept, treatment and covariates.

        Raises:
            SpecError: Hardly more units are planned than there are coefficients, or alpha is out of range.
        """
        if not planned > coefficients + 1:
            raise refused(f"{planned} units are planned for {coefficients} coefficients", "plan more units")
        Regression(alpha=alpha, g=1.0)

        def width(log_g: float) -> float:
            wide = Regression(alpha=alpha, g=float(np.exp(log_g))).multiplier(planned, planned - coefficients)
            return float(np.log(np.minimum(wide, 1e100)))

        start = float(np.log(planned / 10))
        best = minimize_scalar(
            width, bounds=(start - 7, start + 7), method="bounded", options={"xatol": 1e-9}
        )
        return Regression(alpha=alpha, g=float(np.exp(best.x)))

    @np.errstate(divide="ignore", invalid="ignore")
    def multiplier(self, n: npt.ArrayLike, dof: npt.ArrayLike) -> FloatArray:
        """Half-width of the interval in standard errors.

        Args:
            n: Total units, any shape.
            dof: Residual degrees of freedom, broadcast with `n`.

        Returns:
            Infinity where no effect whatever could be excluded yet.
        """
        free = np.asarray(dof, dtype=np.float64)
        shrunk = self.g / (self.g + np.asarray(n, dtype=np.float64))
        # q - r with q = (r alpha^2)^(1 / (dof + 1)); 1 - q by expm1, it is of the order 1 / dof
        fell = -np.expm1(np.log(shrunk * self.alpha**2) / (free + 1))
        room = 1 - shrunk - fell
        return np.where((room > 0) & (free > 0), np.sqrt(free * fell / np.where(room > 0, room, 1.0)), np.inf)

    def log_e(self, t: npt.ArrayLike, n: npt.ArrayLike, dof: npt.ArrayLike) -> FloatArray:
        """Logarithm of the e-value against no effect.

        Args:
            t: Effects over their standard errors, any shape.
            n: Total units, broadcast with `t`.
            dof: Residual degrees of freedom, above 0, broadcast with `t`.
        """
        free = np.asarray(dof, dtype=np.float64)
        shrunk = self.g / (self.g + np.asarray(n, dtype=np.float64))
        square = np.asarray(t, dtype=np.float64) ** 2 / free
        gain = np.log1p(square) - np.log1p(shrunk * square)
        return np.asarray(0.5 * np.log(shrunk) + 0.5 * (free + 1) * gain, dtype=np.float64)

    def p(self, t: npt.ArrayLike, n: npt.ArrayLike, dof: npt.ArrayLike) -> FloatArray:
        """The p now, min(1, 1/e)."""
        return np.exp(-np.maximum(self.log_e(t, n, dof), 0.0))


class NotYet(IntEnum):
    """Why a cell may not be looked at yet with an always-valid interval; 0 in the arrays: it may."""

    FEW_UNITS = 1
    FEW_CONVERSIONS = 2
    SKEWED = 3

    @property
    def says(self) -> str:
        """The reason in words, for people."""
        return self.of("units")

    def of(self, what: str) -> str:
        """The reason in words, where units or clusters are what is independent."""
        return SENTENCES[self].format(what=what)


SENTENCES: dict[NotYet, str] = {
    NotYet.FEW_UNITS: f"fewer than {LEAST_UNITS} {{what}} in one of the variants",
    NotYet.FEW_CONVERSIONS: f"fewer than {LEAST_CONVERSIONS} units that are not zero in one of the variants",
    NotYet.SKEWED: (
        f"the skewness of the effect is beyond {MOST_ASYMMETRY}: values are too skewed for so uneven or few "
        "{what}, and an interval would miss on one side more often than it says"
    ),
}


@np.errstate(divide="ignore", invalid="ignore")
def asymmetry(skew: npt.ArrayLike, n_control: npt.ArrayLike, n_treatment: npt.ArrayLike) -> FloatArray:
    """Skewness of a difference in means: skew (1/n_t^2 - 1/n_c^2) / (1/n_t + 1/n_c)^1.5.

    Args:
        skew: Skewness of the (capped) unit values, any shape; so are the others.
        n_control: Units of control.
        n_treatment: Units of the treatment.

    Returns:
        Zero for equal variants, whose skewness cancels; infinity where it cannot be known.
    """
    c, t = 1 / np.asarray(n_control, dtype=np.float64), 1 / np.asarray(n_treatment, dtype=np.float64)
    # (t^2 - c^2) / (t + c)^1.5, written without the cancellation
    g = np.asarray(skew, dtype=np.float64) * (t - c) / np.sqrt(t + c)
    return np.where(np.isfinite(g), g, np.inf)


def tail_error(g: npt.ArrayLike, tail: float) -> FloatArray:
    """How often an ordinary interval really misses on the side that skewness makes worse, to first order.

    The Edgeworth term of a studentised difference: P(T < -z) = tail + g (2 z² + 1) / 6 phi(z), since effect
    and variance move together by the same third cumulant (Hall 1992, section 2.6). Where an interval has two
    ends, the other one misses less often by as much.

    Args:
        g: Skewness of the effect, any shape; its sign says which side, and is left out here.
        tail: How often that side should miss, between 0 and 1.
    """
    z = float(ndtri(tail))
    density = float(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    return np.asarray(tail + np.abs(g) * (2 * z**2 + 1) / 6 * density, dtype=np.float64)


def not_yet(
    units: tuple[npt.ArrayLike, npt.ArrayLike],
    conversions: tuple[npt.ArrayLike, npt.ArrayLike],
    g: npt.ArrayLike,
) -> IntArray:
    """Why each cell may not be looked at yet.

    Args:
        units: Units of control and treatment, or clusters where these are what is independent, each of shape
            (cells,).
        conversions: Units with a value other than zero, control and treatment.
        g: Skewness of the effect: `asymmetry` where units are independent; NaN where it cannot be known.

    Returns:
        A `NotYet` or 0, shape (cells,).
    """
    few = np.minimum(*np.broadcast_arrays(*units)) < LEAST_UNITS
    rare = np.minimum(*np.broadcast_arrays(*conversions)) < LEAST_CONVERSIONS
    skewed = ~(np.abs(np.asarray(g, dtype=np.float64)) <= MOST_ASYMMETRY)
    reasons = {NotYet.FEW_UNITS: few, NotYet.FEW_CONVERSIONS: rare, NotYet.SKEWED: skewed}
    masks = np.broadcast_arrays(*reasons.values())
    return np.select(list(masks), [int(why) for why in reasons], default=0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Hybrid:
    """How a hybrid plan divides alpha: always-valid looks while running, one ordinary look at the end."""

    running: float
    """Alpha of the always-valid intervals."""
    end: float
    """Alpha of the interval at the planned end."""


def hybrid(alpha: float) -> Hybrid:
    """Divide alpha by Bonferroni: 0.05 is 0.005 while running and 0.045 at the end.

    Raises:
        SpecError: Alpha does not lie between 0 and 0.5.
    """
    if not 0 < alpha < 0.5:
        raise refused(f"alpha of a hybrid plan is {alpha}", "give a number above 0 and below 0.5")
    return Hybrid(running=RUNNING_SHARE * alpha, end=(1 - RUNNING_SHARE) * alpha)


def refused(says: str, remedy: str) -> SpecError:
    """Words of a sequential plan that cannot be taken."""
    return SpecError([Mistake(says=says, next=remedy)])
