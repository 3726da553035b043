"""A second language: the official JavaScript client drives a page's variant against the live server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.transmission import opened
from splitrun.conduct.serving.access import make_access_key
from splitrun.conduct.serving.kills import kill
from tests.sdk.shop import eventually
from tests.serve.live import Running

CHROMIUM = Path("/usr/bin/chromium")
MODULES = Path(__file__).parents[2] / ".cache" / "web-client" / "node_modules"
"""Made by `make web-client`."""
PAGE = Path(__file__).parent / "web" / "page.html"
ORIGIN = "http://shop.example"

pytestmark = [
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}; `make browser` installs it where it may"
    ),
    pytest.mark.skipif(
        not MODULES.exists(),
        reason="the JavaScript client is not there; `make web-client` fetches it with npm",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


def files(route: Route) -> None:
    """Serve the page and the modules as the shop's own web server would."""
    path = urlsplit(route.request.url).path
    file = MODULES / path.removeprefix("/modules/") if path.startswith("/modules/") else PAGE
    kind = "text/javascript" if file.suffix == ".js" else "text/html"
    route.fulfill(body=file.read_text(encoding="utf-8"), content_type=kind)


def opened_page(browser: Browser, served: Running, key: str, unit: str) -> Page:
    page = browser.new_page()
    page.route(f"{ORIGIN}/**", files)
    page.goto(f"{ORIGIN}/?{urlencode({'server': served.url, 'key': key, 'unit': unit})}")
    page.wait_for_function("document.querySelector('main').dataset.variant !== ''")
    return page


def shown(page: Page) -> dict[str, object]:
    found: dict[str, object] = json.loads(page.locator("main").get_attribute("data-variant") or "{}")
    return found


@pytest.mark.requirement("R04")
def test_the_official_client_for_javascript_drives_the_variant_of_a_page(
    market: Path, served: Running, browser: Browser
) -> None:
    local = Evaluator(opened(served.get("/v1/ruleset").data))
    key = make_access_key("pages", ["evaluate"], market).secret
    assert eventually(lambda: served.get("/v1/ruleset", Authorization=f"Bearer {key}").status == 403)

    for number in range(6):
        here = local.evaluate("checkout", f"u{number}", {"country": "DE"})
        page = opened_page(browser, served, key, f"u{number}")
        found = shown(page)
        page.close()
        assert (found["value"], found["variant"]) == (here.value, here.variant)
        assert found.get("experiment") == here.experiment
        assert (found["limit"], found["theme"], found["search"]) == (20.5, {"dark": False}, False)
        assert found["missing"] == "FLAG_NOT_FOUND"


def test_an_open_page_follows_a_kill(market: Path, served: Running, browser: Browser) -> None:
    local = Evaluator(opened(served.get("/v1/ruleset").data))
    unit = next(
        f"u{n}" for n in range(99) if local.evaluate("checkout", f"u{n}", {"country": "DE"}).value == "one"
    )
    page = opened_page(browser, served, served.key, unit)
    assert shown(page)["value"] == "one"

    kill("checkout", market, "it burns")

    page.wait_for_function("JSON.parse(document.querySelector('main').dataset.variant).value === 'three'")
    assert shown(page)["reason"] == "DISABLED"
    page.close()
