from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]  # ships no types
from scipy import stats

from splitrun.infer.adjustment import Adjusted, adjusted
from splitrun.infer.clusters import crossed
from splitrun.infer.clusters_adjusted import crossed_adjusted, linearised, nested_adjusted
from splitrun.infer.contrast import difference, lift
from splitrun.infer.estimate import Estimates, Unknown, Why
from splitrun.judge.levels.clustered import joined
from splitrun.moments import FloatArray, IntArray, Moments
from tests.infer.worlds import known

World = tuple[IntArray, IntArray, FloatArray, FloatArray]
"""Cluster, variant (0 or 1), outcome of shape (units,) or (units, 2), covariates of every unit."""


def world(seed: int, clusters: int = 48, covariates: int = 2) -> World:
    """Clusters of unlike sizes that hold both variants; a covariate's slope differs by variant."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rng.integers(4, 14, clusters))
    variant = rng.integers(0, 2, len(cluster))
    x = rng.normal(size=(clusters, covariates))[cluster] + rng.normal(size=(len(cluster), covariates))
    noise = rng.normal(size=clusters)[cluster] + rng.normal(size=len(cluster))
    return cluster, variant, 20 + variant + (1.5 - variant) * x[:, 0] + noise, x


def by_cluster(of: World) -> tuple[Moments, Moments]:
    """Moments over the units of either variant in every cluster."""
    cluster, variant, y, x = of
    rows = np.column_stack([y, x])
    sides = [
        Moments.stacked(
            [Moments.of(rows[(cluster == each) & (variant == side)]) for each in np.unique(cluster)]
        )
        for side in (0, 1)
    ]
    return sides[0], sides[1]


def read(of: World) -> Adjusted:
    sides = by_cluster(of)
    units = np.stack([each.n for each in sides], axis=1)
    under = units if of[2].ndim == 1 else units * np.stack([each.mean[:, 1] for each in sides], axis=1)
    totals = units * np.stack([each.mean[:, 0] for each in sides], axis=1)
    before = crossed(under[None], totals[None])
    return crossed_adjusted(*sides, covariates=of[3].shape[1], before=before)


def by_matrices(of: World, y: FloatArray) -> tuple[float, float, float]:
    """Effect, variance and degrees of freedom by whole hat matrices, as Bell and McCaffrey write them.

    Design 1, treatment, centred covariates, treatment x centred covariates. To every cluster's score is added
    what it moves the covariate mean by, times the difference of slopes.
    """
    cluster, variant, _, x = of
    away = x - x.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), variant, away, variant[:, None] * away])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    left = np.eye(len(y)) - design @ bread @ design.T
    names = np.unique(cluster)
    scores, columns = [], []
    for name in names:
        own = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(left[np.ix_(own, own)])
        root = vectors / np.sqrt(values) @ vectors.T
        weight = root @ design[own] @ bread[1]
        moved = away[own].sum(axis=0) / len(y) * np.sqrt(len(names) / (len(names) - 1))
        scores.append(weight @ (left @ y)[own] + moved @ beta[2 + x.shape[1] :])
        columns.append(left[:, own] @ weight)
    products = np.array(columns) @ np.array(columns).T
    dof = float(np.trace(products) ** 2 / np.sum(products**2))
    return float(beta[1]), float(np.sum(np.square(scores))), dof


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_matrices_of_bell_and_mccaffrey(seed: int) -> None:
    of = world(seed)

    found = read(of)

    effect, variance, dof = by_matrices(of, of[2])
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert found.used.tolist() == [2]
    assert ours.effect == pytest.approx(effect, rel=1e-9)
    assert ours.stderr**2 == pytest.approx(variance, rel=1e-8)
    assert ours.dof == pytest.approx(dof, rel=1e-8)


def test_a_ratio_is_adjusted_in_the_linear_form_of_its_error() -> None:
    cluster, variant, spent, x = world(11)
    under = 2 + np.random.default_rng(12).poisson(3, len(spent)) + 0.3 * variant
    of = cluster, variant, np.column_stack([spent, under]), x

    found = read(of)

    form = np.zeros_like(spent)
    for side in (0, 1):
        mine = variant == side
        ratio = spent[mine].sum() / under[mine].sum()
        form[mine] = ratio + (spent[mine] - ratio * under[mine]) / under[mine].mean()
    effect, variance, dof = by_matrices(of, form)
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert ours.effect == pytest.approx(effect, rel=1e-9)
    assert ours.stderr**2 == pytest.approx(variance, rel=1e-8)
    assert ours.dof == pytest.approx(dof, rel=1e-8)


def test_many_clusters_agree_with_the_cluster_covariance_of_statsmodels() -> None:
    cluster, variant, y, x = world(13, clusters=600)

    found = read((cluster, variant, y, x))

    away = x - x.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), variant, away, variant[:, None] * away])
    theirs = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert ours.effect == pytest.approx(theirs.params[1], rel=1e-9)
    # theirs has another small-sample factor, and takes the covariate mean as known: 1.5² x 2 / 600 is missing
    missing = np.sum((cluster_sums(cluster, away) @ theirs.params[4:] / len(y)) ** 2)
    assert ours.stderr**2 == pytest.approx(theirs.bse[1] ** 2 + missing, rel=0.05)


def cluster_sums(cluster: IntArray, values: FloatArray) -> FloatArray:
    return np.stack([np.bincount(cluster, weights=each) for each in values.T], axis=1)


@pytest.mark.parametrize("extra", ["the same again", "a constant"])
def test_what_says_nothing_new_changes_nothing(extra: str) -> None:
    cluster, variant, y, x = world(14)
    more = 3 * x[:, :1] + 1 if extra == "the same again" else np.full((len(y), 1), 0.1)

    found, plain = read((cluster, variant, y, np.hstack([x, more]))), read((cluster, variant, y, x))

    assert found.used.tolist() == [2]
    assert found.control.value == pytest.approx(plain.control.value, rel=1e-10)
    assert found.treatment.variance == pytest.approx(plain.treatment.variance, rel=1e-7)


def test_too_few_clusters_for_the_covariates_leave_the_levels_as_they_are() -> None:
    few, enough = (read(world(15, clusters=count)) for count in (19, 25))

    assert few.used.tolist() == [0]
    assert few.reduction.tolist() == [0.0]
    assert few.control.shared is not None
    assert enough.used.tolist() == [2]


def test_a_metric_that_its_covariates_explain_says_so() -> None:
    cluster, variant, _, x = world(16)

    found = read((cluster, variant, 3 + 2 * x[:, 0], x))

    assert difference(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.EXPLAINED)


def test_a_cluster_that_alone_decides_a_direction_takes_no_part_in_it() -> None:
    cluster, variant, y, x = world(17)
    alone = (cluster == 3).astype(np.float64)[:, None]

    found = read((cluster, variant, y, np.hstack([x, alone])))

    # (I - H)^(-1/2) is a generalised inverse there: all of the cluster's residuals are taken up by its dummy
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert found.used.tolist() == [3]
    assert 0 < ours.stderr < 2


def test_a_variant_without_clusters_keeps_its_reason() -> None:
    cluster, variant, y, x = world(18)
    mine = variant == 0

    found = read((cluster[mine], variant[mine], y[mine], x[mine]))

    assert difference(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.NO_UNITS)


Sums = tuple[FloatArray, FloatArray, FloatArray]
"""Totals, units and covariate totals of every cluster."""


def nested_world(rng: np.random.Generator, clusters: int, effect: float) -> Sums:
    """Clusters of unlike sizes, alike within by what a covariate says of them."""
    units = rng.integers(2, 30, clusters).astype(np.float64)
    mean = rng.normal(size=(clusters, 2))
    x = units[:, None] * (mean + 5) + np.sqrt(units)[:, None] * rng.normal(size=(clusters, 2))
    own = 10 + effect + 1.5 * mean[:, 0] - 0.5 * mean[:, 1] + 0.5 * rng.normal(size=clusters)
    return units * own + np.sqrt(units) * rng.normal(size=clusters), units, x


def moments_of(of: Sums) -> Moments:
    totals, units, x = of
    return linearised(np.column_stack([totals, units]), units, x)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seed", range(3))
def test_nested_clusters_agree_with_least_squares_of_statsmodels_on_linear_forms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worlds = nested_world(rng, 40, 0.0), nested_world(rng, 55, 1.0)

    found = nested_adjusted(*(moments_of(each) for each in worlds), covariates=2)

    means = [x.sum(axis=0) / units.sum() for _, units, x in worlds]
    common = (40 * means[0] + 55 * means[1]) / 95
    levels, variances, slopes, products = [], [], [], np.zeros((2, 2))
    for (totals, units, x), mean in zip(worlds, means, strict=True):
        level = totals.sum() / units.sum()
        outcome, forms = (totals - level * units) / units.mean(), (x - np.outer(units, mean)) / units.mean()
        fit = sm.OLS(outcome, sm.add_constant(forms)).fit()
        read = fit.get_prediction(np.concatenate([[1.0], common - mean])[None])
        levels.append(level + read.predicted_mean[0])
        variances.append(read.se_mean[0] ** 2)
        slopes.append(fit.params[1:])
        products += forms.T @ forms
    shared = products / 93 / 95
    apart = slopes[1] - slopes[0]
    ours = known(difference(found.control, found.treatment, level=0.95))
    assert found.used.tolist() == [2]
    assert [found.control.value[0], found.treatment.value[0]] == pytest.approx(levels, rel=1e-10)
    assert ours.stderr**2 == pytest.approx(sum(variances) + apart @ shared @ apart, rel=1e-9)
    # Satterthwaite 1946, with three coefficients in each variant
    dof = sum(variances) ** 2 / (variances[0] ** 2 / 37 + variances[1] ** 2 / 52)
    assert ours.dof == pytest.approx(dof, rel=1e-9)
    assert found.reduction[0] > 0.7


def test_clusters_of_one_unit_are_the_estimator_of_lin() -> None:
    rng = np.random.default_rng(21)
    x = rng.normal(size=(90, 1))
    y = 2 * x[:, 0] + rng.normal(size=90)
    sides = slice(0, 40), slice(40, 90)

    found = nested_adjusted(
        *(moments_of((y[each], np.ones(len(y[each])), x[each])) for each in sides), covariates=1
    )

    theirs = adjusted(*(Moments.of(np.column_stack([y, x])[each]) for each in sides), covariates=1)
    ours = known(difference(found.control, found.treatment, level=0.95))
    lin = known(difference(theirs.control, theirs.treatment, level=0.95))
    assert (ours.effect, ours.stderr, ours.dof) == pytest.approx((lin.effect, lin.stderr, lin.dof), rel=1e-9)


def test_a_variant_without_units_has_no_covariate_mean() -> None:
    nobody = linearised(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)))
    some = moments_of(nested_world(np.random.default_rng(22), 30, 0.0))

    found = nested_adjusted(nobody, some, covariates=2)

    assert found.used.tolist() == [0]
    assert difference(found.control, found.treatment, level=0.95).cell(0) == Unknown(Why.NO_UNITS)


RUNS = 600


def assert_covers(found: Estimates, truth: float) -> None:
    """Inside a binomial band of 99.99 %, as in test_calibration."""
    low, high = stats.binom.interval(0.9999, RUNS, 0.95)
    assert not found.why.any()
    assert low <= np.sum((found.low <= truth) & (truth <= found.high)) <= high


def test_intervals_cover_where_clusters_hold_one_variant() -> None:
    rng = np.random.default_rng(31)
    sides = [
        Moments.stacked([moments_of(nested_world(rng, clusters, effect)) for _ in range(RUNS)])
        for clusters, effect in ((30, 0.0), (40, 1.0))
    ]

    found = nested_adjusted(*sides, covariates=2)

    assert_covers(difference(found.control, found.treatment, level=0.95), 1.0)
    assert_covers(lift(found.control, found.treatment, level=0.95), 0.1)


def test_intervals_cover_where_clusters_hold_both_variants_and_slopes_differ_within_and_between() -> None:
    rng = np.random.default_rng(32)
    runs = []
    for _ in range(RUNS):
        cluster = np.repeat(np.arange(40), rng.integers(4, 14, 40))
        variant = rng.integers(0, 2, len(cluster))
        between, within = rng.normal(size=40)[cluster], rng.normal(size=len(cluster))
        # the covariate says of clusters what it does not say of units, and of treated ones more
        y = 20 + variant + 2 * variant * between + within + rng.normal(size=len(cluster))
        runs.append(read((cluster, variant, y, (between + within)[:, None])))

    found = [joined([each.control for each in runs]), joined([each.treatment for each in runs])]

    assert all(each.used[0] == 1 for each in runs)
    assert_covers(difference(*found, level=0.95), 1.0)
    assert_covers(lift(*found, level=0.95), 0.05)
