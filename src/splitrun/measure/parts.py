"""A metric as columns over units: which rows of which source are selected, and what is added up of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from sqlglot import exp

from splitrun.errors import DataError, ExpressionError
from splitrun.measure.kinds import LARGEST, Reading
from splitrun.measure.sql import tree
from splitrun.spec.metric import Count, Mean, Metric, Ratio, Share, Total
from splitrun.spec.plan import Plan
from splitrun.terms.parse import parse
from splitrun.terms.rendering import rendered
from splitrun.terms.tree import Column, Kind, columns

__all__ = ["Part", "What", "condition", "distinct", "names", "outcome", "parts", "usable", "value"]


class What(StrEnum):
    """What is made of a unit's selected rows."""

    ANY = "any"
    """1 if there is one, else 0."""
    COUNT = "count"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Part:
    """One number per unit. Two metrics that need the same one share it."""

    source: str
    what: What
    where: str | None
    value: str | None
    window: timedelta | None


def parts(metric: Metric) -> tuple[Part, ...]:
    """Write a metric as parts: one for a mean or share, numerator and denominator for a ratio."""
    match metric:
        case Share(source=source, where=where, window=window):
            return (Part(source, What.ANY, where, None, window),)
        case Mean(source=source, value=None, where=where, window=window):
            return (Part(source, What.COUNT, where, None, window),)
        case Mean(source=source, value=value, where=where, window=window):
            return (Part(source, What.TOTAL, where, value, window),)
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


def distinct(plan: Plan) -> tuple[Part, ...]:
    """All parts that a plan needs, each once, in the order of the metrics."""
    return tuple(dict.fromkeys(part for planned in plan.metrics for part in parts(planned.metric)))


def names(expressions: Iterable[str | None]) -> set[str]:
    """The columns that expressions use."""
    return {name for written in expressions if written is not None for name in columns(parse(written))}


def condition(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr:
    """Render a condition over a source; three-valued.

    Raises:
        DataError: It names a column that is not there, or does not fit the columns' kinds.
    """
    parsed = parse(written)
    bound = reading.bound(columns(parsed), alias, wanted)
    try:
        return rendered(parsed, bound)
    except ExpressionError as error:
        raise DataError(f"{reading.key}: {wanted}: {error}") from None


def value(reading: Reading, written: str, alias: str, wanted: str) -> exp.Expr:
    """Render what is added up, as a 64-bit float that may be null, NaN or infinite."""
    parsed = parse(written)
    match parsed:
        case Column(name=name):
            # alone, a text column is read as the numbers that it holds
            return reading.attribute(name, wanted).number(alias)
        case _:
            return tree("TRY_CAST(:v AS DOUBLE)", v=condition(reading, written, alias, wanted))


def usable(number: exp.Expr) -> exp.Expr:
    """Whether a number can be added up: not null, not NaN, not infinite and not absurdly large."""
    return tree(f"ABS(:n) <= {LARGEST}", n=number)


def outcome(reading: Reading, part: Part, place: int) -> list[tuple[str, exp.Expr]]:
    """Read a part from the exposure row: p is its value, null where missing; f says that it is not finite."""
    wanted = "a metric of the exposures"
    where = exp.true() if part.where is None else condition(reading, part.where, "r", wanted)
    if part.what is not What.TOTAL or part.value is None:
        return [(f"p{place}", tree("CASE WHEN :w THEN 1.0 WHEN NOT :w THEN 0.0 END", w=where))]
    number = value(reading, part.value, "r", wanted)
    return [
        (
            f"p{place}",
            tree(
                "CASE WHEN NOT :w THEN 0.0 WHEN :w AND :ok THEN :n END", w=where, n=number, ok=usable(number)
            ),
        ),
        (
            f"f{place}",
            tree("CASE WHEN :w AND NOT :ok THEN 1 ELSE 0 END", w=where, n=number, ok=usable(number)),
        ),
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
