"""The bounded memory between callers and the sender; the oldest goes first when it is full."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence

from splitrun.sdk.outbox.records import SMALL, Record, weight

__all__ = ["MANY", "SMALL_TEXT", "Queue"]

SMALL_TEXT = 256
"""Characters of text up to which a record is small: four bytes each, and the objects around them."""
MANY = 12
"""Attributes up to which an exposure with little text is small."""
HIGH = 1_000
"""Records that may wait before the caller wakes the sender."""


class Queue:
    """Records as callers left them (`fresh`), and the same as encoded lines (`held`).

    A caller appends to `fresh` and calls `crowded` when it is longer than `mark`; nothing else is asked of
    it. Appending to and popping from a deque are atomic, so no lock is taken on that path. Count and bytes
    of fresh, held and flying (being sent) together stay within the bounds.
    """

    def __init__(self, room: int, room_bytes: int, wake: Callable[[], None]) -> None:
        self.room, self.room_bytes, self.wake = room, room_bytes, wake
        self.fresh: deque[Record] = deque()
        self.held: deque[bytes] = deque()
        self.held_bytes = 0
        self.heavy_bytes = 0
        self.flying: Sequence[bytes] = ()
        self.flying_bytes = 0
        self.moved = self.dropped = self.dropped_fresh = self.rejected = self.unfit = 0
        self.mark = -1
        """The first record wakes the sender, which starts its thread."""
        self.prefix = os.urandom(8).hex()
        # reentrant: a signal handler may record something while the same thread is in here
        self.lock = threading.RLock()

    def __len__(self) -> int:
        """Events in memory, those being sent included."""
        # the lock: lines on their way from `held` to `flying` would be seen in neither
        with self.lock:
            return len(self.fresh) + len(self.held) + len(self.flying)

    @property
    def size(self) -> int:
        """Bytes in memory; at most, for records that are not encoded yet."""
        return self.held_bytes + self.flying_bytes + self.heavy_bytes + SMALL * len(self.fresh)

    @property
    def made(self) -> int:
        """Records ever put here, the twins that were found out left out."""
        with self.lock:
            return self.moved + self.dropped_fresh + len(self.fresh)

    def put(self, record: Record) -> None:
        """Take a record; the same lines stand in the two calls that count nanoseconds."""
        heavy = weight(record)
        if heavy:
            with self.lock:
                self.heavy_bytes += heavy
                self.fresh.append(record)
                self.crowded()
            return
        self.fresh.append(record)
        if len(self.fresh) > self.mark:
            self.crowded()

    def crowded(self) -> None:
        """Wake the sender, once until it has run, and drop the oldest while there is too much."""
        with self.lock:
            self.wake()
            self.trim(self.room)

    def trim(self, high: int = HIGH) -> None:
        """Drop the oldest while there is too much, and set the mark for the next caller.

        Args:
            high: Fresh records from which on the next caller should call `crowded` although there is room.
        """
        with self.lock:
            while len(self) > self.room or self.size > self.room_bytes:
                if not self.drop():
                    break
            spare = (self.room_bytes - self.size) // SMALL
            left = min(self.room - len(self), spare)
            self.mark = min(high, len(self.fresh) + left)

    def drop(self) -> bool:
        """Drop the oldest that is not being sent; False where there is none."""
        if self.held:
            self.held_bytes -= len(self.held.popleft())
        elif self.fresh:
            self.heavy_bytes -= weight(self.fresh.popleft())
            self.dropped_fresh += 1
        else:
            return False
        self.dropped += 1
        return True

    def encode(self, line: Callable[[Record], tuple[bytes, str]], most: int = 5_000) -> str:
        """Turn fresh records into lines; called by the sender. Says what was wrong with the last bad one.

        A record without a line of which nothing is said was here before: it does not count.
        """
        wrong = ""
        for _ in range(most):
            # it stays in its place until it is a line, so that it is counted all the time
            with self.lock:
                record = self.fresh[0] if self.fresh else None
            if record is None:
                break
            written, says = line(record)
            with self.lock:
                if not self.fresh or self.fresh[0] is not record:
                    continue  # dropped in between
                self.fresh.popleft()
                self.moved += bool(written or says)
                self.heavy_bytes -= weight(record)
                if written:
                    self.held.append(written)
                    self.held_bytes += len(written)
                elif says:
                    self.rejected += 1
                    wrong = says
        self.trim()
        return wrong

    def take(self, most: int, most_bytes: int) -> Sequence[bytes]:
        """Take the oldest lines for sending; they stay counted until `settle` or `back`."""
        with self.lock:
            if self.flying:
                # whoever took them did not come to an end: they are sent again rather than lost
                self.back()
            lines: list[bytes] = []
            size = 0
            while self.held and len(lines) < most and size + len(self.held[0]) + 1 <= most_bytes:
                line = self.held.popleft()
                size += len(line) + 1
                self.held_bytes -= len(line)
                lines.append(line)
            self.flying, self.flying_bytes = lines, sum(map(len, lines))
            return lines

    def refuse(self) -> None:
        """Count a record that is not fit to be sent, and let the sender say so."""
        with self.lock:
            self.rejected += 1
            self.unfit += 1
            self.wake()

    def close(self) -> None:
        """Keep nothing more; what is still put here is counted as dropped."""
        with self.lock:
            self.room = 0
            self.trim()
            self.mark = -1

    def settle(self) -> None:
        """What was taken is where it belongs."""
        with self.lock:
            self.flying, self.flying_bytes = (), 0
            self.trim()

    def back(self) -> None:
        """What was taken was not acknowledged: it is the oldest again."""
        with self.lock:
            self.held.extendleft(reversed(self.flying))
            self.held_bytes += self.flying_bytes
            self.settle()
