"""The servers that are measured: the intake as it ships, a bare loop that stores, a framework that does not.

`python -m bench.ingest_servers ours|bare|fastapi FOLDER CORE` prints its port and its key, and serves until
its input ends.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import fastapi
import uvicorn
from msgspec.json import Decoder
from pydantic import BaseModel, Field

from splitrun.sdk.event import Batch
from splitrun.serve.events import Intake
from splitrun.serve.running import Ending
from splitrun.serve.server import Server
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.spool.cipher import Cipher, secret_file
from splitrun.store.spool.file import SpoolFile

__all__ = ["main"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def ours(folder: Path) -> tuple[uvicorn.Server, str]:
    """The intake as it ships: keys, limits, validation, encryption, group commit."""
    access = AccessKeys(folder / "access.json")
    made = access.new("bench", (Scope.INGEST,), "shop", "production", "2026-11-22T08:00:00Z")
    cipher = Cipher([secret_file(folder / "keys" / "spool.key")])
    intake = Intake(SpoolFile(folder / "spool.db", cipher), cap=40_000_000_000)
    return Ending(Server(folder, access, parts={"intake": intake})), made.secret


class Bare:
    """A bare ASGI loop: msgspec reads the batch, one row holds it, one commit takes all that wait."""

    def __init__(self, folder: Path) -> None:
        self.decode = Decoder(Batch).decode
        self.folder = folder
        self.some = threading.Condition()
        self.queue: list[tuple[bytes, asyncio.Future[None]]] = []

    def write(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit what waits."""
        base = sqlite3.connect(self.folder / "bare.db", isolation_level=None)
        base.execute("pragma journal_mode = wal")
        base.execute("pragma synchronous = full")
        base.execute("create table batches (number integer primary key, body blob not null)")
        while True:
            with self.some:
                while not self.queue:
                    self.some.wait()
                group, self.queue = self.queue, []
            base.execute("begin immediate")
            base.executemany("insert into batches (body) values (?)", [(body,) for body, _ in group])
            base.execute("commit")
            loop.call_soon_threadsafe(self.tell, [future for _, future in group])

    @staticmethod
    def tell(futures: list[asyncio.Future[None]]) -> None:
        """Wake who waits."""
        for future in futures:
            future.set_result(None)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take a batch."""
        if scope["type"] == "lifespan":
            await receive()
            threading.Thread(target=self.write, args=(asyncio.get_running_loop(),), daemon=True).start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        count = len(self.decode(body).events)
        future = asyncio.get_running_loop().create_future()
        with self.some:
            self.queue.append((body, future))
            self.some.notify()
        await future
        answer = b'{"accepted":%d,"rejected":[]}' % count
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class Unit(BaseModel):
    """What an event belongs to."""

    type: str
    id: str


class Did(BaseModel):
    """An event."""

    type: Literal["event"]
    id: str
    time: str
    unit: Unit
    name: str
    value: float | None = None
    release: str = ""
    properties: dict[str, object] = {}


class Met(BaseModel):
    """An exposure."""

    type: Literal["exposure"]
    id: str
    time: str
    unit: Unit
    flag: str
    experiment: str
    version: int
    phase: int
    variant: str
    ruleset: int
    reason: str
    detail: str = ""
    attributes: dict[str, object] = {}


class Many(BaseModel):
    """A batch."""

    sent_at: str
    sdk: str
    events: list[Annotated[Did | Met, Field(discriminator="type")]]


def bare(folder: Path) -> tuple[uvicorn.Server, str]:
    """The bare loop."""
    return plain(Bare(folder)), "none"


def framework(_: Path) -> tuple[uvicorn.Server, str]:
    """A handler as a framework's tutorial has it: pydantic reads the batch, nothing is stored."""
    app = fastapi.FastAPI()

    @app.post("/v1/events", status_code=202)
    async def events(batch: Many) -> dict[str, object]:  # what the tutorial writes
        return {"accepted": len(batch.events), "rejected": []}

    return plain(app), "none"


def plain(app: object) -> uvicorn.Server:
    """A server without anything of ours."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application of any make
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        http="httptools",
        loop="uvloop",
    )
    return uvicorn.Server(config)


SERVERS: dict[str, Callable[[Path], tuple[uvicorn.Server, str]]] = {
    "ours": ours,
    "bare": bare,
    "fastapi": framework,
}


def main(name: str, folder: Path, core: int) -> None:
    """Serve on one core until the input ends."""
    with suppress(AttributeError, OSError):  # elsewhere than on Linux it goes where the system puts it
        os.sched_setaffinity(0, {core})
    server, key = SERVERS[name](folder)
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)

    def ended() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=ended, daemon=True).start()
    print(listening.getsockname()[1], key, flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
