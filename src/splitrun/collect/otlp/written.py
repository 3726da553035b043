"""OTLP in JSON, as its mapping has it: names in camel case, ids in hexadecimal, 64-bit numbers as text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from splitrun.collect.codes import Code
from splitrun.collect.otlp.record import (
    Item,
    Outer,
    Record,
    UnfitError,
    UnreadableError,
    deeper,
    each,
    held_small,
    moment_of,
    named,
    paired,
)

__all__ = ["logs", "traces"]

OBJECTS = 400_000
"""Objects of a body; one that is full of attributes has fewer."""
UNREAD = (DecodeError, UnicodeDecodeError, RecursionError)
NONE = Raw(b"null")
Whole = int | float | str | None
"""A whole number: large ones are texts."""


class Part(Struct, frozen=True, rename="camel", gc=False):
    """What all parts of a request share; a null is as if it were left out, and unknown names are not read."""


class AnyValue(Part, frozen=True):
    """A value: one of these."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Whole = None
    double_value: float | str | None = None
    array_value: ArrayValue | None = None
    kvlist_value: KeyValues | None = None
    bytes_value: str | None = None


class ArrayValue(Part, frozen=True):
    """Values in order."""

    values: list[AnyValue] | None = None


class KeyValue(Part, frozen=True):
    """A name and its value."""

    key: str | None = None
    value: AnyValue | None = None


class KeyValues(Part, frozen=True):
    """Names and values."""

    values: list[KeyValue] | None = None


class Resource(Part, frozen=True):
    """What recorded."""

    attributes: list[KeyValue] | None = None


class LogRecord(Part, frozen=True):
    """A log record."""

    time_unix_nano: Whole = None
    observed_time_unix_nano: Whole = None
    event_name: str | None = None
    attributes: list[KeyValue] | None = None
    body: AnyValue | None = None
    trace_id: str | None = None
    span_id: str | None = None


class Happened(Part, frozen=True):
    """An event of a span."""

    time_unix_nano: Whole = None
    name: str | None = None
    attributes: list[KeyValue] | None = None


class Span(Part, frozen=True):
    """A span."""

    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[KeyValue] | None = None
    events: list[Happened] | None = None


class ScopeLogs(Part, frozen=True):
    """What one scope logged."""

    log_records: list[Raw] | None = None


class ResourceLogs(Part, frozen=True):
    """What one resource logged."""

    resource: Raw = NONE
    scope_logs: list[ScopeLogs] | None = None


class Logs(Part, frozen=True):
    """`ExportLogsServiceRequest`."""

    resource_logs: list[ResourceLogs] | None = None


class ScopeSpans(Part, frozen=True):
    """Spans of one scope."""

    spans: list[Raw] | None = None


class ResourceSpans(Part, frozen=True):
    """Spans of one resource."""

    resource: Raw = NONE
    scope_spans: list[ScopeSpans] | None = None


class Traces(Part, frozen=True):
    """`ExportTraceServiceRequest`."""

    resource_spans: list[ResourceSpans] | None = None


read_logs = Decoder(Logs).decode
read_traces = Decoder(Traces).decode
read_record = Decoder(LogRecord).decode
read_span = Decoder(Span).decode
read_resource = Decoder(Resource | None).decode


def logs(body: bytes) -> Iterator[Item]:
    """Read an `ExportLogsServiceRequest`.

    Raises:
        UnreadableError: It is none, or is made of too many objects.
    """
    bounded(body)
    try:
        groups = read_logs(body).resource_logs or []
    except UNREAD as error:
        raise torn(error) from error
    for group in groups:
        raws = (raw for scope in group.scope_logs or [] for raw in scope.log_records or [])
        yield from each(partial(around, group.resource), raws, log_record)


def traces(body: bytes) -> Iterator[Item]:
    """Read an `ExportTraceServiceRequest`, for the events of its spans.

    Raises:
        UnreadableError: It is none, or is made of too many objects.
    """
    bounded(body)
    try:
        groups = read_traces(body).resource_spans or []
    except UNREAD as error:
        raise torn(error) from error
    for group in groups:
        raws = (raw for scope in group.scope_spans or [] for raw in scope.spans or [])
        yield from each(partial(around, group.resource), raws, span)


def bounded(body: bytes) -> None:
    """Refuse a body that is made of too many objects, before they are made.

    Raises:
        UnreadableError: It is.
    """
    if body.count(b"{") > OBJECTS:
        says = f"the request has more than {OBJECTS:,} objects; send fewer records at once"
        raise UnreadableError(Code.TOO_MANY, says, 413)


def torn(error: Exception) -> UnreadableError:
    """Refuse what is no request."""
    says = f"the body is no export request of OTLP in JSON ({str(error)[:200]}); see docs/wire.md"
    return UnreadableError(Code.NOT_OTLP, says)


def log_record(raw: Raw, outer: Outer) -> Item:
    """Read a log record.

    Raises:
        UnfitError: It cannot be read.
    """
    held_small(memoryview(raw).nbytes)
    try:
        one = read_record(raw)
    except UNREAD as error:
        raise unread(error) from error
    attributes = mapped(one.attributes)
    return (
        Record(
            moment_of(whole(one.time_unix_nano), whole(one.observed_time_unix_nano)),
            named(one.event_name or "", attributes),
            attributes,
            plain(one.body, 1),
            outer,
            (one.trace_id or "").lower(),
            (one.span_id or "").lower(),
        ),
    )


def span(raw: Raw, outer: Outer) -> Item:
    """Read the events of a span.

    Raises:
        UnfitError: It cannot be read.
    """
    held_small(memoryview(raw).nbytes)
    try:
        one = read_span(raw)
    except UNREAD as error:
        raise unread(error) from error
    own = {**outer, **mapped(one.attributes)}
    ids = (one.trace_id or "").lower(), (one.span_id or "").lower()
    return tuple(happened(event, own, ids) for event in one.events or [])


def happened(event: Happened, outer: Outer, ids: tuple[str, str]) -> Record:
    """Read an event of a span."""
    at = moment_of(whole(event.time_unix_nano), 0)
    return Record(at, event.name or "", mapped(event.attributes), None, outer, *ids)


def around(resource: Raw) -> dict[str, object]:
    """Read the attributes of a resource.

    Raises:
        UnfitError: They cannot be read.
    """
    held_small(memoryview(resource).nbytes)
    try:
        found = read_resource(resource)
    except UNREAD as error:
        raise unread(error) from error
    return {} if found is None else mapped(found.attributes)


def unread(error: Exception) -> UnfitError:
    """Reject what is no record, or nested too deep."""
    deep = type(error) is RecursionError
    return UnfitError(Code.DEPTH if deep else Code.SHAPE, f"the record cannot be read: {str(error)[:200]}")


def whole(number: Whole) -> int:
    """Read a whole number of up to 64 bits; 0 where there is none.

    Raises:
        UnfitError: It is no whole number.
    """
    match number:
        case None:
            return 0
        case int():
            found = number
        case float() if number.is_integer():
            found = int(number)
        case str() if len(number) <= 20 and number.removeprefix("-").isdecimal() and number.isascii():
            found = int(number)
        case _:
            raise UnfitError(Code.NUMBER, "a whole number is written otherwise; write it as digits in a text")
    if not -(2**63) <= found < 2**64:
        raise UnfitError(Code.NUMBER, "a whole number has more than 64 bits")
    return found


def fraction(number: float | str) -> float:
    """Read a number, which may be text where it is not finite.

    Raises:
        UnfitError: It is no number.
    """
    try:
        return float(number)
    except ValueError as error:
        raise UnfitError(Code.NUMBER, "a doubleValue is text and no number") from error


def mapped(pairs: list[KeyValue] | None, level: int = 1) -> dict[str, object]:
    """Read names and values."""
    return paired((one.key or "", plain(one.value, level)) for one in pairs or [])


def plain(value: AnyValue | None, level: int) -> object:
    """Read a value; bytes as base64."""
    match value:
        case None:
            return None
        case AnyValue(string_value=str() as text) | AnyValue(bytes_value=str() as text):
            return text
        case AnyValue(bool_value=bool() as true):
            return true
        case AnyValue(int_value=int() | float() | str() as number):
            return whole(number)
        case AnyValue(double_value=float() | str() as number):
            return fraction(number)
        case AnyValue(array_value=ArrayValue(values=values)):
            inner = deeper(level)
            return [plain(one, inner) for one in values or []]
        case AnyValue(kvlist_value=KeyValues(values=pairs)):
            return mapped(pairs, deeper(level))
        case _:
            return None
