"""The page, read without a browser."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape

import pytest

from splitrun.report.notebook import shown
from splitrun.report.page import page
from splitrun.spec.analysis import Duration, Trigger
from tests.report.readouts import rich, stopped
from tests.report.test_html import read


@pytest.mark.requirement("R40")
def test_what_decides_comes_first_and_what_stands_behind_it_last() -> None:
    text = page(rich())

    marks = ["<h1>incentive: voucher against control", "What decides</h2>", "fetched rose by 45.1",
             "Doubts</h3>", "Scorecard</h2>", "Primary</h3>", "By near: 2 levels, 2 better", "Guardrail</h3>",
             "Secondary</h3>",
             "Differences between levels</h2>", "Limits of this readout</h2>", "The plan</h2>",
             "Units, data and SQL</h2>", "Versions and digest</h2>"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    text = page(rich())

    style = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    policy = re.findall('http-equiv="Content-Security-Policy" content="(.*?)"', text)
    digest = b64encode(sha256(style[0].encode()).digest()).decode()
    assert len(style) == 1
    assert policy == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert " style=" not in text
    assert "url(" not in text


def test_links_lead_to_parts_of_the_page() -> None:
    found = read(page(rich()))

    links = [str(attributes["href"]) for tag, attributes in found.tags if tag == "a"]
    parts = [
        f"#{attributes['id']}" for tag, attributes in found.tags if tag == "section" and "id" in attributes
    ]
    assert links == parts


def test_stopped_effects_have_neither_sentence_nor_tests_of_levels() -> None:
    text = page(stopped())

    assert "no effect may be read while a stop finding stands: split" in text
    assert "better than control" not in text
    assert "Cochran" not in text
    assert "#levels" not in text


def test_the_plan_is_told_with_its_definitions() -> None:
    calm = rich()
    plan = calm.plan.model_copy(
        update={
            "trigger": Trigger(source="exposures", where="page = 'cart'"),
            "duration": Duration.model_validate({"enrol": "14d"}),
            "assumptions": ("units do not talk",),
        }
    )

    words = unescape(page(replace(calm, plan=plan))).replace("\xa0", " ")

    assert "source exposures; where page = 'cart'" in words
    assert "enrol 14d; whole weeks yes" in words
    assert "units do not talk" in words
    assert "minimum effect of interest 5 pp" in words
    assert "margin 2 % of control, prove" in words
    assert "sha256:" in words


def test_sql_keeps_its_lines() -> None:
    calm = rich()
    ran = replace(calm.lineage.sql[0], sql="SELECT 1,\n  2 -- <b>")

    text = page(replace(calm, lineage=replace(calm.lineage, sql=(ran,))))

    assert '<pre tabindex="0">SELECT 1,\n  2 -- &lt;b&gt;</pre>' in text
    assert "SQL: 1 statement<" in text


def test_the_same_readout_gives_the_same_bytes() -> None:
    assert page(rich()) == page(rich())


def test_a_readout_shows_itself_in_every_form() -> None:
    readout = shown(rich())

    assert readout.to_html() == page(readout)
    assert readout._repr_html_().startswith('<section class="splitrun"')
    assert readout._repr_markdown_() == readout.to_markdown()


def test_a_comparison_without_a_test_has_no_p() -> None:
    calm = rich()

    text = page(replace(calm, comparisons=(replace(calm.comparisons[0], p=None, p_adjusted=None),)))

    assert "<td>none</td></tr>" in text
