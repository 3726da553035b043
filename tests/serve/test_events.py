"""`POST /v1/events` over real HTTP: what is answered, and that a 202 stands on disk."""

from __future__ import annotations

import gzip
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3
import uvicorn

from splitrun import Client
from splitrun.sdk.event import Unit
from splitrun.serve.app import application
from splitrun.serve.events import Intake
from splitrun.serve.server import Server
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.quality import warnings

TIME = "2026-11-22T08:00:00Z"
SECRET = "visitor-4711"  # noqa: S105 - the id of a unit


def event(number: int = 1, unit: str = SECRET) -> dict[str, object]:
    return {
        "type": "event",
        "id": f"e{number}",
        "time": TIME,
        "unit": {"type": "user", "id": unit},
        "name": "purchase",
        "value": 3,
    }


def batch(*events: object) -> bytes:
    return json.dumps({"sent_at": TIME, "sdk": "test/1", "events": events}).encode()


@dataclass
class Running:
    """A server in a thread of this process."""

    url: str
    port: int
    key: str
    intake: Intake
    access: AccessKeys

    def post(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        more = {name.replace("_", "-"): text for name, text in headers.items()}
        return urllib3.request("POST", f"{self.url}/v1/events", body=body, headers=sent | more, retries=False)

    def bodies(self) -> list[bytes]:
        return [one.body for one in self.intake.file.pending()]


def served(tmp_path: Path, intake: Intake) -> Iterator[Running]:
    access = AccessKeys(tmp_path / "access.json")
    made = access.new("web", (Scope.INGEST,), "shop", "production", TIME)
    app = application(Server(tmp_path, access, parts={"intake": intake}))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="trace", access_log=True))
    listening = socket.create_server(("127.0.0.1", 0))
    begun = threading.Event()
    start = intake.start

    async def started() -> None:
        await start()
        begun.set()

    intake.start = started  # type: ignore[method-assign] # tells this thread that the spool is open
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    assert begun.wait(60)
    port = listening.getsockname()[1]
    try:
        yield Running(f"http://127.0.0.1:{port}", port, made.secret, intake, access)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def spool(tmp_path: Path) -> SpoolFile:
    return SpoolFile(tmp_path / "spool.db", Cipher([b"k" * 32]))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    intake = Intake(
        spool(tmp_path), cap=30_000, unwanted=lambda: lambda unit: unit == Unit("user", "gone"), patience=1.0
    )
    yield from served(tmp_path, intake)


@pytest.mark.requirement("R19")
def test_a_batch_is_on_disk_when_it_is_answered(running: Running) -> None:
    answer = running.post(batch(event(1), {**event(2), "id": ""}))

    assert answer.status == 202
    said = answer.json()
    assert (said["accepted"], [(one["index"], one["code"]) for one in said["rejected"]]) == (
        1,
        [(1, "event_id")],
    )
    (kept,) = running.intake.file.pending()
    assert (kept.events, kept.rejected, kept.packed) == (1, (), False)
    assert (kept.origin.project, kept.origin.environment, kept.origin.key) == ("shop", "production", "web")
    # somebody opted out, so nothing is kept of what was rejected: it may have been theirs
    assert json.loads(kept.body) == json.loads(batch(event(1)))


def test_a_gzipped_batch_is_kept_as_it_came(running: Running) -> None:
    body = gzip.compress(batch(event()))

    assert running.post(body, Content_Encoding="gzip").json() == {"accepted": 1, "rejected": []}
    assert running.bodies() == [body]
    assert running.intake.file.pending()[0].packed


def test_a_batch_of_which_nothing_is_taken_is_not_kept(running: Running) -> None:
    assert running.post(batch({**event(), "id": ""})).json()["accepted"] == 0
    assert running.post(batch(event(unit="gone"))).json() == {"accepted": 1, "rejected": []}
    assert running.post(batch()).json() == {"accepted": 0, "rejected": []}
    assert running.bodies() == []


def test_events_of_a_unit_that_objected_go_no_further(running: Running) -> None:
    assert running.post(batch(event(1), event(2, "gone"), event(3))).json() == {"accepted": 3, "rejected": []}

    (kept,) = running.intake.file.pending()
    assert (kept.events, kept.rejected) == (2, ())
    assert json.loads(kept.body) == json.loads(batch(event(1), event(3)))


@pytest.mark.requirement("R19", "R23")
def test_what_is_turned_away_is_counted_with_the_commit_that_keeps_the_rest(running: Running) -> None:
    running.post(batch(event(1), {**event(2), "id": ""}, event(3, "gone")))
    running.post(batch({**event(4), "unit": {"type": "user", "id": "null"}}))
    running.post(batch(event(5, "gone")))
    running.post(b"{")

    counted = {(sdk, reason): events for _, _, _, sdk, reason, events in running.intake.file.counts()}
    assert counted == {
        ("test/1", "rejected: event_id"): 1,
        ("test/1", "rejected: unit"): 1,
        ("test/1", "objected"): 2,
        ("", "refused: not_json"): 1,
    }
    warned = {one.kind: one.example for one in warnings(running.intake.file)}
    assert warned.keys() == {"rejected: event_id", "rejected: unit", "refused: not_json"}
    assert running.intake.writer is not None
    assert running.intake.writer.parcels == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "not_json"),
        (b"", {}, 400, "empty"),
        (b"{}", {"Content_Encoding": "gzip"}, 400, "encoding"),
        (b"{}", {"Content_Encoding": "br"}, 415, "content_encoding"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "content_type"),
        (b" " * 5_000_001, {}, 413, "too_large"),
        (gzip.compress(b" " * 5_000_001), {"Content_Encoding": "gzip"}, 413, "too_large"),
        (batch(*[1] * 5_001), {}, 413, "too_many"),
        (b"{}", {"Authorization": "Bearer sr_000000000000_x"}, 401, "unauthorized"),
        (b"{}", {"Authorization": ""}, 401, "unauthorized"),
        (b"{}", {"Authorization": "Bearer \xff"}, 401, "unauthorized"),
    ],
)
def test_what_is_not_taken_is_answered_with_a_code(
    running: Running, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = running.post(body, **headers)

    assert (answer.status, answer.json()["error"]) == (status, code)
    assert answer.json()["form"] == "splitrun.error/1"
    assert running.bodies() == []


def test_a_key_without_the_scope_and_another_method_are_refused(running: Running) -> None:
    other = running.access.new("page", (Scope.SDK,), "shop", "production", TIME).secret

    assert running.post(batch(event()), Authorization=f"Bearer {other}").status == 403
    assert urllib3.request("GET", f"{running.url}/v1/events", retries=False).status == 405


def test_a_revoked_key_is_refused(running: Running) -> None:
    assert running.post(batch(event())).status == 202

    running.access.revoke("web", TIME)

    assert running.post(batch(event())).status == 401


@pytest.mark.requirement("R19")
def test_a_spool_at_its_cap_asks_to_come_again_and_takes_more_once_there_is_room(running: Running) -> None:
    answers: list[urllib3.BaseHTTPResponse] = []
    while not answers or answers[-1].status == 202:
        answers.append(running.post(batch(event(len(answers)))))
    kept = running.intake.file.pending()

    assert answers[-1].status == 429
    assert answers[-1].json()["error"] == "spool"
    assert 5 <= int(answers[-1].headers["Retry-After"]) <= 10
    assert len(kept) == len(answers) - 1
    running.intake.file.forget(kept[-1].number)
    running.intake.forgotten()
    while running.post(batch(event(1))).status != 202:
        continue


def test_a_locked_spool_is_answered_503_and_comes_back(running: Running) -> None:
    with closing(sqlite3.connect(running.intake.file.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        answer = running.post(batch(event()))
        other.execute("rollback")

    assert (answer.status, answer.json()["error"]) == (503, "lock")
    assert "locked" in running.intake.ready()
    assert running.post(batch(event())).status == 202
    assert running.intake.ready() == ""
    assert len(running.bodies()) == 1


def head(running: Running, *more: str) -> bytes:
    lines = ("POST /v1/events HTTP/1.1", "Host: x", f"Authorization: Bearer {running.key}")
    return "\r\n".join([*lines, "Content-Type: application/json", *more, "", ""]).encode()


def answered(port: int, *pieces: bytes) -> bytes:
    """Send pieces and read until the server closes; a server may close before all is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        found = b""
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionResetError:
            pass
        return found


@pytest.mark.requirement("R19")
def test_a_body_that_does_not_say_its_length_is_read_no_further_than_the_limit(running: Running) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"

    found = answered(running.port, head(running, "Transfer-Encoding: chunked"), *[chunk] * 200)

    assert not found or b"413" in found.split(b"\r\n")[0]
    assert running.intake.buffered == 0


def test_a_chunked_batch_is_taken(running: Running) -> None:
    body = batch(event())
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:20], body[20:]))

    found = answered(
        running.port, head(running, "Transfer-Encoding: chunked", "Connection: close"), chunks, b"0\r\n\r\n"
    )

    assert found.startswith(b"HTTP/1.1 202")
    assert running.bodies() == [body]


@pytest.mark.requirement("R19")
def test_a_body_that_does_not_come_is_not_waited_for(running: Running) -> None:
    found = answered(running.port, head(running, "Content-Length: 100"), b"{")

    assert found.startswith(b"HTTP/1.1 408")
    assert running.intake.buffered == 0


def test_a_client_that_leaves_in_the_middle_leaves_nothing(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head(running, "Content-Length: 100") + b"{")

    assert running.post(batch(event())).status == 202
    assert len(running.bodies()) == 1


def test_more_than_may_be_held_is_told_to_come_again(tmp_path: Path) -> None:
    intake = Intake(spool(tmp_path), buffered=1_000)
    for running in served(tmp_path, intake):
        answer = running.post(b" " * 1_001)

        assert (answer.status, answer.json()["error"], answer.headers["Connection"]) == (
            429,
            "queue",
            "close",
        )
        assert running.post(batch(event())).status == 202


def test_an_intake_that_has_not_begun_or_is_elsewhere_says_so(tmp_path: Path) -> None:
    assert Intake(spool(tmp_path)).ready() == "the intake has not begun"
    other = Intake(spool(tmp_path))
    for running in served(tmp_path, other):
        writer, other.writer = other.writer, None
        assert running.post(batch(event())).json()["error"] == "stopping"
        other.writer = writer


def test_bodies_and_keys_are_in_no_log(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    running.post(batch(event()))
    running.post(b"{" + SECRET.encode())

    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert running.key not in out + err


@pytest.mark.requirement("R19")
def test_the_client_sends_and_is_told(running: Running) -> None:
    client = Client(url=running.url, key=running.key)
    for number in range(100):
        client.track("purchase", f"u{number}", value=number)

    assert client.flush(20.0)

    assert sum(one.events for one in running.intake.file.pending()) == 100
    client.close()
