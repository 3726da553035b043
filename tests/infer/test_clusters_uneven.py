"""Degrees of freedom where clusters differ in size; seeds fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.adjustment import Adjusted
from splitrun.infer.clusters import nested
from splitrun.infer.clusters_adjusted import linearised, nested_adjusted
from splitrun.infer.clusters_uneven import effective, uneven_dof
from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Estimates, Points
from splitrun.moments import FloatArray, Moments


def by_matrices(units: FloatArray, alike: float) -> float:
    """tr(M)² / tr(M²) of whole matrices, as Imbens, Kolesár 2016 write it, for one variant's mean."""
    hats = np.eye(len(units)) - np.outer(units / units.sum(), np.ones(len(units)))
    vary = np.diag(units * (1 - alike) + units**2 * alike)
    found = hats @ vary @ hats.T
    return float(np.trace(found) ** 2 / np.sum(found**2))


@pytest.mark.parametrize("alike", [0.0, 1.0])
def test_degrees_of_freedom_are_those_of_whole_matrices(alike: float) -> None:
    rng = np.random.default_rng(1)
    units = rng.integers(1, 40, size=(1, 15)).astype(np.float64)
    errors = units * rng.normal(size=units.shape)

    # no spread within clusters: they are wholly alike; none between: not at all
    found = uneven_dof(units, errors * alike, np.array([np.sum(errors**2 / units)]))

    assert found[0] == pytest.approx(by_matrices(units[0], alike), rel=1e-9)


def test_likeness_between_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(2)
    units = rng.integers(2, 30, size=12)
    cluster = np.repeat(np.arange(12), units)
    value = rng.normal(size=12)[cluster] + 2 * rng.normal(size=len(cluster))
    away = value - value.mean()

    found = uneven_dof(
        units[None].astype(np.float64),
        np.bincount(cluster, away)[None].astype(np.float64),
        np.array([np.sum(away**2)]),
    )

    # Donner 1986: (F - 1) / (F - 1 + m0), m0 the mean size less what sizes differ by
    f = float(stats.f_oneway(*(value[cluster == each] for each in range(12))).statistic)
    mean_size = (units.sum() - np.sum(units**2) / units.sum()) / 11
    assert found[0] == pytest.approx(
        by_matrices(units.astype(np.float64), (f - 1) / (f - 1 + mean_size)), rel=1e-9
    )


def test_clusters_of_one_size_have_one_less_than_their_number() -> None:
    rng = np.random.default_rng(3)
    units, errors = np.full((1, 9), 4.0), rng.normal(size=(1, 9))

    found = uneven_dof(np.pad(units, ((0, 0), (0, 3))), np.pad(errors, ((0, 0), (0, 3))), np.array([30.0]))

    assert found[0] == pytest.approx(8.0)
    assert effective(units)[0] == 9.0


def test_clusters_of_one_unit_each_and_of_nothing_that_varies_are_not_alike() -> None:
    units = np.array([[1.0, 1, 1, 1], [4.0, 4, 4, 4]])

    found = uneven_dof(units, np.array([[1.0, -1, 1, -1], [0.0, 0, 0, 0]]), np.array([4.0, 0.0]))

    assert found.tolist() == pytest.approx([3.0, 3.0])


def test_as_many_clusters_as_kish_counts() -> None:
    # (200 + 4)² / (200² + 4), hand arithmetic
    assert effective(np.array([[1.0, 1, 1, 1, 200], [0, 0, 0, 0, 0]])) == pytest.approx([41_616 / 40_004, 0])


RUNS = 4_000
Drawn = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Units, totals, totals of a covariate, of shape (runs, clusters); sum of squares of units, shape (runs,)."""


def lopsided(rng: np.random.Generator, clusters: int, alike: float) -> Drawn:
    """Clusters whose sizes are log-normal, the logarithm's standard deviation being 1."""
    units = np.maximum(1.0, np.round(20 * np.exp(rng.normal(size=(RUNS, clusters)) - 0.5)))
    x = rng.normal(size=units.shape)
    own = np.sqrt(alike) * rng.normal(size=units.shape)
    noise = np.sqrt(units * (1 - alike)) * rng.normal(size=units.shape)
    within = np.where(units > 1, (1 - alike) * rng.chisquare(np.maximum(units - 1, 1)), 0.0)
    totals = units * (own + 0.5 * x) + noise
    error = totals - totals.sum(axis=1, keepdims=True) / units.sum(axis=1, keepdims=True) * units
    return units, totals, units * x, within.sum(axis=1) + np.sum(error**2 / units, axis=1)


def levels(drawn: Drawn) -> Points:
    units, totals, _, squares = drawn
    error = totals - totals.sum(axis=1, keepdims=True) / units.sum(axis=1, keepdims=True) * units
    cells = Moments.stacked([Moments.of(np.stack(each, axis=1)) for each in zip(totals, units, strict=True)])
    return nested(cells, dof=uneven_dof(units, error, squares))


def adjusted(sides: list[Drawn], before: list[Points]) -> Adjusted:
    cells = [
        Moments.stacked(
            [
                linearised(np.stack([total, n], axis=1), n, x[:, None])
                for n, total, x in zip(units, totals, known, strict=True)
            ]
        )
        for units, totals, known, _ in sides
    ]
    return nested_adjusted(cells[0], cells[1], covariates=1, before=(before[0], before[1]))


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("clusters", "alike"), [(30, 0.02), (30, 0.3), (60, 0.3)])
def test_lopsided_clusters_alarm_no_more_often_than_they_claim(clusters: int, alike: float) -> None:
    rng = np.random.default_rng([26, clusters])
    sides = [lopsided(rng, clusters, alike) for _ in range(2)]

    before = [levels(side) for side in sides]
    found = difference(before[0], before[1], level=0.95)
    beside = adjusted(sides, before)

    shown = difference(beside.control, beside.treatment, level=0.95)
    # clusters - 1 degrees of freedom: 7.1 to 7.9 %, adjusted 7.8 to 8.7 %; one standard error is 0.34 %
    assert alarms(found) < 0.058
    assert alarms(shown) < 0.062


def alarms(found: Estimates) -> float:
    """How often there is a difference, of all cells that have a number."""
    return float(np.mean(found.p[found.why == 0] < 0.05))
