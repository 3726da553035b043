"""A way between client and server that is slow, loses, and resets before an answer comes through."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Self

__all__ = ["Proxy"]

AT_ONCE = 65_536
RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` that closes with a reset."""


@dataclass
class Proxy:
    """Forwards connections to a port.

    Args:
        to: The server's port.
        dice: Draws what becomes of an answer.
        delay: Seconds by which every piece comes later, each way.
        lost: Share of requests that never arrive; the connection is reset.
        cut: Share of answers that are cut off: the server has answered, the client sees a reset.
    """

    to: int
    dice: random.Random
    delay: float = 0.0
    lost: float = 0.0
    cut: float = 0.0
    cuts: int = 0
    losses: int = 0
    threads: list[Thread] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self.listening.getsockname()[1])

    def __enter__(self) -> Self:
        self.begin(self.accept)
        return self

    def begin(self, target: Callable[..., None], *args: socket.socket) -> None:
        """Start a thread."""
        self.threads.append(Thread(target=target, args=args, daemon=True))
        self.threads[-1].start()

    def __exit__(self, *_: object) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        for one in self.sockets:
            ended(one)
        for thread in self.threads:
            thread.join()
        for one in (self.listening, *self.sockets):
            one.close()

    def accept(self) -> None:
        """Take connections until closed."""
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            self.sockets += [client, server]
            self.begin(self.up, client, server)
            self.begin(self.down, client, server)

    def up(self, client: socket.socket, server: socket.socket) -> None:
        """Forward requests; some never arrive."""
        try:
            while piece := client.recv(AT_ONCE):
                time.sleep(self.delay)
                if self.dice.random() < self.lost:
                    self.losses += 1
                    reset(client)
                    break
                server.sendall(piece)
        except OSError:
            pass
        ended(server)

    def down(self, client: socket.socket, server: socket.socket) -> None:
        """Forward answers; some are cut off after the server has given them."""
        try:
            while piece := server.recv(AT_ONCE):
                time.sleep(self.delay)
                if self.dice.random() < self.cut:
                    self.cuts += 1
                    reset(client)
                    break
                client.sendall(piece)
        except OSError:
            pass
        ended(client)


def reset(one: socket.socket) -> None:
    """Close with a reset."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    with suppress(OSError):
        one.shutdown(socket.SHUT_RD)  # wakes the thread that reads it; says nothing to the other side
    one.close()


def ended(one: socket.socket) -> None:
    """Say that nothing more comes."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
