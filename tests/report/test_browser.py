"""The page in a real browser: nothing is obeyed, nothing is fetched, everything can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from splitrun.judge.readout import Readout
from splitrun.report.html import html
from splitrun.report.page import page
from splitrun.report.printable import printable
from tests.report.payloads import PAYLOADS, besieged
from tests.report.readouts import beside, rich, stopped

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (360, 768, 1400)

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}; `make browser` installs it where it may"
)


@dataclass
class Seen:
    """A page that was opened, and what it did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Window:
    """Opens pages from a folder, as a person would."""

    browser: Browser
    folder: Path

    def open(self, text: str, *, width: int = 1400, dark: bool = False, lawless: bool = False) -> Seen:
        file = self.folder / "readout.html"
        file.write_text(text, encoding="utf-8")
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            bypass_csp=lawless,
        )
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        seen.page.goto(file.as_uri(), wait_until="load")
        return seen


@pytest.fixture
def window(chromium: Browser, tmp_path: Path) -> Iterator[Window]:
    yield Window(chromium, tmp_path)
    for context in chromium.contexts:
        context.close()


@pytest.mark.parametrize("readout", [rich(), stopped(), beside()], ids=["rich", "stopped", "beside"])
def test_the_page_asks_for_nothing_and_complains_of_nothing(window: Window, readout: Readout) -> None:
    seen = window.open(page(readout))

    assert seen.requests == [seen.page.url]
    assert seen.complaints == []
    assert seen.page.locator("script").count() == 0


@pytest.mark.parametrize("lawless", [False, True], ids=["with its policy", "without its policy"])
def test_hostile_texts_in_every_field_execute_nothing(window: Window, lawless: bool) -> None:  # noqa: FBT001 - a column of the table
    assert len(set(PAYLOADS)) >= 100

    seen = window.open(page(besieged()), lawless=lawless)
    seen.page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    seen.page.wait_for_timeout(200)

    assert seen.page.evaluate("typeof hacked") == "undefined"
    assert seen.requests == [seen.page.url]
    assert seen.complaints == []
    planted = "script, img, iframe, object, embed, form, input, base, video, audio, math, template, marquee"
    assert seen.page.locator(planted).count() == 0
    assert seen.page.locator("style").count() == 1
    assert seen.page.locator("a:not([href^='#'])").count() == 0
    words = (seen.page.locator("body").text_content() or "").replace("\xa0", " ")
    assert not [text for text in PAYLOADS if printable(text) not in words]


def test_hostile_texts_execute_nothing_in_a_notebook(window: Window) -> None:
    seen = window.open(f"<!DOCTYPE html><meta charset=utf-8><title>x</title>{html(besieged())}")

    assert seen.page.evaluate("typeof hacked") == "undefined"
    assert seen.requests == [seen.page.url]
    assert seen.complaints == []


def test_every_bar_stands_in_a_table_of_its_role_as_well(window: Window) -> None:
    seen = window.open(page(rich()))

    bars = seen.page.evaluate(
        """() => [...document.querySelectorAll('.metric .bar > svg')].map(bar => [
            bar.getAttribute('aria-label').split(': lift ')[1],
            [...bar.closest('.role').querySelectorAll(':scope > details td')].map(cell => cell.textContent)
        ])"""
    )

    assert len(bars) == 12
    assert not [lift for lift, cells in bars if lift not in cells]


def test_headings_step_down_one_at_a_time(window: Window) -> None:
    seen = window.open(page(rich()))

    levels: list[int] = seen.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(heading => Number(heading.tagName[1]))"
    )

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(later - earlier for earlier, later in pairwise(levels)) == 1


@pytest.mark.parametrize(
    ("readout", "width"),
    [*((rich(), width) for width in WIDTHS), (besieged(), min(WIDTHS)), (beside(orders=5), min(WIDTHS))],
)
def test_the_page_is_never_wider_than_the_window(window: Window, readout: Readout, width: int) -> None:
    seen = window.open(page(readout), width=width)
    seen.page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")

    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
def test_all_bars_stand_on_one_axis(window: Window, width: int) -> None:
    seen = window.open(page(rich()), width=width)
    seen.page.evaluate(
        "for (const folded of document.querySelectorAll('.metric details')) folded.open = true"
    )

    axes: list[list[float]] = seen.page.evaluate(
        """() => [...document.querySelectorAll('.bar > svg')].map(
            bar => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().width])"""
    )

    if width > 860:
        assert len({(round(left), round(wide)) for left, wide in axes}) == 1
    else:
        assert max(left for left, _ in axes) - min(left for left, _ in axes) < 1
    assert min(wide for _, wide in axes) > 200


@pytest.mark.parametrize(
    ("readout", "width", "dark"),
    [
        (rich(), 1400, False),
        (rich(), 360, True),
        (stopped(), 360, False),
        (stopped(), 1400, True),
        (beside(orders=5), 1400, True),
        (beside(orders=5), 360, False),
    ],
)
def test_the_page_keeps_to_wcag_aa(window: Window, readout: Readout, width: int, dark: bool) -> None:  # noqa: FBT001 - a column of the table
    seen = window.open(page(readout), width=width, dark=dark, lawless=True)
    seen.page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")

    found = Axe().run(
        seen.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    )

    assert found.violations_count == 0, found.generate_report()
    background = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(16, 19, 23)" if dark else "rgb(246, 247, 248)")


@pytest.mark.parametrize("colours", ["#fff; color: #000", "#181c1a; color: #e8e8e8"], ids=["light", "dark"])
def test_the_fragment_can_be_read_on_the_colours_of_its_notebook(window: Window, colours: str) -> None:
    top = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>x</title>'
    host = f'{top}<main style="background: {colours}">'
    seen = window.open(f"{host}<h1>notebook</h1>{html(rich())}</main>")

    found = Axe().run(seen.page, options={"runOnly": ["wcag2a", "wcag2aa"]})

    assert found.violations_count == 0, found.generate_report()


def test_what_stands_beside_an_effect_is_seen_without_opening_anything(window: Window) -> None:
    seen = window.open(page(beside(orders=5)), width=min(WIDTHS))

    names = seen.page.locator(".beside dt")
    assert names.all_text_contents() == [
        "Adjusted",
        "Capped",
        "Zeros",
        "Clusters",
        "Numerator",
        "Denominator",
    ]
    assert all(names.nth(number).is_visible() for number in range(names.count()))
    assert seen.page.locator(".beside .warned").is_visible()


def test_segments_open_from_the_keyboard(window: Window) -> None:
    seen = window.open(page(rich()))
    fold = seen.page.locator(".metric details").first

    fold.locator("summary").focus()
    seen.page.keyboard.press("Enter")

    assert fold.evaluate("fold => fold.open")
    assert fold.locator("li").first.is_visible()


def test_nothing_stays_folded_away_in_print(window: Window) -> None:
    seen = window.open(page(rich()))
    seen.page.emulate_media(media="print")

    heights: list[float] = seen.page.evaluate(
        "[...document.querySelectorAll('details table')].map(table => table.getBoundingClientRect().height)"
    )

    assert min(heights) > 20
    assert not seen.page.locator("nav").is_visible()
