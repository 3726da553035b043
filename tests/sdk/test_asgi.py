from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from splitrun.sdk.asgi import SplitrunMiddleware
from splitrun.sdk.asynchronous import AsyncClient
from splitrun.sdk.context import NOWHERE, current
from splitrun.testing import RecordingClient
from tests.sdk.shop import shop

ORIGIN = "https://shop.example"


def told() -> dict[str, str]:
    here = current()
    return {"unit": here.unit, "consent": str(here.consent), "country": str(here.attributes.get("country"))}


def country(scope: MutableMapping[str, Any]) -> dict[str, object]:
    return {"country": HTTPConnection(scope).headers.get("x-country", "?")}


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient(shop())


@pytest.fixture
def app(client: RecordingClient) -> FastAPI:
    app = FastAPI()
    app.add_middleware(SplitrunMiddleware, client=client, consent_cookie="consent", attributes=country)

    @app.get("/later")
    async def later() -> dict[str, str]:
        await asyncio.sleep(0)
        return told()

    @app.get("/thread")
    def thread() -> dict[str, str]:
        return told()

    @app.get("/public")
    def public(response: Response) -> dict[str, str]:
        response.headers["Cache-Control"] = "public, max-age=60"
        return told()

    @app.get("/stream")
    def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield current().unit

        return StreamingResponse(pieces())

    @app.get("/checkout")
    def checkout(request: Request) -> dict[str, str | None]:
        here = current()
        variant = client.variant("checkout", here.unit, "code's own", here.attributes, consent=here.consent)
        return {"variant": variant, "path": request.url.path}

    @app.websocket("/socket")
    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_json(told())
        await connection.close()

    return app


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=ORIGIN) as browser:
        yield browser


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("path", ["/later", "/thread"])
def test_a_visitor_who_granted_is_the_same_unit_again(browser: TestClient, path: str) -> None:
    browser.cookies.set("consent", "granted")

    first = browser.get(path, headers={"X-Country": "DE"})
    second = browser.get(path)

    assert len(first.json()["unit"]) == 32
    assert (first.json()["consent"], first.json()["country"]) == ("granted", "DE")
    assert second.json()["unit"] == first.json()["unit"]
    assert "set-cookie" not in second.headers
    attributes = first.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["Path=/", "Max-Age=34128000", "HttpOnly", "SameSite=Lax", "Secure"]
    assert current() is NOWHERE


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize(
    ("said", "headers"), [("denied", {}), ("granted", {"Sec-GPC": "1"}), ("", {}), ("nonsense", {})]
)
def test_without_consent_there_is_no_cookie_no_unit_and_no_exposure(
    browser: TestClient, client: RecordingClient, said: str, headers: dict[str, str]
) -> None:
    browser.cookies.set("consent", said)

    answer = browser.get("/checkout", headers=headers)

    assert answer.json()["variant"] in {"code's own", "three-page"}
    assert "set-cookie" not in answer.headers
    assert client.exposures == []


def test_a_visitor_who_granted_is_exposed(browser: TestClient, client: RecordingClient) -> None:
    browser.cookies.set("consent", "granted")

    variant = browser.get("/checkout", headers={"X-Country": "AT"}).json()["variant"]

    (exposure,) = client.exposures
    assert (exposure.variant, exposure.attributes) == (variant, {"country": "AT"})


def test_who_withdraws_loses_the_cookie(browser: TestClient) -> None:
    browser.cookies.set("consent", "granted")
    browser.get("/later")
    assert "splitrun_unit" in browser.cookies

    browser.get("/later", headers={"Sec-GPC": "1"})

    assert "splitrun_unit" not in browser.cookies


def test_a_response_that_others_may_be_given_sets_no_cookie(browser: TestClient) -> None:
    browser.cookies.set("consent", "granted")

    assert "set-cookie" not in browser.get("/public").headers


def test_a_stream_knows_its_request(browser: TestClient) -> None:
    browser.cookies.set("consent", "granted")
    unit = browser.get("/later").json()["unit"]

    assert browser.get("/stream").text == unit


def test_a_websocket_has_its_context_and_gives_the_cookie(browser: TestClient) -> None:
    with browser.websocket_connect("/socket", headers={"Cookie": "consent=granted"}) as socket:
        said = socket.receive_json()

    assert len(said["unit"]) == 32
    headers: Any = socket.extra_headers
    names = [value.partition(b"=")[0] for name, value in headers if name == b"set-cookie"]
    assert names == [b"splitrun_unit"]


def test_requests_at_the_same_time_know_their_own_unit_only() -> None:
    seen: dict[str, str] = {}

    async def ask(number: int) -> None:
        unit = f"{number:032x}"
        cookie = f"consent=granted; splitrun_unit={unit}".encode()
        scope = {"type": "http", "path": "/", "method": "GET", "headers": [(b"cookie", cookie)]}

        async def slow(*_: object) -> None:
            await asyncio.sleep(0.001 * (number % 7))
            seen[unit] = current().unit

        await SplitrunMiddleware(slow, consent_cookie="consent")(scope, receive, send)

    async def receive() -> dict[str, object]:
        return {}

    async def send(_message: object) -> None:
        return None

    async def together() -> None:
        await asyncio.gather(*(ask(number) for number in range(50)))

    asyncio.run(together())

    assert len(seen) == 50
    assert all(unit == found for unit, found in seen.items())


def test_the_client_is_flushed_when_the_application_ends(app: FastAPI, client: RecordingClient) -> None:
    with TestClient(app, base_url=ORIGIN):
        client.track("purchase", "u1")

    assert client.statistics.sent == 1


def test_an_async_client_is_flushed_too() -> None:
    flushed = []

    class Noting(AsyncClient):
        async def flush(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - as there
            flushed.append(timeout)
            return True

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(SplitrunMiddleware, client=Noting(ruleset=shop()))
    with TestClient(app):
        assert flushed == []

    assert flushed == [2.0]


@pytest.mark.parametrize("option", ["unit", "attributes"])
@pytest.mark.parametrize("answer", [5, ["DE"], None], ids=repr)
def test_a_products_function_that_is_wrong_costs_no_request(
    client: RecordingClient, option: str, answer: object
) -> None:
    def asked(_: object) -> object:
        return 1 // 0 if answer is None else answer

    options: Any = {"consent": "granted", option: asked}

    async def page(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 - as ASGI is
        attributes: Any = current().attributes
        variant = client.variant("checkout", current().unit, "code's own", **attributes)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(variant).encode()})

    answered = TestClient(SplitrunMiddleware(page, **options)).get("/")

    assert (answered.status_code, answered.text) == (200, "three-page")
    assert "set-cookie" not in answered.headers
    assert client.exposures == []
