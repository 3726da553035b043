"""`GET /v1/ruleset` and its stream: the ruleset that the registry published last, to the byte.

One thread asks the registry for its newest version; requests are answered from memory, also while the
registry is away.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from splitrun.errors import SplitrunError
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope
from splitrun.store.registry.documents import KeptRuleset

__all__ = ["ENDPOINTS", "NAME", "Rulesets", "Source"]

NAME = "rulesets"
"""Under which they stand among the server's parts."""

EVERY = 0.4
"""Seconds between two questions to the registry."""

HEARTBEAT = 15
"""Seconds of silence after which a stream says that it lives."""

Source = Callable[[Mapping[str, int]], Mapping[str, KeptRuleset]]
"""Given the versions that are known by environment, gives those rulesets that are newer."""


@dataclass(slots=True)
class Served:
    """A ruleset as it goes over the wire."""

    version: int
    etag: str
    document: bytes
    packed: bytes


@dataclass(slots=True)
class Rulesets:
    """Holds the newest ruleset of each environment, and tells streams when there is a newer one.

    Args:
        source: Asks the registry.
        every: Seconds between two questions.
    """

    source: Source
    every: float = EVERY
    known: dict[str, Served] = field(default_factory=dict)
    trouble: str = ""
    """Why the registry could not be asked last; rulesets are served all the same."""
    news: asyncio.Condition | None = None
    loop: asyncio.AbstractEventLoop | None = None
    ended: Event = field(default_factory=Event)
    thread: Thread | None = None

    async def start(self) -> None:
        """Ask once, then go on asking."""
        self.loop, self.news = asyncio.get_running_loop(), asyncio.Condition()
        await asyncio.to_thread(self.ask)
        self.thread = Thread(target=self.watch, name="splitrun-rulesets", daemon=True)
        self.thread.start()

    async def stop(self) -> None:
        """Ask no more, and end the streams."""
        self.ended.set()
        await self.tell()
        if self.thread is not None:
            await asyncio.to_thread(self.thread.join)

    def ready(self) -> str:
        """Empty where there is something to serve."""
        return "" if self.known else self.trouble or "no ruleset was published yet"

    def watch(self) -> None:
        """Ask again and again; called in a thread of its own."""
        while not self.ended.wait(self.every):
            if self.ask() and self.loop is not None and not self.loop.is_closed():
                asyncio.run_coroutine_threadsafe(self.tell(), self.loop)

    def ask(self) -> bool:
        """Ask the registry, and say whether anything is newer."""
        try:
            found = self.source({name: one.version for name, one in self.known.items()})
        except SplitrunError as error:
            self.trouble = str(error)
            return False
        self.trouble = ""
        for name, kept in found.items():
            document = kept.document
            self.known[name] = Served(
                kept.version, f'"{kept.digest}-{kept.version}"', document, gzip.compress(document, 9)
            )
        return bool(found)

    async def tell(self) -> None:
        """Wake the streams."""
        if self.news is not None:
            async with self.news:
                self.news.notify_all()

    async def versions(self, environment: str, last: int) -> AsyncIterator[int]:
        """Give each version that is newer than one, as it comes, until the server stops."""
        while self.news is not None and not self.ended.is_set():
            async with self.news:
                now = self.known.get(environment)
                if now is None or now.version <= last:
                    await self.news.wait()
                    continue
                last = now.version
            yield last


def rulesets_of(server: Server) -> Rulesets | None:
    """Find the rulesets among a server's parts."""
    found = server.parts.get(NAME)
    return found if isinstance(found, Rulesets) else None


async def ruleset(server: Server, request: Request, caller: Caller | None) -> Response:
    """Give the ruleset of the key's environment, unless it is the one that is known."""
    rulesets = rulesets_of(server)
    found = None if rulesets is None or caller is None else rulesets.known.get(caller.environment)
    if found is None:
        why = "" if rulesets is None else rulesets.trouble
        return refusal(503, "no_ruleset", why or "no ruleset was published yet; start an experiment", after=5)
    headers = {"ETag": found.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if found.etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        packed = headers | {"Content-Encoding": "gzip"}
        return Response(found.packed, headers=packed, media_type="application/json")
    return Response(found.document, headers=headers, media_type="application/json")


async def stream(server: Server, request: Request, caller: Caller | None) -> Response:
    """Say when there is a newer ruleset; what it is, is asked for."""
    rulesets = rulesets_of(server)
    if rulesets is None or caller is None:
        return refusal(503, "no_ruleset", "this process serves no rulesets", after=5)
    known = rulesets.known.get(caller.environment)
    written = request.headers.get("last-event-id", "")
    last = int(written) if written.isdecimal() and len(written) < 16 else (known.version if known else 0)

    async def said() -> AsyncIterator[ServerSentEvent]:
        async for version in rulesets.versions(caller.environment, last):
            yield ServerSentEvent(str(version), event="ruleset", id=str(version))

    return EventSourceResponse(
        said(),
        headers={"X-Accel-Buffering": "no"},
        ping=HEARTBEAT,
        ping_message_factory=lambda: ServerSentEvent(comment="alive"),
    )


ANSWERS = {
    "401": {"description": "no key"},
    "403": {"description": "the key has not the scope `sdk`"},
    "503": {"description": "nothing to serve yet; see Retry-After"},
}

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/ruleset",
        Scope.SDK,
        ruleset,
        "The ruleset of the key's environment",
        {
            "responses": {
                "200": {
                    "description": "the envelope, as `splitrun ruleset` writes it",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "304": {"description": "it is the one that If-None-Match names"},
                **ANSWERS,
            }
        },
    ),
    Endpoint(
        "GET",
        "/v1/ruleset/stream",
        Scope.SDK,
        stream,
        "Server-sent events: `ruleset` with the version, whenever a newer one was published",
        {
            "responses": {
                "200": {
                    "description": "a stream that says it lives every 15 seconds",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                **ANSWERS,
            }
        },
    ),
)
