from __future__ import annotations

import numpy as np
import pytest

from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Unknown, Why
from splitrun.infer.quantiles import Z, enough, probabilities, quantile_points
from splitrun.moments import FloatArray, Moments


def counted(upto: FloatArray, values: FloatArray) -> Moments:
    return Moments.of(np.column_stack([upto, values]).astype(np.float64))


def test_a_quantile_of_units_has_the_binomial_variance() -> None:
    upto = np.repeat([1.0, 0.0], [90, 10])

    found = probabilities(counted(upto, np.ones(100)), 0.9)

    stderr = np.sqrt(0.9 * 0.1 / 99)
    assert found.stderr[0] == pytest.approx(stderr)
    assert found.low[0] == pytest.approx(0.9 - 1.959964 * stderr, rel=1e-6)
    assert found.high[0] == pytest.approx(0.9 + 1.959964 * stderr, rel=1e-6)
    assert found.design_effect[0] == pytest.approx(100 / 99)


def test_events_that_only_repeat_their_unit_say_no_more_than_units() -> None:
    upto = np.repeat([1.0, 0.0], [90, 10])

    once = probabilities(counted(upto, np.ones(100)), 0.9)
    tenfold = probabilities(counted(10 * upto, np.full(100, 10.0)), 0.9)

    assert tenfold.stderr[0] == pytest.approx(once.stderr[0])
    assert tenfold.design_effect[0] == pytest.approx(10 * once.design_effect[0])


def test_each_cell_may_have_a_quantile_of_its_own() -> None:
    upto = np.repeat([1.0, 0.0], [50, 50])
    moments = Moments.stacked([counted(upto, np.ones(100))] * 2)

    found = probabilities(moments, np.array([0.5, 0.45]), z=1.0)

    assert found.high - found.low == pytest.approx(2 * found.stderr)
    assert (found.low + found.high) / 2 == pytest.approx([0.5, 0.45])


def test_a_quantile_too_near_the_largest_value_says_so() -> None:
    upto = np.repeat([1.0, 0.0], [99, 1])

    shares = probabilities(counted(upto, np.ones(100)), 0.99)
    points = quantile_points(np.array([7.0]), np.array([np.nan]), np.array([np.nan]), shares)

    assert Why(int(shares.why[0])) is Why.BEYOND_DATA
    assert np.isnan(shares.high[0])
    assert points.value[0] == 7.0
    assert difference(points, points, level=0.95).cell(0) == Unknown(Why.BEYOND_DATA)
    assert "beyond the quantile" in Why.BEYOND_DATA.says


def test_nobody_and_no_values_say_why() -> None:
    nobody = Moments(np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2, 2)))
    silent = counted(np.zeros(5), np.zeros(5))

    found = probabilities(Moments.stacked([nobody, silent]), 0.5)

    assert [Why(int(why)) for why in found.why] == [Why.NO_UNITS, Why.NO_DENOMINATOR]


def test_the_standard_error_is_the_width_over_twice_z() -> None:
    shares = probabilities(counted(np.repeat([1.0, 0.0], [50, 50]), np.ones(100)), 0.5)

    points = quantile_points(np.array([10.0]), np.array([8.0]), np.array([13.0]), shares)

    assert np.sqrt(points.variance[0]) == pytest.approx(5 / 2 / Z)
    assert points.why[0] == 0
    # by hand: 100 independent values, 2 z stderr of them between the bounds, stderr = sqrt(0.25 / 99)
    assert points.dof[0] == pytest.approx(2 * Z * np.sqrt(0.25 * 99), rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(np.nan, 13.0), (8.0, np.nan), (11.0, 13.0), (8.0, 9.0)])
def test_bounds_that_do_not_hold_the_quantile_give_no_number(low: float, high: float) -> None:
    shares = probabilities(counted(np.repeat([1.0, 0.0], [50, 50]), np.ones(100)), 0.5)

    points = quantile_points(np.array([10.0]), np.array([low]), np.array([high]), shares)

    assert difference(points, points, level=0.95).cell(0) == Unknown(Why.NOT_FINITE)


def test_bounds_at_the_same_value_say_that_the_quantile_is_tied() -> None:
    shares = probabilities(counted(np.repeat([1.0, 0.0], [50, 50]), np.ones(100)), 0.5)

    points = quantile_points(np.array([10.0]), np.array([10.0]), np.array([10.0]), shares)

    assert points.value[0] == 10.0
    assert difference(points, points, level=0.95).cell(0) == Unknown(Why.TIED)
    assert "values are the same at the quantile" in Why.TIED.says


def test_one_tied_variant_is_enough_to_say_so() -> None:
    shares = probabilities(counted(np.repeat([1.0, 0.0], [50, 50]), np.ones(100)), 0.5)
    ten = np.array([10.0])

    tied = quantile_points(ten, ten, ten, shares)
    free = quantile_points(ten, np.array([8.0]), np.array([13.0]), shares)

    assert difference(free, tied, level=0.95).cell(0) == Unknown(Why.TIED)


@pytest.mark.parametrize(
    ("at", "units", "why"),
    [(0.5, 99, Why.BEYOND_DATA), (0.5, 100, 0), (0.9, 299, Why.BEYOND_DATA), (0.9, 300, 0), (0.1, 300, 0)],
)
def test_a_quantile_has_an_interval_from_a_hundred_units_and_thirty_beside_it_on(
    at: float, units: int, why: int
) -> None:
    values = np.arange(units, dtype=np.float64)
    q = float(np.quantile(values, at, method="inverted_cdf"))
    shares = probabilities(counted((values <= q).astype(np.float64), np.ones(units)), at)
    low, high = (
        np.asarray(np.quantile(values, each, method="inverted_cdf")) for each in (shares.low, shares.high)
    )

    found = enough(quantile_points(np.array([q]), low, high, shares), np.array([float(units)]), at)

    assert found.why[0] == why
    assert found.value[0] == q
    assert np.isnan(found.variance[0]) == bool(why)


def test_what_a_quantile_lacks_otherwise_is_said_first() -> None:
    shares = probabilities(counted(np.ones(1), np.ones(1)), 0.5)
    points = quantile_points(np.array([1.0]), np.array([np.nan]), np.array([np.nan]), shares)

    assert enough(points, np.array([1.0]), 0.5).why[0] == Why.FEW_UNITS
