"""The effects of one treatment on one metric over a segment's levels, and how they lie to the plan's lines.

A line is how far from control is tolerated or of interest. A relative line is judged by the linear contrast
mu_t - (1 +- m) mu_c and never by dividing, so that a lift without bounds never blocks a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splitrun.infer.contrast import beyond, difference, lift
from splitrun.infer.estimate import Estimates, Points, Side
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction
from splitrun.spec.plan import PlannedMetric

__all__ = ["Effects", "Interest", "Tolerance", "effects"]


@dataclass(frozen=True, slots=True, eq=False)
class Interest:
    """How treatment lies to the lines that the minimum effect of interest draws on both sides of control."""

    above_lower: Estimates
    above_upper: Estimates


@dataclass(frozen=True, slots=True, eq=False)
class Tolerance:
    """How treatment lies to the line that a guardrail's margin draws on the bad side of control."""

    proof: Estimates
    """Bounded on the side that shows that the guardrail holds."""
    harm: Estimates
    """Bounded on the side that shows that it is breached."""


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Everything read of one metric and treatment; every array has shape (levels,)."""

    absolute: Estimates
    relative: Estimates
    interest: Interest | None
    tolerance: Tolerance | None


def effects(
    planned: PlannedMetric, control: Points, treatment: Points, *, alpha: float, watched: bool
) -> Effects:
    """Read the effects of one treatment on one metric.

    Args:
        planned: The metric in its role.
        control: Its level in control, shape (levels,).
        treatment: Its level in the treatment, shape (levels,).
        alpha: Error rate of each comparison: two-sided, or one-sided for a guardrail.
        watched: Whether only harm is looked for; without meaning where the metric is no guardrail.
    """
    level = 1 - alpha
    if planned.guardrail is None:
        return Effects(
            absolute=difference(control, treatment, level=level),
            relative=lift(control, treatment, level=level),
            interest=None if planned.mei is None else interest(planned.mei, control, treatment, level),
            tolerance=None,
        )
    higher = planned.metric.better is Direction.HIGHER
    proof, harm = (Side.LOWER, Side.UPPER) if higher else (Side.UPPER, Side.LOWER)
    sign = -1 if higher else 1
    size, shown = planned.guardrail.margin, harm if watched else proof
    return Effects(
        absolute=difference(control, treatment, level=level, side=shown),
        relative=lift(control, treatment, level=level, side=shown),
        interest=None,
        tolerance=Tolerance(
            proof=past(size, sign, control, treatment, level=level, side=proof),
            harm=past(size, sign, control, treatment, level=level, side=harm),
        ),
    )


def interest(size: Size, control: Points, treatment: Points, level: float) -> Interest:
    """Hold the treatment against both lines of the minimum effect of interest."""
    return Interest(
        above_lower=past(size, -1, control, treatment, level=level, side=Side.BOTH),
        above_upper=past(size, 1, control, treatment, level=level, side=Side.BOTH),
    )


def past(size: Size, sign: int, control: Points, treatment: Points, *, level: float, side: Side) -> Estimates:
    """How far treatment lies above the line that is `size` above (sign 1) or below (sign -1) control.

    Below zero, 10 % more than control is -90: a relative line lies on the side that its sign says.
    """
    if size.relative:
        factor = 1 + sign * size.value * np.sign(control.value)
        return beyond(control, treatment, factor=factor, shift=0.0, level=level, side=side)
    return beyond(control, treatment, factor=1.0, shift=sign * size.value, level=level, side=side)
