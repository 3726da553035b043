"""OTLP in protobuf. The envelope is taken apart here, within bounds; each record is read by the library.

A whole request that is read at once may take fifty times its bytes, where it is made of many empty parts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from splitrun.collect.codes import Code
from splitrun.collect.limits import EXPORT_RECORDS
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

PARTS = 3 * EXPORT_RECORDS
"""Fields of the envelope that are looked at."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Kinds of fields; groups, which nobody writes any more, are none of them."""
SIZES = {FIXED64: 8, FIXED32: 4}

Read = Callable[[bytes, Outer], Item]
"""Reads one thing that a scope holds, with the attributes of its resource."""


def logs(body: bytes) -> Iterator[Item]:
    """Read an `ExportLogsServiceRequest`.

    Raises:
        UnreadableError: It is none, or holds too many records.
    """
    return exported(body, log_record)


def traces(body: bytes) -> Iterator[Item]:
    """Read an `ExportTraceServiceRequest`, for the events of its spans.

    Raises:
        UnreadableError: It is none, or holds too many spans.
    """
    return exported(body, span)


def exported(body: bytes, read: Read) -> Iterator[Item]:
    """Read a request, one thing after the other: resources hold scopes, and scopes hold what is read."""
    envelope = Envelope()
    for group in (part for of, part in envelope.parts(body) if of == 1):
        parts = envelope.parts(group)
        # what is written twice counts as one after the other
        resource = b"".join(part for of, part in parts if of == 1)
        scopes = (part for of, part in parts if of == 2)
        raws = (part for scope in scopes for of, part in envelope.parts(scope) if of == 2)
        yield from each(partial(around, resource), raws, read)


class Envelope:
    """Takes messages apart, and counts what it took."""

    def __init__(self) -> None:
        self.left = PARTS

    def parts(self, message: bytes) -> list[tuple[int, bytes]]:
        """Give the fields of a message that hold bytes, by their number.

        Raises:
            UnreadableError: It is no message, or has too many fields.
        """
        found = []
        at = 0
        while at < len(message):
            self.left -= 1
            if self.left < 0:
                says = f"the request has more than {PARTS:,} parts; send fewer records at once"
                raise UnreadableError(Code.TOO_MANY, says, 413)
            tag, at = varint(message, at)
            kind = tag & 7
            if kind == VARINT:
                at = varint(message, at)[1]
            elif kind == BYTES:
                size, at = varint(message, at)
                found.append((tag >> 3, message[at : at + size]))
                at += size
            elif kind in SIZES:
                at += SIZES[kind]
            else:
                raise torn("a field is of no known kind")
            if at > len(message):
                raise torn("it is cut off")
        return found


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length, and tell where it ends.

    Raises:
        UnreadableError: It does not end, or is too large.
    """
    found = 0
    for place in range(10):
        if at + place >= len(message):
            raise torn("it is cut off")
        byte = message[at + place]
        found |= (byte & 127) << 7 * place
        if byte < 128:
            return found, at + place + 1
    raise torn("a number has more than 64 bits")


def torn(why: str) -> UnreadableError:
    """Refuse what is no protobuf of that kind."""
    says = f"the body is no export request of OTLP in protobuf: {why}; send it as its Content-Type says"
    return UnreadableError(Code.NOT_OTLP, says)


def log_record(raw: bytes, outer: Outer) -> Item:
    """Read a log record.

    Raises:
        UnfitError: It cannot be read.
    """
    held_small(len(raw))
    try:
        one = LogRecord.FromString(raw)
    except DecodeError as error:
        raise unread(error) from error
    attributes = mapped(one.attributes)
    return (
        Record(
            moment_of(one.time_unix_nano, one.observed_time_unix_nano),
            named(one.event_name, attributes),
            attributes,
            plain(one.body, 1),
            outer,
            one.trace_id.hex(),
            one.span_id.hex(),
        ),
    )


def span(raw: bytes, outer: Outer) -> Item:
    """Read the events of a span.

    Raises:
        UnfitError: It cannot be read.
    """
    held_small(len(raw))
    try:
        one = Span.FromString(raw)
    except DecodeError as error:
        raise unread(error) from error
    own = {**outer, **mapped(one.attributes)}
    ids = one.trace_id.hex(), one.span_id.hex()
    return tuple(happened(event, own, ids) for event in one.events)


def happened(event: Span.Event, outer: Outer, ids: tuple[str, str]) -> Record:
    """Read an event of a span."""
    attributes = mapped(event.attributes)
    return Record(event.time_unix_nano, event.name, attributes, None, outer, *ids)


def around(resource: bytes) -> dict[str, object]:
    """Read the attributes of a resource.

    Raises:
        UnfitError: They cannot be read.
    """
    held_small(len(resource))
    try:
        return mapped(Resource.FromString(resource).attributes)
    except DecodeError as error:
        raise unread(error) from error


def unread(error: DecodeError) -> UnfitError:
    """Reject what is no message, or nested too deep."""
    deep = "MaxDepth" in str(error)
    says = "the record cannot be read as protobuf; it is broken, or nested deeper than 100 levels"
    return UnfitError(Code.DEPTH if deep else Code.SHAPE, says)


def mapped(pairs: Iterable[KeyValue], level: int = 1) -> dict[str, object]:
    """Read names and values."""
    return paired((one.key, plain(one.value, level)) for one in pairs)


def plain(value: AnyValue, level: int) -> object:
    """Read a value; bytes as base64."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "array_value":
            inner = deeper(level)
            return [plain(one, inner) for one in value.array_value.values]
        case "kvlist_value":
            return mapped(value.kvlist_value.values, deeper(level))
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case _:
            return None
