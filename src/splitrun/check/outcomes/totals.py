"""Totals of a metric over clusters: what is independent where units of one cluster are alike."""

from __future__ import annotations

import numpy as np

from splitrun.measure.measured import Measured
from splitrun.moments import IntArray, Moments
from splitrun.spec.plan import PlannedMetric

__all__ = ["cluster_totals"]


def cluster_totals(measured: Measured, planned: PlannedMetric, group: IntArray, groups: int) -> Moments | None:
    """Moments over clusters of the metric's total and of what it is counted over, with third moments.

    Args:
        measured: What the data holds.
        planned: The metric in its role.
        group: Of every cell, shape (cells,), between 0 and groups - 1.
        groups: How many there are.

    Returns:
        A ratio counts what its denominator counts, all else units; None where no clusters are counted.
    """
    clusters = measured.clusters
    if clusters is None or planned.key not in clusters.sums:
        return None
    sums = clusters.sums[planned.key]
    over = sums.totals[:, 1] if planned.metric.kind == "ratio" else sums.units
    place, own = np.unique(clusters.code * groups + group[clusters.cell], return_inverse=True)
    total, counted, units = (
        np.bincount(own, weights=column, minlength=len(place)).astype(np.float64)
        for column in (sums.totals[:, 0], over, sums.units)
    )
    held = units > 0
    rows = int(held.sum())
    each = Moments(
        n=np.ones(rows),
        mean=np.stack([total, counted], axis=1)[held],
        m2=np.zeros((rows, 2, 2)),
        m3=np.zeros(rows),
        mixed=np.zeros((rows, 3)),
    )
    return each.gathered(place[held] % groups, groups)
