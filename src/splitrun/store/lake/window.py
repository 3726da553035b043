"""Which event ids a table holds already: the first wins, wherever and whenever an event is sent again.

Ids of the SDK, 16 hexadecimal digits of a process and 16 of its counter, are kept as runs of counters; other
ids as 64-bit fingerprints by day. At 10^8 others one new id in 2 * 10^11 is mistaken for one that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["KEPT", "Window"]

KEPT = 38
"""Days that an id is remembered after it was received last: longer than an event may be late."""

OURS = "^[0-9a-f]{16}000000[0-9a-f]{10}$"
"""A counter below 2^40: what has more digits is no counter but random, and no run would come of it."""
NIBBLES = np.zeros(256, np.uint64)
NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
ONE = np.uint64(1)
WEIGHTS = np.uint64(1) << np.arange(60, -1, -4, dtype=np.uint64)

U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


class Window:
    """Event ids that were seen."""

    def __init__(self) -> None:
        self.runs: dict[int, U64] = {}
        """By process: starts and ends of runs of counters, ends open, in order."""
        self.touched: dict[int, int] = {}
        """Day (since 1970) on which an id of a process was received last."""
        self.days: dict[int, U64] = {}
        """Fingerprints of other ids by day, in order."""

    def fresh(self, ids: pa.Array[pa.StringScalar]) -> Mask:
        """Tell which ids are new: not seen, and the first of their kind among these."""
        return self.pass_over(ids, None)

    def add(self, ids: pa.Array[pa.StringScalar], day: date) -> None:
        """Remember ids.

        Args:
            ids: Seen or not.
            day: On which they were received.
        """
        self.pass_over(ids, (day - date(1970, 1, 1)).days)

    def pass_over(self, ids: pa.Array[pa.StringScalar], day: int | None) -> Mask:
        """Tell which are new, and remember them where a day is given."""
        new = np.zeros(len(ids), np.bool_)
        ours = np.asarray(pc.match_substring_regex(ids, OURS).to_numpy(zero_copy_only=False))
        at = np.flatnonzero(ours)
        if at.size:
            new[at] = self.of_sdk(ids if at.size == len(ids) else ids.filter(pa.array(ours)), day)
        other = np.flatnonzero(~ours)
        if other.size:
            new[other] = self.of_others([str(one) for one in ids.filter(pa.array(~ours)).to_pylist()], day)
        return new

    def of_sdk(self, ids: pa.Array[pa.StringScalar], day: int | None) -> Mask:
        """Look at ids of the SDK."""
        signs = np.frombuffer("".join(map(str, ids.to_pylist())).encode(), np.uint8).reshape(-1, 32)
        process = (NIBBLES[signs[:, :16]] * WEIGHTS).sum(axis=1, dtype=np.uint64)
        counter = (NIBBLES[signs[:, 16:]] * WEIGHTS).sum(axis=1, dtype=np.uint64)
        new = np.zeros(len(signs), np.bool_)
        for of, counters, places in by_process(process, counter):
            seen = self.runs.get(of)
            if seen is None or counters[0] >= seen[-1]:
                new[places] = True
            else:
                # an odd place stands inside a run
                new[places] = np.searchsorted(seen, counters, "right") % 2 == 0
            if day is not None:
                self.runs[of] = melted(seen, counters)
                self.touched[of] = max(day, self.touched.get(of, day))
        return new

    def of_others(self, ids: list[str], day: int | None) -> Mask:
        """Look at other ids."""
        prints = np.array([fingerprint(one) for one in ids], np.uint64)
        new = np.zeros(len(ids), np.bool_)
        _, first = np.unique(prints, return_index=True)
        new[first] = True
        for known in self.days.values():
            place = np.minimum(np.searchsorted(known, prints), max(len(known) - 1, 0))
            new &= known[place] != prints if len(known) else True
        if day is not None:
            self.days[day] = np.union1d(self.days.get(day, np.empty(0, np.uint64)), prints[new])
        return new

    def expire(self, today: date) -> None:
        """Forget what was received too long ago to come again."""
        oldest = (today - date(1970, 1, 1)).days - KEPT
        for of in [of for of, day in self.touched.items() if day < oldest]:
            del self.runs[of], self.touched[of]
        for day in [day for day in self.days if day < oldest]:
            del self.days[day]


def fingerprint(text: str) -> int:
    """Give 64 bits of BLAKE2b (RFC 7693)."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


Run = tuple[int, U64, Places]
"""Process, its counters in order, and where their ids stand."""


def by_process(process: U64, counter: U64) -> Iterator[Run]:
    """Part ids by process; of ids that are there twice the first stands for both."""
    order = np.lexsort((counter, process))
    by, of = process[order], counter[order]
    same = np.zeros(len(order), np.bool_)
    same[1:] = (by[1:] == by[:-1]) & (of[1:] == of[:-1])
    if same.any():
        order, by, of = order[~same], by[~same], of[~same]
    edges = [0, *(np.flatnonzero(by[1:] != by[:-1]) + 1).tolist(), len(order)]
    for start, end in pairwise(edges):
        yield int(by[start]), of[start:end], order[start:end]


def melted(seen: U64 | None, counters: U64) -> U64:
    """Put counters among runs, and melt those that touch.

    Args:
        seen: Starts and ends of runs, ends open, in order.
        counters: In order, each once.
    """
    breaks = np.flatnonzero(counters[1:] != counters[:-1] + ONE)
    starts = counters[np.concatenate(([0], breaks + 1))]
    ends = counters[np.concatenate((breaks, [len(counters) - 1]))] + ONE
    if seen is not None:
        starts, ends = np.concatenate((seen[::2], starts)), np.concatenate((seen[1::2], ends))
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    first = np.concatenate(([True], starts[1:] > reach[:-1]))
    last = np.concatenate((first[1:], [True]))
    return np.ravel(np.column_stack((starts[first], reach[last])))
