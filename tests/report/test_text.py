"""The readout in a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.reading import readout
from splitrun.judge.readout import GuardrailOutcome
from splitrun.report.html import html
from splitrun.report.markdown import markdown
from splitrun.report.printable import columns, printable
from splitrun.report.scorecard import Scorecard, scorecard
from splitrun.report.text import text
from tests.check.worlds import measured, ones, plan, primary
from tests.report.readouts import MADE_AT, hostile, rich, stopped


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_asked(width: int, ascii_only: bool) -> None:  # noqa: FBT001 - a column of the table
    shown = text(rich(), width=width, ascii_only=ascii_only)

    assert max(columns(line) for line in shown.splitlines()) <= width


def test_less_than_eighty_columns_are_taken_as_eighty() -> None:
    assert text(rich(), width=20) == text(rich(), width=80)


@pytest.mark.requirement("R40")
def test_what_decides_comes_first_and_segments_stand_below() -> None:
    shown = text(rich())

    marks = ["incentive: voucher against control", "Doubts", "missing_outcome", "Primary", "fetched ",
             "near = no", "near = yes", "Guardrail", "load_p95", "Secondary", "Differences between levels",
             "Limits of this readout", "read 2026-11-22T12:00:00+00:00"]  # fmt: skip
    places = [shown.index(mark, shown.index("Primary") if mark == "fetched " else 0) for mark in marks]
    assert places == sorted(places)


def test_an_effect_stands_with_its_interval_level_and_sentence() -> None:
    shown = " ".join(text(rich()).split())

    assert (
        "fetched rose by 45.1 pp, from 33.87 % to 78.92 % (95 % interval 41.0 to 49.2 pp): better than "
        "control by more than the minimum of interest of 5 pp"
    ) in shown
    # Fieller's interval of 1745/2211 over 211/623
    assert "lift: +133 % (95 % interval 109 to 162 %); 623 against 2,211 units" in shown
    assert "lift: control" in shown


def test_bars_share_one_axis_with_zero_and_arrows() -> None:
    lines = text(rich(), width=80).splitlines()

    bars = {line.split()[0]: line[42:] for line in lines if "●" in line and "near" not in line}
    near = [line[42:] for line in lines if line.startswith("    near") and "●" in line]
    zero = bars["fetched"].index("│")
    ruler = lines[next(number for number, line in enumerate(lines) if "lift in %" in line) + 1]
    assert ruler[42 + zero] == "0"
    assert bars["fetched"].index("┊") < zero < bars["fetched"].rindex("┊")
    assert bars["load_p95"].startswith("◀╌")
    assert bars["errors"].endswith("▶")
    assert len(near) == 8


def test_ascii_is_ascii() -> None:
    shown = text(hostile(), ascii_only=True)

    assert shown.isascii()
    assert "===o" in shown


def test_stopped_effects_are_not_to_be_read() -> None:
    shown = text(stopped())

    assert "✖ stop  split: control has 623 exposed units where 1,417 were due" in shown
    assert "NO EFFECT MAY BE READ WHILE A STOP FINDING STANDS: SPLIT" in shown
    assert "INVALID" in shown
    assert "Differences between levels" not in shown
    assert "not to be read: +45.1 pp" in shown
    assert "better than control" not in shown


def test_labels_never_reach_the_terminal_as_orders() -> None:
    shown = text(hostile())

    assert not {char for char in shown if char != "\n" and printable(char) != char}
    assert "no\\x1b[31m<script>" in shown


def test_several_treatments_are_told_apart() -> None:
    of = plan([primary()], weights={"control": 1, "x": 1, "y": 1})
    world = measured({"fetched": [ones(40, 100)] * 3}, variants=("control", "x", "y"))

    shown = text(readout(of, world, (), made_at=MADE_AT, versions={}))

    assert "incentive: x, y against control" in shown
    assert "fetched (x)" in shown
    assert "fetched (y)" in shown
    assert "Doubts" in shown
    assert "  none" in shown


def test_an_empty_readout_is_still_shown() -> None:
    world = measured({"fetched": [ones(0, 0)] * 2})

    card: Scorecard = scorecard(readout(plan(), world, (), made_at=MADE_AT, versions={}))

    assert (card.groups[0].rows[0].control, card.groups[0].rows[0].bar) == ("none", None)


def test_a_metric_the_plan_does_not_hold_is_written_plainly() -> None:
    elsewhere = plan([primary("other")])
    world = measured({"other": [ones(40, 100)] * 2})

    card = scorecard(readout(elsewhere, world, (), made_at=MADE_AT, versions={}))

    assert card.expected == "fetched higher by at least 0.05"


@pytest.mark.parametrize("ascii_only", [False, True])
def test_wide_labels_neither_push_bars_nor_overflow(ascii_only: bool) -> None:  # noqa: FBT001 - a column of the table
    pen = "o" if ascii_only else "●"

    narrow, wide = (
        text(rich(first=level), width=80, ascii_only=ascii_only).splitlines()
        for level in ("abcdef", "東京🚀")
    )

    bars = [
        [columns(line.rpartition(pen)[0]) for line in lines if line.startswith("    near") and pen in line]
        for lines in (narrow, wide)
    ]
    assert bars[0] == bars[1] != []
    assert max(columns(line) for line in wide) <= 80


def test_a_long_text_without_spaces_is_broken_by_its_columns() -> None:
    calm = rich()
    hypothesis = calm.plan.hypothesis.model_copy(update={"change": "新しい購入ボタンを表示する" * 20})
    plan = calm.plan.model_copy(update={"hypothesis": hypothesis})

    lines = text(replace(calm, plan=plan), width=80).splitlines()

    assert max(columns(line) for line in lines) <= 80
    assert "新しい購入ボタンを表示する" * 20 in "".join(line.strip() for line in lines)


def test_characters_beyond_the_first_planes_are_escaped_too() -> None:
    assert printable("a\u202eb\U000e0001\x07\u2028") == "a\\u202eb\\U000e0001\\x07 "


def test_an_effect_differs_only_by_the_p_that_counts_all_tests() -> None:
    world = rich()
    one = replace(world.heterogeneity[0], q=4.7, p=0.03, p_adjusted=0.06)

    shown = " ".join(text(replace(world, heterogeneity=(one,)), width=100).split())

    assert "the effect of voucher on fetched was not shown to differ between the levels of near" in shown
    assert "p = 0.03, 0.06 over all such tests)" in shown


def test_the_last_line_says_how_far_the_data_reaches() -> None:
    world = replace(
        measured({"fetched": [ones(20, 60), ones(25, 60)]}), as_of=datetime(2026, 1, 5, tzinfo=UTC)
    )

    shown = " ".join(text(readout(plan(), world, (), made_at=MADE_AT, versions={})).split())

    assert " rows) as of 2026-01-05T00:00:00+00:00; plan sha256:" in shown


def test_levels_of_a_guardrail_say_why_they_have_no_more_of_a_verdict() -> None:
    calm = rich()
    level = next(each for each in calm.comparisons if each.segment and each.metric == "load_p95")
    early = replace(level, guardrail=GuardrailOutcome.UNPROVEN, withheld="too early for a verdict: few units")
    watched = replace(level, guardrail=GuardrailOutcome.NO_HARM_SEEN, withheld=None)

    for told, why in ((early, "too early for a verdict: few units"), (watched, "only harm is looked for")):
        found = replace(calm, comparisons=tuple(told if each is level else each for each in calm.comparisons))
        for shown in (text(found), markdown(found), html(found)):
            assert " ".join(shown.split()).count(why) >= 1
    assert "too early" not in text(calm)


def test_a_reason_for_no_number_is_told_once() -> None:
    calm = rich()
    none = Unknown(Why.TIED)
    tied = tuple(
        replace(each, absolute=none, relative=none, says=f"fetched has no effect to show: {none.says}")
        if each.metric == "fetched"
        else each
        for each in calm.comparisons
    )

    shown = " ".join(text(replace(calm, comparisons=tied)).split())

    assert shown.count("so many values are the same at the quantile") == 1
    assert "lift: none, for the same reason;" in shown
    assert shown.count("none, for the same reason as over all units") == 2
