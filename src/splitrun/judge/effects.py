"""The effects of one treatment on one metric over the levels of a segment, and how they lie to the plan's lines.

A line is how far from control is tolerated or of interest. A relative line is judged by the linear contrast
mu_t - (1 +- m) mu_c and never by dividing (statistics: one contrast formula).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splitrun.infer.contrast import beyond, difference, lift
from splitrun.infer.estimate import Estimates, Points, Side
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Mode
from splitrun.spec.model import Direction
from splitrun.spec.plan import PlannedMetric

__all__ = ["Effects", "effects"]


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Everything read of one metric and treatment, level by level; every array has shape (levels,)."""

    absolute: Estimates
    relative: Estimates
    lower: Estimates | None
    """Treatment minus the line below control; None where the plan draws none."""
    upper: Estimates | None
    """Treatment minus the line above control."""


def effects(
    planned: PlannedMetric, control: Points, treatment: Points, *, alpha: float, mode: Mode | None
) -> Effects:
    """Read the effects of one treatment on one metric.

    Args:
        planned: The metric in its role.
        control: Its level in control, shape (levels,).
        treatment: Its level in the treatment, shape (levels,).
        alpha: Error rate of each comparison: two-sided, or one-sided for a guardrail.
        mode: How a guardrail is judged; None for every other role.
    """
    level = 1 - alpha
    if planned.guardrail is None or mode is None:
        bounds = None if planned.mei is None else lines(planned.mei, control, treatment, level, Side.BOTH)
        return Effects(
            absolute=difference(control, treatment, level=level),
            relative=lift(control, treatment, level=level),
            lower=bounds[0] if bounds else None,
            upper=bounds[1] if bounds else None,
        )
    proof, harm = sides(planned.metric.better)
    margin = planned.guardrail.margin
    proven, breached = (lines(margin, control, treatment, level, side) for side in (proof, harm))
    below = planned.metric.better is Direction.HIGHER
    index = 0 if below else 1
    shown = proof if mode is Mode.PROVE else harm
    return Effects(
        absolute=difference(control, treatment, level=level, side=shown),
        # both ends of a two-sided interval at 1 - 2 alpha are one-sided bounds at 1 - alpha
        relative=lift(control, treatment, level=1 - 2 * alpha),
        lower=proven[index] if below else breached[index],
        upper=breached[index] if below else proven[index],
    )


def sides(better: Direction) -> tuple[Side, Side]:
    """The side whose bound proves that a guardrail holds, and the side whose bound shows harm."""
    return (Side.LOWER, Side.UPPER) if better is Direction.HIGHER else (Side.UPPER, Side.LOWER)
