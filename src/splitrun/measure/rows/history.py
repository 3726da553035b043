"""Units as history saw them: each with its first row within a stretch, as if it had been enrolled then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.engine import Engine
from splitrun.measure.kinds import Reading, read
from splitrun.measure.parts import condition, names
from splitrun.measure.rows.enrolment import identity, microseconds, moment, moment_of
from splitrun.measure.sql import Work, column, every, relation, select, tree, until, whole
from splitrun.spec.source import Exposures, Source
from splitrun.terms.tree import Kind

__all__ = ["Past", "Trace", "past"]

FRAME = "history"
SEEN = "first_seen"
VARIANT = "history_variant"


@dataclass(frozen=True, slots=True)
class Trace:
    """The rows in which units leave a trace."""

    key: str
    """Of the source."""
    source: Source
    unit: str
    """The column with the unit's id in it."""
    called: str
    """What that column is called in the exposures."""
    where: str | None = None
    """Which rows are of eligible units; None: all."""
    known: tuple[str, ...] = ()
    """Further columns that are wanted of a unit, where there are such."""


@dataclass(frozen=True, slots=True)
class Past:
    """A source that was loaded to look back."""

    work: Work
    reading: Reading
    trace: Trace
    first: datetime
    """The moment of its first row."""
    last: datetime
    """Of its last that is no later than the moment of reading."""

    @property
    def known(self) -> tuple[str, ...]:
        """The wanted columns that it has."""
        return tuple(name for name in self.trace.known if name in self.reading.attributes)

    def exposures(self, cluster: str | None) -> Exposures:
        """How the units of `units` are read as exposures.

        Args:
            cluster: The column that names what is randomised together; it counts where it is known.
        """
        here = cluster if cluster in self.known else None
        return Exposures(
            frame=FRAME, unit=self.trace.called, variant=VARIANT, time=SEEN, cluster=here,
            pre_exposure=tuple(name for name in self.known if name != here),
        )  # fmt: skip

    def units(self, since: datetime, end: datetime, variant: str) -> pa.Table:
        """The units that have a row from one moment to before another.

        Args:
            since: The first moment that counts.
            end: The first that counts no more.
            variant: What they are all said to have met.

        Returns:
            One row for each: its id, the moment of its first row of the stretch, and what that says of it.
        """
        trace, lasting = (
            self.trace,
            [(f"k{place}", self.value(name)) for place, name in enumerate(self.known)],
        )
        kept = [tree("key IS NOT NULL AND at >= :s", s=whole(microseconds(since)))]
        kept.append(tree("at < :u", u=whole(microseconds(end))))
        rows = exp.select("*").from_(self.rows(lasting).subquery("x")).where(every(kept))
        ties = ", ".join(["at", *(name for name, _ in lasting)])
        turn = tree(f"ROW_NUMBER() OVER (PARTITION BY key ORDER BY {ties})")
        turned = exp.select("*").from_(rows.subquery("y")).select(exp.alias_(turn, "turn", quoted=True))
        wanted = [("key", tree("key")), ("at", tree("at")), *((name, column(name)) for name, _ in lasting)]
        found = self.work.ask(
            f"units of {trace.key}",
            select(wanted, turned.subquery("z")).where(tree("turn = 1")).order_by(tree("at"), tree("key")),
        )
        seen = found["at"].cast(pa.int64()).cast(pa.timestamp("us", tz="UTC"))
        labels = pa.chunked_array([pa.array([variant] * found.num_rows, pa.string())])
        return pa.Table.from_arrays(
            [found["key"], seen, labels, *(found[name] for name, _ in lasting)],
            names=[trace.called, SEEN, VARIANT, *self.known],
        )

    def value(self, name: str) -> exp.Expr:
        """A column of a row, as a number or as text."""
        attribute = self.reading.attribute(name, name)
        return attribute.number("r") if attribute.kind is Kind.NUMBER else attribute.written("r")

    def rows(self, more: list[tuple[str, exp.Expr]]) -> exp.Select:
        """The rows of eligible units: key, at and more."""
        return traced(self.reading, self.trace, more)


def past(engine: Engine, trace: Trace, timezone: str, now: datetime) -> Past:
    """Load the rows in which units leave a trace.

    Args:
        engine: Where they are; used for this alone.
        trace: Which rows.
        timezone: In which times without a zone are read.
        now: What lies after it cannot have happened.

    Raises:
        DataError: The rows have no time or no such columns, or there are none.
    """
    work, source = Work(engine), trace.source
    if source.time is None:
        raise DataError(
            f"{trace.key}: its rows have no time, so nobody can say when units came; "
            f"write `time` under sources.{trace.key}, or name another source with --units"
        )
    loaded = engine.load({trace.key: source})[trace.key]
    wanted = {trace.unit, source.time, *trace.known, *names([trace.where])}
    reading = read(work, trace.key, loaded, wanted, timezone)
    limits = [("first", tree("MIN(at)")), ("last", tree("MAX(at)"))]
    rows = traced(reading, trace, []).subquery("x")
    found = work.one(
        f"stretch of {trace.key}",
        select(limits, rows).where(tree("key IS NOT NULL"), until("at", microseconds(now))),
    )
    first, last = (None if found[end] is None else moment(int(found[end] or 0)) for end in ("first", "last"))
    if first is None or last is None:
        which = "" if trace.where is None else f" where {trace.where}"
        raise DataError(
            f"{trace.key}: no row{which} names a unit and a moment; name another source with --units"
        )
    return Past(work, reading, trace, first, last)


def traced(reading: Reading, trace: Trace, more: list[tuple[str, exp.Expr]]) -> exp.Select:
    """Rows that count, with the unit's id and the moment."""
    unit = reading.attribute(trace.unit, f"sources.{trace.key}.unit")
    key = identity(unit, "r", as_number=unit.whole)
    at = moment_of(reading, trace.source.time or "", "r", f"sources.{trace.key}.time")
    rows = select([("key", key), ("at", at), *more], relation(reading.loaded.relation, "r"))
    return rows if trace.where is None else rows.where(condition(reading, trace.where, "r", "--where"))
