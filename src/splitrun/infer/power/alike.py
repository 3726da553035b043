"""How alike units of one cluster are, from sums over clusters.

The analysis-of-variance estimate for clusters of unequal size: Donner, A. and Koval, J. J. (1980), The
estimation of intraclass correlation in the analysis of family data, Biometrics 36, 19-25.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splitrun.moments import FloatArray

__all__ = ["Likeness", "likeness"]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Clusters, and how much of the variance lies between them."""

    size: float
    """Mean units per cluster."""
    icc: float
    """Intracluster correlation, between 0 and 1."""
    spread: float
    """Standard deviation of the clusters' sizes over their mean."""


@np.errstate(divide="ignore", invalid="ignore")
def likeness(units: FloatArray, totals: FloatArray, squares: FloatArray) -> Likeness | None:
    """Estimate how alike units of one cluster are.

    Args:
        units: Of each cluster, above 0, shape (clusters,).
        totals: Sum of their values, in the metric's unit.
        squares: Sum of the squares of their values.

    Returns:
        None where there are fewer than two clusters, none has two units, or units do not differ.
    """
    clusters, whole = len(units), float(units.sum())
    if clusters < 2 or whole <= clusters:
        return None
    grand = totals.sum() / whole
    between = float((units * (totals / units - grand) ** 2).sum()) / (clusters - 1)
    within = max(0.0, float((squares - totals**2 / units).sum())) / (whole - clusters)
    usual = (whole - float((units**2).sum()) / whole) / (clusters - 1)
    apart = between + (usual - 1) * within
    if not apart > 0:
        return None
    size = whole / clusters
    return Likeness(size, float(np.clip((between - within) / apart, 0.0, 1.0)), float(units.std()) / size)
