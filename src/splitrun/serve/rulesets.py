"""`GET /v1/ruleset` and its stream: what the registry published last, less the flags that were killed.

One thread asks the registry, another looks for kills, which wait for no database; requests are answered from
memory, also while the registry is away.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from splitrun.assign.evaluation import Evaluation
from splitrun.assign.evaluator import Evaluator
from splitrun.conduct.serving.published import Delivered
from splitrun.errors import SplitrunError
from splitrun.sdk.inner.targets import Targets
from splitrun.serve.endpoint import Caller, Endpoint, known, refusal
from splitrun.serve.operations import refusals
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS", "NAME", "Rulesets", "Served", "Source", "rulesets_of"]

NAME = "rulesets"
"""Under which they stand among the server's parts."""

EVERY = 0.2
"""Seconds between two looks for what is newer."""

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it lives."""

STREAM = "text/event-stream"
ALIVE = b": alive\n\n"

log = logging.getLogger("splitrun.rulesets")


class Source(Protocol):
    """Where rulesets come from."""

    trouble: str
    """Why the registry could not be read last."""
    refused: str
    """Why the kills could not be read last."""

    def look(self) -> bool:
        """Read the registry where it may have changed, and say whether it was read; it may take its time."""
        ...

    def newer(self) -> Mapping[str, Delivered]:
        """Give what was not given yet, by environment; it waits for nobody."""
        ...


class Served:
    """A ruleset as it goes over the wire, made once for all who ask.

    Args:
        delivered: What is served.

    Raises:
        RulesetError: It does not hold together.
    """

    def __init__(self, delivered: Delivered) -> None:
        self.version = delivered.ruleset.version
        self.etag = f'"{delivered.digest}"'
        self.token = f"{self.version}-{delivered.digest[7:23]}"
        """Id of the stream's event: a kill changes the digest and not the version."""
        self.document = delivered.document
        self.packed = gzip.compress(delivered.document, 9)
        self.evaluator = Evaluator(delivered.ruleset)
        self.targets = Targets(delivered.ruleset)
        self.told: dict[int, tuple[Evaluation, bytes]] = {}
        """Answers as they were written, by the identity of the evaluation."""
        self.flag_set = f"{delivered.ruleset.project}/{delivered.ruleset.environment}"


@dataclass(slots=True)
class Rulesets:
    """Holds the newest ruleset of each environment, and tells streams when there is a newer one.

    Args:
        source: Where they come from.
        every: Seconds between two looks.
        heartbeat: Seconds of silence after which a stream says that it lives.
    """

    source: Source
    every: float = EVERY
    heartbeat: float = HEARTBEAT
    known: dict[str, Served] = field(default_factory=dict)
    trouble: str = ""
    """Why something newer could not be taken; rulesets are served all the same."""
    streams: int = 0
    """How many are open."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when anything is newer, and then replaced by another."""
    loop: asyncio.AbstractEventLoop | None = None
    ended: Event = field(default_factory=Event)
    turn: Lock = field(default_factory=Lock)
    threads: list[Thread] = field(default_factory=list)

    async def start(self) -> None:
        """Ask once, then go on asking."""
        self.loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.source.look)
        await asyncio.to_thread(self.take)
        for name, turn in (("registry", self.source.look), ("kills", lambda: True)):
            thread = Thread(target=self.watch, args=(turn,), name=f"splitrun-{name}", daemon=True)
            self.threads.append(thread)
            thread.start()

    async def stop(self) -> None:
        """Ask no more, and end the streams."""
        self.end()
        for thread in self.threads:
            await asyncio.to_thread(thread.join, 2.0)  # a database that does not answer keeps nobody

    def end(self) -> None:
        """End the streams; may be called in any thread, and before the server waits for its connections."""
        self.ended.set()
        self.tell()

    def ready(self) -> str:
        """Empty where there is something to serve."""
        return "" if self.known else self.trouble or self.source.trouble or "nothing was published yet"

    def watch(self, turn: Callable[[], bool]) -> None:
        """Look again and again; called in a thread of its own."""
        while not self.ended.wait(self.every):
            try:
                if turn() and self.take():
                    self.tell()
            except Exception as fault:  # a kill has to be noticed whatever went wrong before
                if self.trouble != (says := f"a fault of the server: {fault!r}"):
                    log.exception("looking for newer rulesets failed; it is tried again")
                    self.trouble = says

    def take(self) -> bool:
        """Take what is newer, and say whether anything is."""
        with self.turn:
            before = self.trouble
            try:
                found = self.source.newer()
                made = {name: Served(one) for name, one in found.items()}
                self.known |= made
                self.trouble = self.source.refused or self.source.trouble
            except SplitrunError as error:
                made, self.trouble = {}, str(error)
            if self.trouble and self.trouble != before:
                log.warning("%s", self.trouble)
            return bool(made)

    def tell(self) -> None:
        """Wake the streams; may be called in any thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.ring)

    def ring(self) -> None:
        """Wake the streams."""
        before, self.news = self.news, asyncio.Event()
        before.set()

    async def said(self, environment: str, last: str) -> AsyncIterator[bytes]:
        """Write a stream: each ruleset that is not the last, and that it lives, until the server ends.

        Args:
            environment: Whose rulesets.
            last: Token of the one that is known.
        """
        self.streams += 1
        try:
            yield ALIVE
            while not self.ended.is_set():
                news, now = self.news, self.known.get(environment)
                if now is not None and now.token != last:
                    last = now.token
                    yield b"id: %b\nevent: ruleset\ndata: %d\n\n" % (last.encode(), now.version)
                elif not await heard(news, self.heartbeat):
                    yield ALIVE
        finally:
            self.streams -= 1


async def heard(news: asyncio.Event, seconds: float) -> bool:
    """Wait for news, but not for ever."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True


def rulesets_of(server: Server) -> Rulesets | None:
    """Find the rulesets among a server's parts."""
    match server.parts.get(NAME):
        case Rulesets() as found:
            return found
        case _:
            return None


async def ruleset(server: Server, request: Request, caller: Caller | None) -> Response:
    """Give the ruleset of the key's environment, unless it is the one that is known."""
    rulesets = rulesets_of(server)
    found = None if rulesets is None or caller is None else rulesets.known.get(caller.environment)
    if found is None:
        why = "this process serves no rulesets" if rulesets is None else rulesets.ready()
        return refusal(503, "no_ruleset", why or "the key's environment is gone; make another key", after=5)
    headers = {"ETag": found.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if known(request, found.etag):
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
    now = rulesets.known.get(caller.environment)
    last = request.headers.get("last-event-id") or ("" if now is None else now.token)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # proxies hand it on as it comes
    return StreamingResponse(rulesets.said(caller.environment, last), headers=headers, media_type=STREAM)


ANSWERS = refusals(
    on_401="no key", on_403="the key has not the scope `sdk`", on_503="nothing to serve yet; see Retry-After"
)

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of the ruleset that is known",
    "schema": {"type": "string"},
}

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/ruleset",
        Scope.SDK,
        ruleset,
        "The ruleset of the key's environment",
        {
            "parameters": [IF_NONE_MATCH],
            "responses": {
                "200": {
                    "description": "the envelope, as `splitrun ruleset` writes it",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "304": {"description": "it is the one that If-None-Match names"},
                **ANSWERS,
            },
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
                    "content": {STREAM: {"schema": {"type": "string"}}},
                },
                **ANSWERS,
            }
        },
    ),
)
