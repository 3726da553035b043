"""Who may not be measured, as a running process sees it: what others write is heeded within a second."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic

from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.lasting import folder
from splitrun.store.people.marks import Kind, Mark, Marks, parsed

__all__ = ["LOOK", "Heeded"]

LOOK = 0.25
"""Seconds until what another process wrote is noticed."""

log = logging.getLogger("splitrun.people")


class Heeded:
    """The list, read again where it has changed.

    Args:
        marks: The list.
        turns: A file that whoever brings rows into the lake holds meanwhile.
    """

    def __init__(self, marks: Marks, turns: Path) -> None:
        self.marks, self.turns = marks, turns
        self.known: dict[str, Mark] = {}
        self.seen: tuple[int, int, int] = (0, 0, 0)
        """Inode, when it was changed, and bytes that were read of it."""
        self.looked = -LOOK
        self.opened: frozenset[int] | None = None
        self.kinds: set[Kind] = set()
        self.turn = Lock()

    def unwanted(self, *, fresh: bool = False) -> Callable[[Unit], bool] | None:
        """Give what tells the units that nothing is kept of; None where there are none.

        Args:
            fresh: Whether to look at once, and not at most every `LOOK` seconds.

        Raises:
            StoreError: The list cannot be read, and never could.
        """
        self.refresh(fresh=fresh)
        if not self.known:
            return None
        known, token = self.known, self.marks.token
        return lambda unit: token(unit) in known

    def linked(self) -> Callable[[int], bool] | None:
        """Give what tells pseudonyms of ids that went with who was forgotten; None where there are none."""
        if not self.kinds:
            self.kinds = {mark.kind for mark in self.known.values()}
        if Kind.LINKED not in self.kinds:
            return None
        known, token_of = self.known, self.marks.token_of
        return lambda key: token_of(key) in known

    def keys(self) -> frozenset[int]:
        """Give the pseudonyms of these units whose rows may be there, as the list was last read."""
        if self.opened is None:
            self.opened = self.marks.keys(self.known)
        return self.opened

    def refresh(self, *, fresh: bool = False) -> None:
        """Read what is new in the list; what cannot be read is told once, and what was read last stands."""
        if not fresh and monotonic() - self.looked < LOOK:
            return
        with self.turn:
            self.looked = monotonic()
            try:
                found = self.marks.file.stat()
            except FileNotFoundError:
                return
            state = (found.st_ino, found.st_mtime_ns, found.st_size)
            if state == self.seen:
                return
            try:
                self.known, self.opened, self.kinds = self.read(*state), None, set()
            except (StoreError, OSError) as error:
                if self.seen == (0, 0, 0):
                    raise
                log.error("%s", error)  # noqa: TRY400  # the reason stands in it
            self.seen = state

    def read(self, inode: int, _changed: int, size: int) -> dict[str, Mark]:
        """Read the list: only what was added, where nothing else can have changed."""
        before, _, known = self.seen
        if inode != before or size <= known:
            return self.marks.read()
        with self.marks.file.open("rb") as file:
            file.seek(known - 1)
            if file.read(1) != b"\n":
                return self.marks.read()  # a line was being written
            return {**self.known, **parsed(file.read(), self.marks)}

    @contextmanager
    def bringing(self) -> Iterator[None]:
        """Hold, beside others, that rows are on their way into the lake."""
        with self.held(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until all that were bringing rows have done so, and keep others from it meanwhile."""
        with self.held(fcntl.LOCK_EX):
            yield

    @contextmanager
    def held(self, how: int) -> Iterator[None]:
        """Hold the file of turns.

        Raises:
            StoreError: It cannot be opened.
        """
        try:
            folder(self.turns.parent)
            lock = self.turns.open("w")
        except OSError as error:
            raise StoreError(
                f"the file {self.turns} cannot be opened ({error}); look at disk and rights"
            ) from error
        with lock:
            fcntl.flock(lock, how)
            yield
