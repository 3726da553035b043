"""Ids that aliases link, as units: every id of a unit gets the same key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

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
    root = rooted(places[: len(ours)], places[len(ours) :], len(keys))
    kept = np.bincount(root, minlength=len(keys))[root] <= LARGEST
    return pa.table({"was": pa.array(keys[kept]), "root": pa.array(keys[root][kept])})


def rooted(one: IntArray, other: IntArray, count: int) -> IntArray:
    """Give every place the smallest place that links lead to from it, by halving the way again and again."""
    root = np.arange(count)
    while True:
        least = np.minimum(root[one], root[other])
        lower = root.copy()
        for end in (one, other):
            np.minimum.at(lower, end, least)
            np.minimum.at(lower, root[end], least)
        lower = lower[lower]
        if np.array_equal(lower, root):
            return root
        root = lower
