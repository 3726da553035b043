"""Ids that aliases link, as units: every id of a unit gets the same key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from splitrun.moments import IntArray

__all__ = ["LARGEST", "linked"]

LARGEST = 100
"""Ids of one unit; more are a shared device or a broken client, and are not joined."""


def linked(ours: IntArray, theirs: IntArray) -> pa.Table:
    """Join ids that are linked, over any number of steps.

    Args:
        ours: Key of one id of each link, shape (links,).
        theirs: Key of the other, shape (links,).

    Returns:
        `was` and `root`, int64: each id that is joined, and the smallest key of its unit.
    """
    keys, places = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    count = len(ours)
    graph = coo_array((np.ones(count, dtype=np.int8), (places[:count], places[count:])), (len(keys),) * 2)
    units, unit = connected_components(graph, directed=False) if len(keys) else (0, np.zeros(0, np.int32))
    # keys are sorted, so that the first of each unit is its smallest
    _, first = np.unique(unit, return_index=True)
    kept = np.bincount(unit, minlength=units)[unit] <= LARGEST
    return pa.table({"was": pa.array(keys[kept]), "root": pa.array(keys[first][unit][kept])})
