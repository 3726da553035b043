"""Which columns of a source a plan uses, and which of them hold what they should not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from splitrun.errors import DataError
from splitrun.measure.kinds import Reading
from splitrun.measure.measured import TextInNumber
from splitrun.measure.parts import Part, What, distinct, names, read_as_text
from splitrun.measure.sql import Work
from splitrun.spec.analysis import PRE_PERIOD, Adjust
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Exposures
from splitrun.terms.tree import Kind

__all__ = ["columns_of", "strays", "time_of", "unit_of", "wanted"]


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
    return _named(key, source.unit, plan.unit, exposures.unit)


def _named(key: str, unit: str | Mapping[str, str] | None, unit_type: str, default: str) -> str:
    """The column of a source that holds the unit's id.

    Raises:
        DataError: The source names none for this type of unit, or the units have no ids.
    """
    match unit:
        case None if default == "row":
            raise DataError(
                f"{key}: each row of the exposures is a unit of its own, so no event can be joined to it; "
                "give exposures.unit a column with the unit's id"
            )
        case None:
            return default
        case str():
            return unit
        case _ if unit_type in unit:
            return unit[unit_type]
        case _:
            raise DataError(
                f"{key}: no column is named for the unit {unit_type!r} (there is {', '.join(unit)}); "
                f"add it to sources.{key}.unit"
            )


def wanted(plan: Plan) -> dict[str, frozenset[str]]:
    """Give the columns that a plan uses of its exposures and of each source."""
    if plan.exposures is None:
        return {}
    exposures, needed = plan.exposures, distinct(plan)
    keys = (EXPOSURES, *(planned.key for planned in plan.sources))
    return {key: frozenset(columns_of(plan, exposures, needed, key)) for key in keys}


def strays(work: Work, readings: Mapping[str, Reading], needed: Sequence[Part]) -> tuple[TextInNumber, ...]:
    """Numeric columns that hold text, and text columns whose cells are read as numbers."""
    found = [
        TextInNumber(key, attribute.name, attribute.strays, attribute.examples)
        for key, reading in readings.items()
        for attribute in reading.attributes.values()
        if attribute.kind is Kind.NUMBER and attribute.strays
    ]
    texts = dict.fromkeys(
        (part.source, name)
        for part in needed
        if part.what in {What.TOTAL, What.VALUES}
        and (name := read_as_text(readings[part.source], part.value)) is not None
    )
    for key, name in texts:
        rows, examples = readings[key].unread(work, name)
        if rows:
            found.append(TextInNumber(key, name, rows, examples))
    return tuple(found)
