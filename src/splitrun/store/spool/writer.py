"""The one thread that writes to a spool: all that waits is written with one commit (group commit)."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Condition, Event, Lock, Thread
from time import monotonic, sleep
from typing import Generic, TypeVar

from splitrun.errors import BusyError, SplitrunError
from splitrun.store.spool.cipher import ADDED
from splitrun.store.spool.file import LOG, PAGE, SpoolFile, counted, told
from splitrun.store.spool.parcel import Parcel

__all__ = ["CAP", "Writer"]

T = TypeVar("T")

CAP = 2_000_000_000
"""Bytes of parcels that a spool holds; more are refused until the committer has caught up."""

WAITING = 64_000_000
"""Bytes that may wait in memory for the next commit."""

GROUP = 16_000_000
"""Bytes that one commit takes at most."""

CHECKPOINT = 0.5
"""Seconds between two checkpoints."""

IDLE = 1.0
"""Seconds after which it is looked again what the spool holds: another process may have let go of some."""

SEVERAL = 8
"""Parcels of a commit from which the next waits for more."""

GATHER = 0.003
"""Seconds that it waits: who sends much at once is answered a little later, and each commit is paid by more
(PostgreSQL's `commit_delay`)."""


class Writer(Generic[T]):
    """Takes parcels from any thread and says, a group at a time, when they are durable.

    Args:
        file: The spool.
        tell: Called in the writing thread after each commit, with each ticket and what went wrong with it.
        cap: Bytes that the spool may hold; exact over what is on disk and what waits.
    """

    def __init__(
        self,
        file: SpoolFile,
        tell: Callable[[Sequence[tuple[T, SplitrunError | None]]], None],
        cap: int = CAP,
    ) -> None:
        self.file, self.tell, self.cap = file, tell, cap
        self.stack = ExitStack()
        self.stack.enter_context(file.owned())
        self.queue: deque[tuple[Parcel, T]] = deque()
        self.some = Condition()
        self.waiting = 0
        self.parcels, self.bytes, self.oldest = file.held()
        self.closed = self.stale = False
        self.asleep = False
        """Whether the writing thread waits to be told of a parcel."""
        self.several = False
        self.turn = Lock()
        """Held by whoever writes: a commit, or the end of a long log."""
        self.stop = Event()
        self.thread = Thread(target=self.write, name="splitrun-spool", daemon=True)
        self.upkeep = Thread(target=self.checkpoints, name="splitrun-checkpoints", daemon=True)
        self.thread.start()
        self.upkeep.start()

    def offer(self, parcel: Parcel, ticket: T) -> None:
        """Queue a parcel; its ticket is told once it is durable, or cannot be.

        Raises:
            BusyError: The spool is at its cap, too much waits already, or the server is stopping.
        """
        size = room(parcel)
        with self.some:
            if self.closed:
                raise BusyError("the server is stopping; send it again", kind="stopping", after=2)
            if self.bytes + self.waiting + size > self.cap:
                self.stale = True  # perhaps the committer has let go of some
                self.some.notify()
                raise BusyError(
                    f"the spool holds {self.bytes:,} bytes of at most {self.cap:,}; the committer has to "
                    "catch up",
                    kind="spool",
                    after=5,
                )
            if self.waiting + size > WAITING:
                raise BusyError("more comes in than the disk can take", kind="queue", after=1)
            self.waiting += size
            self.queue.append((parcel, ticket))
            if self.asleep:
                self.some.notify()

    def forgotten(self) -> None:
        """Have it counted again, because the committer has let go of parcels."""
        with self.some:
            self.stale = True
            self.some.notify()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        with self.some:
            self.closed = True
            self.some.notify()
        self.thread.join()
        self.stop.set()
        self.upkeep.join()
        self.stack.close()

    def taken(self) -> list[tuple[Parcel, T]]:
        """Wait a while for parcels and take a group of them."""
        group: list[tuple[Parcel, T]] = []
        size = 0
        if self.several and not self.closed:
            sleep(GATHER)
        with self.some:
            if not (self.queue or self.closed or self.stale):
                self.asleep = True
                self.some.wait(IDLE)
                self.asleep = False
            while self.queue and size < GROUP:
                parcel, ticket = self.queue.popleft()
                size += room(parcel)
                group.append((parcel, ticket))
        self.several = len(group) >= SEVERAL
        return group

    def write(self) -> None:
        """Commit group after group; a connection that fails is opened anew for the next."""
        while not (self.closed and not self.queue):
            try:
                with self.file.connection() as connection:
                    self.written(connection)
            except SplitrunError as refused:
                # the file cannot be used: whoever waits is told, and the next group tries again
                self.stale = False
                self.settle(self.taken(), refused)

    def written(self, connection: sqlite3.Connection) -> None:
        """Commit groups with one connection until nothing is left to be written."""
        due = monotonic()
        while True:
            group = self.taken()
            if group:
                self.commit(connection, group)
            elif self.closed:
                return
            if self.stale or not group or monotonic() >= due:
                self.count(connection)
                due = monotonic() + IDLE

    def count(self, connection: sqlite3.Connection) -> None:
        """Count what is on disk; exact, because nobody else appends."""
        with self.some:
            self.stale = False
        now = counted(connection)
        with self.some:
            self.parcels, self.bytes, self.oldest = now

    def commit(self, connection: sqlite3.Connection, group: list[tuple[Parcel, T]]) -> None:
        """Write a group and tell each ticket."""
        refused: SplitrunError | None = None
        try:
            with self.turn:
                self.file.keep(connection, [parcel for parcel, _ in group])
        except sqlite3.Error as error:
            refused = told(error, self.file.path)
            with self.some:
                # what came while this one failed would wait as long again, to no purpose
                group.extend(self.queue)
                self.queue.clear()
        self.settle(group, refused)

    def settle(self, group: list[tuple[Parcel, T]], refused: SplitrunError | None) -> None:
        """Count a group and tell its tickets."""
        if not group:
            return
        sizes = [room(parcel) for parcel, _ in group]
        kept = [(parcel, size) for (parcel, _), size in zip(group, sizes, strict=True) if parcel.events]
        with self.some:
            self.waiting -= sum(sizes)
            if refused is None and kept:
                self.bytes += sum(size for _, size in kept)
                self.parcels += len(kept)
                self.oldest = self.oldest or kept[0][0].origin.at
        self.tell([(ticket, refused) for _, ticket in group])

    def checkpoints(self) -> None:
        """Move what is in the log into the file, beside the commits."""
        while not self.stop.wait(CHECKPOINT):
            try:
                with self.file.connection() as connection:
                    while not self.stop.wait(CHECKPOINT):
                        self.checkpoint(connection)
            except SplitrunError:
                continue  # the writer tells whoever waits; the next turn tries again

    def checkpoint(self, connection: sqlite3.Connection) -> None:
        """Move what can be moved without anybody waiting; where the log is long, all of it.

        The log is written over from its beginning then, and keeps its room on the disk.
        """
        _, pages, _ = connection.execute("pragma wal_checkpoint(passive)").fetchone()
        if pages * PAGE > LOG:
            with self.turn:  # little is left to be moved, so this is short
                connection.execute("pragma wal_checkpoint(restart)")


def room(parcel: Parcel) -> int:
    """Bytes that a parcel takes, in memory and on disk."""
    return len(parcel.body) + ADDED
