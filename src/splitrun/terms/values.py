"""What a value in a process is to an expression, and how two of them compare.

A truth, a number, a text, a moment or a version; everything else is null. Kinds are told apart by the value
itself: a text is never a number. Only the standard library is loaded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from math import isfinite
from typing import Literal

from splitrun.terms.tree import Kind

__all__ = ["Operator", "Value", "compared", "kind_of", "value_of"]

Value = bool | float | str | datetime | bytes | None
"""A version is its key, see `literals.version_key`, as bytes; attributes are never versions."""

Operator = Literal["=", "<>", "<", "<=", ">", ">="]

COMPARED: dict[Operator, Callable[..., bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

KINDS = {bool: Kind.BOOLEAN, float: Kind.NUMBER, str: Kind.TEXT, datetime: Kind.TIME}


def value_of(given: object, zone: tzinfo) -> Value:
    """Take what a caller gave as a value of the language.

    Args:
        given: Anything. Whole numbers become doubles, as they are in SQL; days their midnight.
        zone: Where moments with a zone are read.

    Returns:
        The value; None where there is none, which NaN, the infinities and other kinds of things are.
    """
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        return str.__str__(given)
    if isinstance(given, int | float):
        return _finite(given)
    if isinstance(given, datetime):
        return _moment(given, zone)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day)  # noqa: DTZ001  # read in the plan's zone, as in SQL
    return None


def _finite(given: float) -> float | None:
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _moment(given: datetime, zone: tzinfo) -> datetime | None:
    try:
        local = given if given.tzinfo is None else given.astimezone(zone)
    except (OverflowError, ValueError):
        return None
    return datetime.combine(local.date(), local.time().replace(fold=0))


def kind_of(value: Value) -> Kind | None:
    """Name the kind of a value; None of null and of a version."""
    return KINDS.get(type(value))


def compared(op: Operator) -> Callable[[Value, Value], bool | None]:
    """Compare two values; null where one is null or their kinds differ."""
    compare = COMPARED[op]

    def answer(one: Value, other: Value) -> bool | None:
        # texts compare by code points, which is the order of their bytes in UTF-8
        return None if one is None or type(one) is not type(other) else compare(one, other)

    return answer
