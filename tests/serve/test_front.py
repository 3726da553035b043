"""What every request meets first: headers, origins, counting, the log, faults, connections that dawdle."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from splitrun.conduct.serving.access import make_access_key
from splitrun.errors import SpecError
from splitrun.serve import patience
from splitrun.serve.app import application, endpoints
from splitrun.serve.endpoint import Caller, Endpoint
from splitrun.serve.running import Ending, assembled
from splitrun.serve.server import Server
from tests.sdk.shop import eventually

BINDING = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
PAGE = "https://shop.example"


async def failing(_server: Server, _request: Request, _caller: Caller | None) -> Response:
    raise ZeroDivisionError


FAULTY = Endpoint("GET", "/faulty", None, failing, "Fails", hot=True)


@pytest.fixture(scope="module")
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def key(market: Path) -> str:
    return make_access_key("all", ["admin"], market).secret


@pytest.fixture(scope="module")
def client(market: Path, log: io.StringIO) -> Iterator[TestClient]:
    server = assembled(market, ("web", "ingest"), origins=(PAGE,), log=log)
    with TestClient(application(server, (*endpoints(), FAULTY))) as found:
        yield found


ASKED = [(one.method, one.path) for one in endpoints() if not one.path.endswith("/stream")]


@pytest.mark.parametrize(
    ("method", "path"),
    [*ASKED, ("GET", "/nix"), ("PUT", "/livez"), ("GET", "/faulty"), ("GET", "/openapi.json")],
)
@pytest.mark.parametrize("holds", [True, False])
def test_every_answer_binds_browsers(
    client: TestClient, key: str, method: str, path: str, *, holds: bool
) -> None:
    sent = {"Authorization": f"Bearer {key}"} if holds else {}

    told = client.request(method, path, headers=sent)

    assert BINDING.items() <= dict(told.headers).items()
    assert told.headers["cache-control"] in {"no-store", "no-cache"}
    assert "server" not in told.headers


def test_a_fault_is_told_in_the_documented_form_and_says_nothing_of_its_cause(client: TestClient) -> None:
    told = client.get("/faulty")

    assert told.status_code == 500
    assert told.json()["form"] == "splitrun.error/1"
    assert "Zero" not in told.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nix", 404), ("PUT", "/livez", 405)])
def test_an_address_that_is_none_is_told_in_the_documented_form(
    client: TestClient, method: str, path: str, status: int
) -> None:
    told = client.request(method, path)

    assert (told.status_code, told.json()["error"]) == (status, "address")
    assert status == 404 or "GET" in told.headers["allow"]


def test_the_log_tells_no_id_key_or_body(client: TestClient, key: str, log: io.StringIO) -> None:
    log.seek(0)
    log.truncate()
    body = {"context": {"targetingKey": "ada-lovelace", "email": "ada@example.com"}}

    client.post("/ofrep/v1/evaluate/flags/checkout?who=ada", json=body, headers={"X-API-Key": key})

    line = json.loads(log.getvalue())
    assert line.keys() == {"at", "method", "route", "status", "ms", "bytes"}
    assert (line["route"], line["status"]) == ("/ofrep/v1/evaluate/flags/{key}", 200)
    assert "ada" not in log.getvalue()
    assert key not in log.getvalue()


def test_what_was_answered_is_counted_by_route(client: TestClient, key: str) -> None:
    sent = {"Authorization": f"Bearer {key}"}
    client.get("/v1/ruleset", headers=sent)
    client.get("/secret/address")
    client.request("BREW", "/livez")

    told = client.get("/metrics", headers=sent).text

    assert 'splitrun_requests_total{method="GET",route="/v1/ruleset",status="200"}' in told
    assert 'splitrun_request_seconds_bucket{le="+Inf",route="/v1/ruleset"}' in told
    assert 'splitrun_ruleset_version{environment="production"} 1.0' in told
    assert 'splitrun_ready{part="intake"} 1.0' in told
    assert "splitrun_spool_bytes 0.0" in told
    assert "secret" not in told
    assert "BREW" not in told


def test_metrics_ask_for_a_key_that_may_read(market: Path, client: TestClient) -> None:
    own = make_access_key("prometheus", ["read"], market).secret

    assert client.get("/metrics").status_code == 401
    assert eventually(lambda: client.get("/metrics", headers={"X-API-Key": own}).status_code == 200)


def test_a_page_of_an_origin_that_was_named_may_evaluate_and_no_other(client: TestClient, key: str) -> None:
    path, body = "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u1"}}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

    first = client.options(path, headers={"Origin": PAGE, **asked})
    told = client.post(path, json=body, headers={"Origin": PAGE, "X-API-Key": key})
    other = client.post(path, json=body, headers={"Origin": "https://evil.example", "X-API-Key": key})
    rules = client.get("/v1/ruleset", headers={"Origin": PAGE, "X-API-Key": key})

    assert (first.status_code, first.headers["access-control-allow-origin"]) == (204, PAGE)
    assert "authorization" in first.headers["access-control-allow-headers"]
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in rules.headers
    assert client.options(path, headers={"Origin": "https://evil.example", **asked}).status_code == 405


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "*", "null"])
def test_what_is_no_origin_is_told(market: Path, origin: str) -> None:
    with pytest.raises(SpecError, match="is no origin of pages"):
        assembled(market, ("web",), origins=(origin,))


def test_hosts_and_proxies_are_not_believed(client: TestClient, key: str) -> None:
    sent = {"Authorization": f"Bearer {key}", "Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    assert "evil" not in client.get("/openapi.json", headers=sent).text
    assert "evil" not in str(client.get("/v1/ruleset", headers=sent).headers)


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"GET /livez HTTP/1.1\r\nX: y"])
def test_headers_that_do_not_end_are_not_waited_for(
    market: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(patience, "HEADERS", 0.2)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = application(assembled(market, ("web",)))
    server = uvicorn.Server(uvicorn.Config(app, http=patience.Impatient, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
            slow.sendall(said)
            assert slow.recv(1) == b""
        assert urllib3.request("GET", f"http://127.0.0.1:{port}/livez").status == 200
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def listening(market: Path, crowd: int) -> Iterator[tuple[Ending, int]]:
    ending = Ending(assembled(market, ("web",)), crowd)
    with socket.create_server(("127.0.0.1", 0)) as found:
        thread = threading.Thread(target=ending.run, kwargs={"sockets": [found]})
        thread.start()
        try:
            yield ending, found.getsockname()[1]
        finally:
            ending.should_exit = True
            thread.join()


@pytest.mark.parametrize(
    "said", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n"]
)
def test_what_is_no_http_is_refused_in_the_documented_form(market: Path, said: bytes) -> None:
    with (
        listening(market, 10) as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=30) as wire,
    ):
        wire.sendall(said)
        told = b"".join(iter(lambda: wire.recv(65_536), b""))  # until it is closed

    head, _, body = told.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "HTTP/1.1 400 Bad Request"
    assert headers.items() >= BINDING.items()
    assert (headers["content-length"], headers["cache-control"]) == (str(len(body)), "no-store")
    assert (json.loads(body)["form"], json.loads(body)["error"]) == ("splitrun.error/1", "request")


def test_more_connections_than_can_be_held_are_told_when_to_come_again(market: Path) -> None:
    with listening(market, 2) as (ending, port):
        address = f"http://127.0.0.1:{port}/livez"
        with urllib3.PoolManager(1) as one, urllib3.PoolManager(1) as other:
            assert one.request("GET", address).status == 200
            full = other.request("GET", address, retries=False)
            assert eventually(lambda: len(ending.server_state.connections) == 1)
            assert one.request("GET", address).status == 200

    assert full.status == 503
    assert int(full.headers["Retry-After"]) in range(2, 5)
    assert {name: full.headers[name] for name in BINDING} == BINDING
    assert full.headers["Connection"] == "close"
    assert full.json()["error"] == "crowded"
