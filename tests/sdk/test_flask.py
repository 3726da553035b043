from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response, session, stream_with_context

from splitrun.sdk.context import NOWHERE, current
from splitrun.sdk.flask import Splitrun
from splitrun.testing import RecordingClient
from tests.sdk.shop import shop

ORIGIN = "https://shop.example"


@pytest.fixture
def recording() -> RecordingClient:
    return RecordingClient(shop())


@pytest.fixture
def app(recording: RecordingClient) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for the session"  # noqa: S105 - it keeps nothing secret
    extension = Splitrun(
        consent_cookie="consent",
        unit=lambda _request: session.get("user"),
        attributes=lambda request: {"country": request.headers.get("X-Country", "?")},
    )
    extension.init_app(app)
    assert app.extensions["splitrun"] is extension

    @app.get("/unit")
    def unit() -> str:
        return current().unit

    @app.get("/login")
    def login() -> str:
        session["user"] = "ada"
        return current().unit

    @app.get("/checkout")
    def checkout() -> str:
        here = current()
        return str(recording.variant("checkout", here.unit, "none", here.attributes, consent=here.consent))

    @app.get("/public")
    def public() -> Response:
        return Response("for all", headers={"Cache-Control": "public"})

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            yield current().unit

        return Response(stream_with_context(pieces()))

    @app.get("/failing")
    def failing() -> str:
        raise RuntimeError("no such page")

    return app


def test_a_visitor_who_granted_is_the_same_unit_again(app: Flask) -> None:
    browser = app.test_client()
    browser.set_cookie("consent", "granted", domain="shop.example")

    first = browser.get("/unit", base_url=ORIGIN)
    second = browser.get("/unit", base_url=ORIGIN)

    assert len(first.text) == 32
    assert second.text == first.text
    assert f"splitrun_unit={first.text}; Path=/; Max-Age=34128000; HttpOnly; SameSite=Lax; Secure" in (
        first.headers.getlist("Set-Cookie")
    )
    assert second.headers.getlist("Set-Cookie") == []
    assert browser.get("/stream", base_url=ORIGIN).text == first.text
    assert current() is NOWHERE


def test_who_is_logged_in_is_the_products_own_unit(app: Flask) -> None:
    browser = app.test_client()
    browser.set_cookie("consent", "granted", domain="shop.example")
    anonymous = browser.get("/login", base_url=ORIGIN).text

    assert len(anonymous) == 32
    assert browser.get("/unit", base_url=ORIGIN).text == "ada"


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize(("said", "headers"), [("denied", {}), ("granted", {"Sec-GPC": "1"}), ("", {})])
def test_without_consent_there_is_no_cookie_and_no_exposure(
    app: Flask, recording: RecordingClient, said: str, headers: dict[str, str]
) -> None:
    browser = app.test_client()
    browser.set_cookie("consent", said, domain="shop.example")

    answer = browser.get("/checkout", base_url=ORIGIN, headers=headers)

    assert answer.text in {"none", "three-page"}
    assert answer.headers.getlist("Set-Cookie") == []
    assert recording.exposures == []


def test_a_visitor_who_granted_is_exposed(app: Flask, recording: RecordingClient) -> None:
    browser = app.test_client()
    browser.set_cookie("consent", "granted", domain="shop.example")

    variant = browser.get("/checkout", base_url=ORIGIN, headers={"X-Country": "AT"}).text

    (exposure,) = recording.exposures
    assert (exposure.variant, exposure.attributes) == (variant, {"country": "AT"})


def test_a_response_that_others_may_be_given_sets_no_cookie(app: Flask) -> None:
    browser = app.test_client()
    browser.set_cookie("consent", "granted", domain="shop.example")

    assert browser.get("/public", base_url=ORIGIN).headers.getlist("Set-Cookie") == []


def test_a_request_that_fails_leaves_nothing_behind(app: Flask) -> None:
    assert app.test_client().get("/failing", base_url=ORIGIN).status_code == 500
    assert current() is NOWHERE


def test_the_application_may_be_given_at_once() -> None:
    app = Flask("other")

    assert Splitrun(app, consent="granted") is app.extensions["splitrun"]
