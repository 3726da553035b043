"""A batch without the events of some units: written anew, so that not a byte of them is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, encode

from splitrun.collect.codes import Refused
from splitrun.collect.packing import unpacked
from splitrun.sdk.event import Unit

__all__ = ["Loose", "Spared", "Unwanted", "linking", "loose", "spared", "whose", "written"]

Unwanted = Callable[[Unit], bool]
"""Whether nothing of a unit may be kept, because it objected."""


class Loose(Struct, frozen=True):
    """A batch whose events are looked at one by one."""

    sent_at: str
    sdk: str
    events: list[Raw]


class Whose(Struct, frozen=True):
    """The units of an event."""

    unit: Unit
    was: Unit | None = None


loose = Decoder(Loose).decode
single = Decoder(Whose).decode


@dataclass(frozen=True, slots=True)
class Spared:
    """A batch that held events of these units."""

    body: bytes
    """Without them, and without what the intake rejected, unpacked; empty where it cannot be taken apart."""
    events: int
    """That are left."""
    gone: tuple[bytes, ...]
    """The events of these units, as they came; a body that cannot be taken apart whole."""


def whose(raw: bytes | Raw, unwanted: Unwanted) -> bool:
    """Whether an event is of such a unit, or names one as what another was before."""
    units = single(raw)
    return unwanted(units.unit) or (units.was is not None and unwanted(units.was))


def written(batch: Loose, places: Collection[int]) -> bytes:
    """Write a batch of some of its events, each as it came."""
    return encode(Loose(batch.sent_at, batch.sdk, [batch.events[place] for place in places]))


def spared(
    body: bytes, unwanted: Unwanted, names: Collection[bytes] = (), *, packed: bool, rejected: Collection[int]
) -> Spared | None:
    """Take the events of some units out of an accepted batch.

    Args:
        body: As it was kept.
        unwanted: Tells the units.
        names: How their ids may be written, for what cannot be read; none: it stays.
        packed: Whether it is gzipped.
        rejected: Places of events that the intake did not accept.

    Returns:
        None where it holds nothing of them.
    """
    plain = unpacked(body) if packed else body
    match plain:
        case Refused():
            return None
        case _:
            pass
    try:
        batch = loose(plain)
        theirs = [
            place
            for place, raw in enumerate(batch.events)
            if (named(raw, names) if place in rejected else whose(raw, unwanted))
        ]
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return Spared(b"", 0, (plain,)) if named(plain, names) else None
    if not theirs:
        return None
    out = {*theirs, *rejected}
    left = [place for place in range(len(batch.events)) if place not in out]
    gone = tuple(bytes(batch.events[place]) for place in theirs if place not in rejected)
    return Spared(written(batch, left), len(left), gone)


def linking(body: bytes, *, packed: bool, rejected: Collection[int]) -> list[tuple[Unit, Unit]]:
    """Read the aliases of an accepted batch, what a unit was and what it is; none where it cannot be read.

    Args:
        body: As it was kept.
        packed: Whether it is gzipped.
        rejected: Places of events that the intake did not accept.
    """
    plain = unpacked(body) if packed else body
    match plain:
        case Refused():
            return []
        case _:
            pass
    try:
        events = loose(plain).events
        found = [single(raw) for place, raw in enumerate(events) if place not in rejected]
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return []
    return [(one.was, one.unit) for one in found if one.was is not None]


def named(raw: bytes | Raw, names: Collection[bytes]) -> bool:
    """Whether one of these names stands in something, wherever, and however JSON may have escaped it."""
    text = bytes(raw)
    if any(name in text for name in names):
        return True
    if not names or b"\\" not in text:
        return False
    plain = ESCAPED.sub(unescaped, text)
    return any(name in plain for name in names)


ESCAPED = re.compile(rb"((?:\\u[0-9a-fA-F]{4})+)|\\(.)", re.DOTALL)
"""Escapes of JSON; those of UTF-16 in a row, since two may be one sign."""


def unescaped(found: re.Match[bytes]) -> bytes:
    """Write escapes of JSON as the UTF-8 that they stand for."""
    if found[1] is None:
        return SIGNS.get(found[2], found[2])
    units = bytes.fromhex(found[1].replace(b"\\u", b"").decode())
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


SIGNS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
