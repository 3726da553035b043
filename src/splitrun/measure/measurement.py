"""The way from a plan to moments: load, read, enrol, trigger, add up, cut into cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from splitrun.errors import DataError
from splitrun.measure.cube import Cube, cubed
from splitrun.measure.engine import Engine, Loaded
from splitrun.measure.events import MET, Events, Facts, added_up, forms, triggered, unit_column, untriggered
from splitrun.measure.kinds import Reading, read
from splitrun.measure.measured import Dirt, Measured, SourceFacts, TextInNumber
from splitrun.measure.parts import Part, distinct, names, parts, read_as_text, refuse_misfits
from splitrun.measure.segments import label, levels
from splitrun.measure.sql import Work
from splitrun.measure.sums import summed
from splitrun.measure.units import UNITS, Enrolment, Roll, enrolled, microseconds, moment
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Exposures, Rows
from splitrun.terms.tree import Kind

__all__ = ["measure"]


def measure(
    plan: Plan, engine: Engine, *, as_of: datetime | None = None, not_after: datetime | None = None
) -> Measured:
    """Turn a plan and the data it names into moments, with what was wrong with the rows.

    Args:
        plan: What is to be measured.
        engine: Where the data is; used for this one measurement.
        as_of: The moment up to which rows count and windows must have passed; by default the latest moment of
            an exposure to a planned variant or an event of an exposed unit.
        not_after: The moment of reading: what lies after it cannot have happened, is counted and not read.

    Returns:
        Moments over cells, units, dirt, and the SQL that made them.

    Raises:
        DataError: The data cannot be read or does not fit the plan.
        EngineError: The engine refused.
        ExpressionError: An expression cannot be read.
    """
    work = Work(engine)
    if plan.moments is not None:
        return summed(work, plan, plan.moments)
    if plan.exposures is None:
        raise DataError(f"experiment {plan.key!r} names neither exposures nor moments; name one of them")
    for name, at in (("as_of", as_of), ("not_after", not_after)):
        if at is not None and at.tzinfo is None:
            raise DataError(f"{name} {at.isoformat()} names no time zone; say which")
    now = None if not_after is None else microseconds(not_after)
    asked = None if as_of is None else microseconds(as_of)
    if asked is not None and now is not None:
        asked = min(asked, now)
    return _Measurement.begun(work, plan, plan.exposures, asked, now).measured()


@dataclass(slots=True)
class _Measurement:
    """One measurement under way."""

    work: Work
    plan: Plan
    exposures: Exposures
    as_of: int | None
    now: int | None
    loaded: Mapping[str, Loaded]
    readings: Mapping[str, Reading]
    parts: tuple[Part, ...]
    ids_as_numbers: bool

    @staticmethod
    def begun(
        work: Work, plan: Plan, exposures: Exposures, as_of: int | None, now: int | None
    ) -> _Measurement:
        """Load the sources that the plan uses and find out what their columns hold."""
        wanted = distinct(plan)
        used = {part.source for part in wanted} | ({plan.trigger.source} if plan.trigger else set())
        rows: dict[str, Rows] = {EXPOSURES: exposures}
        for planned in plan.sources:
            if planned.key in used:
                rows[planned.key] = planned.source
        if strange := sorted(used - set(rows)):
            raise DataError(f"the plan names no source {', '.join(strange)}; add it to its sources")
        loaded = work.engine.load(rows)
        if not loaded[EXPOSURES].rows:
            raise DataError(
                f"exposures: there are no rows in {exposures.form} {exposures.where[:200]!r}; "
                "check what is named"
            )
        readings = {
            key: read(work, key, loaded[key], _names(plan, exposures, wanted, key), plan.timezone)
            for key in rows
        }
        refuse_misfits(plan, readings)
        begun = _Measurement(
            work, plan, exposures, as_of, now, loaded, readings, wanted, ids_as_numbers=False
        )
        begun.ids_as_numbers = begun.all_whole()
        return begun

    def all_whole(self) -> bool:
        """Whether the ids of all sources are whole numbers, which are joined faster than text."""
        if self.exposures.unit == "row":
            return False
        return all(
            reading.attribute(self.unit(key), f"{key}.unit").whole for key, reading in self.readings.items()
        )

    def unit(self, key: str) -> str:
        """The column with the unit's id in a source."""
        if key == EXPOSURES:
            return self.exposures.unit
        return _unit(self.plan, self.exposures, key)

    def measured(self) -> Measured:
        """Run it."""
        plan, work = self.plan, self.work
        reading = self.readings[EXPOSURES]
        enrolment = Enrolment(
            plan, self.exposures, reading, self.parts, self.ids_as_numbers, limit=self.limit(), now=self.now
        )
        roll = enrolled(work, enrolment, [label(reading, segment) for segment in plan.segments])
        facts = self.add_up()
        latest = [roll.latest, *(each.latest for each in facts.values())]
        if self.as_of is None:
            self.as_of = max((at for at in latest if at is not None), default=None)
        cube = Cube(
            plan=plan,
            parts=self.parts,
            levels={
                segment.key: levels(work, f"s{place}", UNITS, segment)
                for place, segment in enumerate(plan.segments)
            },
            phases=levels(work, "phase", UNITS),
            tables=self.tables(),
            as_of=self.as_of,
            timed=self.exposures.time is not None,
        )
        cells, columns = cubed(work, cube)
        timed = any(at is not None for at in latest)
        return Measured(
            cells=cells,
            columns=columns,
            exposed=_array(roll.exposed),
            dirt=self.dirt(roll, facts, int(cells.units.sum())),
            sources=self.facts(
                {key: each.last for key, each in facts.items()} | {EXPOSURES: roll.source_last}
            ),
            sql=tuple(work.done),
            as_of=moment(self.as_of) if timed else None,
            first_exposure=moment(roll.first),
            last_exposure=moment(roll.last),
        )

    def limit(self) -> int | None:
        """The moment after which no row is read."""
        return self.now if self.as_of is None else self.as_of

    def tables(self) -> dict[str, str]:
        """The table of each event source's columns."""
        sources = dict.fromkeys(part.source for part in self.parts if part.source != EXPOSURES)
        return {source: f"_columns_{place}" for place, source in enumerate(sources)}

    def add_up(self) -> dict[str, Facts]:
        """Trigger, then one pass over each event source."""
        facts: dict[str, Facts] = {}
        trigger = self.plan.trigger
        if trigger is None:
            untriggered(self.work)
        else:
            facts[trigger.source] = triggered(self.work, self.events(trigger.source, UNITS), trigger.where)
        for source, table in self.tables().items():
            wanted = {place: part for place, part in enumerate(self.parts) if part.source == source}
            facts[source] = added_up(self.work, self.events(source, MET), wanted, table)
        return facts

    def events(self, key: str, table: str) -> Events:
        """A source as events that meet units; the exposures' own rows may be a trigger."""
        time = self.exposures.time if key == EXPOSURES else _source_time(self.plan, key)
        return Events(
            reading=self.readings[key],
            unit=self.unit(key),
            time=time,
            timed=time is not None and self.exposures.time is not None,
            ids_as_numbers=self.ids_as_numbers,
            limit=self.limit(),
            now=self.now,
            table=table,
        )

    def facts(self, last: Mapping[str, int | None]) -> tuple[SourceFacts, ...]:
        """What was read."""
        named: dict[str, Rows] = {EXPOSURES: self.exposures}
        named |= {planned.key: planned.source for planned in self.plan.sources}
        return tuple(
            SourceFacts(
                name=key,
                form=named[key].form,
                where=named[key].where,
                rows=each.rows,
                digest=each.digest,
                last=moment(last.get(key)),
            )
            for key, each in self.loaded.items()
        )

    def dirt(self, roll: Roll, facts: Mapping[str, Facts], analysed: int) -> Dirt:
        """Everything that was wrong, counted."""
        events = {key: each for key, each in facts.items() if key != EXPOSURES}
        bad = dict(roll.not_finite)
        for each in events.values():
            bad |= each.not_finite
        places = {part: place for place, part in enumerate(self.parts)}
        not_finite = {
            planned.key: sum(bad.get(places[part], 0) for part in dict.fromkeys(parts(planned.metric)))
            for planned in self.plan.metrics
        }
        return Dirt(
            exposure_rows=roll.rows,
            no_unit=roll.no_unit,
            no_variant=roll.no_variant,
            unknown_variants=roll.unknown,
            no_time=roll.no_time,
            duplicate_exposures=roll.duplicates,
            crossover_units=roll.crossovers,
            crossovers_left_out=roll.crossovers_left_out,
            zoneless=_some({EXPOSURES: roll.zoneless} | {key: each.zoneless for key, each in events.items()}),
            zoned=_some({EXPOSURES: roll.zoned} | {key: each.zoned for key, each in events.items()}),
            quarantined={
                key: (each.quarantined, each.lines) for key, each in self.loaded.items() if each.quarantined
            },
            events_before=_some({key: each.before for key, each in events.items()}),
            events_unexposed=_some({key: each.unexposed for key, each in events.items()}),
            strangers={
                key: forms(self.work, self.events(key, UNITS))
                for key, each in events.items()
                if each.unexposed and not each.met and sum(roll.exposed)
            },
            events_no_time=_some({key: each.no_time for key, each in events.items()}),
            text_in_number=self.strays(),
            not_finite=_some(not_finite),
            future_rows=_some({EXPOSURES: roll.future} | {key: each.future for key, each in events.items()}),
            conflicting_units=roll.conflicting,
            untriggered_units=sum(roll.exposed) - analysed if self.plan.trigger else 0,
        )

    def strays(self) -> tuple[TextInNumber, ...]:
        """Numeric columns that hold text, and text columns whose cells are read as numbers."""
        found = [
            TextInNumber(key, attribute.name, attribute.strays, attribute.examples)
            for key, reading in self.readings.items()
            for attribute in reading.attributes.values()
            if attribute.kind is Kind.NUMBER and attribute.strays
        ]
        texts = dict.fromkeys(
            (part.source, name)
            for part in self.parts
            if (name := read_as_text(self.readings[part.source], part.value)) is not None
        )
        for key, name in texts:
            rows, examples = self.readings[key].unread(self.work, name)
            if rows:
                found.append(TextInNumber(key, name, rows, examples))
        return tuple(found)


def _names(plan: Plan, exposures: Exposures, wanted: tuple[Part, ...], key: str) -> set[str]:
    """The columns of a source that the plan uses."""
    mine = [part for part in wanted if part.source == key]
    found = names(written for part in mine for written in (part.where, part.value))
    if plan.trigger is not None and plan.trigger.source == key:
        found |= names([plan.trigger.where])
    if key == EXPOSURES:
        found |= {exposures.unit, exposures.variant}
        found |= {name for name in (exposures.time, exposures.phase) if name is not None}
        found |= {planned.segment.values for planned in plan.segments if planned.segment.values is not None}
        return found | names(planned.segment.when for planned in plan.segments)
    time = _source_time(plan, key)
    return found | {_unit(plan, exposures, key)} | ({time} if time is not None else set())


def _source_time(plan: Plan, key: str) -> str | None:
    return next(planned.source.time for planned in plan.sources if planned.key == key)


def _unit(plan: Plan, exposures: Exposures, key: str) -> str:
    source = next(planned.source for planned in plan.sources if planned.key == key)
    return unit_column(key, source.unit, plan.unit, exposures.unit)


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: count for key, count in counts.items() if count}


def _array(counts: tuple[int, ...]) -> IntArray:
    return np.array(counts, dtype=np.int64)
