"""Numbers for people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splitrun.infer.estimate import Estimate, Kind, Side
from splitrun.judge.numbers import LIFT, PLAIN, SHARE, level_of, plain, scale
from splitrun.judge.sentences import moved
from splitrun.spec.amount import Size
from splitrun.spec.metric import Mean, Retention


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


def test_retention_is_a_share() -> None:
    later = {"kind": "retention", "source": "visits", "from": "7d", "to": "14d", "better": "higher"}
    mean = {"kind": "mean", "source": "visits", "value": "minutes", "better": "higher"}

    assert scale(Retention.model_validate(later)) is SHARE
    assert scale(Mean.model_validate(mean)) is PLAIN


@pytest.mark.parametrize(
    ("effect", "signed", "levels"),
    [
        (-0.02, "-0.02", "from 20.59 to 20.57"),
        (0.02, "+0.02", "from 20.59 to 20.61"),
        (-0.0004, "-0.0004", "from 20.5900 to 20.5896"),
        (0.06, "+0.1", "from 20.59 to 20.65"),
    ],
)
def test_an_effect_that_is_not_zero_never_shows_as_zero(effect: float, signed: str, levels: str) -> None:
    wide = estimate(effect, effect - 4.1, effect + 4.1)

    assert PLAIN.signed(wide) == signed
    assert moved("spend", wide, (20.59, 20.59 + effect), PLAIN).startswith(
        f"spend {'rose' if effect > 0 else 'fell'} by {signed[1:]}, {levels} "
    )


def test_a_bound_that_is_not_zero_never_shows_as_zero() -> None:
    # better than control, for the interval leaves zero out: `0.0 to 8.2` would deny it
    assert PLAIN.bounds(estimate(4.102, 0.003, 8.201)) == "0.003 to 8.2"
    assert PLAIN.bounds(estimate(-4.1, None, -0.004, Side.UPPER)) == "at most -0.004"


@example(control=0.984375, effect=1e-05, reach=1.0)  # both halves are rounded to the even digit
@given(
    control=st.floats(-1e6, 1e6),
    effect=st.floats(-1e3, 1e3).filter(lambda effect: abs(effect) > 1e-6),
    reach=st.floats(1e-6, 1e6),
)
def test_the_direction_fits_the_numbers_shown(control: float, effect: float, reach: float) -> None:
    found = estimate(effect, effect - reach, effect + reach)

    signed = float(PLAIN.signed(found).replace(",", ""))
    _, start, _, end = PLAIN.between(control, control + effect).replace(",", "").split()

    assert np.sign(signed) == np.sign(effect)
    assert np.sign(float(end) - float(start)) == np.sign(effect)


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
