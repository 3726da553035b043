"""Quantiles where clusters and not units are independent; seeds fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Estimates, Points, Unknown, Why
from splitrun.infer.quantiles import correlation, probabilities, quantile_points, together
from splitrun.moments import FloatArray, IntArray, Moments
from tests.infer.worlds import known

Rows = tuple[IntArray, IntArray, FloatArray]
"""Cluster, variant (0 or 1) and value."""


def world(rng: np.random.Generator, clusters: int, *, crossing: bool, effect: float = 0.0) -> Rows:
    """Log-normal values, alike within clusters, some more in some clusters than in others."""
    cluster = np.repeat(np.arange(clusters), rng.integers(4, 40, clusters))
    own = rng.normal(0, 0.5, clusters)
    variant = rng.integers(0, 2, len(cluster)) if crossing else (cluster % 2)
    noise = rng.normal(0, 0.5, len(cluster))
    return cluster, variant, np.exp(3 + own[cluster] + effect * variant + noise)


def counts(rows: Rows, q: list[float], clusters: int) -> FloatArray:
    """Values up to q and all values of every cluster and variant, shape (clusters, 2, 2)."""
    cluster, variant, value = rows
    place = cluster * 2 + variant
    inside = value <= np.array(q)[variant]
    return np.stack(
        [
            np.bincount(place, weights=inside, minlength=2 * clusters).reshape(clusters, 2),
            np.bincount(place, minlength=2 * clusters).reshape(clusters, 2),
        ],
        axis=2,
    ).astype(np.float64)


def read(rows: Rows, at: float, clusters: int) -> tuple[Points, Points]:
    _, variant, value = rows
    sides = [value[variant == side] for side in (0, 1)]
    q = [float(np.quantile(side, at, method="inverted_cdf")) for side in sides]
    table = counts(rows, q, clusters)
    held = [Moments.of(table[table[:, side, 1] > 0, side]) for side in (0, 1)]
    points = []
    for side, moments, centre in zip(sides, held, q, strict=True):
        shares = probabilities(moments, at, clustered=True)
        low, high = np.quantile(side, [shares.low[0], shares.high[0]], method="inverted_cdf")
        points.append(quantile_points(np.array([centre]), np.array([low]), np.array([high]), shares))
    products = np.einsum("gi,gj->ij", table[:, 0], table[:, 1])[None]
    return together(points[0], points[1], correlation(held[0], held[1], products))


def bootstrapped(rows: Rows, at: float, clusters: int, rng: np.random.Generator) -> float:
    """Standard deviation of the difference over whole clusters drawn again."""
    cluster, variant, value = rows
    members = [np.flatnonzero(cluster == each) for each in range(clusters)]
    found = []
    for _ in range(400):
        drawn = np.concatenate([members[each] for each in rng.integers(0, clusters, clusters)])
        q = [np.quantile(value[drawn][variant[drawn] == side], at, method="inverted_cdf") for side in (0, 1)]
        found.append(q[1] - q[0])
    return float(np.std(found, ddof=1))


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("crossing", "at"), [(True, 0.5), (True, 0.9), (False, 0.5), (False, 0.9)])
def test_the_standard_error_is_that_of_a_bootstrap_over_clusters(crossing: bool, at: float) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    rng = np.random.default_rng(71)
    ours, theirs = [], []
    for _ in range(5):
        rows = world(rng, 400, crossing=crossing)
        ours.append(known(difference(*read(rows, at, 400), level=0.95)).stderr)
        theirs.append(bootstrapped(rows, at, 400, rng))

    # one bootstrap of 400 is off by 3.5 %, and Woodruff's spacing by more
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.1)


def test_what_clusters_share_makes_the_difference_surer() -> None:
    rows = world(np.random.default_rng(72), 120, crossing=True)

    control, treatment = read(rows, 0.5, 120)

    assert control.shared is not None
    apart = [
        Points(p.value, p.variance + p.shared[:, 0] ** 2, p.dof, p.n, p.why)
        for p in (control, treatment)
        if p.shared is not None
    ]
    alone = known(difference(apart[0], apart[1], level=0.95))
    assert known(difference(control, treatment, level=0.95)).stderr < 0.8 * alone.stderr


RUNS = 600


@pytest.mark.parametrize(("crossing", "at"), [(True, 0.5), (False, 0.8)])
def test_intervals_cover_the_truth_as_often_as_they_claim(crossing: bool, at: float) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    rng = np.random.default_rng(73)
    runs = [read(world(rng, 80, crossing=crossing, effect=0.1), at, 80) for _ in range(RUNS)]

    found = [difference(*each, level=0.95) for each in runs]

    truth = np.exp(3 + np.sqrt(0.5) * stats.norm.ppf(at)) * np.expm1(0.1)
    low, high = stats.binom.interval(0.9999, RUNS, 0.95)
    assert low <= sum(holds(each, float(truth)) for each in found) <= high


def holds(found: Estimates, truth: float) -> bool:
    estimate = known(found)
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


def test_few_clusters_leave_few_degrees_of_freedom() -> None:
    shares = probabilities(
        Moments.of(np.array([[50.0, 100], [45, 100], [55, 100], [52, 100]])), 0.5, clustered=True
    )

    points = quantile_points(np.array([10.0]), np.array([9.0]), np.array([11.0]), shares)

    # 2 z at (1 - at) / stderr independent values between the bounds, and 3 of clusters: 1 / (1 / b + 1 / 3)
    between = 2 * 1.959963984540054 * 0.25 / shares.stderr[0]
    assert points.dof[0] == pytest.approx(1 / (1 / between + 1 / 3))
    assert points.n[0] == 4


def test_one_cluster_says_that_there_are_too_few() -> None:
    shares = probabilities(Moments.of(np.array([[50.0, 100]])), 0.5, clustered=True)
    none = np.array([np.nan])

    points = quantile_points(np.array([10.0]), none, none, shares)

    assert points.value[0] == 10.0
    assert difference(points, points, level=0.95).cell(0) == Unknown(Why.FEW_CLUSTERS)


def test_clusters_without_spread_share_nothing() -> None:
    flat = Moments.of(np.array([[5.0, 10.0], [5.0, 10.0]]))

    assert correlation(flat, flat, np.full((1, 2, 2), 3.0)).tolist() == [0.0]


def test_clusters_of_sizes_that_differ_wildly_are_the_reason_themselves() -> None:
    shares = probabilities(
        Moments.of(np.array([[1.0, 1], [0, 1], [1, 1], [0, 1], [101, 200]])), 0.5, clustered=True
    )
    none = np.array([np.nan])

    points = quantile_points(np.array([10.0]), none, none, shares)

    assert points.value[0] == 10.0
    assert difference(points, points, level=0.95).cell(0) == Unknown(Why.LOPSIDED_CLUSTERS)


def test_uneven_clusters_leave_a_quantile_their_own_degrees_of_freedom() -> None:
    counts = np.array([[4.0, 8], [3, 10], [6, 9], [20, 40]])

    few, many = (
        probabilities(Moments.of(counts), 0.5, clustered=True, dof=dof) for dof in (np.array([1.5]), None)
    )

    assert (few.dof[0], many.dof[0]) == (1.5, 3.0)
    # the spread does not hang on them
    assert (few.low[0], few.high[0]) == (many.low[0], many.high[0])
