from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import (  # type: ignore[import-untyped]  # ships no types
    CompareMeans,
    DescrStatsW,
)

from splitrun.infer.contrast import beyond, difference, lift, noninferior
from splitrun.infer.estimate import Side, Unknown, Why
from splitrun.infer.means import means
from splitrun.moments import Moments
from tests.infer.worlds import known, mean_of, point, ratio_of

RNG = np.random.default_rng(20260101)
CONTROL = RNG.gamma(2.0, 3.0, size=400)
TREATMENT = RNG.gamma(2.0, 3.3, size=370)


@pytest.mark.requirement("R26")
def test_agrees_with_scipy_on_raw_values() -> None:
    ours = known(difference(mean_of(CONTROL), mean_of(TREATMENT), level=0.9))

    theirs = stats.ttest_ind(TREATMENT, CONTROL, equal_var=False)
    interval = theirs.confidence_interval(0.9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-11)
    assert ours.dof == pytest.approx(theirs.df, rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-11)


@pytest.mark.parametrize(("side", "alternative"), [(Side.LOWER, "greater"), (Side.UPPER, "less")])
def test_one_side_agrees_with_scipy(side: Side, alternative: Literal["greater", "less"]) -> None:
    ours = known(difference(mean_of(CONTROL), mean_of(TREATMENT), level=0.95, side=side))

    theirs = stats.ttest_ind(TREATMENT, CONTROL, equal_var=False, alternative=alternative)
    interval = theirs.confidence_interval(0.95)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-11)
    bound = (ours.low, interval.low) if side is Side.LOWER else (ours.high, interval.high)
    assert bound[0] == pytest.approx(bound[1], rel=1e-11)


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("better_higher", [True, False])
def test_a_margin_agrees_with_scipy_on_shifted_values(*, better_higher: bool) -> None:
    margin = 0.7

    ours = known(
        noninferior(
            mean_of(CONTROL),
            mean_of(TREATMENT),
            margin=margin,
            relative=False,
            better_higher=better_higher,
            level=0.975,
        )
    )

    shifted = TREATMENT + (margin if better_higher else -margin)
    alternative: Literal["greater", "less"] = "greater" if better_higher else "less"
    theirs = stats.ttest_ind(shifted, CONTROL, equal_var=False, alternative=alternative)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10)


@pytest.mark.parametrize("better_higher", [True, False])
def test_a_relative_margin_agrees_with_scipy_on_scaled_control(*, better_higher: bool) -> None:
    ours = known(
        noninferior(
            mean_of(CONTROL),
            mean_of(TREATMENT),
            margin=0.1,
            relative=True,
            better_higher=better_higher,
            level=0.975,
        )
    )

    scaled = CONTROL * (0.9 if better_higher else 1.1)
    alternative: Literal["greater", "less"] = "greater" if better_higher else "less"
    theirs = stats.ttest_ind(TREATMENT, scaled, equal_var=False, alternative=alternative)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10)
    assert ours.dof == pytest.approx(theirs.df, rel=1e-10)


def test_a_p_that_1_minus_cdf_calls_zero_is_shown() -> None:
    ours = known(difference(mean_of([0, 1] * 500), mean_of([1, 1, 1, 2] * 250), level=0.95))

    # R 4.2.2 t.test of the same sums, case welch.extreme_p
    assert ours.p == pytest.approx(9.96004710972934e-217, rel=1e-9)


def test_one_variant_without_spread_is_judged_by_the_other() -> None:
    ours = known(difference(mean_of([2.0, 2.0, 2.0]), mean_of(TREATMENT), level=0.95))

    theirs = stats.ttest_1samp(TREATMENT, 2.0)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10)
    assert ours.dof == pytest.approx(theirs.df)


def test_a_difference_without_spread_is_unknown_and_not_a_p_of_zero() -> None:
    found = difference(mean_of([0.0] * 50), mean_of([1.0] * 50), level=0.95)

    assert found.cell(0) == Unknown(Why.NO_SPREAD)
    assert np.isnan(found.p).all()


@pytest.mark.parametrize(
    ("control", "treatment", "why"),
    [
        ([], [1.0, 2.0], Why.NO_UNITS),
        ([1.0, 2.0], [], Why.NO_UNITS),
        ([1.0, 2.0], [9.0], Why.FEW_UNITS),
        ([9.0], [], Why.NO_UNITS),
        ([], [9.0], Why.NO_UNITS),
        ([1e200, -1e200], [1.0, 2.0], Why.NOT_FINITE),
    ],
)
def test_the_reason_of_a_variant_is_handed_on(control: list[float], treatment: list[float], why: Why) -> None:
    points = mean_of(control), mean_of(treatment)

    assert difference(*points, level=0.95).cell(0) == Unknown(why)
    assert lift(*points, level=0.95).cell(0) == Unknown(why)


def test_each_cell_is_judged_at_its_own_level_factor_and_shift() -> None:
    control, treatment = (
        means(Moments.stacked([Moments.of(values[:, None])] * 2)) for values in (CONTROL, TREATMENT)
    )

    both = beyond(
        control,
        treatment,
        factor=np.array([1.0, 0.9]),
        shift=np.array([0.5, 0.0]),
        level=np.array([0.9, 0.99]),
    )

    first = known(beyond(mean_of(CONTROL), mean_of(TREATMENT), factor=1.0, shift=0.5, level=0.9))
    second = known(beyond(mean_of(CONTROL), mean_of(TREATMENT), factor=0.9, shift=0.0, level=0.99))
    assert [both.cell(0), both.cell(1)] == [first, second]


def test_an_interval_that_double_precision_cannot_hold_says_so() -> None:
    control, treatment = mean_of([1.0, 2.0]), mean_of([1.0, 3.0])

    assert difference(control, treatment, level=1.0).cell(0) == Unknown(Why.NOT_FINITE)
    assert beyond(control, treatment, factor=1.0, shift=np.inf, level=0.95).cell(0) == Unknown(Why.NOT_FINITE)


@pytest.mark.parametrize(
    "control",
    [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.1], [-9.0, -10.0, -11.0], [0.0, 0.0, 0.0]],
    ids=["at zero", "near zero", "below zero", "zero"],
)
def test_no_lift_is_shown_over_a_control_that_may_be_zero(control: list[float]) -> None:
    points = mean_of(control), mean_of([9.0, 10.0, 12.0])

    assert lift(*points, level=0.95).cell(0) == Unknown(Why.CONTROL_NEAR_ZERO)
    known(difference(*points, level=0.95))


def test_the_bound_of_control_itself_decides_whether_there_is_a_lift() -> None:
    # normal quantiles: control's bound is 1.96 standard errors below its value
    below, above, treatment = (point(value, 1.0, dof=np.inf, n=100.0) for value in (1.9599, 1.9601, 10.0))

    assert lift(below, treatment, level=0.95).cell(0) == Unknown(Why.CONTROL_NEAR_ZERO)
    known(lift(above, treatment, level=0.95))


def test_a_lift_and_its_one_sided_bound_leave_zero_out_when_p_says_so() -> None:
    control, treatment = mean_of(CONTROL), mean_of(TREATMENT)
    for level in np.linspace(0.5, 0.999, 40):
        both = known(lift(control, treatment, level=level))
        lower = known(lift(control, treatment, level=level, side=Side.LOWER))
        upper = known(lift(control, treatment, level=level, side=Side.UPPER))

        assert (both.p < 1 - level) == (both.low is not None and both.low > 0)
        assert (lower.p < 1 - level) == (lower.low is not None and lower.low > 0)
        assert (upper.p < 1 - level) == (upper.high is not None and upper.high < 0)


@pytest.mark.parametrize("size", [1e-100, 1e15, 1e100])
def test_scale_does_not_matter(size: float) -> None:
    plain = known(difference(mean_of(CONTROL), mean_of(TREATMENT), level=0.95))
    raised = known(lift(mean_of(CONTROL), mean_of(TREATMENT), level=0.95))

    scaled = known(difference(mean_of(CONTROL * size), mean_of(TREATMENT * size), level=0.95))
    scaled_lift = known(lift(mean_of(CONTROL * size), mean_of(TREATMENT * size), level=0.95))

    assert scaled.p == pytest.approx(plain.p, rel=1e-9)
    assert scaled.stderr == pytest.approx(plain.stderr * size, rel=1e-12)
    assert scaled_lift.high == pytest.approx(raised.high, rel=1e-9)


def test_large_values_with_a_small_spread_keep_their_digits() -> None:
    control, treatment = np.array([0.0, 1.0, 2.0, 5.0]), np.array([3.0, 4.0, 9.0])

    ours = known(difference(mean_of(control + 1e15), mean_of(treatment + 1e15), level=0.95))

    # 1e15 plus a small whole number is exact; its mean is kept to 1/8
    theirs = stats.ttest_ind(treatment, control, equal_var=False)
    assert ours.stderr == pytest.approx(1 / abs(theirs.statistic / (16 / 3 - 2)), rel=1e-3)
    assert ours.effect == pytest.approx(16 / 3 - 2, abs=0.25)


def test_a_billion_units_split_one_to_999_are_judged() -> None:
    n = np.array([1e6, 9.99e8])
    share = np.array([0.010, 0.011])
    units = Moments(n, share[:, None], (n * share * (1 - share))[:, None, None])
    treatment, control = (means(units.at(np.array([i]))) for i in (0, 1))

    ours = known(difference(control, treatment, level=0.95))

    # by hand: 0.001 over sqrt(0.0099 / 1e6 + 0.010879 / 9.99e8)
    assert ours.effect == pytest.approx(-0.001)
    assert ours.stderr == pytest.approx(np.sqrt(0.0099 / 1e6 + 0.010879 / 9.99e8), rel=1e-6)
    assert 0 < ours.p < 1e-20


def test_shares_agree_with_statsmodels_on_zeros_and_ones() -> None:
    control, treatment = np.repeat([0.0, 1.0], [38, 3]), np.repeat([0.0, 1.0], [28, 11])

    ours = known(difference(mean_of(control), mean_of(treatment), level=0.95))

    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    _, p, dof = compared.ttest_ind(usevar="unequal")
    low, high = compared.tconfint_diff(usevar="unequal")
    assert (ours.p, ours.dof) == pytest.approx((p, dof), rel=1e-11)
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-11)


def test_ratios_are_compared_with_normal_quantiles() -> None:
    ours = known(difference(ratio_of(CONTROL, np.ones(400)), ratio_of(TREATMENT, np.ones(370)), level=0.95))

    assert ours.p == pytest.approx(2 * stats.norm.sf(abs(ours.effect / ours.stderr)), rel=1e-11)
