"""The way from a plan to moments: load, read, enrol, trigger, add up, cut into cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from splitrun.errors import DataError
from splitrun.measure.adding.trust import FEW, MistrustedError
from splitrun.measure.engine import ROWS, Engine, Loaded, Stored
from splitrun.measure.events import MET, Events, Facts, added_up, forms, triggered, untriggered
from splitrun.measure.kinds import Reading, read
from splitrun.measure.measured import Clusters, Dirt, Measured, SourceFacts
from splitrun.measure.outcomes.blocks import blocks, known
from splitrun.measure.outcomes.caps import ceilings
from splitrun.measure.outcomes.clusters import clustered
from splitrun.measure.outcomes.cube import Cube
from splitrun.measure.outcomes.cuts import Cut, cuts
from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.outcomes.quantiles import quantiled
from splitrun.measure.parts import Part, as_they_stand, distinct, parts, refuse_misfits
from splitrun.measure.ranges import NUMBERS, WHOLE, Range, many, ranges, turns
from splitrun.measure.rows.columns import columns_of, strays, time_of, unit_of
from splitrun.measure.rows.crossing import Crossing, Label
from splitrun.measure.rows.enrolment import Enrolment, microseconds, moment
from splitrun.measure.segments import Levels, dimensions, is_text, label, raw, relabelled
from splitrun.measure.sql import Work, column
from splitrun.measure.sums import summed
from splitrun.measure.units import UNITS, Roll, enrolled, trusted
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Exposures, Rows

__all__ = ["measure"]


def measure(
    plan: Plan,
    engine: Engine,
    *,
    as_of: datetime | None = None,
    not_after: datetime | None = None,
    numbers: int = NUMBERS,
) -> Measured:
    """Turn a plan and the data it names into moments, with what was wrong with the rows.

    Args:
        plan: What is to be measured.
        engine: Where the data is; used for this one measurement.
        as_of: The moment up to which rows count and windows must have passed; by default the latest moment of
            an exposure to a planned variant or an event of an exposed unit.
        not_after: The moment of reading: what lies after it cannot have happened, is counted and not read,
            and `as_of` is no later.
        numbers: How many sums of units are held at once; more units are taken range by range.

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
    for name, moment_named in (("as_of", as_of), ("not_after", not_after)):
        if moment_named is not None and moment_named.tzinfo is None:
            raise DataError(f"{name} {moment_named.isoformat()} names no time zone; say which")
    until, now = (None if each is None else microseconds(each) for each in (as_of, not_after))
    if until is not None and now is not None:
        until = min(until, now)
    begun = _Measurement.begun(work, plan, plan.exposures, (until, now))
    begun.numbers = numbers
    return begun.measured()


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
    numbers: int = NUMBERS
    ranges: tuple[Range, ...] = (WHOLE,)

    @staticmethod
    def begun(
        work: Work, plan: Plan, exposures: Exposures, limits: tuple[int | None, int | None]
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
            key: read(work, key, loaded[key], columns_of(plan, exposures, wanted, key), plan.timezone)
            for key in rows
        }
        refuse_misfits(plan, readings)
        begun = _Measurement(work, plan, exposures, *limits, loaded, readings, wanted, ids_as_numbers=False)
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
        return unit_of(self.plan, self.exposures, key)

    def measured(self) -> Measured:
        """Run it; with a look at the rows first, where they cannot be taken at their word."""
        if self.trusting:
            before = len(self.work.done)
            try:
                return self.added_up(trusting=True)
            except MistrustedError:
                self.work.again(before)
        return self.added_up(trusting=False)

    def added_up(self, *, trusting: bool) -> Measured:
        """Run it."""
        plan, work = self.plan, self.work
        roll = self.enrolled(trusting=trusting)
        cut_by = dimensions(work, UNITS, plan, self.cut_by(roll))
        self.ranges = self.cut(sum(roll.exposed))
        facts = self.add_up()
        latest = [roll.latest, *(each.latest for each in facts.values())]
        if self.as_of is None:
            self.as_of = max((at for at in latest if at is not None), default=None)
        earliest = {key: each.earliest for key, each in facts.items()}
        found = cuts(work, self.cube(roll, cut_by, earliest))
        if roll.trusted:
            variant = found[0].cells.variant.code
            roll.exposed = tuple(
                np.bincount(variant, found[0].cells.units, len(plan.variants)).astype(int).tolist()
            )
        last = {key: each.last for key, each in facts.items()} | {EXPOSURES: roll.source_last}
        dirt = self.dirt(roll, facts, int(found[0].cells.units.sum()))
        whole, *single = [
            Measured(
                cells=each.cells,
                columns=each.columns,
                exposed=np.array(roll.exposed, dtype=np.int64),
                dirt=dirt,
                sources=self.facts(last),
                sql=(),
                as_of=moment(self.as_of) if any(at is not None for at in latest) else None,
                first_exposure=moment(roll.first),
                last_exposure=moment(roll.last),
                clusters=self.clusters(each, roll.unclustered),
            )
            for each in found
        ]
        measured = replace(
            whole, within={each.segment or "": part for each, part in zip(found[1:], single, strict=True)}
        )
        outcomes = {each.segment: each.cube.outcomes for each in found}
        measured = quantiled(work, plan, measured, outcomes, (self.listed, cut_by[0]))
        return replace(measured, sql=tuple(work.done))

    def enrolled(self, *, trusting: bool) -> Roll:
        """Make the table of units."""
        reading = self.readings[EXPOSURES]
        enrolment = Enrolment(
            self.plan, self.exposures, reading, self.parts, self.ids_as_numbers, self.limit, self.now
        )
        labels = [label(reading, segment) for segment in self.plan.segments]
        raws = [raw(reading, segment) for segment in self.plan.segments] if self.in_place else None
        if trusting and raws is not None:
            return trusted(self.work, enrolment, labels, raws)
        return enrolled(self.work, enrolment, labels, raws)

    def cut_by(self, roll: Roll) -> list[Label]:
        """The labels that units are cut by."""
        reading, made = self.readings[EXPOSURES], []
        for place, segment in enumerate(self.plan.segments):
            name = f"s{place}"
            here = column(f"r{place}" if roll.in_place else name, "u")
            label_of = relabelled(reading, segment, name) if roll.in_place else column(name, "u")
            made.append(Label(name, here, label_of, text=roll.in_place and is_text(reading, segment)))
        if self.exposures.phase:
            made.append(Label("phase", column("phase", "u"), column("phase", "u")))
        return made

    @property
    def in_place(self) -> bool:
        """Whether units need no table of their own: reading them again is cheap, their ids are numbers."""
        if self.exposures.cluster is not None or self.plan.trigger is not None or self.quantiles:
            return False
        reading, time = self.readings[EXPOSURES], self.exposures.time
        # text is dear to read as numbers and times: where it must be, it is read once and kept
        stored = reading.attribute(time, "exposures.time").stored if time else None
        cheap = reading.loaded.typed and stored is not Stored.TEXT
        return cheap and (self.ids_as_numbers or all(part.source == EXPOSURES for part in self.parts))

    @property
    def trusting(self) -> bool:
        """Whether rows may be taken at their word: what is wrong with one shows when they are added up."""
        few = ROWS in self.work.engine.capabilities and self.loaded[EXPOSURES].rows <= FEW
        bare = self.exposures.time is None and as_they_stand(self.plan, self.parts)
        return few and bare and self.in_place and (self.ids_as_numbers or self.exposures.unit == "row")

    @property
    def quantiles(self) -> bool:
        """Whether some metric is a quantile."""
        return any(planned.metric.kind == "quantile" for planned in self.plan.metrics)

    def cut(self, units: int) -> tuple[Range, ...]:
        """The ranges in which the units' rows are added up."""
        joined = [part for part in self.parts if part.source != EXPOSURES]
        if not joined:
            return (WHOLE,)
        return ranges(self.work, many(units, len(joined), self.numbers), ids_as_numbers=self.ids_as_numbers)

    def turns(self, roll: Roll, width: int) -> tuple[Range, ...]:
        """The units whose outcomes are held at once: all of them where clusters or quantiles come back."""
        if self.exposures.cluster is not None or self.quantiles:
            return (WHOLE,)
        if roll.in_place:
            return self.ranges
        units = sum(roll.exposed)
        return turns(units, many(units, width, self.numbers))

    def cube(
        self,
        roll: Roll,
        cut_by: tuple[Mapping[str, Levels], Levels, Crossing | None],
        earliest: Mapping[str, int | None],
    ) -> Cube:
        """What the units are cut by, and what is known of each."""
        numbers = Numbers(
            plan=self.plan,
            parts=self.parts,
            tables=self.tables(),
            earliest=earliest,
            as_of=self.as_of,
            first=roll.first,
            timed=self.exposures.time is not None,
        )
        roofs = ceilings(self.work, numbers)
        made = blocks(numbers, roofs, known(self.work, numbers, roofs, roll.filled))
        return Cube(
            numbers=numbers,
            blocks=made,
            ceilings=roofs,
            levels=cut_by[0],
            phases=cut_by[1],
            clustered=self.exposures.cluster is not None,
            turns=self.turns(roll, sum(block.width for listed in made.values() for block in listed)),
            crossing=cut_by[2],
            in_place=roll.in_place,
            trusted=roll.trusted,
            ids=self.exposures.unit != "row",
            kept=self.exposures.cluster is not None or self.quantiles or bool(numbers.looks()),
        )

    def clusters(self, cut: Cut, lost: int) -> Clusters | None:
        """The sums over clusters, where the plan names a cluster."""
        if not cut.cube.clustered:
            return None
        return clustered(self.work, self.plan, cut.cube.blocks, cut.cube.outcomes, lost)

    @property
    def limit(self) -> int | None:
        """The moment after which no row is read, as far as it is known before they are read."""
        return self.now if self.as_of is None else self.as_of

    def tables(self) -> dict[str, str]:
        """The table of each event source's columns."""
        sources = dict.fromkeys(part.source for part in self.parts if part.source != EXPOSURES)
        return {source: f"_columns_{place}" for place, source in enumerate(sources)}

    def listed(self, part: Part) -> tuple[str, str]:
        """The table and the column that hold the values of a part, unit by unit."""
        return self.tables()[part.source], f"l{self.parts.index(part)}"

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
        time = self.exposures.time if key == EXPOSURES else time_of(self.plan, key)
        return Events(
            reading=self.readings[key],
            unit=self.unit(key),
            time=time,
            timed=time is not None and self.exposures.time is not None,
            ids_as_numbers=self.ids_as_numbers,
            limit=self.limit,
            now=self.now,
            table=table,
            ranges=self.ranges,
        )

    def facts(self, last: Mapping[str, int | None]) -> tuple[SourceFacts, ...]:
        """What was read."""
        named: dict[str, Rows] = {EXPOSURES: self.exposures}
        named |= {planned.key: planned.source for planned in self.plan.sources}
        return tuple(
            SourceFacts(
                name=key,
                form=named[key].form,
                where=each.pin or named[key].where,
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
                key: forms(self.work, self.events(key, MET))
                for key, each in events.items()
                if each.unexposed and not each.met and sum(roll.exposed)
            },
            events_no_time=_some({key: each.no_time for key, each in events.items()}),
            text_in_number=strays(self.work, self.readings, self.parts),
            not_finite=_some(not_finite),
            future_rows=_some({EXPOSURES: roll.future} | {key: each.future for key, each in events.items()}),
            late_rows=_some({key: each.late for key, each in self.loaded.items()}),
            conflicting_units=roll.conflicting,
            logged=self.loaded[EXPOSURES].logged,
            untriggered_units=sum(roll.exposed) - analysed if self.plan.trigger else 0,
        )


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: count for key, count in counts.items() if count}
