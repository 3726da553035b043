"""What is read: every metric of every treatment, over all units and over the levels of every segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitrun.infer.estimate import Points
from splitrun.infer.means import means
from splitrun.infer.ratios import ratios
from splitrun.judge.effects import Effects, effects
from splitrun.judge.error_rates import error_rates
from splitrun.measure.measured import Measured
from splitrun.moments import IntArray, Moments
from splitrun.spec.analysis import Mode
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["Reading", "every_reading"]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One metric and treatment over all units, or over the levels of a segment."""

    planned: PlannedMetric
    variant: str
    segment: str | None
    levels: tuple[str, ...]
    """One empty label where no segment is named."""
    control: Points
    treatment: Points
    exposed: IntArray
    """Units of control and of the treatment, shape (2, levels)."""
    watched: bool
    effects: Effects


def every_reading(plan: Plan, measured: Measured) -> Iterator[Reading]:
    """Metrics in the plan's order, each with its treatments, each over all units and then by segment."""
    rates = error_rates(plan)
    cuts = (None, *(segment.key for segment in plan.segments))
    for planned in plan.metrics:
        parts = {cut: measured.by_variant(planned.key, cut) for cut in cuts}
        points = {cut: [level_of(planned, moments) for moments in parts[cut][1]] for cut in cuts}
        for index, variant in enumerate(plan.treatments, start=1):
            for cut in cuts:
                levels = parts[cut][0]
                watched = cut is not None or (
                    planned.guardrail is not None and planned.guardrail.mode is Mode.WATCH
                )
                yield Reading(
                    planned=planned,
                    variant=variant,
                    segment=cut,
                    levels=levels,
                    control=points[cut][0],
                    treatment=points[cut][index],
                    exposed=measured.units(cut)[[0, index]],
                    watched=watched,
                    effects=effects(
                        planned,
                        points[cut][0],
                        points[cut][index],
                        alpha=rates[planned.key] / max(1, len(levels)),
                        watched=watched,
                    ),
                )


def level_of(planned: PlannedMetric, moments: Moments) -> Points:
    """The metric's level, cell by cell, by the method of its kind."""
    return ratios(moments) if planned.metric.kind == "ratio" else means(moments)
