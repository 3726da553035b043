"""Which columns of a source a plan uses."""

from __future__ import annotations

from splitrun.measure.events import unit_column
from splitrun.measure.parts import Part, names
from splitrun.spec.analysis import PRE_PERIOD, Adjust
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Exposures

__all__ = ["columns_of", "time_of", "unit_of"]


def columns_of(plan: Plan, exposures: Exposures, wanted: tuple[Part, ...], key: str) -> set[str]:
    """The columns of a source that the plan uses."""
    mine = [part for part in wanted if part.source == key]
    found = names(written for part in mine for written in (part.where, part.value))
    if plan.trigger is not None and plan.trigger.source == key:
        found |= names([plan.trigger.where])
    if key == EXPOSURES:
        found |= {exposures.unit, exposures.variant}
        found |= {name for name in (exposures.time, exposures.phase, exposures.cluster) if name is not None}
        found |= {name for name in (plan.analysis.adjust or Adjust()).covariates if name != PRE_PERIOD}
        found |= {planned.segment.values for planned in plan.segments if planned.segment.values is not None}
        return found | names(planned.segment.when for planned in plan.segments)
    time = time_of(plan, key)
    return found | {unit_of(plan, exposures, key)} | ({time} if time is not None else set())


def time_of(plan: Plan, key: str) -> str | None:
    """The column with the time of a source's rows."""
    return next(planned.source.time for planned in plan.sources if planned.key == key)


def unit_of(plan: Plan, exposures: Exposures, key: str) -> str:
    """The column with the unit's id in a source of events."""
    source = next(planned.source for planned in plan.sources if planned.key == key)
    return unit_column(key, source.unit, plan.unit, exposures.unit)
