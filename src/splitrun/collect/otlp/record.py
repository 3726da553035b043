"""A log record, or an event of a span, as both encodings of OTLP tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from splitrun.collect.codes import Code, Refused
from splitrun.collect.limits import DEEPEST, EVENT_BYTES, LONGEST_NAME

__all__ = [
    "Item",
    "Outer",
    "Record",
    "Unfit",
    "UnfitError",
    "UnreadableError",
    "deeper",
    "each",
    "held_small",
    "moment_of",
    "named",
    "paired",
    "sdk_of",
]

NAMED = "event.name"
"""The attribute that held an event's name before log records had a field for it."""
UNNAMED = "otlp"
LAST = 2**64
"""Times are counted in nanoseconds from 1970 to here."""


Outer = Mapping[str, object]
"""Attributes of a resource."""

Raw = TypeVar("Raw")
"""How one encoding holds what is not read yet."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a record is not taken."""

    code: Code
    says: str
    """Tells no unit id."""


class UnfitError(Exception):
    """A record cannot be taken. Next: answer for it."""

    def __init__(self, code: Code, says: str) -> None:
        super().__init__(says)
        self.why = Unfit(code, says)


@dataclass(frozen=True, slots=True)
class Record:
    """What happened, as it was told."""

    at: int
    """When, in nanoseconds since 1970; 0 where that is not told."""
    name: str
    """Of the event; empty where it is none."""
    attributes: Mapping[str, object]
    body: object = None
    around: Mapping[str, object] = field(default_factory=dict)
    """Attributes of the span and the resource."""
    trace: str = ""
    """Id of the trace, hexadecimal."""
    span: str = ""

    def look(self, name: str) -> object:
        """Find a value: among the attributes, in a body that holds names, in the span or the resource."""
        found = self.attributes.get(name)
        if found is None:
            match self.body:
                case dict() as fields if name in fields:
                    return fields[name]
                case _:
                    return self.around.get(name)
        return found


Item = tuple[Record | Unfit, ...]
"""What OTLP counts as one: a log record, which is one, or a span, of which each event is one."""


class UnreadableError(Exception):
    """A request cannot be taken apart. Next: refuse it whole."""

    def __init__(self, code: Code, says: str, status: int = 400) -> None:
        super().__init__(says)
        self.why = Refused(code, says, status)


def each(
    outer: Callable[[], Outer], raws: Iterable[Raw], read: Callable[[Raw, Outer], Item]
) -> Iterator[Item]:
    """Read what one resource holds, one thing after the other, so that a bad one rejects itself alone.

    Args:
        outer: Gives the attributes of the resource.
        raws: What it holds, as it is written.
        read: Reads one of them, raising `UnfitError` where it cannot.
    """
    try:
        around = outer()
    except UnfitError as error:
        for _ in raws:
            yield (error.why,)
        return
    for raw in raws:
        try:
            item = read(raw, around)
        except UnfitError as error:
            item = (error.why,)
        yield item


def held_small(size: int) -> None:
    """Refuse a record that is too large.

    Raises:
        UnfitError: It has more bytes than an event may have.
    """
    if size > EVENT_BYTES:
        raise UnfitError(Code.EVENT_SIZE, f"the record has {size:,} bytes and may have {EVENT_BYTES:,}")


def paired(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Gather names and values.

    Raises:
        UnfitError: A name stands there twice.
    """
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise UnfitError(Code.DUPLICATE_KEY, f"the attribute {name[:60]!r} stands there twice")
        found[name] = value
    return found


def moment_of(time: int, observed: int) -> int:
    """Choose when something happened: when it was told to, else when it was seen.

    Raises:
        UnfitError: It is no moment.
    """
    at = time or observed
    if not 0 <= at < LAST:
        raise UnfitError(Code.TIME, "the time is beyond what nanoseconds since 1970 can tell in 64 bits")
    return at


def named(name: str, attributes: Mapping[str, object]) -> str:
    """Give an event's name, from the field or from the attribute that was before it."""
    if name:
        return name
    match attributes.get(NAMED):
        case str() as older:
            return older
        case _:
            return ""


def deeper(level: int) -> int:
    """Count a level of nesting.

    Raises:
        UnfitError: It is one too many.
    """
    if level >= DEEPEST:
        raise UnfitError(Code.DEPTH, f"the record is nested deeper than {DEEPEST} levels; send less of it")
    return level + 1


def sdk_of(resource: Mapping[str, object]) -> str:
    """Name who recorded, as the resource tells it."""
    name, language, version = (resource.get(f"telemetry.sdk.{of}") for of in ("name", "language", "version"))
    match name, language, version:
        case str(), str(), str():
            told = f"{name}-{language}/{version}"
            return told if told.isprintable() and len(told) <= LONGEST_NAME else UNNAMED
        case _:
            return UNNAMED
