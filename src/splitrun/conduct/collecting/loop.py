"""The committer as a part of the server: a thread that flushes when enough waits or the time is up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from threading import Event, Thread

from splitrun.conduct.collecting.committer import ENOUGH, Committer
from splitrun.errors import SplitrunError

__all__ = ["Loop"]

EVERY = 5.0
"""Seconds that an event waits at most before it is flushed."""
LOOK = 0.25
"""Seconds between two looks at the spool."""
LONGEST = 5.0
"""Seconds between two tries at most, while something refuses."""

log = logging.getLogger("splitrun.committer")


class Loop:
    """Flushes until it is stopped; what refuses is tried again, and the spool grows meanwhile.

    Args:
        make: Makes the committer, in the thread that it then lives in.
        after: Called after each flush, like `Writer.forgotten`.
        upkeep: Called between flushes, like `Upkeep.turn`.
    """

    def __init__(
        self,
        make: Callable[[], Committer],
        after: Callable[[], None] = lambda: None,
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        self.make, self.after, self.upkeep = make, after, upkeep
        self.stopping = Event()
        self.refused = "the committer has not begun"
        self.thread = Thread(target=self.run, name="splitrun-committer", daemon=True)

    async def start(self) -> None:
        """Begin in a thread of its own."""
        self.refused = ""
        self.thread.start()

    async def stop(self) -> None:
        """Flush what waits, and end."""
        self.stopping.set()
        await asyncio.to_thread(self.thread.join)

    def ready(self) -> str:
        """Empty while flushes succeed; else what refuses."""
        return self.refused

    def run(self) -> None:
        """Flush until stopped; begin again where anything refuses."""
        pause = 1.0
        while True:
            last = self.stopping.is_set()
            try:
                committer = self.make()
                with committer.owned():
                    self.flushes(committer)
                    committer.close()
            except (SplitrunError, OSError) as error:
                self.refused = str(error)
                log.warning("%s", error)
                if last:
                    return
                self.stopping.wait(pause)
                pause = min(pause * 2, LONGEST)
            else:
                return

    def flushes(self, committer: Committer) -> None:
        """Flush whenever enough waits or the time is up, and once more at the end."""
        since = time.monotonic() - EVERY  # what waited over a restart has waited long enough
        while not self.stopping.wait(LOOK):
            self.upkeep()
            if committer.waiting() < ENOUGH and time.monotonic() - since < EVERY:
                continue
            self.emptied(committer)
            since = time.monotonic()
        self.emptied(committer)

    def emptied(self, committer: Committer) -> None:
        """Flush until nothing waits."""
        while committer.flush() is not None:
            self.refused = ""
            self.after()
