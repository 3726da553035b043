"""Load on an intake: connections that send ready requests over raw sockets and wait for each answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from msgspec.json import encode

__all__ = ["Measured", "load", "requests"]

MOMENT = "2026-11-22T08:00:00.000000Z"


def event(number: int) -> dict[str, object]:
    """One event as the SDK writes it: seven of eight are events, the rest exposures."""
    base: dict[str, object] = {
        "id": f"{number:032x}",
        "time": MOMENT,
        "unit": {"type": "user", "id": f"visitor-{number % 100_000}"},
    }
    if number % 8:
        more = {
            "type": "event",
            "name": "purchase",
            "value": number % 97 + 0.25,
            "properties": {"plan": "pro"},
        }
    else:
        more = {
            "type": "exposure",
            "flag": "checkout",
            "experiment": "checkout-page",
            "version": 1,
            "phase": 1,
            "variant": "treatment",
            "ruleset": 7,
            "reason": "SPLIT",
            "attributes": {"country": "nl"},
        }
    return {**base, **more}


def requests(size: int, key: str, many: int = 64) -> list[bytes]:
    """Write requests with batches of one size."""
    out = []
    for turn in range(many):
        events = [event(turn * size + place) for place in range(size)]
        body = encode({"sent_at": MOMENT, "sdk": "bench/1", "events": events})
        head = (
            "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        out.append(head.encode() + body)
    return out


class Sender(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next."""

    def __init__(self, ready: Sequence[bytes], until: float) -> None:
        self.ready, self.until = ready, until
        self.sent = self.begun = 0.0
        self.turn = 0
        self.rest = b""
        self.times: list[float] = []
        self.odd = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # a TCP connection has this one
        self.ask()

    def ask(self) -> None:
        """Send the next request."""
        self.begun = time.perf_counter()
        self.turn += 1
        self.transport.write(self.ready[self.turn % len(self.ready)])

    def data_received(self, data: bytes) -> None:
        """Read an answer, which is short and has a length."""
        self.rest += data
        head, found, body = self.rest.partition(b"\r\n\r\n")
        if not found:
            return
        place = head.lower().index(b"content-length:") + 15
        if len(body) < int(head[place:].split(b"\r\n", 1)[0]):
            return
        self.rest = b""
        now = time.perf_counter()
        self.times.append(now - self.begun)
        self.odd += not head.startswith(b"HTTP/1.1 2")
        if now < self.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """End."""
        if not self.done.done():
            self.done.set_result(None)


Measured = tuple[float, float, float, int, int]
"""Requests a second, p50 and p99 in seconds, answers, answers that are no success."""


async def driven(port: int, ready: Sequence[bytes], seconds: float, connections: int) -> Measured:
    """Drive a server and measure it."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    until = start + seconds
    senders: list[Sender] = []
    for _ in range(connections):
        _, sender = await loop.create_connection(lambda: Sender(ready, until), "127.0.0.1", port)
        senders.append(sender)
    await asyncio.gather(*(one.done for one in senders))
    times = sorted(took for one in senders for took in one.times)
    amount = len(times)
    rate = amount / (time.perf_counter() - start)
    odd = sum(one.odd for one in senders)
    return rate, times[amount // 2], times[int(amount * 0.99)], amount, odd


def load(port: int, ready: Sequence[bytes], seconds: float, connections: int = 16) -> Measured:
    """Drive a server from this process.

    Args:
        port: Where it listens, on 127.0.0.1.
        ready: Requests, sent in turn.
        seconds: How long.
        connections: How many at once, each with one request under way.
    """
    if sys.platform == "linux":
        import uvloop  # noqa: PLC0415 - the server's own library; not on every system

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(driven(port, ready, seconds, connections))
    return asyncio.run(driven(port, ready, seconds, connections))
