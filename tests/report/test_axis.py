"""One axis over all bars."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitrun.infer.estimate import Estimate, Kind, Side
from splitrun.judge.readout import Comparison
from splitrun.report.axis import axis, bar
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction, Role
from tests.check.worlds import guardrail, primary
from tests.report.readouts import rich


def found(low: float | None, effect: float, high: float | None, role: Role = Role.SECONDARY) -> Comparison:
    side = Side.UPPER if low is None else Side.LOWER if high is None else Side.BOTH
    lift = Estimate(
        effect=effect, stderr=1, low=low, high=high, level=0.95, side=side, kind=Kind.FIXED, p=0.1, dof=None
    )
    return replace(rich().comparisons[0], relative=lift, role=role)


def test_the_axis_holds_zero_and_ends_in_round_numbers() -> None:
    scope = axis([found(0.021, 0.05, 0.083)])

    assert scope.ends == ("-1 %", "+9 %")


def test_without_lifts_there_is_still_an_axis() -> None:
    assert axis([]).ends == ("-1 %", "+1 %")


def test_an_outlier_is_clipped_and_a_primary_never() -> None:
    usual = [found(-0.02, 0.0, 0.02)] * 3
    far, deciding = found(1.0, 2.0, 3.0), found(1.0, 2.0, 3.0, Role.PRIMARY)

    clipped, whole = axis([*usual, far]), axis([*usual, deciding])

    assert clipped.high < 0.11
    assert whole.high >= 3.0
    drawn = bar(far, primary(), clipped)
    assert drawn is not None
    assert (drawn.effect, drawn.more_above, drawn.near) == (None, True, 1.0)


def test_an_unbounded_end_reaches_to_the_edge() -> None:
    one = found(None, 0.01, 0.03)

    drawn = bar(one, primary(), axis([one]))

    assert drawn is not None
    assert (drawn.low, drawn.more_below, drawn.unbounded_below) == (0.0, True, True)
    assert (drawn.more_above, drawn.unbounded_above) == (False, False)


@pytest.mark.requirement("R29")
def test_the_minimum_of_interest_and_the_margin_are_drawn() -> None:
    one = found(-0.1, 0.0, 0.1)
    one = replace(one, control=replace(one.control, mean=0.5))
    scope = axis([one])

    relative = bar(one, primary(mei=Size(value=0.05, relative=True)), scope)
    absolute = bar(one, primary(mei=Size(value=0.025, relative=False)), scope)
    margin = bar(one, guardrail("load", Size(value=0.05, relative=True), better=Direction.HIGHER), scope)

    assert relative is not None
    assert absolute is not None
    assert margin is not None
    assert relative.lines == pytest.approx((0.25, 0.75))
    assert absolute.lines == pytest.approx((0.25, 0.75))
    assert margin.lines == pytest.approx((0.25,))


def test_an_absolute_size_has_no_place_beside_a_control_of_zero() -> None:
    one = found(-0.1, 0.0, 0.1)
    one = replace(one, control=replace(one.control, mean=0.0))

    drawn = bar(one, primary(mei=Size(value=0.025, relative=False)), axis([one]))

    assert drawn is not None
    assert drawn.lines == ()
