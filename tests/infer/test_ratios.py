from __future__ import annotations

import numpy as np
import pytest

from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Unknown, Why
from tests.infer.worlds import known, mean_of, ratio_of


def test_the_ratio_is_of_the_sums() -> None:
    ours = ratio_of([1.0, 2.0, 6.0], [1.0, 4.0, 1.0])

    # 9 / 6; residuals y - 1.5 x are -0.5, -4, 4.5; their squares 36.5 over (n - 1) n mean(x)² = 2 * 3 * 4
    assert ours.value[0] == pytest.approx(1.5)
    assert ours.variance[0] == pytest.approx(36.5 / 24)
    assert ours.dof.tolist() == [np.inf]


def test_a_denominator_of_one_gives_the_mean_with_a_normal_quantile() -> None:
    rng = np.random.default_rng(3)
    control, treatment = rng.gamma(2.0, size=80), rng.gamma(2.2, size=90)

    ours = known(difference(ratio_of(control, np.ones(80)), ratio_of(treatment, np.ones(90)), level=0.95))
    mean = known(difference(mean_of(control), mean_of(treatment), level=0.95))

    assert ours.effect == pytest.approx(mean.effect, rel=1e-12)
    assert ours.stderr == pytest.approx(mean.stderr, rel=1e-12)
    # 1.959963984540054 is the normal quantile at 0.975
    assert ours.high == pytest.approx(ours.effect + 1.959963984540054 * ours.stderr, rel=1e-12)


def test_a_denominator_of_zero_has_no_ratio() -> None:
    assert ratio_of([1.0, 2.0], [0.0, 0.0]).why.tolist() == [Why.NO_DENOMINATOR]
    assert ratio_of([1.0, 2.0], [-1.0, 1.0]).why.tolist() == [Why.NO_DENOMINATOR]
    assert ratio_of([1.0], [0.0]).why.tolist() == [Why.NO_DENOMINATOR]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_denominator_that_cannot_be_told_from_zero_has_no_ratio(sign: float) -> None:
    # mean 1, standard deviation s, 4 units: the standard error is s / 2, and 1 / 1.96 = 0.5102 is the line
    away = np.array([-1.0, -1.0, 1.0, 1.0]) * np.sqrt(3 / 4)
    told, untold = (sign * (1 + 2 * error * away) for error in (0.5101, 0.5103))

    assert ratio_of([1.0, 2.0, 3.0, 4.0], told).why.tolist() == [0]
    assert ratio_of([1.0, 2.0, 3.0, 4.0], untold).why.tolist() == [Why.NO_DENOMINATOR]


def test_one_unit_that_returned_what_it_bought_does_not_explode_the_ratio() -> None:
    under = np.array([5.0, 3.0, 4.0, -11.99])

    assert ratio_of([1.0, 2.0, 1.0, 1.0], under).why.tolist() == [Why.NO_DENOMINATOR]


def test_no_units_and_one_unit_are_told_apart() -> None:
    assert ratio_of([], []).why.tolist() == [Why.NO_UNITS]
    assert ratio_of([3.0], [2.0]).why.tolist() == [Why.FEW_UNITS]
    assert ratio_of([3.0], [2.0]).value.tolist() == [1.5]


def test_a_numerator_in_step_with_the_denominator_has_no_spread() -> None:
    under = np.random.default_rng(5).gamma(2.0, size=500)
    control, treatment = ratio_of(0.1 * under, under), ratio_of(0.3 * under, under)

    assert control.variance.tolist() == [0.0]
    assert difference(control, treatment, level=0.95).cell(0) == Unknown(Why.NO_SPREAD)


def test_a_constant_ratio_of_constants_has_no_spread() -> None:
    ours = ratio_of([0.1] * 7, [0.7] * 7)

    assert ours.variance.tolist() == [0.0]


@pytest.mark.parametrize(
    ("over", "under"),
    [([1e200, 1.0], [1.0, 2.0]), ([1.0, 2.0], [1e-200, 2e-200]), ([np.nan, 1.0], [1.0, 1.0])],
)
def test_numbers_that_double_precision_cannot_hold_say_so(over: list[float], under: list[float]) -> None:
    assert ratio_of(over, under).why.tolist() == [Why.NOT_FINITE]
