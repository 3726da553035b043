"""Worlds of clusters whose units are alike: totals of clusters that hold one variant, or both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calibrate.worlds import capped, powers_of, spend
from splitrun.moments import FloatArray, IntArray, Moments, moved

__all__ = ["CROWDS", "Crowd", "divided", "whole"]

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


def whole(rng: np.random.Generator, crowd: Crowd, shape: tuple[int, int], *, effect: float = 0.0) -> Moments:
    """Clusters of one variant: moments of total and units over clusters, one cell for each run.

    Args:
        rng: The dice.
        crowd: Which world.
        shape: Runs and clusters.
        effect: How much larger the mean is than control's, as a part of it.
    """
    step = max(1, 2_000_000 // (shape[1] * (1 + crowd.alone // 20)))
    parts = []
    for at in range(0, shape[0], step):
        runs = (min(step, shape[0] - at), shape[1])
        units = sized(rng, crowd, crowd.alone, runs)
        total = crowd.totals(rng, units, rng.standard_normal(runs), effect)
        parts.append(summed(total, units.astype(np.float64)))
    return Moments.stacked(parts)


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
    """Units of clusters: all the same, or between a quarter of the mean and 1.75 times it."""
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
    "normal": Crowd(10.0, 20, 100, uneven=False, totals=normal),
    "rare share": Crowd(0.01, 2000, 10_000, uneven=False, totals=converted),
    "skewed": Crowd(0.0824, 100, 1000, uneven=False, totals=spent),
    "capped": Crowd(0.0820, 100, 1000, uneven=False, totals=spent_capped),
    "ratio": Crowd(5.0, 4, 100, uneven=True, totals=minutes),
    "clustered": Crowd(10.0, 16, 100, uneven=True, totals=tighter),
}
