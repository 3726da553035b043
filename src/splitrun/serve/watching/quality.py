"""`GET /v1/quality`: what became of events, how fresh they are, whether heartbeats arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from splitrun.conduct.collecting.quality import Quality, quality
from splitrun.conduct.collecting.tellings import quality_as_json
from splitrun.conduct.desk import Desk
from splitrun.errors import SplitrunError
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.operations import refusals
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS", "Watch", "watch_of"]

NAME = "quality"
OLD = 10.0
"""Seconds that what was read may be told again."""


class Watch:
    """Reads the quality of what is collected, in a thread, and not more often than it changes.

    Args:
        root: The project's folder.
        desk: The clock.
        clock: Seconds that only grow.
    """

    def __init__(self, root: Path, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self.root, self.desk, self.clock = root, desk, clock
        self.read: tuple[float, Quality | None] | None = None
        self.turn = asyncio.Lock()

    async def start(self) -> None:
        """Nothing is read before somebody asks."""

    async def stop(self) -> None:
        """Nothing is under way."""

    def ready(self) -> str:
        """Always."""
        return ""

    async def reading(self) -> Quality | None:
        """Give what spool and lake tell; None where nothing was collected.

        Raises:
            SplitrunError: They cannot be read.
        """
        async with self.turn:
            if self.read is None or self.clock() - self.read[0] > OLD:
                found = await asyncio.to_thread(quality, self.root, self.desk)
                self.read = (self.clock(), found)
            return self.read[1]


def watch_of(server: Server) -> Watch:
    """The server's, made when it is first asked for."""
    match server.parts.get(NAME):
        case Watch() as found:
            return found
        case _:
            made = Watch(server.root, server.desk)
            server.parts[NAME] = made
            return made


async def told(server: Server, _request: Request, caller: Caller | None) -> Response:
    """Tell the quality of what the key's project and environment collect."""
    try:
        found = await watch_of(server).reading()
    except SplitrunError as error:
        return refusal(503, "unavailable", str(error), after=5)
    if found is not None and caller is not None:
        found = found.of(caller.project, caller.environment)
    return Response(encode(quality_as_json(found)), media_type="application/json")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/quality",
        Scope.READ,
        told,
        "What became of events, how fresh they are, whether heartbeats arrive",
        {
            "responses": {
                "200": {
                    "description": "splitrun.quality/1, of the key's project and environment",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                **refusals(
                    on_401="no key, or none that is known",
                    on_403="the key has no scope `read`",
                    on_503="spool or lake cannot be read now",
                ),
            }
        },
        mode=None,
    ),
)
