"""One contrast for everything: mu_t - r mu_c, with v(r) = v_t + r² v_c, and what follows from it.

Welch 1947 and Satterthwaite 1946 for r = 1, Sasabuchi 1988 for a margin that is a part of control, Fieller
1954 for the ratio itself. Every p is a lower tail: 1 - cdf would be exactly zero below 1e-16.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from splitrun.infer.estimate import Estimates, Points, Side, Why, first_of
from splitrun.moments import FloatArray, IntArray

__all__ = ["beyond", "difference", "lift", "noninferior"]


def difference(
    control: Points, treatment: Points, *, level: float | FloatArray, side: Side = Side.BOTH
) -> Estimates:
    """Estimate how far treatment lies above control, cell by cell (Welch 1947).

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        level: How often an interval should hold the true difference, between 0 and 1; shape (cells,) or one.
        side: Which ends are bounded; `level` belongs to the interval whatever its side.

    Returns:
        Differences in the metric's unit, shape (cells,); a cell without one says why.
    """
    return beyond(control, treatment, factor=1.0, shift=0.0, level=level, side=side)


@np.errstate(all="ignore")
def beyond(
    control: Points,
    treatment: Points,
    *,
    factor: float | FloatArray,
    shift: float | FloatArray,
    level: float | FloatArray,
    side: Side = Side.BOTH,
) -> Estimates:
    """Estimate mu_t - factor * mu_c - shift: how far treatment lies beyond a bound set by control.

    With m a margin: factor 1, shift -m for "no worse than control by m"; factor 1 - m, shift 0 for "no worse
    by the part m of control". Nothing is divided by control's mean, so a control near zero does no harm.

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        factor: How much of control's mean is taken off; shape (cells,) or one.
        shift: What else is taken off, in the metric's unit; shape (cells,) or one.
        level: How often an interval should hold the true contrast, between 0 and 1; shape (cells,) or one.
        side: Which ends are bounded. The p is two-sided for `both`; for `lower` it is of the null that the
            contrast is 0 or less, for `upper` that it is 0 or more.

    Returns:
        Contrasts in the metric's unit, shape (cells,), with Satterthwaite's degrees of freedom at `factor`.
    """
    from_control = np.square(factor) * control.variance
    effect = treatment.value - factor * control.value - shift
    stderr = np.sqrt(treatment.variance + from_control)
    dof = satterthwaite(treatment.variance, from_control, treatment.dof, control.dof)
    low, high = ends(effect, quantile(dof, level, side) * stderr, side)
    p, why, levels = (
        tail(effect / stderr, dof, side),
        inherited(control, treatment),
        np.full_like(effect, level),
    )
    estimates = Estimates(effect, stderr, low, high, p, dof, levels, why, side)
    return doubted(estimates, {Why.NO_SPREAD: stderr == 0})


@np.errstate(all="ignore")
def lift(
    control: Points, treatment: Points, *, level: float | FloatArray, side: Side = Side.BOTH
) -> Estimates:
    """Estimate mu_t / mu_c - 1, with the interval of Fieller 1954.

    The interval inverts (mu_t - r mu_c)² = c² v(r), c the quantile at the degrees of freedom of the contrast
    at the estimated ratio. It is bounded exactly where control's mean lies more than c standard errors from
    zero, and against a control below zero a ratio has no direction. So where control's lower bound, with the
    same c, is 0 or less, there is no lift: `CONTROL_NEAR_ZERO`.

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        level: How often an interval should hold the true lift, between 0 and 1; shape (cells,) or one.
        side: Which ends are bounded.

    Returns:
        Lifts as parts of control (0.02 is 2 %), shape (cells,). The standard error is of the delta method,
        the p of the null of no lift at the interval's degrees of freedom: it is below 1 - level exactly where
        the interval leaves 0 out, and may differ slightly from the p of the difference.
    """
    ratio = treatment.value / control.value
    effect = (treatment.value - control.value) / control.value
    # all in units of control's mean; the root first, since its square may vanish
    of_treatment = (np.sqrt(treatment.variance) / control.value) ** 2
    of_control = (np.sqrt(control.variance) / control.value) ** 2
    stderr = np.sqrt(of_treatment + ratio**2 * of_control)
    dof = satterthwaite(of_treatment, ratio**2 * of_control, treatment.dof, control.dof)
    c = quantile(dof, level, side)
    blur = c**2 * of_control
    reach = c * np.sqrt(ratio**2 * of_control + (1 - blur) * of_treatment) / (1 - blur)
    low, high = ends((effect + blur) / (1 - blur), reach, side)
    p = tail(effect / np.sqrt(of_treatment + of_control), dof, side)
    why, levels = inherited(control, treatment), np.full_like(effect, level)
    estimates = Estimates(effect, stderr, low, high, p, dof, levels, why, side)
    flat = (control.variance == 0) & (treatment.variance == 0)
    near = (control.value - c * np.sqrt(control.variance) <= 0) | (control.value <= 0) | (blur >= 1)
    return doubted(estimates, {Why.NO_SPREAD: flat, Why.CONTROL_NEAR_ZERO: near})


def noninferior(
    control: Points,
    treatment: Points,
    *,
    margin: float,
    relative: bool,
    better_higher: bool,
    level: float | FloatArray,
) -> Estimates:
    """Judge whether treatment is worse than control by the margin or more (one-sided).

    Its `p` is of the null "worse by the margin or more". Its effect is how far treatment lies beyond the
    margin: treatment is shown not to be inferior where `low` is above 0 (where lower is better: `high` below
    0). The bound of the effect itself is the same end of `difference` or `lift` with the same level and side.
    Two of these, one for each direction, are the equivalence test of Schuirmann 1987.

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        margin: How much worse is still acceptable, above 0: in the metric's unit, or a part of control.
        relative: Whether `margin` is a part of control's mean; for a mean below zero such a margin asks for
            an improvement, which is the safe side.
        better_higher: Whether a higher value is better.
        level: How often the bound should hold, between 0 and 1; one minus the one-sided alpha.
    """
    slack = -margin if better_higher else margin
    return beyond(
        control,
        treatment,
        factor=1 + slack if relative else 1.0,
        shift=0.0 if relative else slack,
        level=level,
        side=Side.LOWER if better_higher else Side.UPPER,
    )


def satterthwaite(
    of_treatment: FloatArray, of_control: FloatArray, treatment: FloatArray, control: FloatArray
) -> FloatArray:
    """Degrees of freedom of a sum of two variances (Satterthwaite 1946), by parts: nothing overflows."""
    part = of_treatment / (of_treatment + of_control)
    return np.asarray(1 / (part**2 / treatment + (1 - part) ** 2 / control))


def quantile(dof: FloatArray, level: float | FloatArray, side: Side) -> FloatArray:
    """How many standard errors an interval reaches from its estimate; normal where `dof` is infinite."""
    outside = 1 - np.asarray(level, dtype=np.float64)
    return np.asarray(-stdtrit(dof, outside / 2 if side is Side.BOTH else outside))


def tail(t: FloatArray, dof: FloatArray, side: Side) -> FloatArray:
    """The p of a statistic, always from the lower tail."""
    match side:
        case Side.BOTH:
            return np.asarray(2 * stdtr(dof, -np.abs(t)))
        case Side.LOWER:
            return np.asarray(stdtr(dof, -t))
        case Side.UPPER:
            return np.asarray(stdtr(dof, t))


def ends(middle: FloatArray, reach: FloatArray, side: Side) -> tuple[FloatArray, FloatArray]:
    """Low and high of an interval, infinite where the side leaves it unbounded."""
    low = np.full_like(middle, -np.inf) if side is Side.UPPER else middle - reach
    high = np.full_like(middle, np.inf) if side is Side.LOWER else middle + reach
    return low, high


def inherited(control: Points, treatment: Points) -> IntArray:
    """Why the points themselves have no number, control's reason first."""
    return np.where(control.why > 0, control.why, treatment.why)


def doubted(estimates: Estimates, reasons: dict[Why, npt.NDArray[np.bool_]]) -> Estimates:
    """Mark the cells without an estimate, the reasons of the points first, and take their numbers away."""
    numbers = np.isfinite(estimates.effect) & np.isfinite(estimates.stderr) & ~np.isnan(estimates.p)
    low = np.isfinite(estimates.low) | (estimates.side is Side.UPPER)
    high = np.isfinite(estimates.high) | (estimates.side is Side.LOWER)
    late = first_of({Why.NOT_FINITE: ~(numbers & low & high)})
    own = first_of(reasons)
    why = np.where(estimates.why > 0, estimates.why, np.where(own > 0, own, late))
    holds = why == 0
    return replace(
        estimates,
        effect=np.where(holds, estimates.effect, np.nan),
        stderr=np.where(holds, estimates.stderr, np.nan),
        low=np.where(holds, estimates.low, np.nan),
        high=np.where(holds, estimates.high, np.nan),
        p=np.where(holds, estimates.p, np.nan),
        dof=np.where(holds, estimates.dof, np.nan),
        why=why,
    )
