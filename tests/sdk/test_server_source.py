"""R10 of the faults: server absent at start, gone, back with garbage; assignments stay what they were."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import pytest

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.transmission import sealed
from splitrun.sdk.asynchronous import AsyncClient
from splitrun.sdk.client import Client
from splitrun.sdk.event import Event, Exposure
from splitrun.sdk.settings import Clock, Options, Settings
from splitrun.sdk.status import Status
from tests.sdk.server import Server, serving
from tests.sdk.shop import document, eventually, shop
from tests.sdk.test_client import ONE_PAGE

QUICK = Clock(dice=lambda: 0.0)
ABSENT = "http://127.0.0.1:9"
"""The discard port: nobody listens."""
UNITS = [f"user-{number}" for number in range(200)]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.publish(document(3))
        yield server


@contextmanager
def following(server: Server, **options: Unpack[Options]) -> Iterator[Client]:
    """A client that asks often, so that a test need not wait."""
    usual: Options = {"poll": 0.02, "push": False, "clock": QUICK, "wait": 5.0}
    usual.update(options)
    with Client(server.url, **usual) as client:
        yield client


def answers(client: Client) -> list[str | None]:
    return [client.variant("checkout", unit, expose=False) for unit in UNITS]


def test_a_ruleset_is_read_with_the_key_and_asked_for_again_by_its_etag(server: Server) -> None:
    with following(server, key="sdk-1") as client:
        assert client.status is Status.READY
        assert client.variant("checkout", ONE_PAGE) == "one-page"
        assert eventually(lambda: len(server.asked("/v1/ruleset")) > 3)

        first, *later = server.asked("/v1/ruleset")
        assert first["Authorization"] == "Bearer sdk-1"
        assert "If-None-Match" not in first
        assert {headers["If-None-Match"] for headers in later} == {'"1"'}
        server.publish(document(4, phase=2))
        assert eventually(lambda: client.evaluate("checkout", ONE_PAGE).ruleset == 4)


def test_exposures_and_events_reach_the_server_compressed_and_counted(server: Server) -> None:
    with following(server, release="1.0") as client:
        client.variant("checkout", ONE_PAGE, country="DE")
        client.track("buy", ONE_PAGE, 5, item="lamp")

        assert client.flush(5)

        assert [type(event) for event in server.events] == [Exposure, Event]
        assert client.statistics.sent == 2
        (headers,) = server.asked("/v1/events")
        assert headers["Content-Encoding"] == "gzip"
        assert server.batches[0].sdk.startswith("splitrun-python/")


def html() -> tuple[int, dict[str, str], bytes]:
    return 200, {"ETag": '"9"'}, b"<html><body>Sign in to the hotel's network</body></html>"


def bomb() -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(200_000_000))


BAD: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = {
    "garbage": lambda: (200, {}, b"\x00\xff\xfe garbage"),
    "html with 200": html,
    "truncated": lambda: (200, {}, document(9)[:-50]),
    "wrong digest": lambda: (200, {}, document(9).replace(b'"three"', b'"eerht"')),
    "not a ruleset": lambda: (200, {}, b'{"form":"splitrun.ruleset/1"}'),
    "deep": lambda: (200, {}, b"[" * 500_000),
    "too large": lambda: (200, {}, b" " * 5_000_000),
    "a gzip bomb": bomb,
    "broken gzip": lambda: (200, {"Content-Encoding": "gzip"}, b"no gzip at all"),
    "an older version": lambda: (200, {}, document(2, phase=9)),
    "500": lambda: (500, {}, b"oops"),
    "401": lambda: (401, {}, b""),
    "429": lambda: (429, {"Retry-After": "1"}, b""),
    "a redirect to another host": lambda: (302, {"Location": "http://127.0.0.2:1/v1/ruleset"}, b""),
    "a redirect in circles": lambda: (302, {"Location": "/v1/ruleset"}, b""),
    "an etag never seen": lambda: (304, {}, b""),
}


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_server_that_comes_back_wrong_changes_no_assignment(server: Server, bad: str) -> None:
    with following(server) as client:
        before = answers(client)
        server.ruleset = BAD[bad]
        if bad == "an etag never seen":
            client._keeper.trouble = "?"  # noqa: SLF001 - a 304 for the tag we hold is an answer as it should be
        asked = len(server.asked("/v1/ruleset"))

        assert eventually(lambda: len(server.asked("/v1/ruleset")) > asked)
        assert eventually(lambda: (client.trouble == "") == (bad == "an etag never seen"))

        assert answers(client) == before
        assert client.evaluate("checkout", ONE_PAGE).ruleset == 3
        assert client.statistics.blunders == 0


def test_the_key_is_not_accepted_says_so(server: Server) -> None:
    server.ruleset = lambda: (403, {}, b"")
    with following(server, key="wrong") as client:
        assert client.status is Status.NOT_READY
        assert "check `key`" in client.trouble


def test_a_start_without_a_server_takes_no_longer_than_it_may(server: Server) -> None:
    server.delay = 3.0
    for url, wait in ((ABSENT, 0.5), (server.url, 0.3)):
        began = time.monotonic()
        client = Client(url, wait=wait, timeout=1.0)
        took = time.monotonic() - began

        assert took < wait + 0.4
        assert client.status is Status.NOT_READY
        assert client.variant("checkout", ONE_PAGE, "three-page") == "three-page"
        assert client.value("limit", ONE_PAGE, 7) == 7
        client.close(0.1)


def test_the_order_is_memory_then_disk_cache_then_bootstrap_then_code_default(
    server: Server, tmp_path: Path
) -> None:
    with following(server, cache=tmp_path):
        pass
    server.ruleset = lambda: (503, {}, b"")

    with following(server, cache=tmp_path, bootstrap=document(1)) as cached:
        assert (cached.evaluate("checkout", ONE_PAGE).ruleset, cached.status) == (3, Status.STALE)
        server.ruleset = None
        assert eventually(lambda: cached.status is Status.READY)
    server.ruleset = lambda: (503, {}, b"")
    with following(server, bootstrap=shop(2)) as bootstrapped:
        assert (bootstrapped.evaluate("checkout", ONE_PAGE).ruleset, bootstrapped.status) == (2, Status.STALE)
    with following(server) as bare:
        assert (bare.variant("checkout", ONE_PAGE, "three-page"), bare.status) == (
            "three-page",
            Status.NOT_READY,
        )


def test_a_damaged_cache_is_passed_over_and_another_key_has_another_cache(
    server: Server, tmp_path: Path
) -> None:
    with following(server, cache=tmp_path, key="production"):
        pass
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == document(3)
    server.ruleset = lambda: (503, {}, b"")

    with following(server, cache=tmp_path, key="staging") as other:
        assert other.status is Status.NOT_READY
    file.write_bytes(document(3).replace(b"three", b"eerht"))
    with following(server, cache=tmp_path, key="production", bootstrap=document(1)) as client:
        assert client.evaluate("checkout", ONE_PAGE).ruleset == 1


def test_a_cache_that_cannot_be_written_is_said_and_costs_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with following(server, cache=tmp_path / "file") as client:
        assert client.status is Status.READY
        assert "cannot be kept" in client.trouble


def test_a_server_that_vanishes_makes_the_ruleset_stale_and_changes_no_assignment(server: Server) -> None:
    with following(server, stale_after=0.3) as client:
        before = answers(client)
        heard: list[Status] = []
        client.listen(lambda change: heard.append(change.status))
        server.ruleset = lambda: (500, {}, b"")

        assert eventually(lambda: client.status is Status.STALE)
        assert answers(client) == before
        server.ruleset = None
        assert eventually(lambda: client.status is Status.READY)
        assert eventually(lambda: heard == [Status.STALE, Status.READY])


def test_a_clock_set_back_a_day_changes_nothing(server: Server) -> None:
    back = Clock(now=lambda: time.time_ns() - 86_400 * 10**9, dice=lambda: 0.0)
    with following(server, clock=back) as client:
        assert client.status is Status.READY
        server.publish(document(4))
        assert eventually(lambda: client.evaluate("checkout", ONE_PAGE).ruleset == 4)


def test_a_redirect_on_the_same_host_is_followed(server: Server) -> None:
    there = iter([(307, {"Location": "/v1/ruleset?again"}, b"")])
    server.ruleset = lambda: next(there, (200, {"ETag": '"1"'}, document(3)))
    with serving() as other:
        other.ruleset = lambda: (302, {"Location": server.url + "/v1/ruleset"}, b"")
        with following(other) as astray:
            assert astray.status is Status.NOT_READY
            assert "another host" in astray.trouble
            assert server.seen == []


def test_a_push_is_heard_at_once_and_the_stream_is_taken_up_where_it_was(server: Server) -> None:
    server.push = True
    with following(server, push=True, poll=60.0) as client:
        assert eventually(lambda: server.asked("/v1/ruleset/stream"))
        time.sleep(0.1)
        server.publish(document(4))
        assert eventually(lambda: client.evaluate("checkout", ONE_PAGE).ruleset == 4)
        assert len(server.asked("/v1/ruleset/stream")) == 1

        server.ended = True  # the stream ends; the client comes back and says what it heard last
        assert eventually(lambda: len(server.asked("/v1/ruleset/stream")) == 2)
        assert server.asked("/v1/ruleset/stream")[1]["Last-Event-ID"] == "2"
        server.ended = False


def test_a_silent_stream_is_given_up_and_the_server_asked_again(server: Server) -> None:
    server.push = True
    server.heartbeat = 30.0
    with following(server, push=True, poll=60.0, heartbeat=0.2) as client:
        assert eventually(lambda: len(server.asked("/v1/ruleset/stream")) >= 2)
        assert client.status is Status.READY
        with server.news:
            server.ended = True
            server.news.notify_all()


def test_a_server_that_does_not_push_is_asked_now_and_then(server: Server) -> None:
    with following(server, push=True, poll=0.05):
        assert eventually(lambda: len(server.asked("/v1/ruleset")) > 3)

        assert len(server.asked("/v1/ruleset/stream")) == 1


def test_closing_wakes_a_client_that_listens(server: Server) -> None:
    server.push = True
    server.heartbeat = 30.0
    client = Client(server.url, clock=QUICK, wait=5.0)
    assert eventually(lambda: server.asked("/v1/ruleset/stream"))
    time.sleep(0.1)

    began = time.monotonic()
    client.close()

    assert time.monotonic() - began < 1.5
    with server.news:
        server.ended = True
        server.news.notify_all()


def test_an_answer_that_is_no_acknowledgement_loses_no_event(server: Server) -> None:
    server.intake = lambda: (200, {}, b"<html>a page of the proxy</html>")
    with following(server) as client:
        client.track("buy", "u1")
        assert not client.flush(5)
        assert "stands in between" in client.trouble

        server.intake = None
        assert client.flush(5)

        assert len(server.events) == 1


def test_a_file_is_watched_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ruleset.json"
    with Client(file=path, wait=0.0) as client:
        assert client.status is Status.NOT_READY
        assert "cannot be read" in client.trouble
        path.write_bytes(document(1))
        assert eventually(lambda: client.status is Status.READY)

        path.write_bytes(b"{")
        assert eventually(lambda: "no ruleset" in client.trouble)
        assert client.variant("checkout", ONE_PAGE) == "one-page"
        path.write_bytes(document(5, phase=2))
        assert eventually(lambda: client.evaluate("checkout", ONE_PAGE).ruleset == 5)
        assert client.trouble == ""


def test_a_file_that_is_there_answers_from_the_first_call(tmp_path: Path) -> None:
    path = tmp_path / "ruleset.json"
    path.write_bytes(document(2))

    with Client(file=str(path)) as client:
        assert client.evaluate("checkout", ONE_PAGE).ruleset == 2


def test_an_older_version_of_the_same_project_only_is_refused() -> None:
    with Client(ruleset=shop(5)) as client:
        keeper = client._keeper  # noqa: SLF001 - a client has no verb for it on purpose
        assert not keeper.take(shop(4), keeper.held.origin)
        assert "older than 5" in keeper.trouble
        other: Ruleset = shop(1, project="another shop")
        assert keeper.take(sealed(other), keeper.held.origin)


def test_an_async_client_keeps_the_loop_free(server: Server) -> None:
    server.delay = 0.3

    async def story() -> tuple[str | None, str | None, float, bool]:
        gaps = [0.0]

        async def beat() -> None:
            last = time.monotonic()
            while True:
                await asyncio.sleep(0.005)
                gaps.append(time.monotonic() - last)
                last = time.monotonic()

        beating = asyncio.create_task(beat())
        client = AsyncClient(server.url, push=False, wait=5.0)
        early = client.variant("checkout", ONE_PAGE, "three-page")
        async with client:
            late = client.variant("checkout", ONE_PAGE)
            client.track("buy", ONE_PAGE)
            flushed = await client.flush(5)
        beating.cancel()
        return early, late, max(gaps), flushed

    early, late, gap, flushed = asyncio.run(story())

    assert (early, late, flushed) == ("three-page", "one-page", True)
    assert gap < 0.25
    assert sorted(type(event).__name__ for event in server.events) == ["Event", "Exposure"]


def test_the_defaults_are_what_the_page_says() -> None:
    settings = Settings()

    assert (settings.wait, settings.queue, settings.queue_bytes) == (0.5, 10_000, 16_000_000)
