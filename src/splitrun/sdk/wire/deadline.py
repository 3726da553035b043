"""A deadline over a whole exchange: the look-up of the host, connecting, TLS, the request, headers and body.

A timeout of a socket begins anew with every byte; here each wait is given what is left of the deadline.
"""

from __future__ import annotations

import socket
import time
from contextvars import ContextVar
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from math import inf
from typing import TYPE_CHECKING

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from splitrun.sdk.wire.lookup import Lookups

if TYPE_CHECKING:
    # for the types only
    from _typeshed import WriteableBuffer

__all__ = ["DEADLINE", "POOLS", "Deadline", "TooMuchError"]

CONNECT = 3.0
"""Seconds for a connection to one address of a host to be made."""
LOOKUPS = Lookups()
"""Of this process."""
PIECE = 16_384
"""Bytes that are sent at once: one record of TLS."""


class TooMuchError(Exception):
    """An answer is larger or slower than it may be."""


class Deadline:
    """How long the exchange under way may still take.

    Args:
        seconds: As a whole.
        pause: Seconds of silence that are borne.
    """

    def __init__(self, seconds: float, pause: float = inf) -> None:
        self.until, self.pause = time.monotonic() + seconds, pause

    def left(self) -> float:
        """Seconds that the next wait may take.

        Raises:
            TooMuchError: It is over.
        """
        left = min(self.until - time.monotonic(), self.pause)
        if left <= 0:
            raise TooMuchError("it takes too long")
        return left

    def lift(self) -> None:
        """From now on only silence is bounded."""
        self.until = inf


DEADLINE: ContextVar[Deadline] = ContextVar("deadline")
"""Of the exchange under way in this thread."""


class Timely(RawIOBase):
    """What a socket receives, each wait within the deadline."""

    def __init__(self, raw: RawIOBase, sock: socket.socket) -> None:
        self.raw, self.sock, self.deadline = raw, sock, DEADLINE.get()

    def readable(self) -> bool:
        """It is read, and nothing else."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Wait for bytes.

        Raises:
            TooMuchError: The deadline is over.
        """
        self.sock.settimeout(self.deadline.left())
        try:
            return self.raw.readinto(buffer)
        except TimeoutError:
            self.deadline.left()
            raise

    def close(self) -> None:
        """Let go of the socket."""
        self.raw.close()
        super().close()


class TimelyResponse(HTTPResponse):
    """An answer whose headers and body come within the deadline."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = BufferedReader(Timely(self.fp.detach(), sock))


class Plain(HTTPConnection):
    """A connection that is made, and written to, within the deadline."""

    response_class = TimelyResponse

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses one after another; all of them share the deadline."""
        trouble = OSError(f"{self.host} has no address")
        left = DEADLINE.get().left()
        for family, kind, protocol, _, address in LOOKUPS.addresses(self._dns_host, self.port, left):
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(min(CONNECT, DEADLINE.get().left()))
                made.connect(address)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.settimeout(DEADLINE.get().left())  # for TLS to be agreed on
            except OSError as error:
                made.close()
                trouble = error
            except TooMuchError:
                made.close()
                raise
            else:
                return made
        raise trouble

    def send(self, data: bytes) -> None:  # type: ignore[override] # nothing else is sent here
        """Write bytes, each wait within the deadline."""
        if self.sock is None:
            self.connect()
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            self.sock.settimeout(DEADLINE.get().left())
            try:
                self.sock.sendall(view[start : start + PIECE])
            except TimeoutError:
                DEADLINE.get().left()
                raise


class Secure(Plain, HTTPSConnection):
    """The same over TLS."""


class PlainPool(HTTPConnectionPool):
    """Connections to one host."""

    ConnectionCls = Plain


class SecurePool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = Secure


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": PlainPool, "https": SecurePool}
"""By scheme, as urllib3's `PoolManager` takes them."""
