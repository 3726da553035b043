"""Bodies and answers in one piece, as the protocol offers them to the intake."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import pytest
from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from splitrun.serve import patience, running
from tests.sdk.shop import eventually
from tests.serve.live import Served, here
from tests.serve.test_front import BINDING


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(served.url).port or 0), timeout=30)


BATCH = b'{"sent_at":"2026-11-22T08:00:00Z","sdk":"test/1","events":[]}'


def asking(key: str, *more: str, body: bytes = BATCH) -> bytes:
    """Write a request with a batch."""
    lines = [
        "POST /v1/events HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def told(wire: BinaryIO) -> tuple[str, dict[str, str], bytes]:
    """Read an answer: its first line, its headers but for the date, its body."""
    first = wire.readline().decode().rstrip()
    lines = iter(lambda: wire.readline().decode().rstrip(), "")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers.pop("date", "").endswith("GMT")
    return first, headers, wire.read(int(headers["content-length"]))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent the ordinary way."""
    found: list[str] = []
    send = RequestResponseCycle.send

    async def noted(self: RequestResponseCycle, message: Message) -> None:
        found.append(message["type"])
        await send(self, message)  # type: ignore[arg-type] # Starlette's word for the same thing

    monkeypatch.setattr(RequestResponseCycle, "send", noted)
    return found


def test_an_answer_to_a_batch_is_the_same_in_one_piece_as_in_two(
    served: Served, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        connected(served) as connection,
        connection.makefile("rb") as wire,
    ):
        connection.sendall(asking(served.key))
        whole = told(wire)
        assert sent == []
        monkeypatch.setattr(patience.OnePiece, "answered", lambda *_: False)
        connection.sendall(asking(served.key))
        parts = told(wire)

    assert sent == ["http.response.start", "http.response.body"]
    assert whole == parts
    assert whole[0] == "HTTP/1.1 202 Accepted"
    assert whole[1].items() >= BINDING.items()
    assert json.loads(whole[2]) == {"accepted": 0, "rejected": []}


def test_requests_that_come_at_once_on_one_connection_are_answered_in_their_order(served: Served) -> None:
    event = {
        "type": "event",
        "id": "e1",
        "time": "2026-11-22T08:00:00Z",
        "unit": {"type": "user", "id": "visitor-1"},
        "name": "purchase",
    }
    bodies = [
        json.dumps({"sent_at": "2026-11-22T08:00:00Z", "sdk": "test/1", "events": [event] * many}).encode()
        for many in range(20)
    ]
    with (
        connected(served) as connection,
        connection.makefile("rb") as wire,
    ):
        connection.sendall(b"".join(asking(served.key, body=one) for one in bodies))
        found = [json.loads(told(wire)[2])["accepted"] for _ in bodies]

    assert found == [*range(20)]


@pytest.mark.parametrize("cut", [1, 40, len(BATCH)])
def test_a_body_that_comes_in_parts_is_waited_for(served: Served, cut: int) -> None:
    request = asking(served.key)
    with (
        connected(served) as connection,
        connection.makefile("rb") as wire,
    ):
        connection.sendall(request[:-cut])
        time.sleep(0.1)
        connection.sendall(request[-cut:])
        assert told(wire)[0] == "HTTP/1.1 202 Accepted"

        connection.sendall(asking(served.key, "Expect: 100-continue")[: -len(BATCH)])
        assert wire.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.readline() == b"\r\n"
        connection.sendall(BATCH)
        assert told(wire)[0] == "HTTP/1.1 202 Accepted"


def test_a_connection_that_is_to_be_closed_is_closed_after_the_answer(served: Served) -> None:
    with (
        connected(served) as connection,
        connection.makefile("rb") as wire,
    ):
        connection.sendall(asking(served.key, "Connection: close"))
        first, headers, _ = told(wire)

        assert (first, headers["connection"]) == ("HTTP/1.1 202 Accepted", "close")
        assert wire.read() == b""


@pytest.mark.parametrize("size", [5_000_001, 40_000_000])
def test_a_body_that_is_refused_before_it_has_come_is_told_why(served: Served, size: int) -> None:
    with connected(served) as connection, connection.makefile("rb") as wire:
        connection.sendall(asking(served.key, body=b" " * size))  # all of it before the answer is looked at
        first, _, body = told(wire)
        assert wire.read() == b""

    assert (first[:13], json.loads(body)["error"]) == ("HTTP/1.1 413 ", "too_large")


def sending(connection: socket.socket) -> bool:
    """Whether somebody still listens."""
    try:
        connection.sendall(b" " * 100)
    except OSError:
        return False
    return True


def test_who_goes_on_sending_after_a_refusal_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LINGER", 0.5)
    with connected(served) as connection, connection.makefile("rb") as wire:
        connection.sendall(asking(served.key).replace(b"Length: 61", b"Length: 99999999"))
        assert told(wire)[0].startswith("HTTP/1.1 413")
        assert wire.read() == b""  # nothing follows
        assert sending(connection)
        assert eventually(lambda: not sending(connection))


def test_a_connection_is_closed_when_nothing_was_asked_for_a_while_and_not_before(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "IDLE", 1)
    with (
        here(shop, ("ingest",)) as served,
        connected(served) as connection,
        connection.makefile("rb") as wire,
    ):
        for _ in range(3):
            connection.sendall(asking(served.key))
            assert told(wire)[0] == "HTTP/1.1 202 Accepted"
            time.sleep(0.6)
        request = asking(served.key)
        connection.sendall(request[:-1])
        time.sleep(1.2)  # a request that is under way is none that rests
        connection.sendall(request[-1:])
        assert told(wire)[0] == "HTTP/1.1 202 Accepted"
        began = time.monotonic()

        assert wire.read() == b""
        assert 0.8 < time.monotonic() - began < 10
