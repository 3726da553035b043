"""Events as the sender reads them: what was packed in the caller, unpacked and looked at."""

from __future__ import annotations

from msgspec import Struct, ValidationError
from msgspec.msgpack import Decoder

from splitrun.sdk.outbox.plain import finite, plain, texts

__all__ = ["Told", "unpacked"]

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
