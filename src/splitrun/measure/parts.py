"""A metric as columns over units: which rows of which source are selected, and what is added up of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from sqlglot import exp

from splitrun.errors import DataError, ExpressionError
from splitrun.measure.kinds import LARGEST, Reading
from splitrun.measure.sql import tree
from splitrun.spec.analysis import PRE_PERIOD
from splitrun.spec.metric import (
    ActiveDays,
    Cap,
    Count,
    Distinct,
    Mean,
    Metric,
    Per,
    Quantile,
    Ratio,
    Retention,
    Share,
    Total,
)
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES
from splitrun.terms.kinds import Sort, mismatches, sort_of
from splitrun.terms.parse import parse
from splitrun.terms.rendering import kind_of, rendered
from splitrun.terms.tree import Column, Kind, Tree, columns

__all__ = [
    "DAY",
    "Part",
    "What",
    "as_they_stand",
    "baselines",
    "caps",
    "condition",
    "decided",
    "distinct",
    "names",
    "outcome",
    "parts",
    "pre_period",
    "read_as_text",
    "refuse_misfits",
    "told_apart",
    "undecided",
    "usable",
    "value",
]


DAY = timedelta(days=1)


class What(StrEnum):
    """What is made of a unit's selected rows."""

    ANY = "any"
    """1 if there is one, else 0."""
    COUNT = "count"
    TOTAL = "total"
    DISTINCT = "distinct"
    """How many different values they hold; null and NaN are none."""
    DAYS = "days"
    """The share of the span's days, in steps of 24 hours, that hold a row."""
    VALUES = "values"
    """The rows themselves, each with a value of its own; as a number of the unit, how many they are."""


@dataclass(frozen=True, slots=True)
class Part:
    """One number per unit. Two metrics that need the same one share it."""

    source: str
    what: What
    where: str | None
    value: str | None
    window: timedelta | None
    """Rows before start + window; None: all."""
    since: timedelta = timedelta(0)
    """Rows from start + since on."""
    back: timedelta | None = None
    """Where there is one: rows in [exposure - back, exposure) in place of those after the start."""

    @property
    def spans(self) -> bool:
        """Whether it needs the times of exposure and of rows."""
        return self.window is not None or self.back is not None

    @property
    def days(self) -> int:
        """How many days its span has, the last of which may be cut short."""
        return max(1, -(-(self.back or self.window or DAY) // DAY))

    def before(self, back: timedelta) -> Part:
        """The same over a span before exposure; that of a span after some time is of any row."""
        return replace(self, window=None, since=timedelta(0), back=back)


def parts(metric: Metric) -> tuple[Part, ...]:
    """Write a metric as parts: numerator and denominator for a ratio, one for the others."""
    match metric:
        case Share(source=source, where=where, window=window):
            return (Part(source, What.ANY, where, None, window),)
        case Retention(source=source, where=where, since=since, to=to):
            return (Part(source, What.ANY, where, None, to, since),)
        case Mean(source=source, value=None, where=where, window=window):
            return (Part(source, What.COUNT, where, None, window),)
        case Mean(source=source, value=value, where=where, window=window):
            return (Part(source, What.TOTAL, where, value, window),)
        case Distinct(source=source, value=value, where=where, window=window):
            return (Part(source, What.DISTINCT, where, value, window),)
        case ActiveDays(source=source, where=where, window=window):
            return (Part(source, What.DAYS, where, None, window),)
        case Quantile(source=source, per=per, value=value, where=where, window=window):
            return (Part(source, What.TOTAL if per is Per.UNIT else What.VALUES, where, value, window),)
        case Ratio(over=over, under=under, window=window):
            return (_of_ratio(over, window), _of_ratio(under, window))
    assert_never(metric)


def _of_ratio(side: Total | Count, window: timedelta | None) -> Part:
    match side:
        case Total(source=source, value=value, where=where):
            return Part(source, What.TOTAL, where, value, window)
        case Count(source=source, where=where):
            return Part(source, What.COUNT, where, None, window)
    assert_never(side)


def caps(metric: Metric) -> tuple[Cap | None, ...]:
    """The cap of each of a metric's parts."""
    match metric:
        case Mean(cap=cap):
            return (cap,)
        case Ratio(over=over, under=under):
            return (over.cap, under.cap)
        case _:
            return (None,)


def as_they_stand(plan: Plan, listed: Sequence[Part]) -> bool:
    """Whether all numbers are those of the exposures' rows, so that each shows when they are added up.

    A total under a condition does not: a condition that is null would pass for one that is false. Nor does a
    number that waits for a window, or is capped by what was read of the numbers before.
    """
    waits = any(planned.metric.matures is not None for planned in plan.metrics)
    capped = any(cap is not None for planned in plan.metrics for cap in caps(planned.metric))
    rows = all(
        part.source == EXPOSURES and (part.what is not What.TOTAL or part.where is None) for part in listed
    )
    return rows and not waits and not capped


def pre_period(plan: Plan, metric: Metric) -> tuple[Part, ...]:
    """A metric's own parts over the span before exposure, where the plan adjusts for them.

    The exposure rows know no time before exposure, and a quantile is not adjusted: both have none.
    """
    adjust = plan.analysis.adjust
    mine = parts(metric)
    there = metric.kind != "quantile" and all(part.source != EXPOSURES for part in mine)
    if adjust is None or PRE_PERIOD not in adjust.covariates or adjust.lookback is None or not there:
        return ()
    return tuple(part.before(adjust.lookback) for part in mine)


def baselines(metric: Metric) -> tuple[Part | None, ...]:
    """For each part with a cap that is a quantile: the same over a window of its length before exposure."""
    return tuple(
        part.before(part.window)
        if cap is not None and cap.quantile is not None and part.window is not None
        else None
        for part, cap in zip(parts(metric), caps(metric), strict=True)
    )


def distinct(plan: Plan) -> tuple[Part, ...]:
    """All parts that a plan needs, each once, in the order of the metrics."""
    wanted: list[Part] = []
    for planned in plan.metrics:
        wanted += parts(planned.metric)
    for planned in plan.metrics:
        wanted += pre_period(plan, planned.metric)
        wanted += [part for part in baselines(planned.metric) if part is not None]
    return tuple(dict.fromkeys(wanted))


def names(expressions: Iterable[str | None]) -> set[str]:
    """The columns that expressions use."""
    return {name for written in expressions if written is not None for name in columns(parse(written))}


CONDITIONS = frozenset({Sort.BOOLEAN, Sort.NOTHING})
NUMBERS = frozenset({Sort.NUMBER, Sort.BOOLEAN, Sort.NOTHING})
ANYTHING = frozenset(Sort)
"""Values that are only told apart."""
REMEDIES = {
    Sort.NUMBER: "write a condition, like {written} <> 0",
    Sort.TEXT: "write a condition, like {written} = 'yes'",
    Sort.TIME: "write a condition, like {written} >= date('2026-01-31')",
}


def refuse_misfits(plan: Plan, readings: Mapping[str, Reading]) -> None:
    """Hold every expression of a plan against what its columns hold, before any row is counted.

    Raises:
        DataError: Kinds do not fit, so that something would be null in every row; or a condition is no
            condition, or a value no number.
    """
    for wanted, source, written, sorts in _written(plan):
        reading, parsed = readings[source], parse(written)
        named = {name: reading.attribute(name, wanted) for name in columns(parsed)}
        kinds = {name: attribute.kind for name, attribute in named.items() if not attribute.empty}
        for sentence in mismatches(parsed, kinds):
            raise DataError(
                f"{source}: {wanted}: {written!r} cannot be answered: {sentence}; "
                "compare values of one kind: texts stand in quotes, numbers do not"
            )
        sort = sort_of(parsed, kinds)
        if sort not in sorts | _read_alone(parsed, sorts):
            remedy = "write a number, like a column of numbers or arithmetic"
            if sorts is CONDITIONS:
                remedy = REMEDIES.get(sort, "write a condition, like amount > 0").format(written=written)
            raise DataError(f"{source}: {wanted}: {written!r} gives a {sort} for each row; {remedy}")


def _read_alone(parsed: Tree, sorts: frozenset[Sort]) -> frozenset[Sort]:
    """A text column named alone as a value is read as the numbers that it holds."""
    match parsed:
        case Column() if sorts is NUMBERS:
            return frozenset({Sort.TEXT})
        case _:
            return frozenset()


def _written(plan: Plan) -> Iterator[tuple[str, str, str, frozenset[Sort]]]:
    """Every expression: what it is for, whose columns it names, its text, and what it may give."""
    for planned in plan.metrics:
        for part in parts(planned.metric):
            if part.where is not None:
                yield f"`where` of metric {planned.key!r}", part.source, part.where, CONDITIONS
            if part.value is not None:
                sorts = ANYTHING if part.what is What.DISTINCT else NUMBERS
                yield f"`value` of metric {planned.key!r}", part.source, part.value, sorts
    for segment in plan.segments:
        if segment.segment.when is not None:
            yield f"`when` of segment {segment.key!r}", EXPOSURES, segment.segment.when, CONDITIONS
    if plan.trigger is not None and plan.trigger.where is not None:
        yield "`where` of the trigger", plan.trigger.source, plan.trigger.where, CONDITIONS


def condition(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr:
    """Render a condition over a source; three-valued.

    Raises:
        DataError: It names a column that is not there, or does not fit the columns' kinds.
    """
    return decided(reading, parse(written), alias, wanted)


def decided(reading: Reading, parsed: Tree, alias: str, wanted: str) -> exp.Expr:
    """Render a condition that was read already; three-valued.

    Raises:
        DataError: It names a column that is not there, or does not fit the columns' kinds.
    """
    bound = reading.bound(columns(parsed), alias, wanted)
    try:
        return rendered(parsed, bound)
    except ExpressionError as error:
        raise DataError(f"{reading.key}: {wanted}: {error}") from None


def undecided(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr | None:
    """Whether a condition is null because a cell that it names holds text that cannot be read.

    None where every cell can be read, so that nothing need be asked of the rows.
    """
    cells = [
        reading.attribute(name, wanted).unreadable(alias, reading.timezone)
        for name in columns(parse(written))
    ]
    there = [exp.paren(cell, copy=False) for cell in cells if cell is not None]
    if not there:
        return None
    test = condition(reading, written, alias, wanted)
    return tree("(:w) IS NULL AND COALESCE(:bad, FALSE)", w=test, bad=exp.paren(exp.or_(*there)))


def value(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr:
    """Render what is added up, as a 64-bit float that may be null, NaN or infinite."""
    parsed = parse(written)
    match parsed:
        case Column(name=name):
            # alone, a text column is read as the numbers that it holds
            return reading.attribute(name, wanted).number(alias)
        case _:
            return tree("TRY_CAST(:v AS DOUBLE)", v=condition(reading, written, alias, wanted))


def told_apart(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr:
    """Render what is told apart, of any kind; null where it is no value."""
    parsed = parse(written)
    found = condition(reading, written, alias, wanted)
    if kind_of(parsed, reading.bound(columns(parsed), alias, wanted)) is not Kind.NUMBER:
        return found
    return tree("CASE WHEN NOT ISNAN(:v) THEN :v END", v=found)


def usable(number: exp.Expr) -> exp.Expr:
    """Whether a number can be added up: not null, not NaN, not infinite and not absurdly large."""
    return tree(f"ABS(:n) <= {LARGEST}", n=number)


def outcome(reading: Reading, part: Part, place: int, *, filled: bool = False) -> list[tuple[str, exp.Expr]]:
    """Read a part from the exposure row: p is its value, null where missing; f says that it is not finite.

    Where it is known that no unit lacks it there is no f, and nothing is looked at again.
    """
    wanted = "a metric of the exposures"
    where = exp.true() if part.where is None else condition(reading, part.where, "r", wanted)
    if part.what is not What.TOTAL or part.value is None:
        return [(f"p{place}", tree("CAST(CAST(:w AS INTEGER) AS DOUBLE)", w=where))]
    number = value(reading, part.value, "r", wanted)
    holes = {"w": where, "n": number, "ok": usable(number)}
    if filled:
        plain = number if part.where is None else tree("CASE WHEN :w THEN :n ELSE 0.0 END", **holes)
        return [(f"p{place}", plain)]
    known, wrong = "CASE WHEN NOT :w THEN 0.0 WHEN :w AND :ok THEN :n END", ":w AND NOT (:ok)"
    if part.where is None:
        known, wrong = "CASE WHEN :ok THEN :n END", "NOT (:ok)"
    return [
        (f"p{place}", tree(known, **holes)),
        (f"f{place}", tree(f"CASE WHEN {wrong} THEN 1 ELSE 0 END", **holes)),
    ]


def read_as_text(reading: Reading, written: str | None) -> str | None:
    """The text column whose cells are read as numbers, where a value is one."""
    if written is None:
        return None
    match parse(written):
        case Column(name=name) if reading.attributes[name].kind is Kind.TEXT:
            return name
        case _:
            return None
