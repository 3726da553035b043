from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from splitrun.errors import SpecError
from splitrun.infer.looks.spending import OBRIEN_FLEMING, POCOCK, Shape, Spending, information, spent

FUNCTIONS = [
    OBRIEN_FLEMING,
    POCOCK,
    Spending(Shape.POWER, 1.0),
    Spending(Shape.POWER, 3.0),
    Spending(Shape.HSD, -4.0),
    Spending(Shape.HSD, 0.0),
    Spending(Shape.HSD, 1.0),
    Spending(Shape.HSD, 900.0),
    Spending(Shape.HSD, -900.0),
]


def test_obrien_fleming_keeps_its_digits_where_hardly_anything_is_spent() -> None:
    # Lan and DeMets 1983 by scipy's upper tail: 2 (1 - Phi(z_{a/2} / sqrt t)) with a = 0.025
    due = 2 * stats.norm.sf(stats.norm.isf(0.0125) / np.sqrt([0.05, 0.1, 0.5]))

    assert OBRIEN_FLEMING.at([0.05, 0.1, 0.5], 0.025) == pytest.approx(due, rel=1e-12)


def test_the_gamma_family_gives_the_published_values() -> None:
    # (1 - exp(-gamma t)) / (1 - exp(-gamma)) by hand: gamma -4 at one half is (e^2 - 1) / (e^4 - 1)
    assert Spending(Shape.HSD, -4.0).at(0.5, 0.05) == pytest.approx(0.05 * (np.e**2 - 1) / (np.e**4 - 1))
    assert Spending(Shape.HSD, 1.0).at(0.5, 0.05) == pytest.approx(0.05 / (1 + np.e**-0.5))
    assert Spending(Shape.HSD, 0.0).at(0.25, 0.05) == pytest.approx(0.0125)
    assert Spending(Shape.HSD, 1e-9).at(0.25, 0.05) == pytest.approx(0.0125)


@given(
    fractions=st.lists(st.floats(0, 1.5), min_size=2, max_size=8).map(sorted),
    tail=st.floats(1e-4, 0.5),
    index=st.integers(0, len(FUNCTIONS) - 1),
)
def test_spending_never_falls_and_ends_with_all(fractions: list[float], tail: float, index: int) -> None:
    cumulative = FUNCTIONS[index].at(fractions, tail)

    assert np.all(np.diff(cumulative) >= -1e-15)
    assert np.all((cumulative >= 0) & (cumulative <= tail))
    assert FUNCTIONS[index].at([0.0, 1.0, 3.0], tail).tolist() == [0.0, tail, tail]


def test_the_planned_end_spends_all_that_remains_whatever_n_is() -> None:
    assert spent([0.3, 0.62], 0.025, ended=True).tolist() == [OBRIEN_FLEMING.at(0.3, 0.025), 0.025]
    assert spent([0.3, 1.4], 0.025)[-1] == 0.025
    assert spent([0.3, 0.62], 0.025)[-1] < 0.005


def test_information_that_was_there_stays_known() -> None:
    assert information([0.2, 0.5, 0.49, 0.7]).tolist() == [0.2, 0.5, 0.5, 0.7]


@pytest.mark.parametrize(
    ("shape", "parameter", "says"),
    [
        (Shape.POWER, None, "power spending needs its rho"),
        (Shape.HSD, None, "hwang_shih_decani spending needs its gamma"),
        (Shape.POCOCK, 2.0, "pocock spending has no parameter, got 2.0"),
        (Shape.POWER, 0.0, "rho of power spending is 0.0"),
        (Shape.HSD, float("inf"), "gamma of hwang_shih_decani spending is inf"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(shape: Shape, parameter: float | None, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Spending(shape, parameter)


@pytest.mark.parametrize("tail", [0.0, 0.51, float("nan")])
def test_an_error_that_is_none_is_refused(tail: float) -> None:
    with pytest.raises(SpecError, match="the error of one tail is"):
        spent([1.0], tail)


@pytest.mark.parametrize("looks", [[], [-0.1], [float("nan")]])
def test_looks_without_information_are_refused(looks: list[float]) -> None:
    with pytest.raises(SpecError, match="the information at the looks is"):
        information(looks)


def test_no_look_spends_more_than_belongs_to_the_time_that_has_passed() -> None:
    timed = Spending(elapsed=(0.25, 0.5, 1.0))

    fast = spent([0.8, 1.5, 2.0], 0.025, timed)
    slow = spent([0.1, 0.2, 0.5], 0.025, timed, ended=True)

    assert fast == pytest.approx(spent([0.25, 0.5, 1.0], 0.025))
    assert slow == pytest.approx(spent([0.1, 0.2, 0.5], 0.025, ended=True))
    assert spent([0.8], 0.025, timed) == pytest.approx(fast[:1])
    with pytest.raises(SpecError, match="there are 4 looks, and 3 are planned"):
        spent([0.1, 0.2, 0.3, 0.4], 0.025, timed)
