"""Which other ids belong to units that are to be erased, and to them alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from splitrun.measure.rows.linking import linked
from splitrun.moments import IntArray

__all__ = ["Belonging", "belonging", "roots_of"]


@dataclass(frozen=True, slots=True)
class Belonging:
    """What aliases say of units."""

    keys: frozenset[int]
    """Pseudonyms, of all epochs, of ids that belong to the units alone."""
    linked: int
    """How many ids that are."""
    shared: int
    """Ids that are linked to others as well."""


def belonging(own: frozenset[int], links: Sequence[pa.Table], epochs: Sequence[int]) -> Belonging:
    """Follow aliases back from units: what an id was before is part of it, over any number of steps.

    An id that was linked to others too, like a shared device, is not theirs alone and stays. An alias is
    followed under each epoch that its row has: what an id did earlier may stand under an older one alone.

    Args:
        own: Pseudonyms of the units.
        links: Tables of `was_N` and `unit_N` for each epoch.
        epochs: Which.
    """
    pairs = [columns(links, epoch) for epoch in epochs]
    empty: IntArray = np.empty(0, np.int64)
    was = np.concatenate([empty, *(one for one, _ in pairs)])
    now = np.concatenate([empty, *(one for _, one in pairs)])
    theirs = np.array(sorted(own), np.int64)
    while True:
        mine = np.isin(now, theirs)
        before = np.setdiff1d(was[mine], theirs)
        alone = np.setdiff1d(before, was[~mine])
        if not alone.size:
            found = frozenset(theirs.tolist()) - own
            return Belonging(found, most(pairs, found), most(pairs, before.tolist()))
        theirs = np.union1d(theirs, alone)


def columns(links: Sequence[pa.Table], epoch: int) -> tuple[IntArray, IntArray]:
    """Give the links that have pseudonyms of an epoch: what an id was, and what it is."""
    return laid([one.select([f"was_{epoch}", f"unit_{epoch}"]) for one in links])


def laid(pairs: Sequence[pa.Table]) -> tuple[IntArray, IntArray]:
    """Lay out links as two arrays, without those of an epoch whose key is gone."""
    empty: IntArray = np.empty(0, np.int64)
    there = [one.drop_null() for one in pairs]
    was, now = ([one.column(at).to_numpy() for one in there] for at in (0, 1))
    return np.concatenate([empty, *was]), np.concatenate([empty, *now])


def most(pairs: Sequence[tuple[IntArray, IntArray]], keys: Iterable[int]) -> int:
    """Count ids by their pseudonyms: an id has one in each epoch of its rows, the most in the oldest."""
    wanted = np.array(sorted(keys), np.int64)
    return max((int(np.intersect1d(was, wanted).size) for was, _ in pairs), default=0)


def roots_of(links: Sequence[pa.Table], epochs: Sequence[int]) -> dict[int, int]:
    """Give the key of the unit that a key belongs to, as readings that join ids have it.

    Args:
        links: Tables of `was_N` and `unit_N` for each epoch; the oldest that a row has is taken.
        epochs: Which.
    """
    names = ["was", "unit"]
    oldest = [
        pa.table([pc.coalesce(*(one[f"{name}_{epoch}"] for epoch in epochs)) for name in names], names=names)
        for one in links
    ]
    found = linked(*laid(oldest))
    return dict(zip(found["was"].to_numpy().tolist(), found["root"].to_numpy().tolist(), strict=True))
