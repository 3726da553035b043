"""What an event may carry: plain values, copied, so that nothing changes between the call and the sending."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEEP", "UnfitError", "finite", "plain"]

DEEP = 30
"""Lists and mappings may stand in each other so deep; the intake takes 32 with what is around them."""


class UnfitError(Exception):
    """An event cannot be sent. Counted, never seen by a caller."""


def finite(value: object) -> float:
    """Take a number of any kind: int, Decimal, numpy.

    Raises:
        UnfitError: It is no number, or not finite.
    """
    try:
        number = value if type(value) is int else float(value)  # type: ignore[arg-type] # whether it can is asked
    except (TypeError, ValueError, OverflowError) as error:
        raise UnfitError(f"the value of an event is {value!r:.60}; give a number") from error
    if isinstance(value, str | bytes) or number - number:
        raise UnfitError(f"the value of an event is {value!r:.60}; give a finite number")
    return number


def plain(properties: Mapping[str, object]) -> tuple[dict[str, object], int]:
    """Copy properties with all that is in them; answers the copy and how much text it holds.

    Raises:
        UnfitError: Something in it is no plain value, not finite, or too deep.
    """
    copy, text = mapping(properties, DEEP)
    return copy, text


def mapping(values: Mapping[str, object], deep: int) -> tuple[dict[str, object], int]:
    """Copy a mapping."""
    copy: dict[str, object] = {}
    text = 0
    for name, value in values.items():
        if type(name) is not str:
            raise UnfitError(f"a property is called {name!r:.60}; names are texts")
        copy[name], size = item(value, name, deep - 1)
        text += size + len(name)
    return copy, text


def item(value: object, name: str, deep: int) -> tuple[object, int]:
    """Copy one value."""
    if value is None or type(value) in {bool, int}:
        return value, 8
    if type(value) is str:
        return value, len(value)
    if not deep:
        raise UnfitError(f"property {name!r:.60} is nested deeper than {DEEP}; send it flat")
    if type(value) is dict:
        return mapping(value, deep)
    if type(value) in {list, tuple}:
        return sequence(value, name, deep)
    if isinstance(value, str):
        return str.__str__(value), len(value)
    return number(value, name), 8


def number(value: object, name: str) -> float:
    """Take a number that is none of ours (numpy's, Decimal)."""
    try:
        return finite(value)
    except UnfitError as error:
        raise UnfitError(
            f"property {name!r:.60} is {value!r:.60}; give text, a finite number, a boolean or lists of them"
        ) from error


def sequence(values: object, name: str, deep: int) -> tuple[list[object], int]:
    """Copy a list or tuple."""
    copy: list[object] = []
    text = 0
    for value in values:  # type: ignore[attr-defined] # asked for its type before
        each, size = item(value, name, deep - 1)
        copy.append(each)
        text += size + 8
    return copy, text
