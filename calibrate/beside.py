"""Clusters with what was known of their units before: methods that adjust over clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibrate.crowds import Crowd, sized, told
from calibrate.figures import Part, covered, fixed
from calibrate.once import EFFECT
from splitrun.infer.adjustment import Adjusted
from splitrun.infer.clusters import crossed, nested
from splitrun.infer.clusters_adjusted import crossed_adjusted, linearised, nested_adjusted
from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Estimates, Points
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = ["ALIKE", "Likeness", "nested_beside", "within_beside"]

SLOPES = (0.8, 1.0)
"""Of the metric on the covariate, in control and in treatment."""
CONTEXT = 0.5
"""Of the metric on the covariate's mean in the cluster, besides."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How clusters differ whatever the covariate says."""

    own: float
    """Standard deviation of the clusters' own part; units have 1."""


ALIKE = {"normal": Likeness(0.5), "clustered": Likeness(1.0)}
"""Worlds of normal values, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What units of a cluster have in common, shape (runs, clusters)."""

    own: FloatArray
    x: FloatArray


def shared(rng: np.random.Generator, likeness: Likeness, shape: tuple[int, int]) -> Shared:
    """Draw what clusters have in common; the mean of x is 0."""
    return Shared(likeness.own * rng.standard_normal(shape), rng.standard_normal(shape))


def drawn(rng: np.random.Generator, units: IntArray, common: Shared, side: int, effect: float) -> Moments:
    """Moments of (value, covariate) over the units of clusters, cluster after cluster, run after run.

    Args:
        rng: The dice.
        units: Of every cluster, shape (runs, clusters); may be 0.
        common: What each has in common.
        side: Control (0) or treatment (1), which have slopes of their own.
        effect: How much larger the mean is than 10, as a part of it.
    """
    n, slope = units.astype(np.float64), SLOPES[side]
    scale = np.where(units > 0, 1 / np.sqrt(np.maximum(n, 1)), 0.0)
    away, noise = (scale * rng.standard_normal(n.shape) for _ in range(2))
    # Bartlett: the products of so many normal pairs around their means
    first, second = (root(rng, units - less) for less in (1, 2))
    lean = np.where(units > 1, rng.standard_normal(n.shape), 0.0)
    xx, xe, ee = first**2, first * lean, lean**2 + second**2
    x = common.x + away
    y = 10 * (1 + effect) + slope * x + CONTEXT * common.x + common.own + noise
    xy, yy = slope * xx + xe, slope**2 * xx + 2 * slope * xe + ee
    m2 = np.stack([np.stack([yy, xy], axis=2), np.stack([xy, xx], axis=2)], axis=3)
    mean = np.where(units[:, :, None] > 0, np.stack([y, x], axis=2), 0.0)
    return Moments(n.ravel(), mean.reshape(-1, 2), m2.reshape(-1, 2, 2))


def root(rng: np.random.Generator, dof: IntArray) -> FloatArray:
    """Roots of chi-squares; 0 without degrees of freedom."""
    return np.where(dof > 0, np.sqrt(rng.chisquare(np.maximum(dof, 1))), 0.0)


def nested_beside(
    rng: np.random.Generator, place: tuple[str, Crowd], runs: int, clusters: tuple[int, int]
) -> Part:
    """Clusters of one variant, adjusted."""
    world, crowd = place
    control = whole(rng, (world, crowd), (runs, clusters[0]), 0, 0.0)
    treatment = whole(rng, (world, crowd), (runs, clusters[1]), 1, 0.0)
    better = whole(rng, (world, crowd), (runs // 5, clusters[1]), 1, EFFECT)
    null = compared(control, treatment)
    some = compared((control[0].at(np.arange(runs // 5)), control[1][: runs // 5]), better)
    held = covered(difference(some.control, some.treatment, level=0.95), EFFECT * 10)
    shown = difference(null.control, null.treatment, level=0.95)
    return Part("clusters of one variant, adjusted", (*fixed(shown.p), held), clusters, 0.0)


def compared(control: tuple[Moments, FloatArray], treatment: tuple[Moments, FloatArray]) -> Adjusted:
    """Both levels adjusted; what uneven sizes leave of the degrees of freedom stands beside the moments."""
    before = [
        nested(Moments(each.n, each.mean[:, :2], each.m2[:, :2, :2]), dof=dof)
        for each, dof in (control, treatment)
    ]
    return nested_adjusted(control[0], treatment[0], covariates=1, before=(before[0], before[1]))


def whole(
    rng: np.random.Generator, place: tuple[str, Crowd], shape: tuple[int, int], side: int, effect: float
) -> tuple[Moments, FloatArray]:
    """Linear forms over clusters of one variant, and degrees of freedom, one cell for each run."""
    world, crowd = place
    units = sized(rng, crowd, crowd.alone, shape)
    held = drawn(rng, units, shared(rng, ALIKE[world], shape), side, effect)
    sums = (held.n[:, None] * held.mean).reshape(*shape, 2)
    n = units.astype(np.float64)
    squares = (held.m2[:, 0, 0] + held.n * held.mean[:, 0] ** 2).reshape(shape).sum(axis=1)
    found = Moments.stacked(
        [
            linearised(np.stack([total[:, 0], own], axis=1), own, total[:, 1:])
            for total, own in zip(sums, n, strict=True)
        ]
    )
    return found, told(n, sums[:, :, 0], squares)


def within_beside(
    rng: np.random.Generator, place: tuple[str, Crowd], runs: int, clusters: int, share: float
) -> Part:
    """Clusters that hold both variants, adjusted, with the variance CR2."""
    null = both(rng, place, (runs, clusters), share, 0.0)
    held = covered(both(rng, place, (runs // 5, clusters), share, EFFECT), EFFECT * 10)
    n = clusters * place[1].both * (1 - share), clusters * place[1].both * share
    return Part("clusters of both variants, adjusted (CR2)", (*fixed(null.p), held), n, 0.0)


def both(
    rng: np.random.Generator, place: tuple[str, Crowd], shape: tuple[int, int], share: float, effect: float
) -> Estimates:
    """The difference in every run."""
    world, crowd = place
    size = sized(rng, crowd, crowd.both, shape)
    treated = rng.binomial(size, share)
    common = shared(rng, ALIKE[world], shape)
    sides = [drawn(rng, size - treated, common, 0, 0.0), drawn(rng, treated, common, 1, effect)]
    found = []
    for run in range(shape[0]):
        rows = np.arange(run * shape[1], (run + 1) * shape[1])
        parts = [each.at(rows) for each in sides]
        units = np.stack([each.n for each in parts], axis=1)
        totals = units * np.stack([each.mean[:, 0] for each in parts], axis=1)
        before = crossed(units[None], totals[None])
        found.append(crossed_adjusted(parts[0], parts[1], covariates=1, before=before))
    return difference(
        gathered([each.control for each in found]), gathered([each.treatment for each in found]), level=0.95
    )


def gathered(points: list[Points]) -> Points:
    """Points of one cell each, one after another."""
    value, variance, dof, n, why = (
        np.concatenate([getattr(each, name) for each in points])
        for name in ("value", "variance", "dof", "n", "why")
    )
    lean = [np.zeros((1, 1)) if each.shared is None else each.shared for each in points]
    return Points(value, variance, dof, n, why.astype(np.int64), np.concatenate(lean))
