"""Clusters of log-normal sizes, few of which hold most units: what is left of methods over clusters there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibrate.alike import head, of_clusters, within_clusters
from calibrate.crowds import CROWDS, sized, told
from calibrate.figures import Part, bounds
from calibrate.once import EFFECT
from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Points
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = ["LOPSIDED", "PLACES", "lopsided"]

LOPSIDED = (
    "clusters of one variant, lopsided",
    "clusters of both variants (CR2), lopsided",
    "quantile over clusters, lopsided",
)
PLACES = tuple((f"log-sd {spread:g}", f"{count}") for spread in (0.5, 1.0, 1.5) for count in (20, 60))
"""How much sizes differ, and how many clusters there are: in each variant, or of both."""
CLOSE = 0.5
"""Standard deviation of clusters whose units have 1: an intraclass correlation of 0.2."""
AT_ONCE = 400_000
"""Values drawn at once."""


def lopsided(rng: np.random.Generator, runs: int, place: tuple[str, str]) -> list[Part]:
    """All methods over clusters of one place."""
    spread, count = float(place[0].split()[1]), int(place[1])
    crowd = replace(CROWDS["normal"], spread=spread)
    found = [
        of_clusters(rng, crowd, runs, (count, count)),
        within_clusters(rng, crowd, runs, count, 0.5),
        medians(rng, Clustered(spread, count), runs),
    ]
    return [replace(part, method=method) for part, method in zip(found, LOPSIDED, strict=True)]


@dataclass(frozen=True, slots=True)
class Clustered:
    """Values of units that are alike within clusters of uneven size."""

    spread: float
    clusters: int


def medians(rng: np.random.Generator, world: Clustered, runs: int) -> Part:
    """The median of units, clusters being what is independent."""
    control, better = median(rng, world, runs, 0.0), median(rng, world, runs // 5, EFFECT)
    null = difference(control, median(rng, world, runs, 0.0), level=0.95)
    true = difference(head(control, runs // 5), better, level=0.95)
    n = (world.clusters, world.clusters)
    return Part("quantile over clusters", bounds(null, true, EFFECT * 10), n, None)


def median(rng: np.random.Generator, world: Clustered, runs: int, effect: float) -> Points:
    """The median of one variant, one cell for each run."""
    crowd = replace(CROWDS["normal"], spread=world.spread)
    step = max(1, AT_ONCE // (world.clusters * crowd.alone))
    parts = []
    for at in range(0, runs, step):
        units = sized(rng, crowd, crowd.alone, (min(step, runs - at), world.clusters))
        parts.append(read(rng, units, 10 * (1 + effect)))
    value, variance, dof, n, why = (
        np.concatenate([getattr(each, name) for each in parts])
        for name in ("value", "variance", "dof", "n", "why")
    )
    return Points(value, variance, dof, n, why.astype(np.int64))


def read(rng: np.random.Generator, units: IntArray, centre: float) -> Points:
    """Draw the units of clusters, shape (runs, clusters), and read their median as engines do (type 1)."""
    total = units.sum(axis=1)
    place = np.repeat(np.arange(units.size), units.ravel())
    values = centre + rng.standard_normal(len(place)) + CLOSE * rng.standard_normal(units.size)[place]
    run = place // units.shape[1]
    ordered = values[np.lexsort((values, run))]
    begun = np.cumsum(total) - total

    def at(share: FloatArray) -> FloatArray:
        """The smallest value with at least this share of values up to it; NaN for none."""
        known = np.isfinite(share)
        index = np.ceil(np.where(known, share, 0.5) * total).astype(np.int64) - 1
        return np.where(known, ordered[begun + np.maximum(index, 0)], np.nan)

    q = at(np.full(len(total), 0.5))
    inside = np.bincount(place, weights=values <= q[run], minlength=units.size)
    below = np.asarray(inside, dtype=np.float64).reshape(units.shape)
    own = np.stack([below, units.astype(np.float64)], axis=2)
    clusters = np.full(len(own), float(own.shape[1]))
    sums = Moments.from_sums(clusters, own.sum(axis=1), np.einsum("rgi,rgj->rij", own, own))
    # a unit is up to q or not, so that it is its own square
    dof = told(own[:, :, 1], below, below.sum(axis=1))
    shares = probabilities(sums, 0.5, clustered=True, dof=dof)
    return quantile_points(q, at(shares.low), at(shares.high), shares)
