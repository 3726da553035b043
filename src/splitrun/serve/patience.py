"""What a connection meets first: patience for headers, a refusal of what is no HTTP or one too many.

And what it offers beside ASGI, for the hot endpoints: bodies and answers in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from secrets import randbelow
from typing import ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from splitrun.serve.endpoint import refusal
from splitrun.serve.front import BINDING, WHOLE

__all__ = ["HEADERS", "Impatient", "crowded"]

HEADERS = 10.0
"""Seconds that the headers of a request may take; the first begin with the connection."""

LINGER = 5.0
"""Seconds that a client may go on sending what is not read any more, so that it reads why."""

AFTER = 2
"""Seconds to wait at least where there are too many connections; at most twice as long."""


class Impatient(HttpToolsProtocol):
    """The server's protocol.

    By itself it waits for ever for headers that do not end, and refuses in words that nothing binds.
    """

    waiting: asyncio.TimerHandle | None = None
    begun = False
    most: int | None = None
    """Connections and requests at once."""
    idle: asyncio.TimerHandle | None = None
    rested = 0.0
    """When the last answer was given, by the clock of the loop."""
    lingering = False
    """Whether the last answer was given and what still comes is thrown away."""
    headers_of: ClassVar[Sequence[tuple[bytes, bytes]] | None] = None
    headers_as: ClassVar[bytes] = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self.most, self.limit_concurrency = self.limit_concurrency, None  # so that it is refused here
        self.wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest where the headers of a request have begun and not ended."""
        if self.lingering:
            return
        super().data_received(data)
        if self.begun and self.waiting is None:
            self.wait()

    def on_message_begin(self) -> None:
        """Note that headers have begun."""
        self.begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait no more, and choose who answers."""
        self.begun = False
        self.calm()
        full = self.most is not None and max(len(self.connections), len(self.tasks)) >= self.most
        self.app = crowded if full else self.config.loaded_app
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, but with one timer for a connection and not one for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)  # type: ignore[arg-type] # Starlette's word for the same thing
            return
        self.rested = self.loop.time()
        if self.idle is None:
            self.idle = self.loop.call_later(self.timeout_keep_alive, self.look)

    def look(self) -> None:
        """Close the connection where nothing was asked for long enough, else look again later."""
        self.idle = None
        if self.transport.is_closing() or not self.cycle.response_complete:
            return  # the next answer has it looked at again
        left = self.rested + self.timeout_keep_alive - self.loop.time()
        if self.begun:
            left = HEADERS  # which has a timer of its own
        if left > 0:
            self.idle = self.loop.call_later(left, self.look)
        else:
            self.timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        """Offer bodies and answers in one piece."""
        cycle.scope[WHOLE] = OnePiece(self, cycle)  # type: ignore[literal-required] # beside what ASGI has
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type] # Starlette's word for the same thing

    def own(self) -> bytes:
        """Write the headers that the server gives every answer; they are new lists once a second."""
        headers = self.server_state.default_headers
        if Impatient.headers_of is not headers:
            Impatient.headers_of = headers
            Impatient.headers_as = b"".join(b"%s: %s\r\n" % one for one in headers)
        return Impatient.headers_as

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and close the connection."""
        answer = refused(400, "request", f"{msg[:1].lower()}{msg[1:].removesuffix('.')}; send HTTP/1.1")
        headers = (*self.server_state.default_headers, *answer.raw_headers)
        head = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers), b"", b""]
        self.transport.write(b"\r\n".join(head) + bytes(answer.body))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self.calm()
        if self.idle is not None:
            self.idle.cancel()
        super().connection_lost(exc)

    def wait(self) -> None:
        """Close the connection unless headers come in time."""
        self.waiting = self.loop.call_later(HEADERS, self.transport.close)

    def calm(self) -> None:
        """Forget the time."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None


class OnePiece:
    """What a request and its answer are given in one piece with: `splitrun.serve.front.Whole`."""

    __slots__ = ("cycle", "protocol")

    def __init__(self, protocol: Impatient, cycle: RequestResponseCycle) -> None:
        self.protocol, self.cycle = protocol, cycle

    def body(self) -> bytes | None:
        """Give the body if all of it has come, and let go of it: it would stay until the answer."""
        cycle = self.cycle
        if cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def linger(self) -> None:
        """Let the client finish sending before the connection is closed after this answer."""
        if self.cycle.more_body:
            self.cycle.transport = Lingering(self.protocol)  # type: ignore[assignment] # all that is asked of it

    def answered(self, head: bytes, body: bytes) -> bool:
        """Write what `RequestResponseCycle.send` writes when it is called twice, for a fifth of its time.

        What needs more than that, like a connection that is to be closed, is left to it.
        """
        cycle = self.cycle
        if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        length = b"content-length: %d\r\n\r\n" % len(body)
        cycle.transport.write(b"".join((head, self.protocol.own(), length, body)))
        cycle.message_event.set()
        cycle.on_response()
        return True


class Lingering:
    """A transport that closes once the client has stopped sending, or had its time (RFC 9112, 9.6).

    Where it is closed at once while a body still comes the system resets the connection, and the client does
    not read why its request was refused.
    """

    __slots__ = ("protocol",)

    def __init__(self, protocol: Impatient) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        """Write a part of the answer."""
        self.protocol.transport.write(data)

    def close(self) -> None:
        """Say that nothing follows, and wait for the client to end."""
        protocol = self.protocol
        protocol.lingering = True
        protocol.cycle.body = bytearray()  # what has come of it by now would stay as long
        if protocol.transport.can_write_eof():
            protocol.transport.write_eof()
        protocol.loop.call_later(LINGER, protocol.transport.close)


async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request where there are more than can be held at once."""
    says = "there are more connections or requests than the server holds at once; send it again later"
    await refused(503, "crowded", says, after=AFTER + randbelow(AFTER + 1))(scope, receive, send)


def refused(status: int, code: str, says: str, after: int | None = None) -> Response:
    """Write a refusal that no application stands in front of, and that ends the connection."""
    answer = refusal(status, code, says, after=after)
    answer.raw_headers += [*BINDING, (b"connection", b"close")]
    return answer
