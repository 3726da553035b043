"""Numbers for people."""

from __future__ import annotations

import pytest

from splitrun.infer.estimate import Estimate, Kind, Side
from splitrun.judge.numbers import LIFT, PLAIN, SHARE, level_of, plain
from splitrun.spec.amount import Size


def estimate(effect: float, low: float | None, high: float | None, side: Side = Side.BOTH) -> Estimate:
    return Estimate(
        effect=effect, stderr=1.0, low=low, high=high, level=0.95, side=side, kind=Kind.FIXED, p=0.1, dof=None
    )


def test_an_effect_has_the_digits_that_its_interval_bears() -> None:
    fine = estimate(1.23456, 1.23356, 1.23556)
    coarse = estimate(1234.56, 1000.0, 1469.1)

    assert (PLAIN.signed(fine), PLAIN.bounds(fine)) == ("+1.2346", "1.2336 to 1.2356")
    assert (PLAIN.signed(coarse), PLAIN.bounds(coarse)) == ("+1,235", "1,000 to 1,469")


def test_shares_are_percentages_and_their_effects_percentage_points() -> None:
    moved = estimate(-0.0512, -0.06, -0.0424)

    assert SHARE.at(0.338684) == "33.87 %"
    assert (SHARE.signed(moved), SHARE.moved(moved)) == ("-5.12 pp", "5.12 pp")
    assert LIFT.bounds(moved) == "-6.00 to -4.24 %"


def test_an_unbounded_end_is_said_in_words() -> None:
    assert SHARE.bounds(estimate(0.01, -0.02, None, Side.LOWER)) == "at least -2.0 pp"
    assert SHARE.bounds(estimate(0.01, None, 0.04, Side.UPPER)) == "at most 4.0 pp"
    assert level_of(estimate(0.01, None, 0.04, Side.UPPER)) == "95 % one-sided bound"


def test_sizes_are_written_in_the_unit_of_the_metric() -> None:
    assert SHARE.tolerance(Size(value=0.05, relative=False)) == "5 pp"
    assert PLAIN.tolerance(Size(value=0.05, relative=False)) == "0.05"
    assert PLAIN.tolerance(Size(value=0.05, relative=True)) == "5 % of control"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.0001, 2, "0.00"),
        (0.0, 2, "0.00"),
        (1e18, 0, "1e+18"),
        (1e-12, 3, "1e-12"),
        (-1234.5, 1, "-1,234.5"),
    ],
)
def test_odd_numbers_are_still_readable(value: float, digits: int, text: str) -> None:
    assert plain(value, digits) == text


def test_an_interval_without_width_has_two_digits() -> None:
    assert PLAIN.bounds(estimate(2.0, 2.0, 2.0)) == "2.00 to 2.00"
