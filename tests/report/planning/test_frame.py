"""A frame in the terminal, as Markdown, as a page, as JSON, and in the file that keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from splitrun.plan.power.history import History
from splitrun.plan.representation.frame import advised
from splitrun.report.planning.form import preview_form
from splitrun.report.planning.frame import frame_sheet
from splitrun.report.planning.history import history_form, history_text, history_yaml
from splitrun.report.planning.markdown import preview_markdown
from splitrun.report.planning.page import preview_page
from splitrun.report.planning.preview import Preview
from splitrun.report.planning.text import preview_text
from splitrun.spec.power.baselines import Baselines, FrameLevel, Representation, read_baselines
from tests.plan.representation.frames import ALL, NO_TABLETS, framed
from tests.report.planning.previews import of_plan
from tests.report.planning.test_previews import plain

SENTENCE = "the frame leaves out 31 % of the population users (31 of 100 units): no unit with device = tablet"
DAYS = (date(2026, 2, 1), date(2026, 2, 15))


def history(found: Representation) -> History:
    return History("checkout", "visits", *DAYS, "UTC", date(2026, 3, 1), 28, 28, Baselines(frame=found), ())


def previewed(found: Representation | None) -> Preview:
    plan = framed(found)
    told = of_plan(plan)
    known = told.plan.baselines or Baselines()
    whole = told.plan.model_copy(update={"baselines": known.model_copy(update={"frame": found})})
    return replace(told, plan=whole, advice=tuple(advised(plan)))


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("written", [preview_text, preview_markdown, preview_page])
def test_a_plan_tells_whom_its_frame_leaves_out_in_every_form(written: object) -> None:
    assert callable(written)

    text = plain(written(previewed(NO_TABLETS)))

    assert SENTENCE in text
    assert "frame_leaves_out" in text
    # 46 of 100 and of 69 units: 46.0 %, 66.7 %, their difference, and that over 0.4851
    for words in ("mobile", "46.0 %", "66.7 %", "+20.7 pp", "+0.426", "tablet", "-31.0 pp", "nobody"):
        assert words in text


def test_a_plan_without_a_measured_frame_shows_no_table() -> None:
    assert "stands for" not in preview_text(previewed(None)).casefold()
    assert preview_form(previewed(None))["frame"] is None


@pytest.mark.requirement("R10")
def test_programs_read_every_level_in_full_precision() -> None:
    form = preview_form(previewed(NO_TABLETS))["frame"]

    assert form == history_form(history(NO_TABLETS), None)["frame"]
    assert form["says"] == f"{SENTENCE}, measured on 2026-03-01"  # type: ignore[index]  # a mapping of mappings
    tablet = form["levels"][1]  # type: ignore[index]  # a mapping of mappings
    assert (tablet["level"], tablet["population"], tablet["frame"]) == ("tablet", 0.31, 0.0)
    assert (tablet["population_units"], tablet["frame_units"], tablet["missed"]) == (31, 0, True)


@pytest.mark.requirement("R10")
def test_history_tells_the_frame_and_keeps_it() -> None:
    found = history(NO_TABLETS)

    assert SENTENCE in plain(history_text(found))
    assert read_baselines(history_yaml(found), "checkout.yaml").value.frame == NO_TABLETS
    assert "the frame takes the whole population users (100 units)" in history_text(history(ALL))


def test_small_levels_and_a_frame_of_nobody_are_shown_without_numbers() -> None:
    small = FrameLevel(label="(smaller levels)", levels=1200, population=100, frame=0)

    sheet = frame_sheet(NO_TABLETS.model_copy(update={"inside": 0, "by": {"device": (small,)}}))

    assert sheet.rows == (("device", "1,200 smaller levels", "100.0 %", "-", "-", "-", "nobody"),)
