from __future__ import annotations

import asyncio
import subprocess
import sys

import django
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from splitrun.errors import SettingError
from splitrun.sdk.context import NOWHERE, current
from splitrun.sdk.django import middleware
from splitrun.testing import RecordingClient
from tests.sdk.shop import shop

RECORDING = RecordingClient(shop())


def attributes(request: HttpRequest) -> dict[str, object]:
    return {"country": request.headers.get("X-Country", "?")}


def unit(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse(current().unit)


async def later(request: HttpRequest) -> HttpResponse:
    del request
    await asyncio.sleep(0)
    return HttpResponse(current().unit)


def checkout(request: HttpRequest) -> HttpResponse:
    del request
    here = current()
    found = RECORDING.variant("checkout", here.unit, "none", here.attributes, consent=here.consent)
    return HttpResponse(str(found))


def public(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("for all", headers={"Cache-Control": "public"})


urlpatterns = [
    path("unit", unit),
    path("later", later),
    path("checkout", checkout),
    path("public", public),
]

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",  # noqa: S106 - it keeps nothing secret
        MIDDLEWARE=["splitrun.sdk.django.middleware"],
        SPLITRUN={"consent_cookie": "consent", "attributes": f"{__name__}.attributes"},
        USE_TZ=True,
    )
    django.setup()


@pytest.fixture
def browser() -> Client:
    RECORDING.forget()
    browser = Client()
    browser.cookies["consent"] = "granted"
    return browser


@pytest.mark.parametrize("page", ["/unit", "/later"])
def test_a_visitor_who_granted_is_the_same_unit_again(browser: Client, page: str) -> None:
    first = browser.get(page, secure=True)
    second = browser.get(page, secure=True)

    assert len(first.content) == 32
    assert second.content == first.content
    morsel = first.cookies["splitrun_unit"]
    assert morsel.value == first.content.decode()
    assert (morsel["max-age"], morsel["path"], morsel["samesite"]) == ("34128000", "/", "Lax")
    assert (morsel["httponly"], morsel["secure"]) == (True, True)
    assert "splitrun_unit" not in second.cookies
    assert current() is NOWHERE


def test_it_is_asynchronous_where_django_is() -> None:
    async def ask() -> tuple[bytes, bytes]:
        browser = AsyncClient()
        browser.cookies["consent"] = "granted"
        first = await browser.get("/later")
        second = await browser.get("/unit")
        return first.content, second.content

    first, second = asyncio.run(ask())

    assert len(first) == 32
    assert second == first


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize(("said", "headers"), [("denied", {}), ("granted", {"Sec-GPC": "1"}), ("", {})])
def test_without_consent_there_is_no_cookie_and_no_exposure(
    browser: Client, said: str, headers: dict[str, str]
) -> None:
    browser.cookies["consent"] = said

    answer = browser.get("/checkout", secure=True, headers=headers)

    assert answer.content in {b"none", b"three-page"}
    assert not answer.cookies
    assert RECORDING.exposures == []


def test_a_visitor_who_granted_is_exposed(browser: Client) -> None:
    variant = browser.get("/checkout", secure=True, headers={"X-Country": "AT"}).content.decode()

    (exposure,) = RECORDING.exposures
    assert (exposure.variant, exposure.attributes) == (variant, {"country": "AT"})


def test_who_withdraws_loses_the_cookie(browser: Client) -> None:
    browser.get("/unit", secure=True)

    gone = browser.get("/unit", secure=True, headers={"Sec-GPC": "1"})

    assert (gone.cookies["splitrun_unit"].value, gone.cookies["splitrun_unit"]["max-age"]) == ("", "0")


def test_a_response_that_others_may_be_given_sets_no_cookie(browser: Client) -> None:
    assert not browser.get("/public", secure=True).cookies


@pytest.mark.parametrize(
    ("options", "says"),
    [({"attributes": "shop.nowhere"}, "leads nowhere"), ({"concent": "granted"}, "did you mean 'consent'")],
)
def test_settings_that_cannot_be_used_are_refused(options: dict[str, str], says: str) -> None:
    with override_settings(SPLITRUN=options), pytest.raises(SettingError, match=says):
        middleware(unit)


def test_callables_may_stand_in_the_settings_themselves() -> None:
    with override_settings(SPLITRUN={"consent": "granted", "unit": lambda _request: "ada"}):
        assert Client().get("/unit").content == b"ada"


def test_a_framework_is_loaded_by_its_own_module_only() -> None:
    names = ("django", "flask", "starlette", "openfeature", "opentelemetry")
    ours = "splitrun, splitrun.sdk.client, splitrun.sdk.context, splitrun.sdk.asgi, splitrun.sdk.wsgi"
    program = f"import sys, {ours}; print([name for name in {names!r} if name in sys.modules])"

    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"
