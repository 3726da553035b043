"""Units that were randomised in clusters, or are alike within them.

Where a cluster holds one variant only, a level is a ratio of totals over clusters (`nested`). Where clusters
hold both, the difference in means has the bias-reduced variance CR2 with Satterthwaite degrees of freedom
(Bell, McCaffrey 2002; Pustejovsky, Tipton 2018), in closed form over clusters x 2 summaries (`crossed`).
`clusters_adjusted` takes away what was known before exposure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.estimate import Points, Why, first_of
from splitrun.infer.means import TINY
from splitrun.infer.ratios import ratios
from splitrun.moments import EPSILON, FloatArray, IntArray, Moments

__all__ = ["Alike", "alike", "crossed", "nested", "of_clusters", "paired", "working_dof"]

EXACT = 1e-12
"""Part of a variance below which a difference of its terms is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """How alike the units of a cluster are, and what it costs; shape (cells,), NaN where nobody can know."""

    size: FloatArray
    """Mean units per cluster."""
    correlation: FloatArray
    """Within clusters, by the analysis of variance; below 0 where units of a cluster are less alike."""
    design_effect: FloatArray
    """How many times the variance is that of as many units on their own."""


@np.errstate(all="ignore")
def nested(moments: Moments) -> Points:
    """Estimate the mean per unit where every cluster has one variant: a ratio of totals over clusters.

    Args:
        moments: Over clusters and not units: the metric's total, then the units, shape (cells, 2 or more).

    Returns:
        Means per unit; `n` counts clusters, and so do the degrees of freedom, clusters - 1: their few and not
        the units limit what is known.
    """
    points = ratios(Moments(moments.n, moments.mean[:, :2], moments.m2[:, :2, :2]))
    dof = np.where(points.why == 0, moments.n - 1, np.nan)
    return replace(points, dof=dof, why=of_clusters(points.why))


def of_clusters(why: IntArray) -> IntArray:
    """The same reasons, where what there are too few of are clusters."""
    return np.where(why == Why.FEW_UNITS, int(Why.FEW_CLUSTERS), why)


@np.errstate(all="ignore")
def alike(moments: Moments) -> Alike:
    """Measure how alike the units of a cluster are, in one variant.

    Args:
        moments: Over clusters: total of the metric, units, sum of squares, total² / units; shape (cells, 4).
    """
    clusters = moments.n
    total, units, squares, between = (clusters[:, None] * moments.mean).T
    of_sizes = moments.m2[:, 1, 1] + units * moments.mean[:, 1]
    centre = total**2 / units
    among = np.maximum(between - centre, 0.0) / (clusters - 1)
    within = np.maximum(squares - between, 0.0) / (units - clusters)
    size = (units - of_sizes / units) / (clusters - 1)
    alone = (squares - centre) / (units - 1) / units
    found = (
        units / clusters,
        (among - within) / (among + (size - 1) * within),
        nested(moments).variance / alone,
    )
    return Alike(*(np.where(np.isfinite(each), each, np.nan) for each in found))


@np.errstate(all="ignore")
def crossed(units: FloatArray, totals: FloatArray) -> tuple[Points, Points]:
    """Estimate the means per unit of two variants where clusters hold both, or some clusters do.

    With one mean per variant the leverage of a cluster is n_ga / N_a in each, so (I - H)^(-1/2) only scales
    the residual sums of its two sides and no row is needed. The working model of the degrees of freedom is
    that of independent units of equal variance. What the variants have in common is in `Points.shared`, so
    that `difference` has the variance CR2 and its degrees of freedom, and the other contrasts the variance.

    Args:
        units: Units of every cluster in control and in treatment, shape (cells, clusters, 2); 0 for none.
        totals: Totals of the metric over these, same shape.

    Returns:
        Points of control and treatment, made to be compared with each other; `n` counts clusters, and a
        variant in fewer than two says `FEW_CLUSTERS`.
    """
    size = units.sum(axis=1)
    mean = totals.sum(axis=1) / size
    away = totals - units * mean[:, None, :]
    # a constant metric leaves the rounding of its sums behind
    away = np.where(np.abs(away) <= EPSILON * np.clip(units, 4, 4e6) * np.abs(totals), 0.0, away)
    scale = 1 / np.sqrt(1 - units / size[:, None, :]) / size[:, None, :]
    score = scale * away
    across = units * scale / np.sqrt(size)[:, None, :]
    dof = working_dof(np.sum(units * scale**2, axis=2), across)
    return paired(np.sum(units > 0, axis=1).astype(np.float64), mean, score, dof)


@np.errstate(all="ignore")
def paired(
    clusters: FloatArray, mean: FloatArray, score: FloatArray, dof: FloatArray
) -> tuple[Points, Points]:
    """Put levels together whose errors add up over clusters that they share.

    Args:
        clusters: That hold units of control and of treatment, shape (cells, 2).
        mean: Levels, shape (cells, 2).
        score: What every cluster adds to the error of either level, shape (cells, clusters, 2).
        dof: Degrees of freedom of the difference, shape (cells,).
    """
    own = np.sum(score**2, axis=1)
    both = np.sum(score[:, :, 0] * score[:, :, 1], axis=1)
    # the same in all clusters: what is left of the difference is rounding
    same = own.sum(axis=1) - 2 * both <= EXACT * own.sum(axis=1)
    own = np.where(same[:, None], 0.0, own)
    correlation = np.where(same, 0.0, np.nan_to_num(both / np.sqrt(own[:, 0]) / np.sqrt(own[:, 1])))
    part = np.clip(correlation, -1 + EXACT, 1 - EXACT)
    lean = np.sqrt(np.abs(part)[:, None] * own) * np.stack([np.sign(part), np.ones_like(part)], axis=1)
    # so that Satterthwaite's rule over the two variants gives the difference its own
    each = dof * np.sum(own**2, axis=1) / own.sum(axis=1) ** 2
    each = np.where(same, 1.0, each)
    alone = own * (1 - np.abs(part))[:, None]
    control, treatment = (
        side(clusters[:, one], mean[:, one], alone[:, one], each, lean[:, one]) for one in range(2)
    )
    return control, treatment


def working_dof(own: FloatArray, across: FloatArray) -> FloatArray:
    """Degrees of freedom of the difference, tr(P)² / tr(P²) over clusters (Pustejovsky, Tipton 2018).

    P = diag(own) - across across', what the scores vary by where units are independent and vary equally.

    Args:
        own: Shape (cells, clusters).
        across: Shape (cells, clusters, coefficients).
    """
    drawn = np.sum(across**2, axis=2)
    products = np.einsum("cga,cgb->cab", across, across)
    squares = np.sum(own**2 - 2 * own * drawn, axis=1) + np.sum(products**2, axis=(1, 2))
    return np.asarray(np.sum(own - drawn, axis=1) ** 2 / squares)


def side(
    clusters: FloatArray, mean: FloatArray, variance: FloatArray, dof: FloatArray, lean: FloatArray
) -> Points:
    """One variant's points, with the reasons it may have."""
    lost = ~np.isfinite(mean) | ~np.isfinite(variance) | ~np.isfinite(lean)
    lost = lost | ((variance > 0) & (variance < TINY))
    why = first_of(
        {
            Why.NO_UNITS: clusters < 1,
            Why.NOT_FINITE: ~np.isfinite(mean) | ((clusters >= 2) & lost),
            Why.FEW_CLUSTERS: clusters < 2,
        }
    )
    return Points(
        value=np.where((why == 0) | (why == Why.FEW_CLUSTERS), mean, np.nan),
        variance=np.where(why == 0, variance, np.nan),
        dof=np.where(why == 0, dof, np.nan),
        n=clusters,
        why=why,
        shared=np.where(why == 0, lean, 0.0)[:, None],
    )
