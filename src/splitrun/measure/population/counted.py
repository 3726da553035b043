"""A population by what is known of its units, and the part of it that an audience takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.engine import Engine
from splitrun.measure.kinds import Reading, read
from splitrun.measure.parts import decided
from splitrun.measure.rows.enrolment import identity, microseconds, moment_of
from splitrun.measure.segments import MISSING, MOST, named
from splitrun.measure.sql import Work, column, relation, select, text, tree, until, whole
from splitrun.spec.power.baselines import FrameLevel
from splitrun.spec.source import Source
from splitrun.terms.tree import Tree, columns

__all__ = ["Counted", "Population", "counted"]

KEPT = "_population"
SMALL = "(smaller levels)"


@dataclass(frozen=True, slots=True)
class Population:
    """Whom a sample should represent, and who of them is taken."""

    key: str
    """Of the source."""
    source: Source
    unit: str | None
    """The column with the unit's id; None: each row is a unit."""
    by: tuple[str, ...]
    """Columns known before exposure."""
    audience: Tree | None
    """Who is taken; None: everyone."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Units of a population, counted."""

    units: int
    inside: int
    """Those whom the audience takes."""
    by: dict[str, tuple[FrameLevel, ...]]
    """Levels of each column, the largest first, small ones together at the end."""


def counted(engine: Engine, asked: Population, timezone: str, now: datetime) -> Counted:
    """Count the units of a population, and of each level of its columns, inside and outside of an audience.

    A unit with several rows counts by its latest, where the source has `time`; rows without an id count not.

    Args:
        engine: Where the rows are; used for this alone.
        asked: What is counted.
        timezone: In which times without a zone are read.
        now: What lies after it cannot have happened.

    Raises:
        DataError: The rows cannot be read, hold no such columns, or no unit.
        EngineError: The engine refused.
    """
    work, source = Work(engine), asked.source
    loaded = engine.load({asked.key: source})[asked.key]
    told = {name for name in (asked.unit, source.time) if name is not None}
    meant = set() if asked.audience is None else set(columns(asked.audience))
    reading = read(work, asked.key, loaded, {*told, *asked.by, *meant}, timezone)
    work.keep(f"units of {asked.key}", KEPT, units(reading, asked, now))
    totals = [("units", tree("COUNT(*)")), ("inside", tree("COUNT_IF(inside)"))]
    found = work.one(f"size of {asked.key}", select(totals, relation(KEPT, "u")))
    if not found["units"]:
        raise DataError(f"{asked.key}: no row names a unit; name another source as the population")
    by = {name: tuple(levels(work, f"l{place}", name)) for place, name in enumerate(asked.by)}
    return Counted(int(found["units"]), int(found["inside"] or 0), by)


def units(reading: Reading, asked: Population, now: datetime) -> exp.Query:
    """A row for each unit: whether it is taken, and its labels."""
    inside = exp.true() if asked.audience is None else decided(reading, asked.audience, "r", "the audience")
    labels = [(f"l{place}", label(reading, name)) for place, name in enumerate(asked.by)]
    time = asked.source.time
    at = whole(0) if time is None else moment_of(reading, time, "r", f"sources.{asked.key}.time")
    listed = [("at", at), ("inside", tree("COALESCE(:i, FALSE)", i=exp.paren(inside))), *labels]
    rows = select([("key", key(reading, asked)), *listed], relation(reading.loaded.relation, "r"))
    ties = ", ".join(["at DESC NULLS LAST", "inside", *(name for name, _ in labels)])
    turn = tree(f"ROW_NUMBER() OVER (PARTITION BY key ORDER BY {ties})")
    past = tree("at IS NULL OR :p", p=until("at", microseconds(now)))
    there = exp.select("*").from_(rows.subquery("x")).where(tree("key IS NOT NULL"), past)
    turned = exp.select("*").from_(there.subquery("y")).select(exp.alias_(turn, "turn", quoted=True))
    return exp.select("*").from_(turned.subquery("z")).where(tree("turn = 1"))


def key(reading: Reading, asked: Population) -> exp.Expr:
    """What tells units apart."""
    if asked.unit is None:
        return tree("ROW_NUMBER() OVER ()")
    attribute = reading.attribute(asked.unit, f"sources.{asked.key}.unit")
    return identity(attribute, "r", as_number=attribute.whole)


def label(reading: Reading, name: str) -> exp.Expr:
    """The level of a row, as text and never null."""
    written = reading.attribute(name, "frame.by").written("r")
    return tree("COALESCE(NULLIF(:label, ''), :missing)", label=written, missing=text(MISSING))


def levels(work: Work, name: str, attribute: str) -> Iterator[FrameLevel]:
    """The largest levels of an attribute, and the others together: those reached, and those missed wholly."""
    sizes = [("label", column(name, "u")), ("units", tree("COUNT(*)")), ("inside", tree("COUNT_IF(inside)"))]
    sized = select(sizes, relation(KEPT, "u")).group_by(column(name, "u"))
    place = tree("ROW_NUMBER() OVER (ORDER BY units DESC, label)")
    placed = exp.select("*").from_(sized.subquery("s")).select(exp.alias_(place, "place", quoted=True))
    apart = tree("CASE WHEN place <= :most THEN place WHEN inside > 0 THEN :r ELSE :m END",
                 most=whole(MOST), r=whole(MOST + 1), m=whole(MOST + 2))  # fmt: skip
    own = exp.select("*").from_(placed.subquery("p")).select(exp.alias_(apart, "row", quoted=True))
    told = [
        ("row", column("row")),
        ("label", tree("MIN(label)")),
        ("levels", tree("COUNT(*)")),
        ("units", tree("CAST(SUM(units) AS BIGINT)")),
        ("inside", tree("CAST(SUM(inside) AS BIGINT)")),
    ]
    query = select(told, own.subquery("o")).group_by(column("row")).order_by(column("row"))
    rows = work.ask(f"levels of {attribute}", query).to_pylist()
    labels = named(tuple(str(row["label"]) if row["levels"] == 1 else SMALL for row in rows))
    for row, shown in zip(rows, labels, strict=True):
        yield FrameLevel(
            label=shown, levels=int(row["levels"]), population=int(row["units"]), frame=int(row["inside"])
        )
