"""Rows taken at their word: each a unit of its own, with all its numbers. Looked at as they pass, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from splitrun.measure.adding.arrow import values
from splitrun.moments import IntArray

__all__ = ["FEW", "MistrustedError", "Trial", "apart"]

FEW = 2**22
"""Rows up to which their ids are held to see that none stands twice: 32 MB, and as much to look them up."""
ODD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: as a factor it spreads numbers that lie together (Knuth 1998, vol. 3, 6.4)."""


class MistrustedError(Exception):
    """Rows that were taken at their word are not all what they were taken for."""


class Trial:
    """Looks at rows as they pass."""

    def __init__(self, ids: str | None) -> None:
        """Begin, with the column of whole numbers that no two rows may share; None: each row is a unit."""
        self.ids = ids
        self._seen: list[IntArray] = []
        self._full = True

    def passing(self, batches: Iterable[pa.RecordBatch], filled: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same batches, whose rows may lack nothing in some columns."""
        names = [*filled, *([] if self.ids is None else [self.ids])]
        for batch in batches:
            self._full = self._full and not any(batch.column(name).null_count for name in names)
            if self.ids is not None:
                # a copy: a view would hold on to the whole batch
                self._seen.append(values(batch.column(self.ids), np.int64).copy())
            yield batch

    def passed(self) -> bool:
        """Whether all rows have what none may lack, and none shares its id with another."""
        return self._full and (not self._seen or apart(np.concatenate(self._seen)))


def apart(ids: IntArray) -> bool:
    """Whether no number stands twice.

    Each is written into the slot of its hash, so that the last one stands there; of two that are alike at
    least one finds another than itself, which is its like, or else both do and are left over. Those few are
    taken again by themselves.
    """
    bits = max(4, (2 * len(ids)).bit_length())
    slot = ((ids.view(np.uint64) * ODD) >> np.uint64(64 - bits)).view(np.int64)
    place = np.arange(len(ids), dtype=np.int32)
    last = np.empty(2**bits, dtype=np.int32)
    last[slot] = place
    stands = last.take(slot)
    left = np.flatnonzero(stands != place)
    mine = ids.take(left)
    if np.any(mine == ids.take(stands.take(left))):
        return False
    if len(left) > len(ids) // 2:
        # numbers that hash alike by chance or by design
        ordered = np.sort(mine)
        return not np.any(ordered[1:] == ordered[:-1])
    return not len(left) or apart(mine)
