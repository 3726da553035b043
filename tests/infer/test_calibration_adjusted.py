"""Coverage of adjusted, clustered and quantile effects on worlds with known truth; seeds fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.adjustment import adjusted, stratified
from splitrun.infer.clusters import crossed, nested
from splitrun.infer.contrast import beyond, difference, lift
from splitrun.infer.estimate import Estimates, Points
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.moments import FloatArray, Moments
from tests.infer.test_calibration import assert_covers
from tests.infer.worlds import cells_of

RUNS = 2_000


def visits(rng: np.random.Generator, units: int, slope: float) -> FloatArray:
    """A skewed metric and what is known from before, shape (runs, units, 2); slopes differ by variant."""
    x = rng.gamma(2.0, 1.0, size=(RUNS, units))
    return np.stack([6 + slope * x + rng.exponential(2.0, size=x.shape), x], axis=2)


@pytest.mark.requirement("R26", "R37")
@pytest.mark.parametrize("slopes", [(2.0, 2.0), (0.0, 3.0), (-1.0, 1.0)])
def test_adjusted_intervals_cover_the_truth_as_often_as_they_claim(slopes: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    control, treatment = (
        cells_of(visits(rng, units, slope)) for units, slope in zip((150, 250), slopes, strict=True)
    )

    found = adjusted(control, treatment, covariates=1)

    # mean of x is 2, of the noise 2
    of_control, of_treatment = (8 + 2 * slope for slope in slopes)
    points = found.control, found.treatment
    assert_covers(difference(*points, level=0.95), of_treatment - of_control, 0.95)
    assert_covers(lift(*points, level=0.95), of_treatment / of_control - 1, 0.95)
    contrast = beyond(*points, factor=0.9, shift=0.5, level=0.95)
    assert_covers(contrast, of_treatment - 0.9 * of_control - 0.5, 0.95)


def test_without_what_is_shared_opposite_slopes_would_not_cover() -> None:
    rng = np.random.default_rng(2)
    control, treatment = (cells_of(visits(rng, 200, slope)) for slope in (-4.0, 4.0))
    found = adjusted(control, treatment, covariates=1)

    alone = [
        Points(each.value, each.variance, each.dof, each.n, each.why)
        for each in (found.control, found.treatment)
    ]

    bare = difference(alone[0], alone[1], level=0.95)
    hits = np.sum((bare.low <= 16) & (bare.high >= 16))
    assert hits < stats.binom.interval(0.9999, RUNS, 0.95)[0]
    assert_covers(difference(found.control, found.treatment, level=0.95), 16.0, 0.95)


def test_several_covariates_cost_no_coverage_with_few_units() -> None:
    rng = np.random.default_rng(3)
    control, treatment = (
        cells_of(
            np.concatenate([rng.normal(size=(RUNS, units, 1)), rng.normal(size=(RUNS, units, 4))], axis=2)
        )
        for units in (40, 45)
    )

    found = adjusted(control, treatment, covariates=4)

    assert np.all(found.used == 4)
    assert_covers(difference(found.control, found.treatment, level=0.95), 0.0, 0.95)


def test_the_interval_of_an_adjusted_ratio_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(4)
    variants = []
    for units, rate in ((300, 0.30), (250, 0.33)):
        activity = rng.gamma(4.0, 1.0, size=(RUNS, units))
        sessions = 1 + rng.poisson(activity)
        own = np.clip(rate + 0.03 * (activity - 4), 0.01, 0.9)
        variants.append(cells_of(np.stack([rng.binomial(sessions, own), sessions, activity], axis=2) * 1.0))
    truth = [rated(rate) for rate in (0.30, 0.33)]

    found = adjusted(variants[0], variants[1], covariates=1)

    assert_covers(difference(found.control, found.treatment, level=0.95), truth[1] - truth[0], 0.95)
    assert_covers(lift(found.control, found.treatment, level=0.95), truth[1] / truth[0] - 1, 0.95)
    assert np.mean(found.reduction) > 0.05


def rated(rate: float) -> float:
    """Clicks over sessions in the world above, by quadrature over activity."""
    quantiles = (np.arange(1_000_000) + 0.5) / 1_000_000
    activity = stats.gamma.ppf(quantiles, 4.0)
    own = np.clip(rate + 0.03 * (activity - 4), 0.01, 0.9)
    return float(np.sum(own * (1 + activity)) / np.sum(1 + activity))


def test_the_interval_over_strata_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(5)
    levels, effects, chances = np.array([0.0, 5, 20]), np.array([1.0, 2, -1]), [0.6, 0.3, 0.1]
    parts: list[list[Moments]] = []
    for variant in range(2):
        stratum = rng.choice(3, size=(RUNS, 600), p=chances)
        value = (levels + variant * effects)[stratum] + rng.normal(size=stratum.shape) * (1 + stratum)
        parts.append([masked(value, stratum == each) for each in range(3)])

    found = adjusted(*stratified(parts[0], parts[1], smallest=20), covariates=3)

    assert_covers(difference(found.control, found.treatment, level=0.95), float(effects @ chances), 0.95)
    assert np.mean(found.reduction) > 0.8


def masked(values: FloatArray, held: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Moments:
    n = held.sum(axis=1).astype(np.float64)
    mean = np.sum(values * held, axis=1) / n
    m2 = np.sum(((values - mean[:, None]) * held) ** 2, axis=1)
    return Moments(n, mean[:, None], m2[:, None, None])


@pytest.mark.parametrize("clusters", [12, 60])
def test_clusters_of_one_variant_cover_the_truth_as_often_as_they_claim(clusters: int) -> None:
    rng = np.random.default_rng(6)
    points = []
    for effect in (0.0, 0.5):
        size = 1.0 + rng.poisson(8, size=(RUNS, clusters))
        mean = effect + rng.normal(size=size.shape) + rng.normal(size=size.shape) * 2 / np.sqrt(size)
        points.append(nested(cells_of(np.stack([size * mean, size], axis=2))))

    assert_covers(difference(points[0], points[1], level=0.95), 0.5, 0.95)


def test_clusters_of_both_variants_cover_the_truth_as_often_as_they_claim() -> None:
    rng = np.random.default_rng(7)
    clusters = 14
    units = rng.poisson(6, size=(RUNS, clusters, 2)).astype(np.float64)
    own = rng.normal(size=(RUNS, clusters, 1)) + 0.5 * rng.normal(size=(RUNS, clusters, 2))
    noise = rng.normal(size=units.shape) * np.sqrt(units)

    points = crossed(units, units * (own + np.array([10.0, 12.0])) + noise)

    assert_covers(difference(*points, level=0.95), 2.0, 0.95)
    assert_covers(lift(*points, level=0.95), 0.2, 0.95)
    assert_covers(beyond(*points, factor=0.9, shift=0.0, level=0.95), 3.0, 0.95)


QUANTILE_RUNS = 600


@pytest.mark.parametrize(("at", "units"), [(0.5, 200), (0.9, 400)])
def test_the_interval_of_a_quantile_of_events_covers_the_truth_as_often_as_it_claims(
    at: float, units: int
) -> None:
    rng = np.random.default_rng(8)
    found = difference(events(rng, units, at, 1.0), events(rng, units, at, 1.1), level=0.95)

    # of a log-normal with the variances of units and events together
    truth = 0.1 * np.exp(stats.norm.ppf(at) * np.hypot(0.5, 0.5))
    assert_quantiles_cover(found, float(truth))


def events(rng: np.random.Generator, units: int, at: float, scale: float) -> Points:
    """Quantile of events, five of each unit, that are alike within units."""
    own = rng.normal(size=(QUANTILE_RUNS, units, 1)) * 0.5
    values = scale * np.exp(own + 0.5 * rng.normal(size=(QUANTILE_RUNS, units, 5)))
    whole = np.sort(values.reshape(QUANTILE_RUNS, -1), axis=1)
    q = read(whole, np.full(QUANTILE_RUNS, at))
    counts = np.stack([np.sum(values <= q[:, None, None], axis=2), np.full(own.shape[:2], 5)], axis=2) * 1.0
    shares = probabilities(cells_of(counts), at)
    return quantile_points(q, read(whole, shares.low), read(whole, shares.high), shares)


def read(whole: FloatArray, at: FloatArray) -> FloatArray:
    """The smallest value with at least this share of values up to it."""
    index = np.ceil(at * whole.shape[1]).astype(np.int64) - 1
    return np.asarray(np.take_along_axis(whole, index[:, None], axis=1)[:, 0])


def assert_quantiles_cover(found: Estimates, truth: float) -> None:
    assert not found.why.any()
    hits = int(np.sum((found.low <= truth) & (truth <= found.high)))
    low, high = stats.binom.interval(0.9999, QUANTILE_RUNS, 0.95)
    assert low <= hits <= high
