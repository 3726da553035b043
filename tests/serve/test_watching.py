"""Heartbeats of the server, and `GET /v1/quality`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families as parsed
from prometheus_client.registry import Collector
from starlette.testclient import TestClient

from splitrun.conduct.collecting.assembled import committer_of, lake_of, unheard
from splitrun.conduct.collecting.quality import quality, spot
from splitrun.conduct.collecting.upkeep import regularly
from splitrun.conduct.desk import Desk
from splitrun.serve.app import application
from splitrun.serve.events import Intake, take
from splitrun.serve.running import assembled
from splitrun.serve.server import Server
from splitrun.serve.watching.families import families
from splitrun.serve.watching.heartbeats import Heartbeats
from splitrun.serve.watching.quality import Watch
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin

TIME = "2026-11-22T08:00:00Z"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "splitrun.yaml").write_text("project: shop\nenvironments: [production, staging]\n")
    return tmp_path


def within(server: Server, work: Callable[[Heartbeats], Awaitable[None]]) -> Heartbeats:
    """Do something while a server's intake and heartbeats live."""
    intake, beats = server.parts["intake"], server.parts["heartbeats"]
    assert isinstance(beats, Heartbeats)

    async def living() -> None:
        await intake.start()
        await beats.start()
        try:
            await work(beats)
        finally:
            await beats.stop()
            await intake.stop()

    asyncio.run(living())
    return beats


def flushed(root: Path) -> None:
    one = committer_of(root)
    with one.owned():
        while one.flush() is not None:
            pass
    one.close()


@pytest.mark.requirement("R19", "R23")
def test_a_server_sends_itself_heartbeats_through_its_intake_and_they_are_measured(shop: Path) -> None:
    server = assembled(shop, ("ingest",))

    async def several(beats: Heartbeats) -> None:
        for _ in range(3):
            assert await beats.beat("shop", "production")
        assert await beats.beat("shop", "staging")

    within(server, several)
    flushed(shop)

    intake = server.parts["intake"]
    assert isinstance(intake, Intake)
    found = spot(intake.file, lake_of(shop), [], datetime.now(UTC))
    assert found.heartbeats == ()
    named = [("shop", "production"), ("shop", "staging")]
    found = spot(intake.file, lake_of(shop), named, datetime.now(UTC))
    assert [(one.sent, one.stored, one.measured, one.wrong) for one in found.heartbeats] == [
        (3, 3, 3, ""),
        (1, 1, 1, ""),
    ]
    assert found.counts == ()


@pytest.mark.requirement("R23")
def test_the_worker_writes_down_that_heartbeats_do_not_fit(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    within(assembled(shop, ("ingest",)), sent)
    assert unheard(shop) == []
    flushed(shop)
    with sqlite3.connect(shop / "state" / "spool.db") as harm:
        harm.execute("update beats set stored = 2")
    harm.close()

    regularly(lambda: None, 0.0, lambda: unheard(shop))()

    assert "heartbeats of shop/production: 1 heartbeats were sent and 2 stored" in caplog.text


def test_figures_are_told_as_prometheus_takes_them(shop: Path) -> None:
    server = assembled(shop, ("ingest",))
    intake = server.parts["intake"]
    assert isinstance(intake, Intake)

    async def mixed(beats: Heartbeats) -> None:
        await sent(beats)
        body = {"type": "event", "id": "", "time": TIME, "unit": {"type": "user", "id": "u"}, "name": "x"}
        good = {**body, "id": "e1", "time": datetime.now(UTC).isoformat()}
        whole = json.dumps({"sent_at": good["time"], "sdk": 'a"b/1', "events": [body, good]}).encode()
        await take(intake, whole, Origin("shop", "production", "", time.time_ns()), packed=False)

    within(server, mixed)
    flushed(shop)
    found = quality(shop)
    assert found is not None
    registry = CollectorRegistry(auto_describe=False)

    class Fixed(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from told

    told = tuple(families(found))
    registry.register(Fixed())
    text = generate_latest(registry).decode()

    read = {
        (one.name, frozenset(one.labels.items())): one.value
        for family in parsed(text)
        for one in family.samples
    }
    place = {("project", "shop"), ("environment", "production")}
    labels = frozenset({*place, ("sdk", 'a"b/1'), ("reason", "rejected: event_id")})
    assert read["splitrun_collected_events_total", labels] == 1
    assert read["splitrun_heartbeats_sent", frozenset(place)] == 1
    assert read["splitrun_heartbeat_mismatch", frozenset(place)] == 0
    assert read["splitrun_readable_seconds_bucket", frozenset({*place, ("le", "+Inf")})] == 1


def test_heartbeats_come_on_their_own_to_each_environment(shop: Path) -> None:
    server = assembled(shop, ("ingest",))
    beats = server.parts["heartbeats"]
    assert isinstance(beats, Heartbeats)
    beats.every = 0.01

    async def until(living: Heartbeats) -> None:
        deadline = time.monotonic() + 30
        while living.number < 4:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    within(server, until)

    assert beats.number >= 4
    assert (beats.failed, beats.ready()) == (0, "")


def test_a_heartbeat_that_is_not_taken_is_told_and_the_next_is_tried(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    intake = Intake(SpoolFile(shop / "spool.db", Cipher([b"k" * 32])), cap=10)
    server = Server(shop, AccessKeys(shop / "access.json"))
    server.parts |= {
        "intake": intake,
        "heartbeats": Heartbeats(intake, [("shop", "production")], lambda: NOW),
    }

    async def one(beats: Heartbeats) -> None:
        assert not await beats.beat("shop", "production")

    assert within(server, one).failed == 1
    assert "a heartbeat of shop/production was not taken: the spool holds 0 bytes" in caplog.text


def test_a_heartbeat_that_breaks_a_limit_is_told(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = assembled(shop, ("ingest",))

    async def one(beats: Heartbeats) -> None:
        beats.spool = "x" * 6_000_000
        assert not await beats.beat("shop", "production")

    within(server, one)

    assert "too_large" in caplog.text


@pytest.mark.requirement("R23")
def test_quality_is_told_to_who_may_read_and_of_their_environment_alone(shop: Path) -> None:
    keys = AccessKeys(shop / "access.json")
    reads = keys.new("reads", (Scope.READ,), "shop", "staging", TIME).secret
    sends = keys.new("sends", (Scope.INGEST,), "shop", "staging", TIME).secret
    client = TestClient(application(Server(shop, keys)))

    def asked(key: str) -> tuple[int, dict[str, object]]:
        answer = client.get("/v1/quality", headers={"Authorization": f"Bearer {key}"})
        return answer.status_code, answer.json()

    assert asked("")[0] == 401
    assert asked(sends)[0] == 403
    assert asked(reads) == (200, {"form": "splitrun.quality/1", "collected": False})


@pytest.mark.requirement("R23")
def test_quality_is_told_of_the_keys_environment_alone(shop: Path) -> None:
    within(assembled(shop, ("ingest",)), sent)
    keys = AccessKeys(shop / "access.json")
    key = keys.new("reads", (Scope.READ,), "shop", "production", TIME).secret
    client = TestClient(application(Server(shop, keys)))

    answers = [client.get("/v1/quality", headers={"Authorization": f"Bearer {key}"}).json() for _ in range(2)]

    told = client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text

    assert "splitrun_quality_trouble 0.0" in told
    assert 'splitrun_heartbeat_mismatch{environment="production",project="shop"} 0.0' in told
    assert answers[0] == answers[1]
    assert [(one["environment"], one["waiting"]) for one in answers[0]["heartbeats"]] == [("production", 1)]


def test_quality_is_read_anew_only_after_a_while(shop: Path) -> None:
    clock = 0.0
    within(assembled(shop, ("ingest",)), sent)

    async def thrice() -> list[int]:
        nonlocal clock
        watch = Watch(shop, Desk(), lambda: clock)
        waiting = []
        for clock in (0.0, 5.0, 11.0):  # noqa: B007  # the clock of the watch
            found = await watch.reading()
            assert found is not None
            waiting.append(found.of("shop", "production").heartbeats[0].waiting)
            if len(waiting) == 1:
                await asyncio.to_thread(flushed, shop)
        return waiting

    assert asyncio.run(thrice()) == [1, 1, 0]


async def sent(beats: Heartbeats) -> None:
    """Send one."""
    assert await beats.beat("shop", "production")


def test_quality_that_cannot_be_read_says_when_to_come_again(shop: Path) -> None:
    (shop / "state").mkdir()
    (shop / "state" / "spool.db").write_bytes(b"no database at all" * 100)
    keys = AccessKeys(shop / "access.json")
    key = keys.new("reads", (Scope.READ,), "shop", "staging", TIME).secret

    client = TestClient(application(Server(shop, keys)))
    answer = client.get("/v1/quality", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the spool" in answer.json()["says"]
    told = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert told.status_code == 200
    assert "splitrun_quality_trouble 1.0" in told.text
