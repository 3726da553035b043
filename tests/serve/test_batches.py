"""A batch is asked for its key, its kind, its size and its time, whoever sent it and from which page."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.json import encode
from starlette.testclient import TestClient
from starlette.types import Message

from splitrun.collect import limits
from splitrun.sdk.event import Accepted
from splitrun.sdk.outbox import plain, records
from splitrun.serve.app import application
from splitrun.serve.events import Intake
from splitrun.serve.server import Server
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from tests.sdk.shop import eventually

TIME = "2026-11-22T08:00:00Z"


def batch(count: int, name: str = "purchase") -> bytes:
    events = [
        {
            "type": "event",
            "id": f"e{number}",
            "time": TIME,
            "unit": {"type": "user", "id": "u1"},
            "name": name,
        }
        for number in range(count)
    ]
    return encode({"sent_at": TIME, "sdk": "test/1", "events": events})


@pytest.fixture
def server(tmp_path: Path) -> Server:
    intake = Intake(SpoolFile(tmp_path / "spool.db", Cipher([b"k" * 32])))
    return Server(tmp_path, AccessKeys(tmp_path / "access.json"), parts={"intake": intake})


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    made = server.access.new("web", (Scope.INGEST,), "shop", "production", TIME)
    with TestClient(application(server)) as found:
        found.headers["Authorization"] = f"Bearer {made.secret}"
        found.headers["Content-Type"] = "application/json"
        yield found


def kept(server: Server) -> list[int]:
    intake = server.parts["intake"]
    assert isinstance(intake, Intake)
    return [one.events for one in intake.file.pending()]


@pytest.mark.parametrize("packed", [False, True])
def test_a_batch_is_durable_and_answered_alike_whatever_page_it_is_from(
    client: TestClient, server: Server, *, packed: bool
) -> None:
    body = batch(3)
    sent = {"Content-Encoding": "gzip"} if packed else {}

    found = client.post("/v1/events", content=gzip.compress(body) if packed else body, headers=sent)
    other = client.post("/v1/events", content=body, headers={"Origin": "https://shop.example"})

    assert (found.status_code, found.content) == (202, encode(Accepted(3, [])))
    assert (found.status_code, found.content, dict(found.headers)) == (
        other.status_code,
        other.content,
        dict(other.headers),
    )
    assert kept(server) == [3, 3]
    assert server.seen.answered["POST", "/v1/events", 202] == 2


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (batch(2, ""), {}, 202),
        (batch(1), {"Content-Type": "text/plain"}, 415),
        (batch(1), {"Content-Encoding": "br"}, 415),
        (b"[]", {"Content-Encoding": "gzip"}, 400),
        (batch(1), {"Authorization": "Bearer sr_0_0"}, 401),
        (b" " * 5_000_001, {}, 413),
    ],
    ids=["no JSON", "a name too short", "text", "another packing", "not packed", "another key", "too long"],
)
def test_a_batch_that_is_not_taken_is_answered_in_the_documented_form_and_not_kept(
    client: TestClient, server: Server, body: bytes, headers: dict[str, str], status: int
) -> None:
    found = client.post("/v1/events", content=body, headers=headers)

    assert found.status_code == status
    if status == 202:
        assert found.json()["accepted"] == 0
        assert len(found.json()["rejected"]) == 2
    else:
        assert found.json()["form"] == "splitrun.error/1"
    assert not any(kept(server))


def test_a_key_that_was_proved_and_is_revoked_or_has_another_scope_opens_nothing(
    client: TestClient, server: Server
) -> None:
    assert client.post("/v1/events", content=batch(1)).status_code == 202
    reader = server.access.new("reader", (Scope.READ,), "shop", "production", TIME).secret

    eventually(
        lambda: (
            client.post(
                "/v1/events", content=batch(1), headers={"Authorization": f"Bearer {reader}"}
            ).status_code
            == 403
        )
    )
    server.access.revoke("web", TIME)

    eventually(lambda: client.post("/v1/events", content=batch(1)).status_code == 401)


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_it_may_take(server: Server) -> None:
    intake = server.parts["intake"]
    assert isinstance(intake, Intake)
    intake.patience = 0.05
    secret = server.access.new("web", (Scope.INGEST,), "shop", "production", TIME).secret
    found: list[Message] = []

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def told(message: Message) -> None:
        found.append(message)

    async def run() -> None:
        app = application(server)
        await intake.start()
        headers = [
            (b"authorization", f"Bearer {secret}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"10"),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/events",
            "headers": headers,
            "query_string": b"",
        }
        await app(scope, never, told)
        await intake.stop()

    asyncio.run(run())

    assert found[0]["status"] == 408
    assert intake.buffered == 0


def test_the_sdk_sends_what_the_intake_takes_and_no_more() -> None:
    assert (records.EVENT_BYTES, plain.LARGEST) == (limits.EVENT_BYTES, limits.LARGEST)
