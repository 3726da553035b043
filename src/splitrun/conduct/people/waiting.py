"""What the spool and the dead letters hold of some units: told, and taken away."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from msgspec.json import encode
from msgspec.structs import replace

from splitrun.collect.privacy.objected import Spared, Unwanted, linking, spared
from splitrun.sdk.event import Unit
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Letter, Parcel

__all__ = ["Waiting", "known", "links_waiting", "purged", "waiting", "written_as"]

AT_ONCE = 16_000_000
"""Bytes of parcels that are looked at together."""
LETTERS = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is there of them."""

    events: tuple[bytes, ...]
    """Accepted, and not in the lake yet."""
    letters: tuple[bytes, ...]


def written_as(units: Collection[Unit]) -> tuple[bytes, ...]:
    """Say how ids of units may be written where nothing can be read: as they are, and as JSON has them."""
    plain = {one.id.encode("utf-8", "surrogatepass") for one in units}
    escaped = {json.dumps(one.id)[1:-1].encode() for one in units}
    return tuple(plain | {encode(one.id)[1:-1] for one in units} | escaped)


def known(own: Unwanted, keys: frozenset[int], epochs: Sequence[Pseudonyms]) -> Unwanted:
    """Tell units by name, and ids that are theirs by aliases, of which pseudonyms alone are known.

    Args:
        own: Tells the units.
        keys: Pseudonyms of all their ids.
        epochs: Every key that there is.
    """

    def theirs(unit: Unit) -> bool:
        return own(unit) or any(one.key_of(unit.type, unit.id) in keys for one in epochs)

    return theirs


def links_waiting(spool: SpoolFile, epochs: Sequence[Pseudonyms]) -> pa.Table:
    """Read the links between ids that are not in the lake yet, or are dead letters.

    Args:
        spool: Where.
        epochs: Every key that there is.

    Returns:
        `was_N` and `unit_N` for each epoch.

    Raises:
        StoreError: The spool cannot be read.
    """
    pairs = [
        *(
            pair
            for one in some_parcels(spool)
            for pair in linking(one.body, packed=one.packed, rejected=one.rejected)
        ),
        *(pair for one in some_letters(spool) for pair in linking(one.body, packed=zipped(one), rejected=())),
    ]
    return pa.table(
        {
            f"{name}_{one.epoch}": pa.array(
                [one.key_of(pair[at].type, pair[at].id) for pair in pairs], pa.int64()
            )
            for one in epochs
            for at, name in enumerate(("was", "unit"))
        }
    )


def some_parcels(spool: SpoolFile) -> Iterator[Parcel]:
    """Read what waits, some at once."""
    after = 0
    while some := spool.pending(after, AT_ONCE):
        after = some[-1].number
        yield from some


def some_letters(spool: SpoolFile) -> Iterator[Letter]:
    """Read dead letters, some at once."""
    after = 0
    while some := spool.letters(after, LETTERS):
        after = some[-1].number
        yield from some


def zipped(one: Letter) -> bool:
    """Whether a letter is gzipped: a batch that could not be read is kept as it came."""
    return one.body.startswith(b"\x1f\x8b")


def parcels(
    spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes]
) -> Iterator[tuple[Parcel, Spared]]:
    """Find the parcels that hold events of these units."""
    for one in some_parcels(spool):
        found = spared(one.body, unwanted, names, packed=one.packed, rejected=one.rejected)
        if found is not None:
            yield one, found


def letters(
    spool: SpoolFile, unwanted: Unwanted, names: Collection[bytes]
) -> Iterator[tuple[Letter, Spared]]:
    """Find the dead letters that are about these units."""
    for one in some_letters(spool):
        found = spared(one.body, unwanted, names, packed=zipped(one), rejected=())
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
