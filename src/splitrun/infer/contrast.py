"""One contrast for everything: mu_t - r mu_c, with v(r) = v_t + r² v_c, and what follows from it.

Welch 1947 and Satterthwaite 1946 for r = 1, Sasabuchi 1988 for a margin that is a part of control, Fieller
1954 for the ratio itself. Levels may share errors, of the covariate mean they are adjusted to or of clusters
that hold both, which adds |s_t - r s_c|² to v(r) (`Points.shared`). Every p is a lower tail: 1 - cdf would be
exactly zero below 1e-16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from splitrun.infer.estimate import Estimates, Points, Reach, Side, Why, first_of
from splitrun.moments import FloatArray, IntArray

__all__ = ["Level", "beyond", "difference", "lift", "noninferior", "variance"]

Level = float | FloatArray | Reach
"""How often an interval should hold the true value, one or shape (cells,); or how far it reaches instead."""


def difference(control: Points, treatment: Points, *, level: Level, side: Side = Side.BOTH) -> Estimates:
    """Estimate how far treatment lies above control, cell by cell (Welch 1947).

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        level: How often an interval should hold the true difference, between 0 and 1; shape (cells,) or one.
            Or how far it reaches.
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
    level: Level,
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
    stderr = np.sqrt(variance(control, treatment, factor))
    dof = satterthwaite(treatment.variance, from_control, treatment.dof, control.dof)
    reach = quantile(dof, level, side) * stderr
    found = Contrast(effect=effect, stderr=stderr, t=effect / stderr, dof=dof, centre=effect, reach=reach)
    flat = treatment.variance + from_control == 0
    return answered(found, inherited(control, treatment), {Why.NO_SPREAD: flat}, level=level, side=side)


@np.errstate(all="ignore")
def lift(control: Points, treatment: Points, *, level: Level, side: Side = Side.BOTH) -> Estimates:
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
        Lifts as parts of control (0.02 is 2 %), shape (cells,); the standard error is of the delta method.
        The p is of no lift; below 1 - level exactly where the interval leaves 0 out.
    """
    leans = leaning(control, treatment)
    of_c, of_t = (lean / control.value[:, None] for lean in leans)
    ratio = treatment.value / control.value
    # in units of control's mean; the root first, since its square may vanish
    own_treatment = (np.sqrt(treatment.variance) / control.value) ** 2
    own_control = (np.sqrt(control.variance) / control.value) ** 2
    dof = satterthwaite(own_treatment, ratio**2 * own_control, treatment.dof, control.dof)
    c = quantile(dof, level, side)
    parts = Parts(
        ratio=ratio,
        effect=(treatment.value - control.value) / control.value,
        of_treatment=own_treatment + np.sum(of_t**2, axis=1),
        of_control=own_control + np.sum(of_c**2, axis=1),
        both=np.sum(of_t * of_c, axis=1),
    )
    flat = (control.variance == 0) & (treatment.variance == 0)
    near = control.value - c * np.sqrt(control.variance + np.sum(leans[0] ** 2, axis=1)) <= 0
    near = near | (control.value <= 0) | (c**2 * parts.of_control >= 1)
    reasons = {Why.NO_SPREAD: flat, Why.CONTROL_NEAR_ZERO: near}
    return answered(fieller(parts, c, dof), inherited(control, treatment), reasons, level=level, side=side)


def noninferior(
    control: Points,
    treatment: Points,
    *,
    margin: float,
    relative: bool,
    better_higher: bool,
    level: Level,
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


@np.errstate(all="ignore")
def variance(control: Points, treatment: Points, factor: float | FloatArray) -> FloatArray:
    """Variance of mu_t - factor * mu_c, cell by cell, with what the variants share.

    Args:
        control: Points of one metric over the control variant, shape (cells,).
        treatment: Points of the same metric and cells over a treatment.
        factor: How much of control's mean is taken off; shape (cells,) or one.
    """
    lean_control, lean_treatment = leaning(control, treatment)
    shared = np.sum((lean_treatment - np.asarray(factor)[..., None] * lean_control) ** 2, axis=1)
    return np.asarray(treatment.variance + np.square(factor) * control.variance + shared)


def leaning(control: Points, treatment: Points) -> tuple[FloatArray, FloatArray]:
    """What control and treatment share, shape (cells, errors); zero where a variant shares nothing."""
    none = np.zeros((len(control.n), 1))
    return (
        none if control.shared is None else control.shared,
        none if treatment.shared is None else treatment.shared,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a lift is made of, in units of control's mean; every array has shape (cells,)."""

    ratio: FloatArray
    effect: FloatArray
    """ratio - 1, from the difference of the levels: it keeps its digits near 0."""
    of_treatment: FloatArray
    """Variance of treatment's level."""
    of_control: FloatArray
    both: FloatArray
    """Covariance of the two levels; 0 unless they share errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A contrast before its reasons are known; every array has shape (cells,)."""

    effect: FloatArray
    stderr: FloatArray
    t: FloatArray
    """What the p is read from."""
    dof: FloatArray
    centre: FloatArray
    """Of the interval; the effect but for a lift."""
    reach: FloatArray


def fieller(parts: Parts, c: FloatArray, dof: FloatArray) -> Contrast:
    """Solve (ratio - r)² = c² (of_treatment - 2 r both + r² of_control) for r (Fieller 1954)."""
    ratio, effect, of_treatment, of_control = parts.ratio, parts.effect, parts.of_treatment, parts.of_control
    blur = c**2 * of_control
    drawn = c**2 * parts.both
    root = ratio**2 * of_control - 2 * ratio * parts.both + (1 - blur) * of_treatment + drawn * parts.both
    return Contrast(
        effect=effect,
        stderr=np.sqrt(of_treatment - 2 * ratio * parts.both + ratio**2 * of_control),
        t=effect / np.sqrt(of_treatment - 2 * parts.both + of_control),
        dof=dof,
        centre=(effect + blur - drawn) / (1 - blur),
        # below zero by rounding only, while control's mean is far enough from zero
        reach=c * np.sqrt(np.maximum(root, 0.0)) / (1 - blur),
    )


def satterthwaite(
    of_treatment: FloatArray, of_control: FloatArray, treatment: FloatArray, control: FloatArray
) -> FloatArray:
    """Degrees of freedom of a sum of two variances (Satterthwaite 1946), by parts: nothing overflows."""
    part = of_treatment / (of_treatment + of_control)
    return np.asarray(1 / (part**2 / treatment + (1 - part) ** 2 / control))


def quantile(dof: FloatArray, level: Level, side: Side) -> FloatArray:
    """How many standard errors an interval reaches from its estimate; normal where `dof` is infinite."""
    match level:
        case Reach(errors=errors):
            return np.zeros_like(dof) + errors
        case _:
            outside = 1 - np.asarray(level, dtype=np.float64)
    return np.asarray(-stdtrit(dof, outside / 2 if side is Side.BOTH else outside))


def promised(level: Level) -> float | FloatArray:
    """How often the intervals hold."""
    match level:
        case Reach(level=promise):
            return promise
        case plain:
            return plain


def tail(t: FloatArray, dof: FloatArray, side: Side) -> FloatArray:
    """The p of a statistic, always from the lower tail."""
    match side:
        case Side.BOTH:
            return np.asarray(2 * stdtr(dof, -np.abs(t)))
        case Side.LOWER:
            return np.asarray(stdtr(dof, -t))
        case Side.UPPER:
            return np.asarray(stdtr(dof, t))


def inherited(control: Points, treatment: Points) -> IntArray:
    """Why the points themselves have no number: a variant without units first, then control's reason."""
    nobody = treatment.why == Why.NO_UNITS
    return np.where((control.why > 0) & ~nobody, control.why, treatment.why)


def answered(
    found: Contrast,
    inherited: IntArray,
    reasons: dict[Why, npt.NDArray[np.bool_]],
    *,
    level: Level,
    side: Side,
) -> Estimates:
    """Turn a contrast into estimates: the reasons of the points first, then its own; no number beside one."""
    p = tail(found.t, found.dof, side)
    numbers = np.isfinite(found.effect) & np.isfinite(found.stderr) & np.isfinite(found.reach) & ~np.isnan(p)
    why = np.where(inherited > 0, inherited, first_of(reasons | {Why.NOT_FINITE: ~numbers}))
    low = np.full_like(p, -np.inf) if side is Side.UPPER else found.centre - found.reach
    high = np.full_like(p, np.inf) if side is Side.LOWER else found.centre + found.reach
    return Estimates(
        effect=np.where(why == 0, found.effect, np.nan),
        stderr=np.where(why == 0, found.stderr, np.nan),
        low=np.where(why == 0, low, np.nan),
        high=np.where(why == 0, high, np.nan),
        p=np.where(why == 0, p, np.nan),
        dof=np.where(why == 0, found.dof, np.nan),
        level=np.zeros_like(found.effect) + promised(level),
        why=why,
        side=side,
    )
