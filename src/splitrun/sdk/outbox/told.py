"""Events as the sender reads them: what was packed in the caller, unpacked and looked at."""

from __future__ import annotations

from msgspec import Struct, ValidationError
from msgspec.json import Encoder
from msgspec.msgpack import Decoder

from splitrun.sdk.outbox.plain import UnfitError, finite, plain, texts
from splitrun.sdk.outbox.records import EVENT_BYTES, HEAVIEST, Linked, weight

__all__ = ["Told", "roomy", "unpacked"]

PLAIN = frozenset((str, int, bool, type(None)))


class Told(Struct, frozen=True, array_like=True, gc=False):
    """An event as it was packed."""

    properties: dict[str, object]
    name: str
    unit: str
    unit_type: str | None
    value: int | float | None
    at: int


decoded = Decoder(Told).decode
unpack = Decoder().decode
encode = Encoder().encode


def unpacked(data: bytes) -> Told:
    """Read what was packed, and look at what it is.

    Raises:
        UnfitError: Something in it is not what it must be, no plain value, not finite, or too deep.
    """
    try:
        told = decoded(data)
    except ValidationError:
        return mended(data)
    if type(told.value) is float and told.value - told.value:
        return mended(data)
    for value in told.properties.values():
        kind = type(value)
        if kind not in PLAIN and (kind is not float or value - value):  # type: ignore[operator] # it is a float
            return mended(data)
    return told


def mended(data: bytes) -> Told:
    """Read what is not at once what it must be: as far as it can be taken, else to say what is wrong.

    Raises:
        UnfitError: It cannot.
    """
    properties, name, unit, unit_type, value, at = unpack(data)
    number = None if value is None else finite(value)
    return Told(plain(properties)[0], *texts(name, unit, unit_type), number, at)


def roomy(record: bytes | Linked, room: int) -> None:
    """See in the caller that a record can be sent, and be held until then: what waits needs the room.

    Args:
        record: A large one, that is one with a weight.
        room: Bytes of memory for all that waits.

    Raises:
        UnfitError: It is too large to be sent, whatever it is written as, or larger than the memory.
    """
    heavy = weight(record)
    if heavy > HEAVIEST or (heavy > EVENT_BYTES and not written_within(record, EVENT_BYTES)):
        raise UnfitError(f"an event takes more than {EVENT_BYTES:,} bytes; send less of it")
    if heavy > room:
        raise UnfitError(f"an event takes more than the {room:,} bytes of queue_bytes; send less of it")


def written_within(record: bytes | Linked, most: int) -> bool:
    """Whether what a record carries takes at most so many bytes of JSON, its frame left out.

    Raises:
        UnfitError: It cannot be sent anyway.
    """
    match record:
        case bytes():
            try:
                told = unpacked(record)
            except ValueError:
                return True  # it is no event: the sender says why
            return len(encode((told.properties, told.name, told.unit, told.unit_type))) <= most
        case Linked():
            return True  # its ids would be refused before
