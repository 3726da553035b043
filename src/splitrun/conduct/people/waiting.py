"""What the spool and the dead letters hold of some units: told, and taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from splitrun.collect.privacy.objected import Spared, Unwanted, spared
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Letter, Parcel

__all__ = ["Waiting", "purged", "waiting"]

AT_ONCE = 16_000_000
"""Bytes of parcels that are looked at together."""
LETTERS = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is there of them."""

    events: tuple[bytes, ...]
    """Accepted, and not in the lake yet."""
    letters: tuple[bytes, ...]


def parcels(
    spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes]
) -> Iterator[tuple[Parcel, Spared]]:
    """Find the parcels that hold events of these units."""
    after = 0
    while some := spool.pending(after, AT_ONCE):
        after = some[-1].number
        for one in some:
            found = spared(one.body, unwanted, names, packed=one.packed, rejected=one.rejected)
            if found is not None:
                yield one, found


def letters(
    spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes]
) -> Iterator[tuple[Letter, Spared]]:
    """Find the dead letters that are about these units."""
    after = 0
    while some := spool.letters(after, LETTERS):
        after = some[-1].number
        for one in some:
            # a batch that could not be read is kept as it came, gzipped or not
            packed = one.body.startswith(b"\x1f\x8b")
            found = spared(one.body, unwanted, names, packed=packed, rejected=())
            if found is not None:
                yield one, found


def waiting(spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes] = ()) -> Waiting:
    """Read what is there of some units.

    Args:
        spool: Where.
        unwanted: Tells the units.
        names: How their ids may be written, for what cannot be read.

    Raises:
        StoreError: The spool cannot be read.
    """
    return Waiting(
        tuple(event for _, found in parcels(spool, unwanted, names) for event in found.gone),
        tuple(event for _, found in letters(spool, unwanted, names) for event in found.gone),
    )


def purged(spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes] = ()) -> None:
    """Take away what is there of some units; their bytes are overwritten.

    Raises:
        BusyError: Somebody else uses the file all the time.
        StoreError: It cannot be used.
    """
    clean = [
        replace(one, events=found.events, body=found.body or EMPTY, packed=False, rejected=(), form=one.form)
        for one, found in parcels(spool, unwanted, names)
    ]
    dead = [one.number for one, _ in letters(spool, unwanted, names)]
    if clean or dead:
        spool.erase(clean, dead)
    spool.scrub()


EMPTY = b'{"sent_at":"1970-01-01T00:00:00Z","sdk":"","events":[]}'
"""What is left of a batch that cannot be taken apart: a parcel keeps its place, so that none is missed."""
