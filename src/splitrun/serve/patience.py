"""What a connection meets first: patience for headers, a refusal of what is no HTTP or one too many."""

from __future__ import annotations

import asyncio
from secrets import randbelow

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from splitrun.serve.endpoint import refusal
from splitrun.serve.front import BINDING

__all__ = ["HEADERS", "Impatient", "crowded"]

HEADERS = 10.0
"""Seconds that the headers of a request may take; the first begin with the connection."""

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self.most, self.limit_concurrency = self.limit_concurrency, None  # so that it is refused here
        self.wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest where the headers of a request have begun and not ended."""
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
        super().connection_lost(exc)

    def wait(self) -> None:
        """Close the connection unless headers come in time."""
        self.waiting = self.loop.call_later(HEADERS, self.transport.close)

    def calm(self) -> None:
        """Forget the time."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None


async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request where there are more than can be held at once."""
    says = "there are more connections or requests than the server holds at once; send it again later"
    await refused(503, "crowded", says, after=AFTER + randbelow(AFTER + 1))(scope, receive, send)


def refused(status: int, code: str, says: str, after: int | None = None) -> Response:
    """Write a refusal that no application stands in front of, and that ends the connection."""
    answer = refusal(status, code, says, after=after)
    answer.raw_headers += [*BINDING, (b"connection", b"close")]
    return answer
