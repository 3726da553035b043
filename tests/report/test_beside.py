"""What stands beside an effect, for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import numpy as np
import pytest

from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.reading import readout
from splitrun.judge.readout import Outlook, Readout
from splitrun.measure.measured import CapOrigin
from splitrun.report.beside import Note
from splitrun.report.form import form
from splitrun.report.html import html
from splitrun.report.markdown import markdown
from splitrun.report.page import page
from splitrun.report.scorecard import scorecard
from splitrun.report.text import text
from splitrun.spec.analysis import Method
from tests.check.worlds import measured, ones, plan, primary, started
from tests.report.readouts import MADE_AT, beside, rich


def notes(of: Readout, metric: int) -> dict[str, Note]:
    """What stands beside the effect on a primary, by name."""
    row = [row for group in scorecard(of).groups for row in group.rows][metric]
    return {note.name: note for note in row.notes}


def shown(write: Callable[[Readout], str], of: Readout) -> str:
    """A report on one line, without the marks that keep it harmless."""
    return " ".join(unescape(write(of)).replace("\xa0", " ").replace("\\_", "_").split())


@pytest.mark.parametrize("write", [text, html, page, markdown])
def test_every_report_for_people_tells_what_the_json_form_holds(write: Callable[[Readout], str]) -> None:
    words = shown(write, beside(orders=5))

    for note in (*notes(beside(orders=5), 0).values(), *notes(beside(orders=5), 1).values()):
        assert note.says in words
        assert note.warning is None or note.warning in words


def test_an_adjusted_effect_says_by_what_how_much_and_what_it_was_before() -> None:
    world = beside()
    held = world.comparisons[0].adjusted
    assert held is not None
    assert held.reduction is not None

    says = notes(world, 0)["adjusted"].says

    assert says.startswith(f"by age; {100 * held.reduction:.1f} % less variance; without it ")
    assert "(97.5 % interval " in says


def test_an_adjustment_that_adds_variance_says_so() -> None:
    world = beside()
    held = world.comparisons[0].adjusted
    assert held is not None

    worse, unknown = (
        replace(
            world,
            comparisons=(replace(world.comparisons[0], adjusted=replace(held, reduction=part)),),
        )
        for part in (-0.0123, None)
    )

    assert "1.23 % more variance" in notes(worse, 0)["adjusted"].says
    assert "how much variance it takes away is unknown" in notes(unknown, 0)["adjusted"].says


def test_a_capped_effect_says_where_how_many_and_what_it_was_before() -> None:
    # 1 of 300 and 2 of 300 units were cut down, 3 and 4 are zero
    found = notes(beside(), 0)

    assert found["capped"].says.startswith(
        "at 9.000 (a quantile of the experiment's own values); 1 of 300 units (0.333 %) in control, "
        "2 of 300 units (0.667 %) in treatment; without it "
    )
    assert found["zeros"].says == "3 of 300 units (1.00 %) in control, 4 of 300 units (1.33 %) in treatment"


def test_a_cap_names_the_part_of_a_ratio_and_why_there_is_no_effect_without_it() -> None:
    world = beside()
    capped = world.comparisons[0].capped
    assert capped is not None
    part = replace(capped, at=(400.0, None), origin=CapOrigin.WRITTEN, uncapped=None)

    says = notes(replace(world, comparisons=(replace(world.comparisons[0], capped=part),)), 0)["capped"].says

    assert says.startswith("at 400.0 for the numerator (as the plan says); ")
    assert says.endswith("; the effect without the cap is not read over clusters")


def test_clusters_stand_with_their_design_effect() -> None:
    world = beside()
    basket = world.comparisons[1]
    known, unknown = (
        replace(world, comparisons=(replace(basket, design_effect=times),)) for times in (2.5, None)
    )

    assert notes(known, 0)["clusters"].says.startswith("300 against 300; design effect 2.5 (")
    assert notes(known, 0)["clusters"].brief == "300 against 300 clusters, design effect 2.5"
    assert notes(unknown, 0)["clusters"].says == "300 against 300; design effect unknown"


@pytest.mark.parametrize(("orders", "moved"), [(4.0, False), (5.0, True)])
def test_a_moving_denominator_is_warned_of_where_its_ratio_stands(orders: float, moved: bool) -> None:  # noqa: FBT001 - a column of the table
    world = beside(orders=orders)

    held = world.comparisons[1].parts
    assert held is not None
    assert held.moved is moved
    assert ("denominator_moved" in {finding.code for finding in world.findings}) is moved
    assert ("▲ denominator: the change moves it" in shown(text, world)) is moved
    assert (">moved</span> the change moves it" in html(world)) is moved


def test_the_parts_of_a_ratio_stand_per_unit_with_effect_and_lift() -> None:
    found = notes(beside(), 1)

    # about 20 and 4 per unit in both variants
    assert found["numerator"].says.startswith(("19.", "20."))
    assert " per unit, effect " in found["denominator"].says
    assert ", lift " in found["denominator"].says


def test_every_unknown_says_why() -> None:
    world = measured({"fetched": [np.ones(60), np.ones(60)]})
    of = readout(plan(), world, (), made_at=MADE_AT, versions={})

    for write in (text, html, markdown):
        assert Why.NO_SPREAD.says in shown(write, of)


def test_a_part_without_an_effect_says_why() -> None:
    world = beside()
    held = world.comparisons[1].parts
    assert held is not None
    none = replace(held.denominator, absolute=Unknown(Why.NOT_FINITE))

    of = replace(world, comparisons=(replace(world.comparisons[1], parts=replace(held, denominator=none)),))

    assert notes(of, 0)["denominator"].says == f"no effect to show: {Why.NOT_FINITE.says}"


def test_a_level_without_a_lift_says_why_in_the_terminal_too() -> None:
    of = plan([primary()], segments=["near"])
    world = measured(
        {"fetched": [ones(1, 100), ones(60, 100), ones(4, 100), ones(70, 100)]},
        segment="near",
        levels=("no", "yes"),
    )

    words = shown(text, readout(of, world, (), made_at=MADE_AT, versions={}))

    assert f"lift: {Why.CONTROL_NEAR_ZERO.says}; 100 against 100 units" in words


def test_units_that_do_not_count_yet_are_told_from_those_that_do() -> None:
    found = replace(rich().comparisons[0], control=replace(rich().comparisons[0].control, exposed=700))

    assert "623 of 700 against 2,211 units" in shown(text, replace(rich(), comparisons=(found,)))


def test_a_readout_says_which_look_it_is() -> None:
    weeks = (timedelta(weeks=1), timedelta(weeks=2))
    of = plan(method=Method.GROUP_SEQUENTIAL, looks=weeks, planned_units=2000)
    world = measured({"fetched": [ones(40, 100), ones(60, 100)]})

    early, first = (
        readout(of, started(world, days=days, looks=looks), (), made_at=MADE_AT, versions={})
        for days, looks in ((3, ()), (8, (200,)))
    )

    assert "look</th><td>0 of 2</td>" in page(early)
    assert "look</th><td>1 of 2, 2026-11-09 09:00:00+00:00</td>" in page(first)
    assert "next look</th><td>2026-11-16 09:00:00+00:00</td>" in page(first)
    assert Why.NO_ALPHA.says in shown(text, early)


def test_the_form_says_whether_the_denominator_moved() -> None:
    estimates = form(beside(orders=5))["estimates"]
    assert isinstance(estimates, list)

    assert [None if one["parts"] is None else one["parts"]["moved"] for one in estimates] == [None, True]


@pytest.mark.parametrize("write", [text, html, page, markdown])
def test_a_look_before_the_end_tells_people_what_the_end_may_bring(write: Callable[[Readout], str]) -> None:
    # the numbers are held to the formulas in tests/judge/test_ahead.py
    outlook = Outlook(
        information=0.5, final=1.0, z=1.5, bound=2.963, futility=0.2, futile=False, low=-0.012, high=0.048,
        better=0.4321, worse=0.0002, better_with_mei=None,
    )  # fmt: skip
    found = beside()
    found = replace(
        found, comparisons=(replace(found.comparisons[0], outlook=outlook), *found.comparisons[1:])
    )

    says = notes(found, 0)["ahead"].says

    assert says in shown(write, found)
    assert says.startswith("at the planned end better with a probability of 43.2 %, worse with below 0.1 %; ")
    assert says.endswith(
        "50.0 % of the planned information is in; z is 1.50, decided beyond 2.96, futile below 0.20"
    )
    assert (
        "% if the truth is the MEI"
        in notes(
            replace(
                found,
                comparisons=(
                    replace(found.comparisons[0], outlook=replace(outlook, better_with_mei=0.9999)),
                    *found.comparisons[1:],
                ),
            ),
            0,
        )["ahead"].says
    )
