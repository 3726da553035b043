"""One aggregation by unit over each source of events, for all metrics that use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.kinds import Reading
from splitrun.measure.parts import Part, What, condition, undecided, usable, value
from splitrun.measure.sql import Work, column, every, later, relation, select, tree, until, whole
from splitrun.measure.units import MICROSECOND, UNITS, identity, moment_of

__all__ = ["MET", "Events", "Facts", "added_up", "forms", "triggered", "unit_column", "untriggered"]

TRIGGERED = "_triggered"
MET = "_met"


@dataclass(slots=True)
class Facts:
    """What the rows of a source say of themselves."""

    before: int = 0
    unexposed: int = 0
    no_time: int = 0
    zoned: int = 0
    zoneless: int = 0
    future: int = 0
    met: int = 0
    """Rows of exposed units."""
    latest: int | None = None
    """Of the rows of exposed units."""
    last: int | None = None
    """Of all rows."""
    not_finite: Mapping[int, int] = field(default_factory=dict)
    """By place of the part among the plan's parts."""


@dataclass(frozen=True, slots=True)
class Events:
    """A source of events, read, and how it meets the units."""

    reading: Reading
    unit: str
    time: str | None
    timed: bool
    """Whether both the exposures and the events have times."""
    ids_as_numbers: bool
    limit: int | None
    """Rows after it are not read."""
    now: int | None
    """Rows after it are not yet possible, and counted."""
    table: str
    """Where the units stand: `_units`, or `_met` after a trigger."""

    def key(self) -> exp.Expr:
        """The unit's id in a row."""
        attribute = self.reading.attribute(self.unit, f"sources.{self.reading.key}.unit")
        return identity(attribute, "r", as_number=self.ids_as_numbers)

    def at(self) -> exp.Expr:
        """The row's moment."""
        if self.time is None:
            return tree("CAST(NULL AS BIGINT)")
        return moment_of(self.reading, self.time, "r", f"sources.{self.reading.key}.time")

    def zoned(self) -> exp.Expr:
        """Whether the row's time names its zone."""
        if self.time is None:
            return exp.false()
        return self.reading.attribute(self.time, f"sources.{self.reading.key}.time").zoned("r")

    def met(self, columns: Sequence[tuple[str, exp.Expr]]) -> exp.Select:
        """The rows beside the units that they belong to; n is null where there is none."""
        rows = select(
            [("key", self.key()), ("at", self.at()), ("zoned", self.zoned()), *columns],
            relation(self.reading.loaded.relation, "r"),
        ).subquery("e")
        return (
            exp.select("*")
            .from_(rows)
            .join(relation(self.table, "u"), on=tree("e.key = u.key"), join_type="left")
        )

    def inside(self, window: timedelta | None) -> exp.Expr:
        """Whether a row lies in the window that a unit's start opens."""
        tests = []
        if self.timed:
            tests.append(tree("e.at >= u.start"))
            if window is not None:
                tests.append(tree("e.at < u.start + :w", w=whole(window // MICROSECOND)))
        if self.time is not None:
            tests.append(until("e.at", self.limit))
        return every(tests)

    def facts(self) -> list[tuple[str, exp.Expr]]:
        """What is counted of the rows whatever the metrics."""
        before = tree("COUNT_IF(e.at < u.at)") if self.timed else whole(0)
        no_time = tree("COUNT_IF(e.at IS NULL)") if self.time is not None else whole(0)
        return [
            ("rows", tree("COUNT(*)")),
            ("before", before),
            ("no_time", no_time),
            ("zoned", tree("COUNT_IF(e.at IS NOT NULL AND e.zoned)")),
            ("zoneless", tree("COUNT_IF(e.at IS NOT NULL AND NOT e.zoned)")),
            ("future", later("e.at", self.now)),
            ("latest", tree("MAX(CASE WHEN :ok THEN e.at END)", ok=until("e.at", self.limit))),
        ]


def forms(work: Work, events: Events) -> tuple[str, str]:
    """How ids are written among the units and in a source: 9 for each digit and a for each letter."""
    ours = select([("id", tree("CAST(key AS TEXT)"))], relation(UNITS, "u"))
    theirs = select(
        [("id", tree("CAST(:key AS TEXT)", key=events.key()))], relation(events.reading.loaded.relation, "r")
    ).where(tree("(:key) IS NOT NULL", key=events.key()))
    found = [work.ask("how ids are written", query.limit(whole(1))).to_pylist() for query in (ours, theirs)]
    one, other = (str(rows[0]["id"])[:40] if rows else "" for rows in found)
    return _form(one), _form(other)


def _form(identity: str) -> str:
    return "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in identity)


def unit_column(key: str, unit: str | Mapping[str, str] | None, unit_type: str, default: str) -> str:
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


def triggered(work: Work, events: Events, where: str | None) -> Facts:
    """Find each unit's first qualifying moment at or after its exposure; makes the table `_met`.

    Units that never met it are kept, with `met` false, so that their events are told from a stranger's.
    """
    test = exp.true() if where is None else condition(events.reading, where, "r", "trigger.where")
    counted = [tree("e.chosen")]
    if events.timed:
        counted.append(tree("e.at >= u.at"))
    if events.time is not None:
        counted.append(until("e.at", events.limit))
    chosen = every(counted)
    met = events.met([("chosen", test)])
    query = _aggregated(
        met,
        [
            *events.facts(),
            ("start", tree("MIN(CASE WHEN :c THEN e.at END)", c=chosen)),
            ("hits", tree("COUNT_IF(:c)", c=chosen)),
        ],
    )
    work.keep("trigger", TRIGGERED, query)
    facts = _read(work, TRIGGERED, events.reading.key, {})
    start = tree("t.start") if events.timed else tree("u.at")
    units = (
        exp.select("u.*")
        .select(
            exp.alias_(start, "start", quoted=True),
            exp.alias_(tree("COALESCE(t.hits, 0) > 0"), "met", quoted=True),
        )
        .from_(relation(UNITS, "u"))
        .join(relation(TRIGGERED, "t"), on=tree("u.n = t.n"), join_type="left")
    )
    work.keep("units after the trigger", MET, units)
    return facts


def untriggered(work: Work) -> None:
    """Make the table `_met` where there is no trigger: units start at their exposure."""
    units = (
        exp.select("u.*")
        .select(exp.alias_(tree("u.at"), "start", quoted=True), exp.alias_(exp.true(), "met", quoted=True))
        .from_(relation(UNITS, "u"))
    )
    work.keep("units analysed", MET, units)


def added_up(work: Work, events: Events, wanted: Mapping[int, Part], kept: str) -> Facts:
    """Add up all parts of one source in one pass; makes the table `kept`.

    Args:
        work: Where SQL runs.
        events: The source.
        wanted: Its parts, by place among the plan's parts.
        kept: The table to make: n, p0… (a unit's number, null where a selected value is unusable).

    Raises:
        DataError: A window is asked of rows without times.
    """
    columns: list[tuple[str, exp.Expr]] = []
    tallies: list[tuple[str, exp.Expr]] = list(events.facts())
    wheres = _shared(events, wanted, columns)
    values = _valued(events, wanted, columns)
    for place, part in wanted.items():
        if part.window is not None and not events.timed:
            raise DataError(
                f"{events.reading.key}: a window of {part.window} needs the time of exposure and of rows; "
                "name `time:` in both, or leave the window out"
            )
        inside = events.inside(part.window)
        where = wheres[part.where]
        tally, *others = _tallied(place, part, _true([*where, inside]), values.get(part.value))
        tallies += [_known(tally, [column(f"u{each.name}", "e") for each in where], inside), *others]
    work.keep(f"columns of {events.reading.key}", kept, _aggregated(events.met(columns), tallies))
    return _read(work, kept, events.reading.key, wanted)


def _shared(
    events: Events, wanted: Mapping[int, Part], columns: list[tuple[str, exp.Expr]]
) -> dict[str | None, list[exp.Expr]]:
    """Each condition once, however many parts use it."""
    shared: dict[str | None, list[exp.Expr]] = {None: []}
    for part in wanted.values():
        if part.where is not None and part.where not in shared:
            name = f"w{len(shared)}"
            wanted_for = f"a metric of {part.source}"
            columns.append((name, condition(events.reading, part.where, "r", wanted_for)))
            columns.append((f"u{name}", undecided(events.reading, part.where, "r", wanted_for)))
            shared[part.where] = [column(name, "e")]
    return shared


def _valued(
    events: Events, wanted: Mapping[int, Part], columns: list[tuple[str, exp.Expr]]
) -> dict[str | None, exp.Expr]:
    valued: dict[str | None, exp.Expr] = {}
    for part in wanted.values():
        if part.value is not None and part.value not in valued:
            name = f"v{len(valued)}"
            columns.append((name, value(events.reading, part.value, "r", f"a metric of {part.source}")))
            valued[part.value] = column(name, "e")
    return valued


def _true(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """All of these, and false where that is null: DuckDB's COUNT_IF over nulls alone is null and not 0."""
    return tree("(:all) IS TRUE", all=every(conditions))


def _known(
    tally: tuple[str, exp.Expr], undecided_rows: Sequence[exp.Expr], inside: exp.Expr
) -> tuple[str, exp.Expr]:
    """A unit's number, null where a row inside its window cannot be decided: it may count or not."""
    if not undecided_rows:
        return tally
    name, number = tally
    blind = _true([*undecided_rows, inside])
    return name, tree("CASE WHEN COUNT_IF(:b) = 0 THEN :n END", b=blind, n=number)


def _tallied(
    place: int, part: Part, selected: exp.Expr, number: exp.Expr | None
) -> list[tuple[str, exp.Expr]]:
    if part.what is What.ANY:
        return [(f"p{place}", tree("MAX(CASE WHEN :s THEN 1.0 ELSE 0.0 END)", s=selected))]
    if number is None:
        return [(f"p{place}", tree("CAST(COUNT_IF(:s) AS DOUBLE)", s=selected))]
    holes = {"s": selected, "n": number, "ok": usable(number)}
    return [
        (
            f"p{place}",
            tree(
                "CASE WHEN COUNT_IF(:s AND (:ok) IS NOT TRUE) = 0 THEN "
                "COALESCE(FSUM(CASE WHEN :s AND :ok THEN :n END), 0.0) END",
                **holes,
            ),
        ),
        (f"f{place}", tree("COUNT_IF(:s AND NOT :ok)", **holes)),
    ]


def _aggregated(met: exp.Select, tallies: Sequence[tuple[str, exp.Expr]]) -> exp.Select:
    named = [exp.alias_(tally, name, quoted=True) for name, tally in tallies]
    return met.select(exp.alias_(tree("u.n"), "n", quoted=True), *named, append=False).group_by(tree("u.n"))


def _read(work: Work, kept: str, key: str, wanted: Mapping[int, Part]) -> Facts:
    valued = [place for place, part in wanted.items() if part.what is What.TOTAL]
    named = ("before", "no_time", "zoned", "zoneless", "future")
    row = work.one(
        f"rows of {key}",
        select(
            [
                *((name, tree("CAST(SUM(:c) AS BIGINT)", c=column(name))) for name in named),
                ("unexposed", tree("CAST(SUM(CASE WHEN n IS NULL THEN rows END) AS BIGINT)")),
                ("met", tree("CAST(SUM(CASE WHEN n IS NOT NULL THEN rows END) AS BIGINT)")),
                ("latest", tree("MAX(CASE WHEN n IS NOT NULL THEN latest END)")),
                ("last", tree("MAX(latest)")),
                *((f"f{place}", tree("CAST(SUM(:c) AS BIGINT)", c=column(f"f{place}"))) for place in valued),
            ],
            relation(kept, "k"),
        ),
    )
    latest, last = row["latest"], row["last"]
    return Facts(
        **{name: int(row[name] or 0) for name in (*named, "unexposed", "met")},
        latest=None if latest is None else int(latest),
        last=None if last is None else int(last),
        not_finite={place: int(row[f"f{place}"] or 0) for place in valued},
    )
