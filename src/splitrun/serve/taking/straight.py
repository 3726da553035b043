"""A batch without detours: an ordinary `POST /v1/events`, from its headers to its 202, in one stretch.

Nothing is asked less than in `events`: the key, the limits of the body and of each event, the durable commit.
Whatever is not ordinary, or not taken whole, is handed on to be answered there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from splitrun.collect.intake import Taken, taken
from splitrun.collect.limits import BATCH_BYTES
from splitrun.errors import SplitrunError
from splitrun.serve.endpoint import Caller
from splitrun.serve.events import ENCODING, JSON, PATH, Intake, later, origin
from splitrun.serve.front import BINDING, ROUTE, Front
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope as Scopes
from splitrun.store.spool.parcel import Parcel

__all__ = ["Straight"]

KINDS = {JSON[1]: False, b"application/json; charset=utf-8": False}
PACKINGS = {None: False, b"gzip": True}
"""Ordinary values of Content-Encoding, and whether the body is packed."""
HEADERS = [JSON, *BINDING]
LATE = "the body did not come in time"
GONE: Message = {"type": "http.disconnect"}


class Straight:
    """Takes ordinary batches.

    Args:
        server: Whose keys, clock and counts are used.
        intake: Keeps batches.
        other: Answers everything else.
    """

    def __init__(self, server: Server, intake: Intake, other: ASGIApp) -> None:
        self.server, self.intake, self.other = server, intake, other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a batch, or hand it on."""
        begun = perf_counter()
        said: dict[bytes, bytes] = dict(scope["headers"])
        caller = self.server.access.proved(said.get(b"authorization", b""))
        room = self.room(said)
        if not room or caller is None or not may(caller):
            await self.other(scope, receive, send)
            return
        self.intake.buffered += room
        try:
            body = await self.read(receive)
            count = 0 if body is None else await self.keep(body, caller, packed=ENCODING in said)
        except SplitrunError as refused:
            scope[ROUTE] = PATH
            await Front(later(refused), self.server.seen, self.server.origins)(scope, receive, send)
            return
        finally:
            self.intake.buffered -= room
        if not count:
            await self.other(scope, again(body), send)
            return
        answer = b'{"accepted":%d,"rejected":[]}' % count
        headers = [*HEADERS, (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        self.server.seen.note("POST", PATH, 202, perf_counter() - begun, len(answer))

    def room(self, said: Mapping[bytes, bytes]) -> int:
        """Bytes of an ordinary body that there is room for; 0 where something is not ordinary."""
        length = said.get(b"content-length", b"")
        if not (length.isdigit() and len(length) < 8 and said.get(ENCODING) in PACKINGS):
            return 0
        if said.get(JSON[0], b"").lower() not in KINDS or b"origin" in said or b"transfer-encoding" in said:
            return 0
        room = int(length)
        return room if room <= BATCH_BYTES and self.intake.buffered + room <= self.intake.most else 0

    async def read(self, receive: Receive) -> bytes | None:
        """Read a body; None where it does not come whole and in time."""
        task = asyncio.current_task()
        if task is None or self.intake.loop is None:
            return None
        watch = self.intake.loop.call_later(self.intake.patience, task.cancel, LATE)
        pieces: list[bytes] = []
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        except asyncio.CancelledError as why:
            if why.args != (LATE,):
                raise
            task.uncancel()
            return None
        finally:
            watch.cancel()

    async def keep(self, body: bytes, caller: Caller, *, packed: bool) -> int:
        """Keep a batch of which everything is taken, and count its events; 0 where nothing was kept.

        Raises:
            BusyError: It cannot be taken now.
            StoreError: The spool cannot be used.
        """
        match taken(body, packed=packed, unwanted=self.intake.unwanted()):
            case Taken(events=count, out=()) if count:
                await self.intake.keep(Parcel(origin(self.server, caller), count, body, packed))
                return count
            case _:
                return 0


def may(caller: Caller) -> bool:
    """Whether a key may send events."""
    return Scopes.INGEST in caller.scopes or Scopes.ADMIN in caller.scopes


def again(body: bytes | None) -> Receive:
    """Give a body once more that was read; None: say that no more of it will come."""
    rest = [GONE if body is None else {"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return rest.pop() if rest else GONE

    return receive
