"""Events as the sender reads them: what was packed in the caller, unpacked and looked at."""

from __future__ import annotations

from msgspec import Struct
from msgspec.msgpack import Decoder

from splitrun.sdk.outbox.plain import finite, plain, texts

__all__ = ["Told", "unpacked"]

unpack = Decoder().decode
PLAIN = frozenset((str, int, bool, type(None)))


class Told(Struct, frozen=True, array_like=True):
    """An event as it was packed, and looked at."""

    at: int
    name: str
    unit: str
    unit_type: str | None
    value: float | None
    properties: dict[str, object]


def unpacked(data: bytes) -> Told:
    """Read what was packed, and look at what it is.

    Raises:
        UnfitError: Something in it is not what it must be, no plain value, not finite, or too deep.
    """
    at, name, unit, unit_type, value, properties = unpack(data)
    number = None if value is None else finite(value)
    return Told(at, *texts(name, unit, unit_type), number, sound(properties))


def sound(found: dict[str, object]) -> dict[str, object]:
    """Give properties back if all of them are plain."""
    for name, value in found.items():
        if type(name) is not str or not (
            type(value) in PLAIN or (type(value) is float and not value - value)
        ):
            return plain(found)[0]
    return found
