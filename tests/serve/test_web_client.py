"""A second language: the official JavaScript client drives a page's variant against the live server."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit

import pytest
from deltalake.exceptions import TableNotFoundError
from playwright.sync_api import Browser, Page, sync_playwright
from pyarrow import ArrowInvalid

from splitrun import Client
from splitrun.assign.evaluation import Reason
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.transmission import opened
from splitrun.conduct.serving.access import make_access_key
from splitrun.conduct.serving.kills import kill
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import rows
from tests.sdk.shop import eventually
from tests.serve.live import Running, live

CHROMIUM = Path("/usr/bin/chromium")
MODULES = Path(__file__).parents[2] / ".cache" / "web-client" / "node_modules"
"""Made by `make web-client`."""
PAGE = Path(__file__).parents[2] / "examples" / "web" / "page.html"
UNITS = int(os.environ.get("SPLITRUN_UNITS", "300"))
"""Units that the client and the SDK are both asked for; `make web-crowd` asks for 10,000."""

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


REQUESTED: list[str] = []
"""All that the shop's web server could have written into its log."""


class Shop(SimpleHTTPRequestHandler):
    """The shop's own web server: its page, and the modules that it loads."""

    def do_GET(self) -> None:
        """Give a file, and keep what was asked."""
        REQUESTED.append(f"{self.requestline}\n{self.headers}")
        super().do_GET()

    def translate_path(self, path: str) -> str:
        asked = urlsplit(path).path
        return str(MODULES / asked.removeprefix("/modules/") if asked.startswith("/modules/") else PAGE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The page's origin; on this machine, because browsers keep pages of others from reaching into it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(market: Path, origin: str) -> Iterator[Running]:
    with live(market, "--allow-origin", origin) as found:
        yield found


@dataclass(frozen=True)
class Tab:
    """Opens the page for a unit."""

    browser: Browser
    origin: str
    server: Running

    def open(self, unit: str, key: str) -> Page:
        page = self.browser.new_page()
        page.goto(f"{self.origin}/#{urlencode({'server': self.server.url, 'key': key, 'unit': unit})}")
        page.wait_for_function("document.querySelector('main').dataset.variant !== ''")
        return page


@pytest.fixture
def tab(browser: Browser, origin: str, server: Running) -> Tab:
    return Tab(browser, origin, server)


def exposed(market: Path) -> Counter[tuple[str, str, str]]:
    """Count the exposures in the lake: experiment, variant, and how the committer judges them."""
    try:
        found = rows(market / "state", Table.EXPOSURES).select(["experiment", "variant", "outcome"])
    except (TableNotFoundError, ArrowInvalid):  # no table yet, or no rows
        return Counter()
    return Counter(zip(*(column.to_pylist() for column in found.columns), strict=True))


def shown(page: Page) -> dict[str, object]:
    found: dict[str, object] = json.loads(page.locator("main").get_attribute("data-variant") or "{}")
    return found


def test_the_official_client_for_javascript_drives_the_variant_of_a_page(
    market: Path, server: Running, tab: Tab
) -> None:
    local = Evaluator(opened(server.get("/v1/ruleset").data))
    key = make_access_key("pages", ["evaluate", "ingest"], market).secret
    assert eventually(lambda: server.get("/v1/ruleset", Authorization=f"Bearer {key}").status == 403)

    told: Counter[tuple[str, str, str]] = Counter()
    for number in range(6):
        here = local.evaluate("checkout", f"u{number}", {"country": "DE"})
        page = tab.open(f"u{number}", key)
        found = shown(page)
        page.close()
        if here.experiment:
            told[here.experiment, here.variant or "", "ok"] += 1
        assert (found["value"], found["variant"]) == (here.value, here.variant)
        assert found.get("experiment") == here.experiment
        assert (found["limit"], found["theme"], found["search"]) == (20.5, {"dark": False}, False)
        assert found["missing"] == "FLAG_NOT_FOUND"
    assert eventually(lambda: exposed(market) == told, 60.0)
    assert len(REQUESTED) > 6
    assert not [line for line in REQUESTED if key in line or "unit=" in line]


ASK = """async ([server, key, units]) => {
  const { OpenFeature } = await import("@openfeature/web-sdk");
  const { OFREPWebProvider } = await import("@openfeature/ofrep-web-provider");
  const headers = [["Authorization", `Bearer ${key}`]];
  const domains = Array.from({ length: 8 }, (_, number) => `crowd-${number}`);
  const found = {};
  await Promise.all(domains.map(async (domain, number) => {
    const provider = new OFREPWebProvider({ baseUrl: server, headers, cacheMode: "disabled" });
    await OpenFeature.setContext(domain, units[0][1]);
    await OpenFeature.setProviderAndWait(domain, provider);
    const client = OpenFeature.getClient(domain);
    for (let at = number; at < units.length; at += domains.length) {
      const [unit, context] = units[at];
      await OpenFeature.setContext(domain, context);
      const { value, variant, reason, flagMetadata } = client.getStringDetails("checkout", "none");
      found[unit] = [value, variant, reason, flagMetadata.experiment ?? null];
    }
  }));
  return found;
}"""


def test_the_official_client_and_the_sdk_give_a_crowd_the_same(server: Running, tab: Tab) -> None:
    client = Client(ruleset=server.get("/v1/ruleset").data, consent="granted")
    crowd = {f"unit-{number}": ("DE", "AT", "FR")[number % 3] for number in range(UNITS)}
    page = tab.open("u1", server.key)
    asked = [[unit, {"targetingKey": unit, "country": country}] for unit, country in crowd.items()]

    found = page.evaluate(ASK, [server.url, server.key, asked])

    page.close()
    own = {unit: client.evaluate("checkout", unit, country=country) for unit, country in crowd.items()}
    client.close()
    told = {Reason.DEFAULT: "UNKNOWN"}  # the protocol has no other word for it
    assert found == {
        unit: [one.value, one.variant, told.get(one.reason, one.reason.value), one.experiment]
        for unit, one in own.items()
    }
    assert len({one.variant for one in own.values() if one.experiment}) == 2


def test_an_open_page_follows_a_kill(market: Path, server: Running, tab: Tab) -> None:
    local = Evaluator(opened(server.get("/v1/ruleset").data))
    unit = next(
        f"u{n}" for n in range(99) if local.evaluate("checkout", f"u{n}", {"country": "DE"}).value == "one"
    )
    page = tab.open(unit, server.key)
    assert shown(page)["value"] == "one"

    kill("checkout", market, "it burns")

    page.wait_for_function("JSON.parse(document.querySelector('main').dataset.variant).value === 'three'")
    assert shown(page)["reason"] == "DISABLED"
    page.close()
