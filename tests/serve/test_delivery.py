"""Rulesets on their way to many clients: how fast a change comes, what streams and servers that end do."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from splitrun import Client
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.serving.kills import kill
from splitrun.conduct.serving.published import Delivered, delivery
from splitrun.govern.lifecycle.table import Verb
from splitrun.sdk.rulesets.stream import Stream
from splitrun.sdk.status import Status
from splitrun.serve.rulesets import ALIVE, HEARTBEAT, Rulesets
from tests.conduct.lifecycle.shop import KEY, asked
from tests.sdk.shop import eventually
from tests.serve.crowd import clients, heard, until
from tests.serve.live import Running, Served, live
from tests.serve.test_kills import unwritable


def test_a_change_and_a_kill_reach_a_hundred_clients_also_while_the_registry_is_read_only(
    shop: Path, running: Running
) -> None:
    with clients(shop, running, 100) as found:
        before = found[0].ruleset.version
        change = heard(
            found, lambda one: one.ruleset.version > before, lambda: move(Verb.PAUSE, KEY, asked(shop))
        )
        with unwritable(shop):
            off = heard(
                found,
                lambda one: not one.ruleset.flags["checkout"].on,
                lambda: kill("checkout", shop, "it burns"),
            )

    # 1 s and 2 s where nothing else is to be done (`bench/delivery.py`); a machine that runs tests is busy
    assert change[98] < 10
    assert off[98] < 10


class Pieces:
    """The first bytes of an open stream, after which it breaks."""

    status = 200

    def __init__(self, server: Served, most: int, last: str) -> None:
        where = urlsplit(server.url)
        self.connection = HTTPConnection(str(where.hostname), where.port, timeout=30)
        sent = {"Authorization": f"Bearer {server.key}", "Last-Event-ID": last}
        self.connection.request("GET", "/v1/ruleset/stream", headers=sent)
        self.answer = self.connection.getresponse()
        self.left = most

    def chunk(self) -> bytes:
        piece = self.answer.read1(self.left) if self.left else b""
        self.left -= len(piece)
        return piece

    def interrupt(self) -> None: ...

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def known(server: Served, most: int, last: str) -> str | None:
    """Read so many bytes of a stream; the id of the last event that was known then."""
    source = Pieces(server, most, last)
    reader = Stream(source, last)
    while reader.next().kind != "ended":
        pass
    reader.close()
    return reader.last


def test_a_stream_that_breaks_after_any_byte_is_resumed_and_misses_nothing(served: Served) -> None:
    whole = len(ALIVE) + len(b"id: 1-0123456789abcdef\nevent: ruleset\ndata: 1\n\n")
    token = known(served, whole, "0-none")
    assert token is not None
    assert token.startswith("1-")

    for most in range(whole):
        last = known(served, most, "0-none")
        assert last == "0-none"
        assert known(served, whole, last) == token
    assert known(served, len(ALIVE), token) == token


class Nothing:
    """A source that has what it was given, and nothing newer."""

    trouble = refused = ""

    def __init__(self, given: Mapping[str, Delivered]) -> None:
        self.given = given

    def look(self) -> bool:
        return True

    def newer(self) -> Mapping[str, Delivered]:
        given, self.given = self.given, {}
        return given


def test_a_stream_says_that_it_lives_and_ends_with_the_server(shop: Path) -> None:
    given = delivery(shop)
    given.look()

    async def told() -> list[bytes]:
        rulesets = Rulesets(Nothing(given.newer()), heartbeat=0.01)
        await rulesets.start()
        heard: list[bytes] = []
        async for piece in rulesets.said("production", rulesets.known["production"].token):
            heard.append(piece)
            if len(heard) == 3:
                rulesets.end()
        await rulesets.stop()
        return heard

    assert set(asyncio.run(told())) == {ALIVE}
    assert HEARTBEAT <= 25


def test_a_client_answers_the_same_when_its_server_vanishes_and_comes_back(
    shop: Path, tmp_path: Path
) -> None:
    units = [f"u{number}" for number in range(50)]
    cache = tmp_path / "cache"

    def answers(client: Client) -> list[object]:
        return [client.variant("checkout", unit, country="DE") for unit in units]

    with live(shop) as server:
        port = str(urlsplit(server.url).port)
        client = Client(url=server.url, key=server.key, wait=10.0, cache=cache, stale_after=0.5, push=True)
        before = answers(client)
        assert client.status is Status.READY
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()

        assert eventually(lambda: client.status is Status.STALE, 30.0)
        assert answers(client) == before
        second = Client(url=server.url, key=server.key, wait=0.0, cache=cache)
        assert answers(second) == before
        second.close()

    with live(shop, "--port", port, key=server.key):
        assert eventually(lambda: client.status is Status.READY, 60.0)
        assert answers(client) == before
        client.close()


def test_a_server_that_is_told_to_end_ends_its_streams_at_once(running: Running) -> None:
    source = Pieces(running, 10_000, "0-none")
    assert source.chunk().startswith(ALIVE)

    running.process.send_signal(signal.SIGTERM)

    while source.chunk():
        pass
    source.close()
    assert running.process.wait(9) == 0  # sooner than requests under way are given up
    assert running.process.stderr is not None
    assert running.process.stderr.read() == ""


class Failing(Nothing):
    """A source with a fault that nobody foresaw, once."""

    turns = 0

    def look(self) -> bool:
        self.turns += 1
        if self.turns == 2:
            raise ZeroDivisionError
        return True


def test_a_fault_ends_no_looking_for_what_is_newer(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = delivery(shop)
    given.look()

    async def told() -> int:
        source = Failing(given.newer())
        rulesets = Rulesets(source, every=0.001)
        await rulesets.start()
        await until(lambda: source.turns > 4)
        assert rulesets.known
        await rulesets.stop()
        return source.turns

    assert asyncio.run(told()) > 4
    assert "ZeroDivisionError" in caplog.text
