from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from splitrun.errors import SpecError
from splitrun.infer.looks.boundaries import boundaries, classic, crossing
from splitrun.infer.looks.spending import OBRIEN_FLEMING, POCOCK, Shape, Spending, spent
from tests.infer.looks.walks import walks


def test_one_look_is_the_ordinary_test() -> None:
    assert boundaries([1.0], 0.025) == pytest.approx([stats.norm.isf(0.025)], abs=1e-12)
    assert boundaries([0.4], 0.025, ended=True) == pytest.approx([stats.norm.isf(0.025)], abs=1e-12)


@pytest.mark.parametrize(
    ("power", "looks", "published"),
    # Jennison and Turnbull 2000, tables 2.1 (C_P) and 2.3 (C_B), alpha 0.05
    [
        (0.5, 2, 2.178),
        (0.5, 3, 2.289),
        (0.5, 4, 2.361),
        (0.5, 5, 2.413),
        (0.5, 10, 2.555),
        (0.0, 2, 1.977),
        (0.0, 3, 2.004),
        (0.0, 4, 2.024),
        (0.0, 5, 2.040),
        (0.0, 10, 2.087),
        (0.0, 1, 1.960),
    ],
)
def test_classical_constants_are_those_of_the_tables(power: float, looks: int, published: float) -> None:
    assert classic(looks, 0.05, power=power)[-1] == pytest.approx(published, abs=0.0006)


def test_two_looks_agree_with_the_bivariate_normal_distribution() -> None:
    # scipy's own integration of the normal distribution with correlation sqrt(t1 / t2)
    first, last = boundaries([0.3, 1.0], 0.025, POCOCK)
    both = stats.multivariate_normal([0, 0], [[1, np.sqrt(0.3)], [np.sqrt(0.3), 1]])

    assert 1 - both.cdf([first, last]) == pytest.approx(0.025, abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=8),
    shape=st.sampled_from([OBRIEN_FLEMING, POCOCK, Spending(Shape.POWER, 2.0), Spending(Shape.HSD, -2.0)]),
    tail=st.sampled_from([0.005, 0.025, 0.05]),
)
def test_bounds_spend_what_they_may_at_any_looks(gaps: list[float], shape: Spending, tail: float) -> None:
    looks = np.cumsum(gaps) / sum(gaps)

    z = boundaries(looks, tail, shape)

    assert np.cumsum(crossing(looks, z).above) == pytest.approx(
        spent(looks, tail, shape), rel=1e-6, abs=1e-14
    )


def test_a_bound_depends_on_the_looks_before_it_and_on_none_after() -> None:
    short, long = boundaries([0.2, 0.5], 0.025), boundaries([0.2, 0.5, 0.6, 1.0], 0.025)

    assert short == pytest.approx(long[:2], abs=1e-9)


@pytest.mark.parametrize("looks", range(2, 15))
def test_obrien_fleming_bounds_fall_and_end_above_the_ordinary_one(looks: int) -> None:
    z = boundaries(np.arange(1, looks + 1) / looks, 0.025)

    assert all(later < earlier for earlier, later in pairwise(z))
    assert 1.96 < z[-1] < 2.12


def test_less_error_and_more_looks_ask_for_more() -> None:
    fifths = np.arange(1, 6) / 5

    assert np.all(boundaries(fifths, 0.005) > boundaries(fifths, 0.025))
    assert boundaries(np.arange(1, 11) / 10, 0.025)[-1] > boundaries(fifths, 0.025)[-1]


def test_a_look_that_adds_nothing_repeats_the_bound_before_it() -> None:
    z = boundaries([0.3, 0.3, 0.6, 0.59], 0.025)

    assert z[1] == z[0]
    assert z[3] == z[2]
    assert z[[0, 2]] == pytest.approx(boundaries([0.3, 0.6], 0.025))


def test_the_planned_end_spends_the_rest_even_when_it_adds_nothing() -> None:
    z = boundaries([0.6, 0.6], 0.025, ended=True)

    # one set of data with a lower bound put to it: what exceeds it is the ordinary test
    assert z[0] == pytest.approx(boundaries([0.6], 0.025)[0])
    assert z[1] == pytest.approx(stats.norm.isf(0.025), abs=1e-6)


def test_nothing_may_be_concluded_before_there_is_information_or_after_all_is_spent() -> None:
    assert boundaries([0.0, 0.5], 0.025)[0] == np.inf
    assert boundaries([0.0, 0.0], 0.025, ended=True).tolist() == [np.inf, np.inf]
    assert boundaries([0.5, 1.1, 1.3], 0.025)[2] == np.inf
    assert boundaries([1e-6], 0.025)[0] == np.inf


@pytest.mark.parametrize("gap", [0.0001, 0.0005, 0.0009])
def test_looks_closer_than_the_grid_are_judged_too_hard_and_never_too_lightly(gap: float) -> None:
    looks = [0.5, 0.5 + gap]
    alike = float(np.sqrt(looks[0] / looks[1]))

    z = boundaries(looks, 0.025, POCOCK)

    # the true error, by scipy's bivariate normal distribution
    error = 1 - stats.multivariate_normal([0, 0], [[1, alike], [alike, 1]]).cdf(z)
    assert np.all(np.isfinite(z))
    assert error <= spent(looks, 0.025, POCOCK)[-1] + 1e-9


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("looks", range(2, 15))
def test_false_alarms_over_all_looks_stay_at_alpha(looks: int) -> None:
    times = np.arange(1, looks + 1) / looks
    z = walks(20_000, times, seed=looks)

    alarms = int(np.any(np.abs(z) > boundaries(times, 0.025), axis=1).sum())

    low, high = stats.binom.interval(0.9999, 20_000, 0.05)
    assert low <= alarms <= high


@pytest.mark.parametrize("spending", [POCOCK, Spending(Shape.POWER, 3.0), Spending(Shape.HSD, -4.0)])
def test_false_alarms_stay_at_alpha_when_looks_come_unevenly_and_the_end_early(spending: Spending) -> None:
    times = np.array([0.08, 0.3, 0.33, 0.71, 0.85])
    z = walks(20_000, times, seed=17)

    alarms = int(np.any(np.abs(z) > boundaries(times, 0.025, spending, ended=True), axis=1).sum())

    low, high = stats.binom.interval(0.9999, 20_000, 0.05)
    assert low <= alarms <= high


def test_false_alarms_on_counted_conversions_stay_at_alpha() -> None:
    rng = np.random.default_rng(5)
    paths, per_look, looks = 10_000, 800, 5
    n = per_look * np.arange(1, looks + 1)
    rates = rng.binomial(per_look, 0.2, size=(2, paths, looks)).cumsum(axis=2) / n
    z = (rates[1] - rates[0]) / np.sqrt((rates * (1 - rates) / (n - 1)).sum(axis=0))

    alarms = int(np.any(np.abs(z) > boundaries(n / n[-1], 0.025), axis=1).sum())

    low, high = stats.binom.interval(0.9999, paths, 0.05)
    assert low <= alarms <= high


def test_what_leaves_and_what_stays_adds_up_to_one() -> None:
    looks, z = [0.25, 0.5, 1.0], np.array([2.0, 2.0, 2.0])

    left = crossing(looks, z, -z, drift=1.5)
    mirror = crossing(looks, z, -z, drift=-1.5)

    assert left.above == pytest.approx(mirror.below, abs=1e-12)
    assert crossing(looks, [2, 2, -9], [-2, -2, -9], drift=1.5).either.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("looks", "upper", "lower", "says"),
    [
        ([0.5, 1.0], [2.0], None, "1 upper and 2 lower bounds for 2 looks"),
        ([0.5, 1.0], [2.0, 2.0], [0.0], "2 upper and 1 lower bounds for 2 looks"),
        ([0.5, 0.5], [2.0, 2.0], None, "leave out looks that add no information"),
        ([0.0, 0.5], [2.0, 2.0], None, "leave out looks that add no information"),
    ],
)
def test_bounds_that_do_not_fit_the_looks_are_refused(
    looks: list[float], upper: list[float], lower: list[float] | None, says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        crossing(looks, upper, lower)


def test_a_classical_design_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="0 looks are planned"):
        classic(0, 0.05, power=0.5)
    with pytest.raises(SpecError, match=r"power of the classical bounds is 0\.7"):
        classic(3, 0.05, power=0.7)


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK])
@pytest.mark.parametrize(
    "matured",
    # of the planned units: twice as many, all before the first look, a rush at first, none after the middle
    [[0.5, 1.0, 1.5, 2.0], [1.0, 1.1, 1.2, 1.3], [0.9, 1.3, 1.5, 1.6], [0.4, 0.8, 0.8, 0.8]],
)
def test_false_alarms_are_alpha_however_fast_units_come(matured: list[float], spending: Spending) -> None:
    paths, times = 40_000, np.unique(matured)
    z = walks(paths, times, seed=7)[:, np.searchsorted(times, matured)]

    timed = Spending(spending.shape, elapsed=(0.25, 0.5, 0.75, 1.0))
    bounds = boundaries(matured, 0.025, timed, ended=True)

    alarms = int(np.any(np.abs(z) > bounds, axis=1).sum())
    # looks without news have bounds that are a little too wide
    assert alarms <= stats.binom.ppf(0.9995, paths, 0.05)
    if len(times) == len(matured):
        assert alarms >= stats.binom.ppf(0.0005, paths, 0.05)
