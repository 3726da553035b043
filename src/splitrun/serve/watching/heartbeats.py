"""The part of the server that sends itself heartbeats, through the same intake as everybody's events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from secrets import token_hex

from splitrun.conduct.collecting.heartbeats import EVERY, batch
from splitrun.errors import SplitrunError
from splitrun.serve.events import Intake, take
from splitrun.store.spool.parcel import HEARTBEAT, Origin

__all__ = ["Heartbeats"]

log = logging.getLogger("splitrun.heartbeats")


class Heartbeats:
    """Sends one to each project and environment, again and again.

    Args:
        intake: Through which they go.
        places: Projects and environments.
        now: The clock.
        every: Seconds between two of them; the first comes after as many.
    """

    def __init__(
        self,
        intake: Intake,
        places: Sequence[tuple[str, str]],
        now: Callable[[], datetime],
        every: float = EVERY,
    ) -> None:
        self.intake, self.places, self.now, self.every = intake, tuple(places), now, every
        self.process, self.number, self.failed = token_hex(8), 0, 0
        self.spool = ""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, when the intake has."""
        self.spool = await asyncio.to_thread(self.intake.file.name)
        self.task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Send no more."""
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    def ready(self) -> str:
        """Always: whether events are taken is the intake's to say."""
        return ""

    async def run(self) -> None:
        """Send until it is told to stop."""
        while True:
            await asyncio.sleep(self.every)
            for project, environment in self.places:
                await self.beat(project, environment)

    async def beat(self, project: str, environment: str) -> bool:
        """Send one, and tell whether it was answered for."""
        at = self.now()
        self.number += 1
        body = batch(self.spool, self.process, self.number, at)
        come = Origin(project, environment, "", round(at.timestamp() * 1_000_000) * 1_000)
        try:
            answer = await take(self.intake, body, come, packed=True, form=HEARTBEAT)
        except SplitrunError as refused:
            says = str(refused)
        else:
            if answer.status_code == 202:
                return True
            says = bytes(answer.body).decode()
        self.failed += 1
        log.warning("a heartbeat of %s/%s was not taken: %s", project, environment, says)
        return False
