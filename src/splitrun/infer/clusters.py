"""Units that were randomised in clusters, or are alike within them.

Where a cluster holds one variant only, a level is a ratio of totals over clusters (`nested`). Where clusters
hold both, the difference in means has the bias-reduced variance CR2 with Satterthwaite degrees of freedom
(Bell, McCaffrey 2002; Pustejovsky, Tipton 2018), in closed form over clusters x 2 summaries (`crossed`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.contrast import Contrast, answered, quantile
from splitrun.infer.estimate import Estimates, Points, Side, Why
from splitrun.infer.ratios import ratios
from splitrun.moments import EPSILON, FloatArray, Moments

__all__ = ["Alike", "alike", "crossed", "nested"]


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
    return replace(points, dof=np.where(points.why == 0, moments.n - 1, np.nan))


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
def crossed(
    units: FloatArray, totals: FloatArray, *, level: float | FloatArray, side: Side = Side.BOTH
) -> Estimates:
    """Estimate the difference in means per unit where clusters hold both variants, or not all of them do.

    With one mean per variant the leverage of a cluster is n_ga / N_a in each, so (I - H)^(-1/2) only scales
    the residual sums of its two sides and no row is needed. The working model of the degrees of freedom is
    that of independent units of equal variance.

    Args:
        units: Units of every cluster in control and in treatment, shape (cells, clusters, 2); 0 for none.
        totals: Totals of the metric over these, same shape.
        level: How often an interval should hold the true difference, between 0 and 1; shape (cells,) or one.
        side: Which ends are bounded.

    Returns:
        Differences, shape (cells,); a variant with fewer than two clusters says `FEW_UNITS`.
    """
    size = units.sum(axis=1)
    mean = totals.sum(axis=1) / size
    share = units / size[:, None, :]
    signed = np.array([-1.0, 1.0]) / np.sqrt(1 - share) / size[:, None, :]
    away = totals - units * mean[:, None, :]
    # a constant metric leaves the rounding of its sums behind
    away = np.where(np.abs(away) <= EPSILON * np.clip(units, 4, 4e6) * np.abs(totals), 0.0, away)
    stderr = np.sqrt(np.sum(np.sum(signed * away, axis=2) ** 2, axis=1))
    own = np.sum(units * signed**2, axis=2)
    across = units * signed / np.sqrt(size)[:, None, :]
    drawn = np.sum(across**2, axis=2)
    products = np.einsum("cga,cgb->cab", across, across)
    spread = np.sum(own**2 - 2 * own * drawn, axis=1) + np.sum(products**2, axis=(1, 2))
    dof = np.sum(own - drawn, axis=1) ** 2 / spread
    effect = mean[:, 1] - mean[:, 0]
    reach = quantile(dof, level, side) * stderr
    found = Contrast(effect=effect, stderr=stderr, t=effect / stderr, dof=dof, centre=effect, reach=reach)
    clusters = np.min(np.sum(units > 0, axis=1), axis=1)
    none = np.where(clusters < 1, int(Why.NO_UNITS), np.where(clusters < 2, int(Why.FEW_UNITS), 0))
    return answered(found, none, {Why.NO_SPREAD: stderr == 0}, level=level, side=side)
