"""One aggregation by unit over each source of events, for all metrics that use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.kinds import Reading
from splitrun.measure.parts import DAY, Part, What, condition, told_apart, undecided, usable, value
from splitrun.measure.ranges import WHOLE, Range
from splitrun.measure.rows.enrolment import MICROSECOND, identity, moment_of
from splitrun.measure.sql import Work, column, every, later, relation, select, titled, tree, until, whole
from splitrun.measure.units import UNITS

__all__ = [
    "MET",
    "Events",
    "Facts",
    "added_up",
    "forms",
    "triggered",
    "untriggered",
]

Columns = Sequence[tuple[str, exp.Expr]]
"""Expressions under names."""

Row = Mapping[str, int | float | str | None]

TRIGGERED = "_triggered"
MET = "_met"
FINITE = frozenset({What.TOTAL, What.VALUES})
"""What is made of values that must be finite."""


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
    earliest: int | None = None
    """Of all rows."""
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
    ranges: tuple[Range, ...] = (WHOLE,)
    """Of units, taken one after another."""

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

    def met(self, columns: Sequence[tuple[str, exp.Expr]], these: Range = WHOLE) -> exp.Select:
        """The rows of the units in a range, beside these units."""
        rows = select(
            [("key", self.key()), ("at", self.at()), *columns], relation(self.reading.loaded.relation, "r")
        ).subquery("e", copy=False)
        joined = exp.select("*").from_(rows, copy=False)
        joined = joined.join(relation(self.table, "u"), on=tree("e.key = u.key"), copy=False)
        # said of the rows as well: a file sorted by unit is then read only where the range lies
        return joined.where(these.holds(tree("e.key")), these.holds(tree("u.key")), copy=False)

    def kept(self, work: Work, name: str, table: str, read: Columns, tallies: Columns) -> None:
        """Add up the rows of every unit that has any, range by range; makes a table of n and tallies."""
        named = [titled(called, tally) for called, tally in (*self.matched(), *tallies)]
        for these in self.ranges:
            query = self.met(read, these).select(titled("n", tree("u.n")), *named, append=False, copy=False)
            make = work.keep if these is self.ranges[0] else work.extend
            make(name, table, query.group_by(tree("u.n"), copy=False))

    def inside(self, part: Part) -> exp.Expr:
        """Whether a row lies in the span of a part."""
        tests = []
        if self.timed and part.back is not None:
            tests += [tree("e.at >= u.at - :b", b=_micros(part.back)), tree("e.at < u.at")]
        elif self.timed:
            since = tree("u.start + :s", s=_micros(part.since)) if part.since else tree("u.start")
            tests.append(tree("e.at >= :since", since=since))
            if part.window is not None:
                tests.append(tree("e.at < u.start + :w", w=_micros(part.window)))
        if self.limit is not None and self.time is not None:
            tests.append(until("e.at", self.limit))
        return every(tests)

    def day(self, part: Part) -> exp.Expr:
        """Which day of a part's span a row lies on, in steps of 24 hours."""
        start = tree("u.start + :s", s=_micros(part.since))
        if part.back is not None:
            start = tree("(u.at - :b)", b=_micros(part.back))
        return tree("(e.at - (:start)) // :day", start=start, day=_micros(DAY))

    def matched(self) -> Columns:
        """What is counted of each unit's rows whatever the metrics."""
        before = tree("CAST(COUNT(CASE WHEN e.at < u.at THEN 1 END) AS UINTEGER)") if self.timed else whole(0)
        latest = tree("MAX(CASE WHEN :ok THEN e.at END)", ok=until("e.at", self.limit))
        return [("rows", tree("CAST(COUNT(*) AS UINTEGER)")), ("before", before), ("latest", latest)]

    def looked_at(self, values: Sequence[exp.Expr]) -> exp.Select:
        """What all rows say, whosever they are: their times, and how often each value is not finite."""
        read = [("at", self.at()), ("zoned", self.zoned())]
        read += [(f"v{place}", value) for place, value in enumerate(values)]
        no_time = tree("COUNT(*) - COUNT(e.at)") if self.time is not None else whole(0)
        named = [
            ("rows", tree("COUNT(*)")),
            ("no_time", no_time),
            ("zoned", tree("COUNT(CASE WHEN e.zoned THEN e.at END)")),
            ("zoneless", tree("COUNT(CASE WHEN NOT e.zoned THEN e.at END)")),
            ("earliest", tree("MIN(e.at)")),
            ("last", tree("MAX(CASE WHEN :ok THEN e.at END)", ok=until("e.at", self.limit))),
            ("future", later("e.at", self.now)),
        ]
        named += [
            (f"v{place}", tree("COUNT_IF(NOT (:ok))", ok=usable(column(f"v{place}", "e"))))
            for place in range(len(values))
        ]
        named += [
            (f"n{place}", tree("COUNT(*) - COUNT(:v)", v=column(f"v{place}", "e")))
            for place in range(len(values))
        ]
        return select(
            named, select(read, relation(self.reading.loaded.relation, "r")).subquery("e", copy=False)
        )


def forms(work: Work, events: Events) -> tuple[str, str]:
    """How ids are written among the units and in a source: 9 for each digit and a for each letter."""
    ours = select([("id", tree("MIN(CAST(key AS TEXT))"))], relation(events.table, "u"))
    theirs = select(
        [("id", tree("MIN(CAST(:key AS TEXT))", key=events.key()))],
        relation(events.reading.loaded.relation, "r"),
    )
    one, other = (str(work.one("how ids are written", query)["id"] or "") for query in (ours, theirs))
    return _form(one[:40]), _form(other[:40])


def _form(identity: str) -> str:
    return "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in identity)


def triggered(work: Work, events: Events, where: str | None) -> Facts:
    """Find each unit's first qualifying moment at or after its exposure; makes the table `_met`.

    Units that never met it are kept, with `met` false, so that their events are told from a stranger's.
    """
    test = exp.true() if where is None else condition(events.reading, where, "r", "trigger.where")
    counted = [tree("e.chosen")]
    if events.timed:
        counted.append(tree("e.at >= u.at"))
    if events.limit is not None and events.time is not None:
        counted.append(until("e.at", events.limit))
    chosen = every(counted)
    found = [
        ("start", tree("MIN(CASE WHEN :c THEN e.at END)", c=chosen)),
        ("hits", tree("COUNT_IF(:c)", c=chosen)),
    ]
    events.kept(work, "trigger", TRIGGERED, [("chosen", test)], found)
    facts = _facts(work, events, TRIGGERED, _looked_at(work, events, []))
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
    work.forget(UNITS)
    work.forget(TRIGGERED)
    return facts


def untriggered(work: Work) -> None:
    """Name the units `_met` where there is no trigger: they start at their exposure."""
    units = (
        exp.select("u.*")
        .select(exp.alias_(tree("u.at"), "start", quoted=True), exp.alias_(exp.true(), "met", quoted=True))
        .from_(relation(UNITS, "u"))
    )
    work.name("units analysed", MET, units)


def added_up(work: Work, events: Events, wanted: Mapping[int, Part], kept: str) -> Facts:
    """Add up all parts of one source in one pass; makes the table `kept`.

    Args:
        work: Where SQL runs.
        events: The source.
        wanted: Its parts, by place among the plan's parts.
        kept: The table to make: n, p0… (a unit's number, null where a selected value is unusable), and l0… of
            parts that are values: a list of those that a unit has selected.

    Raises:
        DataError: A window is asked of rows without times.
    """
    columns: list[tuple[str, exp.Expr]] = []
    tallies: list[tuple[str, exp.Expr]] = []
    wheres = _shared(events, wanted, columns)
    values = _valued(events, wanted, columns)
    read = dict(columns)
    numbers = {written: read[value.name] for (sort, written), value in values.items() if not sort}
    row = _looked_at(work, events, list(numbers.values()))
    strange = {written for place, written in enumerate(numbers) if row[f"v{place}"]}
    plain = {
        written for place, written in enumerate(numbers) if not row[f"v{place}"] and not row[f"n{place}"]
    }
    for place, part in wanted.items():
        _check_timed(events, part)
        where, blind = wheres[part.where]
        inside = events.inside(part)
        selected = every([*where, inside])
        value = values.get((part.what is What.DISTINCT, part.value))
        number = _tallied(part, selected, value, events, plain=part.value in plain)
        tallies.append((f"p{place}", _known(number, [*blind, inside]) if blind else number))
        if value is not None and part.what is What.VALUES:
            tallies.append((f"l{place}", _listed(every([selected, usable(value)]), value)))
        if value is not None and part.what in FINITE and part.value in strange:
            wrong = tree("COUNT_IF(:s AND NOT (:ok))", s=selected, ok=usable(value))
            tallies.append((f"f{place}", wrong))
    events.kept(work, f"columns of {events.reading.key}", kept, columns, tallies)
    return _facts(work, events, kept, row, [name for name, _ in tallies])


def _check_timed(events: Events, part: Part) -> None:
    if part.spans and not events.timed:
        raise DataError(
            f"{events.reading.key}: a window of {part.back or part.window} needs the time of exposure and of "
            "rows; name `time:` in both, or leave the window out"
        )


def _micros(span: timedelta) -> exp.Expr:
    return whole(span // MICROSECOND)


def _shared(
    events: Events, wanted: Mapping[int, Part], columns: list[tuple[str, exp.Expr]]
) -> dict[str | None, tuple[list[exp.Expr], list[exp.Expr]]]:
    """Each condition once, however many parts use it; and whether a row's cells leave it undecided."""
    shared: dict[str | None, tuple[list[exp.Expr], list[exp.Expr]]] = {None: ([], [])}
    for part in wanted.values():
        if part.where is None or part.where in shared:
            continue
        name, wanted_for = f"w{len(shared)}", f"a metric of {part.source}"
        columns.append((name, condition(events.reading, part.where, "r", wanted_for)))
        blind = undecided(events.reading, part.where, "r", wanted_for)
        shared[part.where] = ([column(name, "e")], [column(f"u{name}", "e")] if blind is not None else [])
        columns += [(f"u{name}", blind)] if blind is not None else []
    return shared


def _valued(
    events: Events, wanted: Mapping[int, Part], columns: list[tuple[str, exp.Expr]]
) -> dict[tuple[bool, str | None], exp.Expr]:
    """Each value once, by whether it is only told apart and how it is written."""
    valued: dict[tuple[bool, str | None], exp.Expr] = {}
    for part in wanted.values():
        sort = part.what is What.DISTINCT
        if part.value is not None and (sort, part.value) not in valued:
            name, rendering = f"v{len(valued)}", told_apart if sort else value
            columns.append((name, rendering(events.reading, part.value, "r", f"a metric of {part.source}")))
            valued[sort, part.value] = column(name, "e")
    return valued


def _tallied(
    part: Part, selected: exp.Expr, number: exp.Expr | None, events: Events, *, plain: bool
) -> exp.Expr:
    """A unit's number: null where a selected value is unusable; `plain` where every row's is usable."""
    holes = {"s": selected}
    if part.what is What.ANY:
        # kept for every unit: a byte, and of a count four, and not eight
        return tree(
            "CAST(CASE WHEN COUNT(CASE WHEN :s THEN 1 END) > 0 THEN 1 ELSE 0 END AS UTINYINT)", **holes
        )
    if part.what is What.DAYS:
        days = tree("COUNT(DISTINCT CASE WHEN :s THEN :day END)", day=events.day(part), **holes)
        return tree("CAST(:days AS DOUBLE) / :all", days=days, all=whole(part.days))
    if number is None:
        return tree("CAST(COUNT(CASE WHEN :s THEN 1 END) AS UINTEGER)", **holes)
    holes |= {"n": number, "ok": usable(number)}
    if part.what is What.DISTINCT:
        return tree("CAST(COUNT(DISTINCT CASE WHEN :s THEN :n END) AS DOUBLE)", **holes)
    if part.what is What.VALUES:
        # COUNT_IF is null where the condition is null in every row, and such rows are not selected
        known = "CASE WHEN COUNT(CASE WHEN :s AND (:ok) IS NOT TRUE THEN 1 END) = 0 THEN :total END"
        return tree(known, total=tree("CAST(COUNT(CASE WHEN :s THEN 1 END) AS DOUBLE)", **holes), **holes)
    if plain:
        return tree("COALESCE(FSUM(CASE WHEN :s THEN :n END), 0.0)", **holes)
    # one unusable value makes the sum NaN: one tally less for every row than counting them beside it
    total = tree("FSUM(CASE WHEN :s THEN CASE WHEN :ok THEN :n ELSE CAST('NaN' AS DOUBLE) END END)", **holes)
    return tree("CASE WHEN NOT ISNAN(COALESCE(:t, 0.0)) THEN COALESCE(:t, 0.0) END", t=total)


def _listed(selected: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The values of a unit's selected rows, so that their source need not be read again."""
    return exp.Filter(this=exp.ArrayAgg(this=value), expression=exp.Where(this=selected))


def _known(number: exp.Expr, blind: Sequence[exp.Expr]) -> exp.Expr:
    """A unit's number, null where a row inside its span cannot be decided: it may count or not."""
    return tree("CASE WHEN COUNT(CASE WHEN :b THEN 1 END) = 0 THEN :n END", b=every(blind), n=number)


def _looked_at(work: Work, events: Events, values: Sequence[exp.Expr]) -> Row:
    return work.one(f"rows of {events.reading.key}", events.looked_at(values))


def _facts(work: Work, events: Events, kept: str, row: Row, tallies: Sequence[str] = ()) -> Facts:
    """What the rows say of themselves, and what the units' tallies say of them."""
    wrong = [name for name in tallies if name.startswith("f")]
    named = [
        (name, tree("CAST(COALESCE(SUM(:c), 0) AS BIGINT)", c=column(name)))
        for name in ("rows", "before", *wrong)
    ]
    named.append(("latest", tree("MAX(latest)")))
    matched = work.one(f"rows of {events.reading.key} that met a unit", select(named, relation(kept, "k")))
    met = int(matched["rows"] or 0)
    return Facts(
        **{name: int(row[name] or 0) for name in ("no_time", "zoned", "zoneless", "future")},
        before=int(matched["before"] or 0),
        unexposed=int(row["rows"] or 0) - met,
        met=met,
        earliest=_moment(row["earliest"]),
        latest=_moment(matched["latest"]),
        last=_moment(row["last"]),
        not_finite={int(name[1:]): int(matched[name] or 0) for name in wrong},
    )


def _moment(found: float | str | None) -> int | None:
    return None if found is None else int(found)
