"""Methods that know what units belong to: clusters of one variant or of both, and quantiles of events."""

from __future__ import annotations

import numpy as np

from calibrate.crowds import Crowd, divided, whole
from calibrate.figures import Part, bounds, covered, fixed
from calibrate.once import EFFECT
from calibrate.quantiles import Events, quantiles
from splitrun.infer.clusters import crossed, nested
from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Points
from splitrun.infer.looks.always import asymmetry
from splitrun.infer.quantiles import LEAST_BESIDE, LEAST_UNITS
from splitrun.infer.ratios import ratio_skewness
from splitrun.moments import FloatArray

__all__ = ["of_clusters", "of_events", "within_clusters"]


def of_clusters(rng: np.random.Generator, crowd: Crowd, runs: int, clusters: tuple[int, int]) -> Part:
    """Clusters of one variant each; only bounds where their sizes are log-normal."""
    control, own = whole(rng, crowd, (runs, clusters[0]))
    treatment, other = whole(rng, crowd, (runs, clusters[1]))
    better, theirs = whole(rng, crowd, (runs // 5, clusters[1]), effect=EFFECT)
    level = nested(control, dof=own)
    null = difference(level, nested(treatment, dof=other), level=0.95)
    true = difference(head(level, runs // 5), nested(better, dof=theirs), level=0.95)
    effect = EFFECT * crowd.mean
    seen = bounds(null, true, effect) if crowd.spread > 0 else (*fixed(null.p), covered(true, effect))
    one = [each.gathered(np.zeros(runs, dtype=np.int64), 1) for each in (control, treatment)]
    g = float(asymmetry(ratio_skewness(*one), *clusters)[0])
    return Part("clusters of one variant", seen, (clusters[0], clusters[1]), g)


def within_clusters(rng: np.random.Generator, crowd: Crowd, runs: int, clusters: int, share: float) -> Part:
    """Clusters that hold both variants, with the variance CR2; only bounds where sizes are log-normal."""
    null = difference(*crossed(*divided(rng, crowd, (runs, clusters), share)), level=0.95)
    some = divided(rng, crowd, (runs // 5, clusters), share, effect=EFFECT)
    true, effect = difference(*crossed(*some), level=0.95), EFFECT * crowd.mean
    seen = bounds(null, true, effect) if crowd.spread > 0 else (*fixed(null.p), covered(true, effect))
    n = clusters * crowd.both * (1 - share), clusters * crowd.both * share
    g = leaning(*divided(rng, crowd, (min(runs, 2_000), clusters), share))
    return Part("clusters of both variants (CR2)", seen, n, g)


def leaning(units: FloatArray, totals: FloatArray) -> float:
    """Skewness of a difference over clusters that hold both variants, from shape (runs, clusters, 2)."""
    size = units.sum(axis=1, keepdims=True)
    error = (totals - totals.sum(axis=1, keepdims=True) / size * units) / size
    own = error[:, :, 1] - error[:, :, 0]
    return float(np.mean(np.sum(own**3, axis=1)) / np.mean(np.sum(own**2, axis=1)) ** 1.5)


def head(points: Points, runs: int) -> Points:
    """The first runs of points that share nothing."""
    own = slice(runs)
    return Points(points.value[own], points.variance[own], points.dof[own], points.n[own], points.why[own])


def of_events(rng: np.random.Generator, events: Events, runs: int, units: tuple[int, int]) -> Part:
    """A quantile of events, units being what is independent."""
    control = quantiles(rng, events, (runs, units[0]))
    null = difference(control, quantiles(rng, events, (runs, units[1])), level=0.95)
    fewer = runs // 5
    some = head(control, fewer)
    better = quantiles(rng, events, (fewer, units[1]), effect=EFFECT)
    held = covered(difference(some, better, level=0.95), EFFECT * events.truth)
    beside = min(units) * min(events.at, 1 - events.at)
    few = min(units) < LEAST_UNITS or beside < LEAST_BESIDE - 1e-9
    return Part("quantile of events", (*fixed(null.p), held), (units[0], units[1]), None, few=few)
