"""An accepted batch on its way through the spool, and an event that could not go on."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from splitrun.store.canonical import flat
from splitrun.store.spool.counts import Note

__all__ = ["HEARTBEAT", "Letter", "Origin", "Parcel"]

HEARTBEAT = "heartbeat"
"""The form of a batch that the server sent itself."""


class Origin(Struct, frozen=True, gc=False):
    """Where a batch came from, as far as the intake vouches for it."""

    project: str
    environment: str
    key: str
    """Name of the API key that it came with."""
    at: int
    """When it was received, in nanoseconds since 1970."""


class Parcel(Struct, frozen=True, gc=False):
    """A batch as it was accepted, its body whole."""

    origin: Origin
    events: int
    """Events that were accepted; where there are none, only what is counted is kept of it."""
    body: bytes
    """The body as it came, a `splitrun.sdk.event.Batch` in JSON."""
    packed: bool = False
    """Whether the body is gzipped."""
    rejected: tuple[int, ...] = ()
    """Places of events that were not accepted, from 0, in order."""
    form: str = "native"
    """How the body is written: `native`, or `heartbeat`, which is native and no product's."""
    number: int = 0
    """Counts the parcels of a spool from 1 without reuse; 0 before it is kept."""
    notes: tuple[Note, ...] = ()
    """What is counted with it, in the same commit; no part of its row."""

    def label(self) -> bytes:
        """All that is known beside the body, in canonical JSON; sealed together with it."""
        one = self.origin
        before, behind = alike(one.environment, one.key, one.project, self.form, self.packed)
        return b'{"at":"%d",%b%d%b%b"}' % (one.at, before, self.events, behind, self.places().encode())

    def places(self) -> str:
        """Write the places of events that were not accepted."""
        return ",".join(map(str, self.rejected)) if self.rejected else ""


@lru_cache(maxsize=1024)
def alike(environment: str, key: str, project: str, form: str, packed: bool) -> tuple[bytes, bytes]:  # noqa: FBT001
    """Write what is the same in the labels of a key's parcels: before the number of events, and behind it."""
    first = flat({"environment": environment})[1:-1]
    more = flat({"form": form, "key": key, "packed": packed, "project": project})[1:-1]
    return f'{first},"events":'.encode(), f',{more},"rejected":"'.encode()


class Letter(Struct, frozen=True, gc=False):
    """A dead letter: an event that was accepted and could not be put into the lake."""

    origin: Origin
    code: str
    """Why, in a word, like `late` or `future`."""
    says: str
    """Why, in a sentence without ids."""
    body: bytes
    """The event in JSON, as it came."""
    parcel: int
    """Number of the parcel that it came in."""
    index: int
    """Its place in the parcel, from 0."""
    number: int = 0
    """Counts the letters of a spool from 1; 0 before it is kept."""

    def label(self) -> bytes:
        """All that is known beside the body, in canonical JSON; sealed together with it."""
        return flat(
            {
                "project": self.origin.project,
                "environment": self.origin.environment,
                "key": self.origin.key,
                "at": str(self.origin.at),
                "code": self.code,
                "says": self.says,
                "parcel": self.parcel,
                "index": self.index,
            }
        ).encode()
