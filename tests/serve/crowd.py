"""Many clients or bare connections that listen, and how long it takes until all of them know of a change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import urllib3

from splitrun import Client
from splitrun.conduct.serving.access import make_access_key
from tests.sdk.shop import eventually
from tests.serve.live import Running, Served

__all__ = ["Ear", "clients", "ears", "heard", "until"]


@contextmanager
def clients(folder: Path, server: Running, many: int) -> Iterator[list[Client]]:
    """Have many clients that hold a ruleset and listen for the next."""
    watcher = make_access_key("watcher", ["read"], folder).secret
    found = [Client(url=server.url, key=server.key, wait=0.0, push=True) for _ in range(many)]
    try:
        for one in found:
            one.variant("search", "u1")  # a client that waits for nothing begins with its first question
        assert eventually(lambda: all(one.ruleset.version for one in found), 60.0)
        assert eventually(lambda: streams(server, watcher) >= many, 60.0)
        yield found
    finally:
        for one in found:
            one.close()


def streams(server: Running, key: str) -> int:
    """How many streams are open, as the server counts them."""
    sent = {"Authorization": f"Bearer {key}"}
    told = urllib3.request("GET", f"{server.url}/metrics", headers=sent, retries=False).data.decode()
    lines = [line for line in told.splitlines() if line.startswith("splitrun_ruleset_streams ")]
    return int(float(lines[0].split()[1])) if lines else -1


def heard(found: list[Client], knows: Callable[[Client], bool], act: Callable[[], object]) -> list[float]:
    """Seconds from the end of an act until each client knows of it, the quickest first."""
    at: dict[int, float] = {}
    every = Event()

    def told(client: Client) -> None:
        if id(client) not in at and knows(client):
            at[id(client)] = time.monotonic()
            if len(at) == len(found):
                every.set()

    for one in found:
        one.listen(lambda _, client=one: told(client))  # type: ignore[misc] # mypy knows no lambda's default
    act()
    since = time.monotonic()
    assert every.wait(30.0), f"{len(at)} of {len(found)} clients know of it"
    return sorted(moment - since for moment in at.values())


class Ear(asyncio.Protocol):
    """One connection that listens to the stream."""

    def __init__(self, asking: bytes) -> None:
        self.asking = asking
        self.heard = b""
        self.last = 0.0
        """When bytes came last."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # a TCP connection has this one
        self.transport.write(self.asking)

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.last = time.monotonic()

    @property
    def opened(self) -> bool:
        return b": alive" in self.heard

    @property
    def events(self) -> int:
        return self.heard.count(b"event: ruleset")


@asynccontextmanager
async def ears(server: Served, many: int) -> AsyncIterator[list[Ear]]:
    """Open many streams at once."""
    port = urlsplit(server.url).port or 80
    asking = (
        f"GET /v1/ruleset/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode()
    )
    loop = asyncio.get_running_loop()
    found: list[Ear] = []
    try:
        for start in range(0, many, 200):
            made = (
                loop.create_connection(lambda: Ear(asking), "127.0.0.1", port)
                for _ in range(min(200, many - start))
            )
            found += [ear for _, ear in await asyncio.gather(*made)]
        await until(lambda: all(one.opened for one in found))
        yield found
    finally:
        for one in found:
            one.transport.abort()


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - any condition, also of what a thread does
            await asyncio.sleep(0.02)
