"""Which event ids a table holds already: the first wins, wherever and whenever an event is sent again.

Ids of the SDK, 16 hexadecimal digits of a process and 16 of its counter, are kept as runs of counters; other
ids as 64-bit fingerprints by day. At 10^8 others one new id in 2 * 10^11 is mistaken for one that was seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["KEPT", "Window"]

KEPT = 38
"""Days that an id is remembered after it was received last: longer than an event may be late."""

OURS = "^[0-9a-f]{32}$"
NIBBLES = np.zeros(256, np.uint64)
for _place, _sign in enumerate(b"0123456789abcdef"):
    NIBBLES[_sign] = _place
WEIGHTS = np.uint64(1) << np.arange(60, -1, -4, dtype=np.uint64)

U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


class Window:
    """Event ids that were seen."""

    def __init__(self) -> None:
        self.runs: dict[int, list[int]] = {}
        """By process: starts and ends of runs of counters, ends open, in order."""
        self.touched: dict[int, int] = {}
        """Day (since 1970) on which an id of a process was received last."""
        self.days: dict[int, U64] = {}
        """Fingerprints of other ids by day, in order."""

    def fresh(self, ids: pa.Array) -> Mask:
        """Tell which ids are new: not seen, and the first of their kind among these."""
        return self.pass_over(ids, None)

    def add(self, ids: pa.Array, day: date) -> None:
        """Remember ids.

        Args:
            ids: Seen or not.
            day: On which they were received.
        """
        self.pass_over(ids, (day - date(1970, 1, 1)).days)

    def pass_over(self, ids: pa.Array, day: int | None) -> Mask:
        """Tell which are new, and remember them where a day is given."""
        new = np.zeros(len(ids), np.bool_)
        ours = np.asarray(pc.match_substring_regex(ids, OURS).to_numpy(zero_copy_only=False))
        at = np.flatnonzero(ours)
        if at.size:
            new[at] = self.of_sdk(ids if at.size == len(ids) else ids.take(pa.array(at)), day)
        other = np.flatnonzero(~ours)
        if other.size:
            new[other] = self.of_others([str(one) for one in ids.take(pa.array(other)).to_pylist()], day)
        return new

    def of_sdk(self, ids: pa.Array, day: int | None) -> Mask:
        """Look at ids of the SDK."""
        signs = np.frombuffer("".join(ids.to_pylist()).encode(), np.uint8).reshape(-1, 32)
        process = (NIBBLES[signs[:, :16]] * WEIGHTS).sum(axis=1, dtype=np.uint64)
        counter = (NIBBLES[signs[:, 16:]] * WEIGHTS).sum(axis=1, dtype=np.uint64)
        new = np.zeros(len(signs), np.bool_)
        for of, start, end, places in consecutive(process, counter):
            seen = self.runs.setdefault(of, []) if day is not None else self.runs.get(of, [])
            new[places] = unseen(seen, start, end)
            if day is not None:
                insert(seen, start, end)
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


Run = tuple[int, int, int, Places]
"""Process, first counter, the end of counters (open), and where the ids stand."""


def consecutive(process: U64, counter: U64) -> Iterator[Run]:
    """Part ids into runs; of ids that are there twice the first stands for both."""
    order = np.lexsort((counter, process))
    by, of = process[order], counter[order]
    same = np.zeros(len(order), np.bool_)
    same[1:] = (by[1:] == by[:-1]) & (of[1:] == of[:-1])
    order, by, of = order[~same], by[~same], of[~same]
    breaks = np.flatnonzero((by[1:] != by[:-1]) | (of[1:] != of[:-1] + np.uint64(1))) + 1
    edges = [0, *breaks.tolist(), len(order)]
    for start, end in zip(edges, edges[1:], strict=False):
        yield int(by[start]), int(of[start]), int(of[end - 1]) + 1, order[start:end]


def unseen(seen: list[int], start: int, end: int) -> Mask | bool:
    """Tell which counters of a run are in none of the runs seen."""
    at = bisect_right(seen, start)
    if at % 2 == 0 and (at == len(seen) or seen[at] >= end):
        return True
    new = np.ones(end - start, np.bool_)
    for left, right in zip(seen[at - at % 2 :: 2], seen[at - at % 2 + 1 :: 2], strict=True):
        if left >= end:
            break
        new[max(left - start, 0) : max(right - start, 0)] = False
    return new


def insert(seen: list[int], start: int, end: int) -> None:
    """Put a run among others, and melt those that touch."""
    if not seen or start > seen[-1]:
        seen += [start, end]
        return
    first, last = bisect_right(seen, start - 1), bisect_right(seen, end)
    # an odd place stands inside a run, or at its end
    left = [] if first % 2 else [start]
    right = [] if last % 2 else [end]
    seen[first:last] = [*left, *right]
