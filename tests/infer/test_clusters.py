from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import fractional_matrix_power

from splitrun.infer.clusters import alike, crossed, nested
from splitrun.infer.contrast import beyond, difference
from splitrun.infer.estimate import Side, Unknown, Why
from splitrun.moments import FloatArray, Moments
from tests.infer.worlds import known, mean_of, point

Rows = tuple[FloatArray, FloatArray, FloatArray]
"""Cluster, variant (0 or 1) and value of every unit."""


def world(seed: int, clusters: int = 9) -> Rows:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 9, clusters)
    cluster = np.repeat(np.arange(clusters), sizes).astype(np.float64)
    variant = rng.integers(0, 2, len(cluster)).astype(np.float64)
    value = rng.normal(size=clusters)[cluster.astype(int)] + variant + rng.normal(size=len(cluster))
    return cluster, variant, value


def summaries(rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Units and totals, shape (1, clusters, 2)."""
    cluster, variant, value = rows
    names = np.unique(cluster)
    inside = [[(cluster == name) & (variant == side) for side in (0, 1)] for name in names]
    units = np.array([[each.sum() for each in sides] for sides in inside], dtype=np.float64)
    totals = np.array([[value[each].sum() for each in sides] for sides in inside])
    return units[None], totals[None]


def by_matrices(rows: Rows) -> tuple[float, float]:
    """Variance and degrees of freedom of CR2 from rows, as Pustejovsky, Tipton 2018 write them."""
    cluster, variant, value = rows
    x = np.column_stack([np.ones(len(value)), variant])
    bread = np.linalg.inv(x.T @ x)
    left = np.eye(len(value)) - x @ bread @ x.T
    residual = left @ value
    contrast = bread[1]
    variance = 0.0
    columns = []
    for name in np.unique(cluster):
        own = np.flatnonzero(cluster == name)
        root = np.real(fractional_matrix_power(left[np.ix_(own, own)], -0.5))
        weight = root @ x[own] @ contrast
        variance += float(weight @ residual[own]) ** 2
        columns.append(left[:, own] @ weight)
    products = np.array(columns) @ np.array(columns).T
    return variance, float(np.trace(products) ** 2 / np.sum(products**2))


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_matrices_of_bell_and_mccaffrey(seed: int) -> None:
    rows = world(seed)

    found = known(difference(*crossed(*summaries(rows)), level=0.95))

    variance, dof = by_matrices(rows)
    assert found.stderr**2 == pytest.approx(variance, rel=1e-9)
    assert found.dof == pytest.approx(dof, rel=1e-9)


def test_two_clusters_that_hold_both_are_enough() -> None:
    rows = (
        np.repeat([0.0, 1.0], [6, 7]),
        np.array([0.0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1]),
        np.random.default_rng(14).normal(size=13),
    )

    found = known(difference(*crossed(*summaries(rows)), level=0.95))

    variance, dof = by_matrices(rows)
    assert found.stderr**2 == pytest.approx(variance, rel=1e-8)
    assert found.dof == pytest.approx(dof, rel=1e-8)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3])
def test_a_factor_on_control_is_the_difference_to_a_scaled_control(factor: float) -> None:
    units, totals = summaries(world(15))

    ours = known(beyond(*crossed(units, totals), factor=factor, shift=0.0, level=0.95))

    scaled = totals * np.array([factor, 1.0])
    theirs = known(difference(*crossed(units, scaled), level=0.95))
    assert ours.effect == pytest.approx(theirs.effect)
    assert ours.stderr == pytest.approx(theirs.stderr, rel=1e-9)


def test_what_differs_by_the_same_in_all_clusters_has_no_spread() -> None:
    units = np.full((1, 6, 2), 4.0)
    totals = np.random.default_rng(16).normal(size=(1, 6, 1)) + np.array([0.0, 2.0])

    assert difference(*crossed(units, totals), level=0.95).cell(0) == Unknown(Why.NO_SPREAD)


def test_a_cluster_for_every_unit_is_the_test_of_welch() -> None:
    rng = np.random.default_rng(6)
    control, treatment = rng.normal(size=12), rng.normal(size=20)
    variant = np.repeat([0.0, 1.0], [12, 20])
    rows = np.arange(32.0), variant, np.concatenate([control, treatment])

    found = known(difference(*crossed(*summaries(rows)), level=0.95))

    # CR2 of single units is HC2, which for two means is s²/n
    welch = known(difference(mean_of(control), mean_of(treatment), level=0.95))
    assert found.effect == pytest.approx(welch.effect)
    assert found.stderr == pytest.approx(welch.stderr)


@pytest.mark.parametrize("side", list(Side))
def test_swapping_variants_flips_the_sign(side: Side) -> None:
    units, totals = summaries(world(7))
    mirrored = {Side.BOTH: Side.BOTH, Side.LOWER: Side.UPPER, Side.UPPER: Side.LOWER}[side]

    there = difference(*crossed(units, totals), level=0.9, side=side)
    back = difference(*crossed(units[:, :, ::-1], totals[:, :, ::-1]), level=0.9, side=mirrored)

    assert there.effect == pytest.approx(-back.effect)
    assert there.low == pytest.approx(-back.high)
    assert there.p == pytest.approx(back.p)


def test_cells_and_empty_clusters_do_not_matter_to_each_other() -> None:
    first, second = (summaries(world(seed)) for seed in (8, 9))
    padded = [np.pad(each, ((0, 0), (0, 3), (0, 0))) for each in first]

    found = difference(
        *crossed(np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])), level=0.95
    )

    assert found.stderr[0] == pytest.approx(
        known(difference(*crossed(padded[0], padded[1]), level=0.95)).stderr
    )
    assert found.stderr[1] == pytest.approx(known(difference(*crossed(*second), level=0.95)).stderr)


def test_a_variant_in_one_cluster_says_that_there_are_too_few() -> None:
    units = np.array([[[5.0, 0.0], [4.0, 0.0], [0.0, 9.0]], [[5.0, 0.0], [4.0, 0.0], [0.0, 0.0]]])

    found = difference(*crossed(units, units * 1.5), level=0.95)

    assert found.cell(0) == Unknown(Why.FEW_CLUSTERS)
    assert "fewer than two clusters" in Why.FEW_CLUSTERS.says
    assert found.cell(1) == Unknown(Why.NO_UNITS)


def test_a_constant_metric_says_that_there_is_no_spread() -> None:
    units, _ = summaries(world(10))

    assert difference(*crossed(units, 0.1 * units), level=0.95).cell(0) == Unknown(Why.NO_SPREAD)


def test_clusters_of_one_size_and_one_variant_agree_by_both_ways() -> None:
    rng = np.random.default_rng(11)
    totals = rng.normal(20, 5, size=(30, 2)) * np.repeat([[1, 0], [0, 1]], 15, axis=0)
    units = 4.0 * np.repeat([[1, 0], [0, 1]], 15, axis=0)

    found = known(difference(*crossed(units[None], totals[None]), level=0.95))

    # with equal sizes the ratio of totals is the mean of cluster means, and CR2 its Welch variance
    levels = [
        nested(Moments.of(np.column_stack([totals[rows, side], units[rows, side]])))
        for side, rows in enumerate((slice(0, 15), slice(15, 30)))
    ]
    theirs = known(difference(levels[0], levels[1], level=0.95))
    assert theirs.stderr == pytest.approx(found.stderr)
    assert levels[0].dof[0] == 14


def test_one_cluster_has_a_level_and_no_variance() -> None:
    found = nested(Moments.of(np.array([[12.0, 4.0]])))

    assert found.value[0] == 3.0
    assert difference(found, point(1.0, 1.0, dof=9, n=10), level=0.95).cell(0) == Unknown(Why.FEW_CLUSTERS)


def clustered(values: FloatArray) -> Moments:
    """From values of shape (clusters, units)."""
    totals, size = values.sum(axis=1), float(values.shape[1])
    columns = [totals, np.full(len(values), size), (values**2).sum(axis=1), totals**2 / size]
    return Moments.of(np.column_stack(columns))


def test_likeness_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(12)
    values = rng.normal(size=(25, 1)) + rng.normal(size=(25, 6))

    found = alike(clustered(values))

    # Donner 1986: (F - 1) / (F - 1 + m) for clusters of m units
    f = float(stats.f_oneway(*values).statistic)
    assert found.correlation[0] == pytest.approx((f - 1) / (f - 1 + 6), rel=1e-9)
    assert found.size[0] == pytest.approx(6.0)


def test_likeness_inflates_the_variance_by_the_rule_of_kish() -> None:
    rng = np.random.default_rng(13)
    values = rng.normal(size=(4_000, 1)) + 2 * rng.normal(size=(4_000, 5))

    found = alike(clustered(values))

    # Kish 1965: 1 + (m - 1) icc, with icc = 1 / (1 + 4)
    assert found.correlation[0] == pytest.approx(0.2, abs=0.02)
    assert found.design_effect[0] == pytest.approx(1.8, abs=0.1)


def test_likeness_of_one_cluster_is_not_known() -> None:
    found = alike(Moments.of(np.array([[12.0, 4.0, 40.0, 36.0]])))

    assert np.isnan(found.correlation[0])
    assert np.isnan(found.design_effect[0])


def test_a_ratio_over_negative_denominators_agrees_with_clubsandwich_on_its_linear_form() -> None:
    rng = np.random.default_rng(17)
    cluster, variant, value = world(18, clusters=12)
    under = rng.normal(-3.0, 2.0, len(value))
    form = np.zeros(len(value))
    for side in (0, 1):
        own = variant == side
        ratio = value[own].sum() / under[own].sum()
        form[own] = ratio + (value[own] - ratio * under[own]) / under[own].mean()

    units, totals = summaries((cluster, variant, value))
    found = known(difference(*crossed(units, totals, summaries((cluster, variant, under))[1]), level=0.95))

    # CR2 of (y - R d) / mean(d), which has the mean R
    variance, dof = by_matrices((cluster, variant, form))
    effects = [form[variant == side].mean() for side in (0, 1)]
    assert found.effect == pytest.approx(effects[1] - effects[0], rel=1e-9)
    assert found.stderr**2 == pytest.approx(variance, rel=1e-9)
    assert found.dof == pytest.approx(dof, rel=1e-9)


@pytest.mark.parametrize("scale", [0.0, 1e-3])
def test_denominators_around_zero_say_so_and_count_the_clusters_that_there_are(scale: float) -> None:
    units, totals = summaries(world(19, clusters=12))
    under = scale * np.random.default_rng(20).normal(size=units.shape) * (units > 0)

    sides = crossed(units, totals, under)

    assert difference(*sides, level=0.95).cell(0) == Unknown(Why.NO_DENOMINATOR)
    assert [each.n[0] for each in sides] == (units[0] > 0).sum(axis=0).tolist()


def test_a_few_clusters_with_most_units_say_so_and_not_that_a_denominator_is_zero() -> None:
    sizes = np.array([1.0, 1, 1, 1, 200])
    moments = Moments.of(np.column_stack([5 * sizes, sizes]))

    found = nested(moments)

    assert Why(int(found.why[0])) is Why.LOPSIDED_CLUSTERS
    assert found.value[0] == pytest.approx(5.0)
    assert np.isnan(found.variance[0])
    assert "a few clusters hold so many of the units" in Why.LOPSIDED_CLUSTERS.says


def test_a_ratio_whose_denominator_is_sure_per_unit_blames_the_sizes_too() -> None:
    sizes = np.array([60.0, 60, 1, 1, 1])
    sure, unsure = (sizes * (mean + np.array([0.5, -0.4, 0.1, 0.2, -0.1])) for mean in (2.0, 0.0))

    found = [nested(Moments.of(np.column_stack([5 * sizes, under, sizes]))) for under in (sure, unsure)]

    assert [Why(int(each.why[0])) for each in found] == [Why.LOPSIDED_CLUSTERS, Why.NO_DENOMINATOR]
