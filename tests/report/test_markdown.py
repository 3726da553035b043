"""The readout as Markdown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from splitrun.report.markdown import MADE_BY, fenced, grid, inline, markdown
from splitrun.report.printable import columns, printable
from tests.report.payloads import PAYLOADS, besieged
from tests.report.readouts import rich, stopped

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""The flavour without what it finds by itself (addresses, people): that is held to its characters below."""
HARMLESS = {"text", "softbreak", "strong_open", "strong_close"}


def tokens(text: str) -> list[Token]:
    """Every token of a text, those within lines after those of blocks."""
    blocks = GITHUB.parse(text)
    return blocks + [token for block in blocks for token in block.children or ()]


def words(text: str) -> str:
    """What a reader sees within lines, on one line for each block."""
    return "\n".join(
        "".join(token.content for token in block.children or ())
        for block in GITHUB.parse(text)
        if block.children
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_label_is_shown_as_it_is_and_never_obeyed(payload: str) -> None:
    shown = inline(payload)

    for place in (shown, f"- {shown}", grid(("head",), [(shown,)])):
        found = tokens(place)
        assert {token.type for token in found if not token.block} <= HARMLESS | {"inline"}
        assert words(place).replace("\u2060", "").splitlines()[-1] == printable(payload).strip()
        blocks = {token.type for token in found if token.block} - {"inline"}
        assert not {
            name for name in blocks if name.split("_")[0] in {"heading", "blockquote", "fence", "html", "hr"}
        }
    assert "\n" not in shown


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "www.evil.example", "WWW.evil.example", "a@evil.example", "@somebody", "#12"],
)
def test_nothing_looks_like_an_address_or_a_person_to_github(address: str) -> None:
    shown = inline(f"see {address} now")

    assert address not in shown
    assert "\\" in shown or "\u2060" in shown


def test_hostile_texts_in_every_field_leave_only_what_we_wrote() -> None:
    found = tokens(markdown(besieged()))

    inside = {token.type for token in found if not token.block} - {"inline"}
    calm = {token.type for token in tokens(markdown(rich())) if token.block}
    assert inside <= HARMLESS
    assert {token.type for token in found if token.block} <= calm
    comments = [token.content.strip() for token in found if token.type == "html_block"]
    assert comments == [MADE_BY]
    headings = [token.tag for token in found if token.type == "heading_open"]
    assert headings.count("h1") == 1


def test_what_decides_comes_first() -> None:
    shown = markdown(rich())

    marks = ["# incentive: voucher against control", "Expected: fetched higher by at least 5 pp",
             "## What decides", "| **better** ", "| **holds** ", "### Doubts", "## Scorecard", "### Primary",
             "fetched, near = no", "### Guardrail", "### Secondary", "## Differences between levels",
             "## Limits of this readout",
             "## The plan", "### Metrics", "### Analysis", "## Units, data and SQL", "```sql",
             "## Versions and digest"]  # fmt: skip
    places = [shown.index(mark) for mark in marks]
    assert places == sorted(places)


def test_an_effect_stands_with_its_interval_in_the_table() -> None:
    shown = markdown(rich())

    row = next(line for line in shown.splitlines() if line.startswith("| fetched "))
    # Fieller's interval of 1745/2211 over 211/623
    assert "+45.1 pp (95 % interval 41.0 to 49.2 pp)" in row
    assert "+133 % (95 % interval 109 to 162 %)" in row
    assert "623 against 2,211 units" in row


def test_stopped_effects_have_no_sentence() -> None:
    shown = markdown(stopped())

    assert "**no effect may be read while a stop finding stands: split**" in shown
    assert "better than control" not in shown
    assert "## Differences between levels" not in shown


def test_no_doubts_are_said_to_be_none() -> None:
    assert "### Doubts\n\nNone.\n" in markdown(replace(rich(), findings=()))


def test_columns_line_up_when_characters_are_wide() -> None:
    table = grid(("name", "value"), [("東京", "1"), ("osaka", "22")])

    assert len({columns(line) for line in table.splitlines()}) == 1


def test_sql_cannot_close_its_fence() -> None:
    assert fenced("select 1\n````\n# x") == "`````sql\nselect 1\n````\n# x\n`````"


def test_numbers_and_names_stay_readable() -> None:
    assert inline("+45.1 pp, missing_outcome, 1.3e-83, 0.05") == "+45.1 pp, missing_outcome, 1.3e-83, 0.05"
