"""A preview in the terminal, as Markdown, as a page and as JSON."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from splitrun.report.planning.curve import drawn
from splitrun.report.planning.form import preview_form
from splitrun.report.planning.markdown import preview_markdown
from splitrun.report.planning.page import preview_page
from splitrun.report.planning.preview import Preview, Standing
from splitrun.report.planning.rule import looking, rule_of
from splitrun.report.planning.sheets import state
from splitrun.report.planning.text import preview_text
from splitrun.report.printable import columns
from splitrun.spec.analysis import Trigger
from splitrun.spec.model import Role
from tests.plan.power.plans import KNOWN, PROVING
from tests.report.planning.previews import full, of_plan
from tests.spec.texts import GOOD, plan_of

TOLD = (
    "it is wrong",
    "mend it",
    "alpha is large",
    "it was dealt before",
    "it is slow",
    "a pilot",
    "Ada",
    "Cleo",
    "country = 'DE'",
    "no campaign",
    "baselines/checkout.yaml",
    "the files differ from the registry in analysis.alpha",
    "running",
    "sha256:00 (version 2, amendment 1), by ann on 2026-02-01",
    "cannot be registered yet: 2 things stand in the way",
    "within 1pp",
)


def plain(text: str) -> str:
    """What a reader sees, on one line, without marks."""
    bare = unescape(re.sub("<[^>]*>", " ", text)).replace("\xa0", " ").replace("\u2060", "")
    return " ".join(re.sub(r"\\(.)", r"\1", bare).split())


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("written", [preview_text, preview_markdown, preview_page])
def test_every_form_tells_everything(written: object) -> None:
    assert callable(written)

    text = plain(written(full()))

    assert [words for words in TOLD if words not in text] == []


@pytest.mark.parametrize("width", [80, 100, 140])
def test_text_keeps_within_its_columns_but_for_tables_of_numbers(width: int) -> None:
    lines = preview_text(full(), width).splitlines()

    wide = [line for line in lines if columns(line) > max(width, 128)]
    assert wide == []


def test_the_page_lets_nothing_in_and_draws_the_curve_with_its_numbers_behind() -> None:
    page = preview_page(full())

    assert "<script" not in page
    assert "default-src 'none'" in page
    assert " style=" not in page
    assert 'role="img" aria-label="power to find the minimum effect on bought' in page
    assert "<summary>Table: power by size</summary>" in page
    found = of_plan(plan_of(PROVING)).forecast
    assert found is not None
    dots = re.findall("<circle", drawn(found))
    assert len(dots) == len(found.curve)


def test_labels_are_shown_and_never_obeyed() -> None:
    plan = plan_of(PROVING).model_copy(update={"title": "<script>x</script>", "owner": "*bold* | [a](b)"})

    page, paper = preview_page(of_plan(plan)), preview_markdown(of_plan(plan))

    assert "<script" not in page
    assert r"\*bold\* \| \[a\](b)" in paper


def test_a_plan_of_which_nothing_is_known_is_shown_without_numbers() -> None:
    bare = replace(of_plan(plan_of(PROVING)), forecast=None)
    bare = replace(bare, plan=bare.plan.model_copy(update={"baselines": None}))

    for written in (preview_text, preview_markdown, preview_page):
        assert "too little is known to say how many units and days it takes" in plain(written(bare))
    assert preview_form(bare)["forecast"] is None


def test_no_curve_is_drawn_where_no_effect_is_asked_about() -> None:
    found = of_plan(plan_of(GOOD), KNOWN.split("  delays")[0]).forecast
    assert found is not None

    assert drawn(found)
    assert drawn(replace(found, curve=())) == ""


@pytest.mark.parametrize(
    ("analysis", "says"),
    [
        ("{method: fixed}", "effects are read once, at the planned end, 21d after the first exposure"),
        ("{method: group_sequential, looks: 3, planned_units: 900}", "effects are read at 3 planned looks"),
        ("{method: group_sequential, looks: 1, planned_units: 900}", "effects are read once, the last"),
        ("{method: sequential, planned_units: 900}", "effects may be read at any time, and intervals hold"),
        ("{method: hybrid, planned_units: 900}", "with a part of alpha, and once with the rest"),
    ],
)
def test_the_rule_says_when_effects_are_read(analysis: str, says: str) -> None:
    plan = plan_of(GOOD.replace("{method: fixed, alpha: 0.05}", analysis))

    assert says in rule_of(plan)[0]


def test_the_rule_says_what_each_outcome_means() -> None:
    told = "\n".join(rule_of(plan_of(PROVING.replace("mode: prove\n  sec", "mode: watch\n  sec"))))

    assert "bought is better where its whole interval (alpha 0.05, two-sided) lies above 0" in told
    assert "where its interval lies within 1 pp on both sides, nothing that matters changed" in told
    assert "refunds must be shown to be no worse than 1 pp (one-sided), else nothing ships" in told
    assert "units are enrolled for 14d, each day of the week equally often" in told
    assert "an amendment with a reason" in told


def test_a_plan_without_an_end_or_a_primary_has_no_calendar() -> None:
    plan = plan_of(GOOD)
    others = tuple(metric for metric in plan.metrics if metric.role is not Role.PRIMARY)
    start = full().start

    assert looking(plan.model_copy(update={"metrics": others}), start, 100) == ()
    assert looking(plan_of(GOOD.replace("duration: {enrol: 14d}", "")), start, 100) == ()
    assert looking(plan, start, None)[-1][-1] == "-"


def test_a_trigger_and_a_flag_are_told() -> None:
    plan = plan_of(GOOD)
    how = plan.delivery.model_copy(update={"flag": "checkout", "layer": "cart", "coverage": 0.25})
    more = {"delivery": how, "trigger": Trigger(source="clicks", where="page = 'cart'")}

    text = plain(preview_text(of_plan(plan.model_copy(update=more), KNOWN.split("  delays")[0])))

    assert "coverage 25 %" in text
    assert "layer cart" in text
    assert "from when clicks where page = 'cart'" in text


@pytest.mark.parametrize(
    ("standing", "says"),
    [
        (Standing("r", applied=False), "never applied; run `splitrun apply`"),
        (Standing("r", applied=True), "the same as in the files"),
        (Standing("r", applied=False, unread="the disk is full"), "the disk is full"),
    ],
)
def test_what_the_registry_holds_is_told(standing: Standing, says: str) -> None:
    rows = state(standing).rows

    assert says in " ".join(" ".join(row) for row in rows)


def test_json_tells_of_the_registry_and_of_the_sealed_plan() -> None:
    found = preview_form(full())

    registry = found["registry"]
    assert isinstance(registry, dict)
    assert registry["states"] == {"production": "running"}
    assert registry["sealed"]["deviations"][0]["field"] == "analysis.alpha"
    assert preview_form(replace(full(), standing=None))["registry"] is None


def test_a_waived_plan_is_ready() -> None:
    found: Preview = replace(full(), refusals=(), rules=(full().rules[1],))

    assert found.ready
    assert "can be registered, with 2 waived" in preview_text(found)
