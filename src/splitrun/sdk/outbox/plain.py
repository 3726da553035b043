"""What an event may carry: plain values, copied, so that nothing changes between the call and the sending."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index

from msgspec import to_builtins
from msgspec.json import Encoder
from msgspec.msgpack import Encoder as Packer

__all__ = [
    "DEEP", "LARGEST", "SEGMENTS", "UnfitError", "finite", "merged", "pack", "packed", "plain", "segment",
    "text", "texts",
]  # fmt: skip

SEGMENTS = 32_000
"""Bytes of JSON that the attributes of one exposure may take; with the longest id it fits into an event."""

LARGEST = 10**15
"""The intake takes no number beyond it, either way: it would refuse an exposure for a single attribute."""

encode = Encoder().encode

pack = Packer(decimal_format="number").encode
"""Copies an event with all that is in it: properties, name, unit, unit type, value and time, in this order.

What is largest comes first: the room that is made for it grows fewer times, which is a twentieth of `track`.

It takes less than half the time that looking at each property does, and is as good for the bounds of memory.
MessagePack keeps numbers that are not finite, bytes, and names that are no texts as what they are, so that
the sender can tell. Ids and enumerations become the text that they stand for, sets become lists. Where
something is of no kind that it knows, or cannot be read, it raises: anything that the something does. A
`msgspec.Raw` goes in as it is, which cannot be told from what its bytes are in MessagePack.
"""

DEEP = 30
"""Lists and mappings may stand in each other so deep; the intake takes 32 with what is around them."""


class UnfitError(Exception):
    """An event cannot be sent. Counted, never seen by a caller."""


def finite(value: object) -> float:
    """Take a number of any kind: int, Decimal, numpy; whole ones stay exact.

    Raises:
        UnfitError: It is no number, or not finite.
    """
    try:
        number = float(value) if type(value) in {bool, float} else counted(value)  # type: ignore[arg-type] # it is one
    except Exception as error:
        # a product's own kind of number may raise anything
        raise UnfitError(f"the value of an event is {shown(value)}; give a number") from error
    if isinstance(value, str | bytes) or number - number:
        raise UnfitError(f"the value of an event is {shown(value)}; give a finite number")
    return number


def counted(value: object) -> float:
    """Take a number as a whole one where it is one: as a float it would be exact up to 2**53 only."""
    try:
        return index(value)  # type: ignore[arg-type] # whether it can is asked
    except TypeError:
        return float(value)  # type: ignore[arg-type] # as above


def shown(value: object) -> str:
    """Show the beginning of a value in a message; its type where it cannot be shown."""
    try:
        return f"{value!r:.60}"
    except Exception:  # noqa: BLE001 - it may raise anything, or be nested too deep
        return f"a {type(value).__name__}"


def merged(
    attributes: Mapping[str, object] | None, named: Mapping[str, object], they: str = "attributes"
) -> Mapping[str, object]:
    """Put attributes and keywords together; keywords win.

    Args:
        attributes: As a mapping.
        named: As keywords.
        they: What a message calls them.

    Raises:
        UnfitError: The attributes are no mapping, or raise when they are read.
    """
    try:
        return named if attributes is None else {**attributes, **named}
    except Exception as error:
        # loaded with the first ruleset; importing a client stays cheap
        from splitrun.assign.faults import said  # noqa: PLC0415

        what = "raise when they are read"
        if not hasattr(type(attributes), "keys"):
            what = f"are a {type(attributes).__name__}"
        raise UnfitError(f"the {they} {what} ({said(error)}); give a mapping of names to values") from error


def text(value: object, what: str) -> str:
    """Take a text, also one of a kind of its own (numpy's, an enumeration's).

    Raises:
        UnfitError: It is no text.
    """
    if not issubclass(type(value), str):
        raise UnfitError(f"{what} is a {type(value).__name__}; give a text")
    return str.__str__(value)


def texts(name: object, unit: object, unit_type: object) -> tuple[str, str, str | None]:
    """Take an event's name, the id of its unit and the unit's type, which may be left out.

    Raises:
        UnfitError: One of them is no text.
    """
    return (
        text(name, "the name of an event"),
        text(unit, "the id of an event's unit"),
        None if unit_type is None else text(unit_type, "the unit type of an event"),
    )


def segment(value: object, name: str, room: int) -> tuple[object, int]:
    """Take an attribute for an exposure as plain text, finite number or boolean, and its bytes in JSON.

    Args:
        value: What the caller gave; numpy's scalars, dates and ids are written as what they stand for.
        name: What the attribute is called.
        room: Bytes that are left.

    Raises:
        UnfitError: It is none of these, or takes more.
    """
    try:
        taken = scalar(value)
        # a text that is too long by its characters is not written at all
        size = len(taken) if type(taken) is str and len(taken) > room else len(encode(taken))
    except Exception as error:
        from splitrun.assign.faults import said  # noqa: PLC0415 - as above

        raise left(name, said(error)) from error
    if size > room:
        raise left(name, f"it takes {size:,} bytes")
    return taken, size


def left(name: str, why: str) -> UnfitError:
    """Say that an attribute is left out."""
    return UnfitError(
        f"attribute {name!r:.60} was left out of an exposure ({why}); give a text, a number or a boolean"
    )


def scalar(value: object) -> object:
    """Take one value as what it stands for."""
    if issubclass(type(value), str):
        return str.__str__(value)
    if type(value) not in {bool, int, float}:
        # a scalar of numpy's tells its plain value; what is left are dates, ids, enumerations
        value = value.item() if hasattr(value, "item") else value
        value = finite(value) if hasattr(value, "__float__") and not isinstance(value, bool | int) else value
        value = value if isinstance(value, bytes | bytearray | memoryview) else to_builtins(value)
    if type(value) not in {bool, int, float, str}:
        raise UnfitError(f"it is a {type(value).__name__}")
    value = finite(value) if type(value) is float else value
    if type(value) in {int, float} and not -LARGEST <= value <= LARGEST:  # type: ignore[operator] # a number
        raise UnfitError("it is beyond 1e15")
    return value


def plain(properties: Mapping[str, object]) -> tuple[dict[str, object], int]:
    """Copy properties with all that is in them; answers the copy and how much text it holds.

    Raises:
        UnfitError: Something in it is no plain value, not finite, or too deep.
    """
    copy, text = mapping(properties, DEEP)
    return copy, text


def packed(
    at: int, name: object, unit: object, unit_type: object, value: object, properties: Mapping[str, object]
) -> bytes:
    """Copy an event in which there is something that `pack` does not know, like numpy's scalars.

    Raises:
        UnfitError: Something in it is not what it must be, no plain value, not finite, too deep, or cannot be
            written.
    """
    try:
        copy, _size = plain(properties)
        number = None if value is None else finite(value)
        return pack((copy, *texts(name, unit, unit_type), number, at))
    except UnfitError:
        raise
    except Exception as error:
        # a product's own kind of list, date or text may raise anything when it is read
        from splitrun.assign.faults import said  # noqa: PLC0415 - as above

        raise UnfitError(
            f"an event could not be written ({said(error)}); give texts, booleans, lists and numbers, whole "
            "ones from -2**63 to 2**64 - 1"
        ) from error


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
    if hasattr(type(value), "__float__") or isinstance(value, bytes | bytearray | memoryview):
        return number(value, name), 8
    return item(stood(value, name), name, deep - 1)


def stood(value: object, name: str) -> object:
    """Take what a date, an id, an enumeration or a set stands for, as `pack` does."""
    try:
        return to_builtins(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise strange(value, name) from error


def number(value: object, name: str) -> float:
    """Take a number or truth value that is none of ours (numpy's, Decimal)."""
    try:
        told = value.item() if hasattr(value, "item") else None
        return told if type(told) is bool else finite(value)
    except Exception as error:
        # as above
        raise strange(value, name) from error


def strange(value: object, name: str) -> UnfitError:
    """Say that a property cannot be sent."""
    return UnfitError(
        f"property {name!r:.60} is {shown(value)}; give text, a finite number, a boolean or lists of them"
    )


def sequence(values: object, name: str, deep: int) -> tuple[list[object], int]:
    """Copy a list or tuple."""
    copy: list[object] = []
    text = 0
    for value in values:  # type: ignore[attr-defined] # asked for its type before
        each, size = item(value, name, deep - 1)
        copy.append(each)
        text += size + 8
    return copy, text
