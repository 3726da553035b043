"""Connections that take their time: a request's headers have to come within seconds, else it is closed."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEADERS", "Impatient"]

HEADERS = 10.0
"""Seconds that the headers of a request may take; the first begin with the connection."""


class Impatient(HttpToolsProtocol):
    """The server's protocol, which by itself waits for ever for headers that do not end."""

    waiting: asyncio.TimerHandle | None = None
    begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
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
        """Wait no more."""
        self.begun = False
        self.calm()
        super().on_headers_complete()

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
