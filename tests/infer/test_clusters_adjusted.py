from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.linalg import fractional_matrix_power

from splitrun.infer.adjustment import Adjusted
from splitrun.infer.clusters import crossed
from splitrun.infer.clusters_adjusted import crossed_adjusted, linearised, nested_adjusted
from splitrun.infer.contrast import difference, lift
from splitrun.infer.estimate import Unknown, Why
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
        root = np.real(fractional_matrix_power(left[np.ix_(own, own)], -0.5))
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
