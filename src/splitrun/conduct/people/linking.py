"""Which other ids belong to units that are to be erased, and to them alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from splitrun.moments import IntArray

__all__ = ["belonging"]


def belonging(own: frozenset[int], links: Iterable[pa.Table]) -> tuple[frozenset[int], frozenset[int]]:
    """Follow aliases back from units: what an id was before is part of it, over any number of steps.

    An id that was linked to others too, like a shared device, is not theirs alone and stays.

    Args:
        own: Pseudonyms of the units.
        links: Tables of `was_key` and `unit_key`.

    Returns:
        Pseudonyms that belong to the units alone, and those that are linked to others as well.
    """
    pairs = [(one["was_key"].to_numpy(), one["unit_key"].to_numpy()) for one in links]
    empty: IntArray = np.empty(0, np.int64)
    was = np.concatenate([empty, *(one for one, _ in pairs)])
    now = np.concatenate([empty, *(one for _, one in pairs)])
    theirs = np.array(sorted(own), np.int64)
    while True:
        mine = np.isin(now, theirs)
        linked = np.setdiff1d(was[mine], theirs)
        alone = np.setdiff1d(linked, was[~mine])
        if not alone.size:
            return frozenset(theirs.tolist()) - own, frozenset(linked.tolist())
        theirs = np.union1d(theirs, alone)
