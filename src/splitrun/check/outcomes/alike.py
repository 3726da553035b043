"""Skewness of an effect over clusters: what is independent where units of one cluster are alike."""

from __future__ import annotations

import numpy as np

from splitrun.measure.measured import Measured
from splitrun.moments import FloatArray, IntArray
from splitrun.spec.plan import PlannedMetric

__all__ = ["asymmetry_over_clusters"]


@np.errstate(all="ignore")
def asymmetry_over_clusters(
    measured: Measured, planned: PlannedMetric, index: int, levels: tuple[IntArray, int]
) -> FloatArray | None:
    """Skewness of a treatment's effect from what every cluster adds to it, of one variant or of both.

    Args:
        measured: What the data holds.
        planned: The metric in its role; a ratio counts what its denominator counts, all else units.
        index: Of the treatment among the variants.
        levels: The level of every cell, shape (cells,), and how many levels there are.

    Returns:
        Sum of e³ over (sum of e²)^1.5, e being a cluster's part of the effect's error, shape (levels,); 0
        where nothing varies, NaN where it is out of range. None where no clusters are counted.
    """
    clusters, (level, count) = measured.clusters, levels
    if clusters is None or planned.key not in clusters.sums:
        return None
    sums, variant = clusters.sums[planned.key], measured.cells.variant.code[clusters.cell]
    rows = np.flatnonzero((variant == 0) | (variant == index))
    over = (sums.totals[:, 1] if planned.metric.kind == "ratio" else sums.units)[rows]
    total, place = sums.totals[rows, 0], level[clusters.cell[rows]]
    # control's levels first, then the treatment's
    side = place + count * (variant[rows] == index)
    size = np.bincount(side, weights=over, minlength=2 * count)
    mean = np.bincount(side, weights=total, minlength=2 * count) / size
    error = np.where(side < count, -1, 1) * (total - mean[side] * over) / size[side]
    held, own = np.unique(clusters.code[rows] * count + place, return_inverse=True)
    each = np.bincount(own, weights=error, minlength=len(held))
    squares, cubes = (np.bincount(held % count, weights=each**power, minlength=count) for power in (2, 3))
    found = np.where(squares > 0, cubes / squares**1.5, 0 * squares)
    return np.where(np.isfinite(found), found, np.nan)
