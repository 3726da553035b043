from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.estimate import Why
from splitrun.infer.means import means
from splitrun.moments import Moments
from tests.infer.worlds import mean_of


def test_the_variance_is_the_squared_standard_error_of_scipy() -> None:
    values = np.random.default_rng(20261122).gamma(2.0, 3.0, size=400)

    ours = mean_of(values)

    assert ours.value[0] == pytest.approx(values.mean(), rel=1e-13)
    assert np.sqrt(ours.variance[0]) == pytest.approx(stats.sem(values), rel=1e-12)
    assert ours.dof.tolist() == [399.0]


def test_a_share_is_the_mean_of_zeros_and_ones() -> None:
    ours = mean_of([1, 1, 1, 0, 0])

    # p = 3/5, s² = n/(n-1) p(1-p), over n
    assert ours.value[0] == pytest.approx(0.6)
    assert ours.variance[0] == pytest.approx(5 / 4 * 0.6 * 0.4 / 5)


def test_no_units_and_one_unit_are_told_apart() -> None:
    assert mean_of([]).why.tolist() == [Why.NO_UNITS]
    assert np.isnan(mean_of([]).value).all()
    assert mean_of([7.0]).why.tolist() == [Why.FEW_UNITS]
    assert mean_of([7.0]).value.tolist() == [7.0]


@pytest.mark.parametrize("value", [3.0, 0.1, 7.77, -1e-9, 1e15 / 3])
@pytest.mark.parametrize("units", [3, 7, 10_001])
def test_a_constant_is_a_mean_without_spread(value: float, units: int) -> None:
    ours = mean_of([value] * units)

    assert ours.why.tolist() == [0]
    assert ours.variance.tolist() == [0.0]


def test_values_a_few_digits_apart_at_the_end_are_not_constant() -> None:
    ours = mean_of([1e15, 1e15 + 1])

    # (1/2)² + (1/2)² over n - 1 and n
    assert ours.variance.tolist() == [0.25]


def test_a_negative_spread_left_by_rounding_is_zero() -> None:
    ours = means(Moments(n=np.array([3.0]), mean=np.array([[1.0]]), m2=np.array([[[-1e-16]]])))

    assert ours.variance.tolist() == [0.0]


@pytest.mark.parametrize("values", [[1e200, -1e200], [1e308, 1e308, 1.0], [np.inf, 1.0], [np.nan, 1.0]])
def test_numbers_too_large_say_so(values: list[float]) -> None:
    assert mean_of(values).why.tolist() == [Why.NOT_FINITE]


@pytest.mark.parametrize("values", [[1e-300, 3e-300], [1e-160, 2e-160], [1.6e-154, -1.6e-154] * 2])
def test_values_whose_squares_vanish_are_not_called_constant(values: list[float]) -> None:
    assert mean_of(values).why.tolist() == [Why.NOT_FINITE]
