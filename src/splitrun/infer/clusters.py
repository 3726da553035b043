"""Units that were randomised in clusters, or are alike within them.

Where a cluster holds one variant only, a level is a ratio of totals over clusters (`nested`). Where clusters
hold both, the difference in means has the bias-reduced variance CR2 with Satterthwaite degrees of freedom
(Bell, McCaffrey 2002; Pustejovsky, Tipton 2018), in closed form over clusters x 2 summaries (`crossed`).
`clusters_adjusted` takes away what was known before exposure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from splitrun.infer.estimate import Points, Why, first_of
from splitrun.infer.means import TINY
from splitrun.infer.ratios import SURE, ratios, residual
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
def nested(moments: Moments, *, dof: FloatArray | None = None) -> Points:
    """Estimate the mean per unit where every cluster has one variant: a ratio of totals over clusters.

    Args:
        moments: Over clusters and not units: the metric's total, then the units, shape (cells, 2). Of a ratio
            what it is counted over stands between them, shape (cells, 3).
        dof: Degrees of freedom as `uneven_dof` answers, shape (cells,); clusters - 1 where nobody knows
            better, which holds for clusters of one size.

    Returns:
        Means per unit; `n` counts clusters: their few and not the units limit what is known. Where the units
        of a cluster cannot be told from none, `LOPSIDED_CLUSTERS`.
    """
    points = ratios(Moments(moments.n, moments.mean[:, :2], moments.m2[:, :2, :2]))
    own = moments.n - 1 if dof is None else dof
    why = of_clusters(points.why, told(moments))
    lopsided = why == Why.LOPSIDED_CLUSTERS
    level = np.where(lopsided, moments.mean[:, 0] / moments.mean[:, 1], points.value)
    return replace(points, value=level, dof=np.where(why == 0, own, np.nan), why=why)


def told(moments: Moments) -> npt.NDArray[np.bool_]:
    """Cells where the denominator of a unit can be told from zero, as the 1 of a mean always can."""
    if moments.mean.shape[1] == 2:
        return np.asarray(moments.mean[:, 1] != 0)
    n, per_unit = moments.n, Moments(moments.n, moments.mean[:, 1:], moments.m2[:, 1:, 1:])
    return np.asarray(moments.mean[:, 1] ** 2 > SURE**2 * residual(per_unit) / (n - 1) / n)


def of_clusters(why: IntArray, told: npt.NDArray[np.bool_]) -> IntArray:
    """The same reasons, where what there are too few of are clusters.

    Args:
        why: Of a ratio of totals over clusters, shape (cells,).
        told: Where the denominator of a unit can be told from zero, shape (cells,): there a mean total that
            cannot be comes of the sizes of the clusters.
    """
    found = np.where(why == Why.FEW_UNITS, int(Why.FEW_CLUSTERS), why)
    return np.where((why == Why.NO_DENOMINATOR) & told, int(Why.LOPSIDED_CLUSTERS), found)


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
        nested(Moments(clusters, moments.mean[:, :2], moments.m2[:, :2, :2])).variance / alone,
    )
    return Alike(*(np.where(np.isfinite(each), each, np.nan) for each in found))


@np.errstate(all="ignore")
def crossed(units: FloatArray, totals: FloatArray, over: FloatArray | None = None) -> tuple[Points, Points]:
    """Estimate the means per unit of two variants where clusters hold both, or some clusters do.

    With one mean per variant the leverage of a cluster is n_ga / N_a in each, so (I - H)^(-1/2) only scales
    the residual sums of its two sides and no row is needed. The working model of the degrees of freedom is
    that of independent units of equal variance. What the variants have in common is in `Points.shared`, so
    that `difference` has the variance CR2 and its degrees of freedom, and the other contrasts the variance.

    Args:
        units: Units of every cluster in control and in treatment, shape (cells, clusters, 2); 0 for none.
        totals: Totals of the metric over these, same shape.
        over: What a ratio is counted over, same shape; it may be below 0. None: a mean, counted over units.

    Returns:
        Points of control and treatment, made to be compared with each other; `n` counts clusters, and a
        variant in fewer than two says `FEW_CLUSTERS`. A ratio is read in its linear form, (y - R d) / mean(d)
        of every unit.
    """
    under = units if over is None else over
    size, whole, held = units.sum(axis=1), under.sum(axis=1), np.sum(units > 0, axis=1).astype(np.float64)
    mean = totals.sum(axis=1) / whole
    away = totals - under * mean[:, None, :]
    # a constant metric leaves the rounding of its sums behind
    away = np.where(np.abs(away) <= EPSILON * np.clip(units, 4, 4e6) * np.abs(totals), 0.0, away)
    scale = 1 / np.sqrt(1 - units / size[:, None, :]) / size[:, None, :]
    score = scale * away * (size / whole)[:, None, :]
    across = units * scale / np.sqrt(size)[:, None, :]
    dof = working_dof(np.sum(units * scale**2, axis=2), across)
    unsure = whole**2 <= SURE**2 * held / (held - 1) * np.sum(apart(under, units) ** 2, axis=1)
    return paired(held, mean, score, dof, undefined=(whole == 0) | ((held >= 2) & unsure))


def apart(under: FloatArray, units: FloatArray) -> FloatArray:
    """How far what a ratio is counted over lies from its mean per unit, by cluster; 0 of a mean."""
    return np.asarray(under - units * (under.sum(axis=1) / units.sum(axis=1))[:, None, :])


@np.errstate(all="ignore")
def paired(
    clusters: FloatArray,
    mean: FloatArray,
    score: FloatArray,
    dof: FloatArray,
    *,
    undefined: npt.NDArray[np.bool_] | None = None,
) -> tuple[Points, Points]:
    """Put levels together whose errors add up over clusters that they share.

    Args:
        clusters: That hold units of control and of treatment, shape (cells, 2).
        mean: Levels, shape (cells, 2).
        score: What every cluster adds to the error of either level, shape (cells, clusters, 2).
        dof: Degrees of freedom of the difference, shape (cells,).
        undefined: Where a denominator cannot be told from zero, shape (cells, 2).
    """
    nowhere = np.zeros(clusters.shape, dtype=np.bool_) if undefined is None else undefined
    own = np.sum(score**2, axis=1)
    both = np.sum(score[:, :, 0] * score[:, :, 1], axis=1)
    # the same in all clusters: what is left of the difference is rounding
    same = own.sum(axis=1) - 2 * both <= EXACT * own.sum(axis=1)
    own = np.where(same[:, None], 0.0, own)
    correlation = np.where(same, 0.0, np.nan_to_num(both / np.sqrt(own[:, 0]) / np.sqrt(own[:, 1])))
    part = np.clip(correlation, -1 + EXACT, 1 - EXACT)
    lean = np.sqrt(np.abs(part)[:, None] * own) * np.stack([np.sign(part), np.ones_like(part)], axis=1)
    # so that Satterthwaite's rule over the two variants gives the difference its own
    each = dof * np.sum((own / own.sum(axis=1)[:, None]) ** 2, axis=1)
    each = np.where(same, 1.0, each)
    alone = own * (1 - np.abs(part))[:, None]
    control, treatment = (
        side(clusters[:, one], mean[:, one], (alone[:, one], each, lean[:, one]), nowhere[:, one])
        for one in range(2)
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
    clusters: FloatArray,
    mean: FloatArray,
    spread: tuple[FloatArray, FloatArray, FloatArray],
    undefined: npt.NDArray[np.bool_],
) -> Points:
    """One variant's points, with the reasons it may have.

    Args:
        clusters: That hold units, shape (cells,); so are the others.
        mean: The level.
        spread: Its own variance, the degrees of freedom, and what it shares with the other variant.
        undefined: Where a denominator cannot be told from zero.
    """
    variance, dof, lean = spread
    lost = ~np.isfinite(mean) | ~np.isfinite(variance) | ~np.isfinite(lean)
    lost = lost | ((variance > 0) & (variance < TINY))
    why = first_of(
        {
            Why.NO_UNITS: clusters < 1,
            Why.NO_DENOMINATOR: undefined,
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
