from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from splitrun.infer.adjustment import adjusted, stratified
from splitrun.infer.contrast import beyond, difference, lift, noninferior
from splitrun.infer.estimate import Unknown, Why
from splitrun.infer.means import means
from splitrun.infer.ratios import ratios
from splitrun.moments import FloatArray, Moments
from tests.infer.answers import moments_of
from tests.infer.case import CASES
from tests.infer.worlds import known

SEEDS = st.integers(0, 10_000)


def world(seed: int, units: int = 80, covariates: int = 2) -> FloatArray:
    """A metric with covariates that say something about it, shape (units, 1 + covariates)."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, 3.0, size=(units, covariates))
    y = 5 + x @ np.linspace(0.5, 1.5, covariates) * rng.uniform(0.5, 1.5) + rng.normal(0, 2, size=units)
    return np.column_stack([y, x])


def pair(seed: int) -> tuple[FloatArray, FloatArray]:
    control, treatment = world(seed), world(seed + 1, units=120)
    treatment[:, 0] += 1
    return control, treatment


def least_squares(values: FloatArray, common: FloatArray) -> tuple[float, float]:
    """Level at the common covariate mean and its variance, by statsmodels on rows."""
    fit = sm.OLS(values[:, 0], sm.add_constant(values[:, 1:] - common, has_constant="add")).fit()
    return float(fit.params[0]), float(fit.bse[0] ** 2)


@pytest.mark.requirement("R26", "R37")
def test_a_level_is_that_of_least_squares_on_rows_at_the_common_mean() -> None:
    control, treatment = pair(1)
    common = np.concatenate([control, treatment])[:, 1:].mean(axis=0)

    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    for points, values in ((found.control, control), (found.treatment, treatment)):
        level, variance = least_squares(values, common)
        assert points.value[0] == pytest.approx(level, rel=1e-10)
        assert points.variance[0] == pytest.approx(variance, rel=1e-10)
        assert points.dof[0] == len(values) - 3


def test_the_common_mean_is_uncertain_where_slopes_differ() -> None:
    cases = [case for case in CASES if "lin_gram_se_superpop" in case.expected]

    for case in cases:
        control, treatment = (moments_of(case.inputs[variant]) for variant in ("control", "treatment"))
        found = adjusted(control, treatment, covariates=control.mean.shape[1] - 1)
        ours = known(difference(found.control, found.treatment, level=0.95))
        # theirs has the covariates' variance over both variants together, ours within them
        assert ours.stderr == pytest.approx(case.expected["lin_gram_se_superpop"], rel=2e-7)

    assert len(cases) == 7


@settings(max_examples=25)
@given(SEEDS, st.floats(0.2, 3.0))
def test_a_factor_on_control_is_the_difference_to_a_scaled_control(seed: int, factor: float) -> None:
    control, treatment = pair(seed)
    scaled = control * np.array([factor, 1, 1])

    plain = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)
    other = adjusted(Moments.of(scaled), Moments.of(treatment), covariates=2)

    ours = known(beyond(plain.control, plain.treatment, factor=factor, shift=0.0, level=0.95))
    theirs = known(difference(other.control, other.treatment, level=0.95))
    assert ours.effect == pytest.approx(theirs.effect, rel=1e-9, abs=1e-9)
    assert ours.stderr == pytest.approx(theirs.stderr, rel=1e-9)
    assert ours.dof == pytest.approx(theirs.dof, rel=1e-9)


@settings(max_examples=25)
@given(SEEDS)
def test_the_ends_of_a_lift_are_where_the_contrast_is_just_not_zero(seed: int) -> None:
    control, treatment = pair(seed)
    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    ours = known(lift(found.control, found.treatment, level=0.9))

    assert ours.dof is not None
    for end in (ours.low, ours.high):
        assert end is not None
        contrast = known(beyond(found.control, found.treatment, factor=1 + end, shift=0.0, level=0.9))
        assert abs(contrast.effect / contrast.stderr) == pytest.approx(-stdtrit(ours.dof, 0.05), rel=1e-6)


def test_a_margin_in_parts_of_control_counts_what_is_shared() -> None:
    found = adjusted(*(Moments.of(values) for values in pair(3)), covariates=2)

    ours = known(
        noninferior(
            found.control, found.treatment, margin=0.1, relative=True, better_higher=True, level=0.975
        )
    )

    theirs = known(beyond(found.control, found.treatment, factor=0.9, shift=0.0, level=0.95))
    assert ours.stderr == theirs.stderr
    assert ours.low == pytest.approx(theirs.low)


@settings(max_examples=25)
@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scale_and_origin_of_covariates_change_nothing(seed: int, scale: float, origin: float) -> None:
    control, treatment = pair(seed)
    moved = [np.column_stack([each[:, 0], origin + scale * each[:, 1:]]) for each in (control, treatment)]

    plain = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)
    other = adjusted(*(Moments.of(each) for each in moved), covariates=2)

    ours = known(lift(plain.control, plain.treatment, level=0.95))
    theirs = known(lift(other.control, other.treatment, level=0.95))
    assert theirs.effect == pytest.approx(ours.effect, rel=1e-6)
    assert theirs.low == pytest.approx(ours.low, rel=1e-6)
    assert other.reduction[0] == pytest.approx(plain.reduction[0], rel=1e-6)


@settings(max_examples=25)
@given(SEEDS)
def test_swapping_variants_flips_the_sign(seed: int) -> None:
    control, treatment = (Moments.of(each) for each in pair(seed))

    there = adjusted(control, treatment, covariates=2)
    back = adjusted(treatment, control, covariates=2)

    ours = known(difference(there.control, there.treatment, level=0.95))
    theirs = known(difference(back.control, back.treatment, level=0.95))
    assert ours.effect == pytest.approx(-theirs.effect)
    assert ours.stderr == pytest.approx(theirs.stderr)
    assert ours.low == pytest.approx(-(theirs.high or 0.0))


def test_cells_do_not_see_each_other() -> None:
    cells = [tuple(Moments.of(each) for each in pair(seed)) for seed in range(4)]
    nobody = Moments(np.zeros(1), np.zeros((1, 3)), np.zeros((1, 3, 3)))
    control, treatment = (Moments.stacked([nobody, *(cell[side] for cell in cells)]) for side in range(2))

    together = adjusted(control, treatment, covariates=2)

    ours = lift(together.control, together.treatment, level=0.95)
    assert ours.cell(0) == Unknown(Why.NO_UNITS)
    assert np.isnan(together.reduction[0])
    for index, cell in enumerate(cells):
        alone = adjusted(cell[0], cell[1], covariates=2)
        theirs = known(lift(alone.control, alone.treatment, level=0.95))
        assert ours.low[index + 1] == pytest.approx(theirs.low, rel=1e-12)
        assert together.reduction[index + 1] == pytest.approx(alone.reduction[0], rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, 1e200, 1e-200])
def test_a_constant_covariate_leaves_the_means_as_they_are(value: float) -> None:
    control, treatment = (each.copy() for each in pair(5))
    control[:, 1:] = value
    treatment[:, 1:] = value

    moments = [Moments.of(each) for each in (control, treatment)]
    found = adjusted(moments[0], moments[1], covariates=2)

    own = [means(Moments(each.n, each.mean[:, :1], each.m2[:, :1, :1])) for each in moments]
    plain = difference(own[0], own[1], level=0.95)
    assert difference(found.control, found.treatment, level=0.95).cell(0) == plain.cell(0)
    assert found.used[0] == 0
    assert found.reduction[0] == 0.0


def test_no_covariates_leave_the_means_as_they_are() -> None:
    control, treatment = (Moments.of(each[:, :1]) for each in pair(5))

    found = adjusted(control, treatment, covariates=0)

    plain = difference(means(control), means(treatment), level=0.95)
    assert difference(found.control, found.treatment, level=0.95).cell(0) == plain.cell(0)


@pytest.mark.parametrize(("origin", "scale"), [(0, 1), (3, -2), (1e6, 1)])
def test_a_covariate_that_others_say_already_changes_nothing(origin: float, scale: float) -> None:
    control, treatment = pair(6)
    doubled = [np.column_stack([each, origin + scale * each[:, 1]]) for each in (control, treatment)]

    once = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)
    twice = adjusted(*(Moments.of(each) for each in doubled), covariates=3)

    ours = known(difference(once.control, once.treatment, level=0.95))
    theirs = known(difference(twice.control, twice.treatment, level=0.95))
    assert theirs.effect == pytest.approx(ours.effect, rel=1e-7)
    assert theirs.stderr == pytest.approx(ours.stderr, rel=1e-7)
    assert theirs.dof == pytest.approx(ours.dof)
    assert twice.used[0] == once.used[0] == 2


def test_covariates_that_say_everything_are_the_reason_themselves() -> None:
    control, treatment = pair(7)
    control[:, 0] = 3 * control[:, 1]
    treatment[:, 0] = 3 * treatment[:, 1] + 1

    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    assert difference(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.EXPLAINED)
    assert lift(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.EXPLAINED)
    assert "the covariates explain the metric wholly" in Why.EXPLAINED.says
    assert found.reduction[0] == pytest.approx(1.0)
    assert found.treatment.value[0] - found.control.value[0] == pytest.approx(1.0)


def test_with_few_units_for_its_covariates_a_cell_keeps_its_own_mean() -> None:
    control, treatment = world(8, units=19), world(9, units=200)

    few = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)
    enough = adjusted(Moments.of(world(8, units=20)), Moments.of(treatment), covariates=2)

    assert few.used[0] == 0
    assert few.reduction[0] == 0.0
    assert few.control.value[0] == pytest.approx(control[:, 0].mean())
    assert few.treatment.value[0] == pytest.approx(treatment[:, 0].mean())
    assert enough.used[0] == 2


def test_a_covariate_too_large_to_be_squared_is_left_out() -> None:
    control, treatment = (each.copy() for each in pair(10))
    control[:, 2] *= 1e200
    treatment[:, 2] *= 1e200

    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    alone = adjusted(Moments.of(control[:, :2]), Moments.of(treatment[:, :2]), covariates=1)
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert ours.effect == pytest.approx(known(difference(alone.control, alone.treatment, level=0.95)).effect)
    assert found.used[0] == 1


def test_a_variant_without_spread_says_nothing_of_a_reduction() -> None:
    flat = world(11)
    flat[:, 0] = 2.0

    found = adjusted(Moments.of(flat), Moments.of(flat), covariates=2)

    assert difference(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.NO_SPREAD)
    assert found.reduction[0] == 0.0


def test_the_reduction_is_the_part_that_the_covariate_explains() -> None:
    rng = np.random.default_rng(12)
    x = rng.normal(size=(2, 40_000))
    y = 0.8 * x + 0.6 * rng.normal(size=(2, 40_000))

    found = adjusted(*(Moments.of(np.column_stack(each)) for each in zip(y, x, strict=True)), covariates=1)

    assert found.reduction[0] == pytest.approx(0.64, abs=0.01)


def test_a_ratio_is_adjusted_by_the_linear_part_of_its_error() -> None:
    rng = np.random.default_rng(13)
    variants = []
    for units in (150, 220):
        x = rng.gamma(2.0, 2.0, units)
        under = 1 + rng.poisson(x)
        variants.append(np.column_stack([rng.binomial(under, 0.3) + 0.2 * x, under, x]).astype(np.float64))

    found = adjusted(*(Moments.of(each) for each in variants), covariates=1)

    # Deng 2013, appendix B, on rows
    linear = []
    for each in variants:
        ratio, under = each[:, 0].sum() / each[:, 1].sum(), each[:, 1].mean()
        linear.append(np.column_stack([ratio + (each[:, 0] - ratio * each[:, 1]) / under, each[:, 2]]))
    theirs = adjusted(*(Moments.of(each) for each in linear), covariates=1)
    for ours, other in ((found.control, theirs.control), (found.treatment, theirs.treatment)):
        assert ours.value[0] == pytest.approx(other.value[0], rel=1e-12)
        assert ours.variance[0] == pytest.approx(other.variance[0], rel=1e-10)
        assert np.isinf(ours.dof[0])
    assert known(lift(found.control, found.treatment, level=0.95)).stderr == pytest.approx(
        known(lift(theirs.control, theirs.treatment, level=0.95)).stderr, rel=1e-10
    )


def test_a_ratio_with_a_constant_covariate_is_the_plain_ratio() -> None:
    rng = np.random.default_rng(14)
    variants = [np.column_stack([rng.poisson(3, 50), 1 + rng.poisson(5, 50), np.ones(50)]) for _ in range(2)]
    control, treatment = (Moments.of(each.astype(np.float64)) for each in variants)

    found = adjusted(control, treatment, covariates=1)

    plain = ratios(Moments.of(variants[0][:, :2].astype(np.float64)))
    assert found.control.value[0] == plain.value[0]
    assert found.control.variance[0] == plain.variance[0]


def blocks(rng: np.random.Generator, sizes: list[int]) -> list[FloatArray]:
    return [rng.normal(10 * index, 1 + index, size=(size, 1)) for index, size in enumerate(sizes)]


def test_strata_weigh_by_their_part_of_both_variants() -> None:
    rng = np.random.default_rng(15)
    control, treatment = blocks(rng, [90, 60, 200]), blocks(rng, [60, 110, 180])

    variants = stratified([Moments.of(each) for each in control], [Moments.of(each) for each in treatment])
    found = adjusted(*variants, covariates=3)

    # Miratrix, Sekhon, Yu 2013: the strata's differences, weighted by their shares
    shares = np.array([150, 170, 380]) / 700
    apart = np.array([t.mean() - c.mean() for c, t in zip(control, treatment, strict=True)])
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert ours.effect == pytest.approx(float(shares @ apart), rel=1e-10)
    assert found.used[0] == 2


def test_strata_with_few_units_share_one_dummy() -> None:
    rng = np.random.default_rng(16)
    control, treatment = blocks(rng, [200, 49, 30, 90]), blocks(rng, [200, 80, 60, 90])

    variants = stratified([Moments.of(each) for each in control], [Moments.of(each) for each in treatment])
    found = adjusted(*variants, covariates=4)

    small = [np.concatenate(each[1:3]) for each in (control, treatment)]
    merged = [
        [Moments.of(each) for each in (values[0], few, values[3])]
        for values, few in zip((control, treatment), small, strict=True)
    ]
    theirs = adjusted(*stratified(*merged), covariates=3)
    assert found.used[0] == 2
    assert known(difference(found.control, found.treatment, level=0.95)).effect == pytest.approx(
        known(difference(theirs.control, theirs.treatment, level=0.95)).effect, rel=1e-10
    )


def test_a_missing_value_is_zero_with_an_indicator() -> None:
    rng = np.random.default_rng(17)
    variants = []
    for _ in range(2):
        x = rng.gamma(2.0, 2.0, 300)
        missing = rng.random(300) < 0.3
        y = np.where(missing, 20.0, 3 * x) + rng.normal(size=300)
        variants.append(np.column_stack([y, np.where(missing, 0.0, x), missing]))

    found = adjusted(*(Moments.of(each) for each in variants), covariates=2)

    # what is left over is the noise of variance 1 in each variant
    assert known(difference(found.control, found.treatment, level=0.95)).stderr == pytest.approx(
        np.sqrt(2 / 300), rel=0.1
    )
