"""Many connections that send batches over raw sockets: `python -m tests.faults.load.crowd PORT KEY …`.

Each batch has a number of its own, which stands in the id of its first event; what was told of each is
printed as one line of JSON. A connection sends again at once whatever it was told, or keeps to a pace.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from msgspec.json import encode

from splitrun.sdk.event import Batch, Event, Unit

__all__ = ["MARK", "Crowd", "Told", "crowd", "ranked"]

MARK = "c0ffee0000000000"
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(slots=True)
class Told:
    """What a crowd was told."""

    accepted: list[int] = field(default_factory=list)
    """Numbers of batches."""
    times: list[float] = field(default_factory=list)
    """Seconds until a 202."""
    refused: dict[str, int] = field(default_factory=dict)
    """By status."""
    after: dict[str, int] = field(default_factory=dict)
    """Values of Retry-After; empty where there was none."""
    cut: int = 0
    """Connections that ended without an answer."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who sends what."""

    port: int
    key: str
    connections: int
    size: int
    """Events of a batch."""
    seconds: float
    pace: float = 0.0
    """Batches a second of all together; 0 for as many as can be."""
    first: int = 0
    """Number of the first batch."""


def template(of: Crowd) -> tuple[bytes, bytes]:
    """Write a request around the number of its batch."""
    now = datetime.now(UTC).strftime(FORM)
    events = [
        Event(f"{MARK}{n:016x}", now, Unit("user", f"u{n}"), "purchase", float(n)) for n in range(of.size)
    ]
    body = encode(Batch(now, "splitrun-python/0.1.0", list(events)))
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {of.key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    before, mark, rest = (head + body).partition(MARK.encode())
    return before + mark, rest[16:]


async def sent(of: Crowd, told: Told, numbers: count[int], place: int) -> None:
    """Send on one connection, opened again where it was closed."""
    before, rest = template(of)
    begun = time.monotonic()
    due = begun + (place / of.pace if of.pace else 0.0)
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while (now := time.monotonic()) < begun + of.seconds:
        if of.pace:
            await asyncio.sleep(max(0.0, due - now))
            due += of.connections / of.pace
        number = next(numbers)
        since = time.monotonic()
        try:
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", of.port)
            streams[1].write(before + f"{number:016x}".encode() + rest)
            status, headers = await answer(streams[0])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            told.cut += 1
            closed(streams)
            streams = None
            await asyncio.sleep(0.01)
            continue
        if status == "202":
            told.accepted.append(number)
            told.times.append(time.monotonic() - since)
        else:
            after = headers.get("retry-after", "")
            told.refused[status] = told.refused.get(status, 0) + 1
            told.after[after] = told.after.get(after, 0) + 1
        if headers.get("connection") == "close":
            closed(streams)
            streams = None
    closed(streams)


def closed(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
    """Close a connection."""
    if streams is not None:
        with suppress(OSError):
            streams[1].close()


async def answer(reader: asyncio.StreamReader) -> tuple[str, Mapping[str, str]]:
    """Read an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return head[0].split(" ")[1], headers


async def crowd(of: Crowd) -> Told:
    """Send from all connections until the time is up."""
    told, numbers, since = Told(), count(of.first), time.monotonic()
    await asyncio.gather(*(sent(of, told, numbers, place) for place in range(of.connections)))
    told.seconds = time.monotonic() - since
    return told


def ranked(times: list[float], share: float) -> float:
    """The time below which a share of all lies, in seconds; 0 of none."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] if times else 0.0


if __name__ == "__main__":
    port, key, connections, size, seconds, pace, first = sys.argv[1:]
    found = asyncio.run(
        crowd(Crowd(int(port), key, int(connections), int(size), float(seconds), float(pace), int(first)))
    )
    sys.stdout.write(encode(found).decode())
