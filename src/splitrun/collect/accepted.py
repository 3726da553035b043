"""An accepted batch read again, by the committer: once, into typed values."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode

from splitrun.collect.codes import Refused
from splitrun.collect.packing import unpacked
from splitrun.sdk.event import Alias, Exposure, Unit

__all__ = ["Accepted", "Batch", "Did", "Unreadable", "alone", "opened"]


class Did(Struct, frozen=True, gc=False, tag="event", tag_field="type"):
    """An event, as `splitrun.sdk.event.Event`; its properties stay as they are written."""

    id: str
    time: str
    unit: Unit
    name: str
    value: float | None = None
    release: str = ""
    properties: Raw = Raw(b"{}")


Kind = Exposure | Did | Alias

FORMS = frozenset(("native", "heartbeat"))
"""How the body of a batch may be written; a heartbeat is what the server sent itself."""


class Whole(Struct, frozen=True):
    """A batch of which every event was accepted."""

    sent_at: str
    sdk: str
    events: list[Kind]


class Parted(Struct, frozen=True):
    """A batch some of whose events were not."""

    sent_at: str
    sdk: str
    events: list[Raw]


whole = Decoder(Whole).decode
parted = Decoder(Parted).decode
single = Decoder(Kind).decode


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch as the spool kept it."""

    body: bytes
    packed: bool
    rejected: tuple[int, ...]
    at: int
    """When it was received, in nanoseconds since 1970."""
    form: str = "native"


@dataclass(frozen=True, slots=True)
class Batch:
    """What was accepted of it."""

    sent_at: str
    sdk: str
    events: list[Kind]
    places: list[int]
    """Of each event in the batch, from 0."""
    at: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A batch that cannot be read, though it was accepted."""

    says: str


def opened(accepted: Accepted) -> Batch | Unreadable:
    """Read what was accepted of a batch."""
    if accepted.form not in FORMS:
        return Unreadable(f"batches of the form {accepted.form!r} are not read by this release; upgrade")
    body = unpacked(accepted.body) if accepted.packed else accepted.body
    match body:
        case Refused(says=says):
            return Unreadable(says)
        case bytes():
            return read(body, accepted)


def read(body: bytes, accepted: Accepted) -> Batch | Unreadable:
    """Read the JSON of a batch."""
    try:
        if not accepted.rejected:
            batch = whole(body)
            return Batch(batch.sent_at, batch.sdk, batch.events, list(range(len(batch.events))), accepted.at)
        loose = parted(body)
        out = frozenset(accepted.rejected)
        places = [place for place in range(len(loose.events)) if place not in out]
        events = [single(loose.events[place]) for place in places]
        return Batch(loose.sent_at, loose.sdk, events, places, accepted.at)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(f"the batch cannot be read ({str(error)[:200]})")


def alone(accepted: Accepted, place: int) -> bytes:
    """Write a batch of one of the events, as it came; what cannot be read stays whole.

    Args:
        accepted: A batch that `opened` could read.
        place: Of the event, from 0.
    """
    body = unpacked(accepted.body) if accepted.packed else accepted.body
    match body:
        case bytes():
            loose = parted(body)
            return encode(Parted(loose.sent_at, loose.sdk, [loose.events[place]]))
        case _:
            return accepted.body
