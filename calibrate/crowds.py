"""Worlds of clusters whose units are alike: totals of clusters that hold one variant, or both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calibrate.worlds import capped, powers_of, spend
from splitrun.infer.clusters_uneven import uneven_dof
from splitrun.moments import FloatArray, IntArray, Moments, moved

__all__ = ["CROWDS", "Crowd", "divided", "sized", "told", "whole"]

Totals = Callable[[np.random.Generator, IntArray, FloatArray, float], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """How clusters are drawn."""

    mean: float
    """Per unit in control."""
    alone: int
    """Mean units of a cluster that holds one variant."""
    both: int
    """Mean units of a cluster that holds both."""
    uneven: bool
    """Whether clusters differ in size."""
    totals: Totals
    """Totals of clusters, from their units, how each cluster differs (a normal number) and the effect."""
    noise: float = 0.0
    """Standard deviation of units within a cluster; nothing hangs on it where clusters are of one size."""
    spread: float = 0.0
    """Of log-normal sizes, the standard deviation of their logarithm; 0: as `uneven` says."""


def whole(
    rng: np.random.Generator, crowd: Crowd, shape: tuple[int, int], *, effect: float = 0.0
) -> tuple[Moments, FloatArray]:
    """Clusters of one variant: moments of total and units over clusters, and degrees of freedom, by run.

    Args:
        rng: The dice.
        crowd: Which world.
        shape: Runs and clusters.
        effect: How much larger the mean is than control's, as a part of it.
    """
    step = max(1, 2_000_000 // (shape[1] * (1 + crowd.alone // 20)))
    parts, dof = [], []
    for at in range(0, shape[0], step):
        runs = (min(step, shape[0] - at), shape[1])
        units = sized(rng, crowd, crowd.alone, runs)
        total, n = crowd.totals(rng, units, rng.standard_normal(runs), effect), units.astype(np.float64)
        # Cochran: around its mean a cluster has so many squares of normal values
        within = crowd.noise**2 * rng.chisquare(np.maximum(n - 1, 1)) * (n > 1)
        parts.append(summed(total, n))
        dof.append(told(n, total, (within + total**2 / n).sum(axis=1)))
    return Moments.stacked(parts), np.concatenate(dof)


def told(units: FloatArray, totals: FloatArray, squares: FloatArray) -> FloatArray:
    """Degrees of freedom of a mean over clusters as the product has them, shape (runs,).

    Args:
        units: Of every cluster, shape (runs, clusters).
        totals: Same shape.
        squares: Of all units, shape (runs,).
    """
    n, whole = units.sum(axis=1), totals.sum(axis=1)
    mean = whole / n
    left = squares - 2 * mean * whole + mean**2 * n
    return uneven_dof(units, totals - mean[:, None] * units, left)


def divided(
    rng: np.random.Generator, crowd: Crowd, shape: tuple[int, int], share: float, *, effect: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Clusters that hold both variants: units and totals, shape (runs, clusters, 2).

    Units are randomised within clusters, which also differ in how treatment works on them.

    Args:
        rng: The dice.
        crowd: Which world.
        shape: Runs and clusters.
        share: Of units in treatment.
        effect: How much larger the mean is than control's, as a part of it.
    """
    size = sized(rng, crowd, crowd.both, shape)
    treated = rng.binomial(size, share)
    units = np.stack([size - treated, treated], axis=2)
    own = rng.standard_normal(shape)
    sides = [own, 0.95 * own + 0.31 * rng.standard_normal(shape)]
    totals = [crowd.totals(rng, units[:, :, each], sides[each], each * effect) for each in range(2)]
    return units.astype(np.float64), np.stack(totals, axis=2)


def sized(rng: np.random.Generator, crowd: Crowd, mean: int, shape: tuple[int, int]) -> IntArray:
    """Units of clusters: all the same, log-normal, or between a quarter of the mean and 1.75 times it."""
    if crowd.spread > 0:
        drawn = mean * np.exp(crowd.spread * rng.standard_normal(shape) - crowd.spread**2 / 2)
        return np.asarray(np.maximum(np.rint(drawn), 1), dtype=np.int64)
    if not crowd.uneven:
        return np.full(shape, mean)
    return rng.integers(mean // 4, 2 * mean - mean // 4 + 1, size=shape)


def summed(total: FloatArray, units: FloatArray) -> Moments:
    """Moments over clusters, shape (runs, clusters) in, one cell for each run out."""
    own = np.stack([total, units], axis=2)
    products = np.einsum("rgi,rgj->rij", own, own)
    n = np.full(len(own), float(own.shape[1]))
    found = Moments.from_sums(n, own.sum(axis=1), products, np.einsum("rg,rg,rg->r", total, total, total))
    thirds = [
        np.einsum("rg,rg,rg->r", *each)
        for each in ((total, total, units), (total, units, units), (units, units, units))
    ]
    around = replace(found, mixed=np.stack(thirds, axis=1))
    mixed = moved(around, -found.mean[:, 0], -found.mean[:, 1])
    return replace(found, mixed=np.stack(mixed, axis=1))


def normal(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """A normal metric, intraclass correlation 0.2."""
    noise = np.sqrt(units) * rng.standard_normal(units.shape)
    return units * (10 * (1 + effect) + 0.5 * own) + noise


def tighter(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """The same, intraclass correlation 0.5."""
    noise = np.sqrt(units) * rng.standard_normal(units.shape)
    return units * (10 * (1 + effect) + own) + noise


def minutes(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """Minutes per session, where units are sessions and clusters are who has them."""
    noise = 2 * np.sqrt(units) * rng.standard_normal(units.shape)
    return units * (5 * (1 + effect) + 0.8 * own) + noise


def having(rng: np.random.Generator, units: IntArray, own: FloatArray, rate: float) -> IntArray:
    """How many units have a value; clusters differ by a fifth in how likely that is."""
    return rng.binomial(units, rate * np.exp(0.2 * own - 0.02))


def converted(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """1 % convert."""
    return having(rng, units, own, 0.01 * (1 + effect)).astype(np.float64)


def spent(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """5 % spend."""
    return powers_of(rng, spend, having(rng, units, own, 0.05 * (1 + effect)))[0]


def spent_capped(rng: np.random.Generator, units: IntArray, own: FloatArray, effect: float) -> FloatArray:
    """5 % spend, capped."""
    return powers_of(rng, capped, having(rng, units, own, 0.05 * (1 + effect)))[0]


CROWDS: dict[str, Crowd] = {
    "normal": Crowd(10.0, 20, 100, uneven=False, totals=normal, noise=1.0),
    "rare share": Crowd(0.01, 2000, 10_000, uneven=False, totals=converted),
    "skewed": Crowd(0.0824, 100, 1000, uneven=False, totals=spent),
    "capped": Crowd(0.0820, 100, 1000, uneven=False, totals=spent_capped),
    "ratio": Crowd(5.0, 4, 100, uneven=True, totals=minutes, noise=2.0),
    "clustered": Crowd(10.0, 16, 100, uneven=True, totals=tighter, noise=1.0),
}
