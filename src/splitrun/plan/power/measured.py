"""Baselines from units that were measured: what history, or a past experiment's control, says of a metric."""

from __future__ import annotations

from math import sqrt

import numpy as np

from splitrun.errors import DataError
from splitrun.infer.means import spread
from splitrun.moments import FloatArray, Moments
from splitrun.spec.metric import Metric
from splitrun.spec.power.baselines import (
    Baseline,
    Clustering,
    MeanBaseline,
    RatioBaseline,
    ShareBaseline,
    Total,
)

__all__ = ["measured"]

MOST_EXPLAINED = 0.999
"""R² is not believed beyond this."""


@np.errstate(divide="ignore", invalid="ignore")
def measured(
    metric: Metric, moments: Moments, *, covariates: int = 0, clusters: Clustering | None = None
) -> Baseline:
    """What units say of a metric.

    Args:
        metric: By content.
        moments: Of one cell, shape (1, columns), as in `Column.moments`: outcome, then covariates. Of a
            quantile nothing follows from them.
        covariates: How many of the columns are.
        clusters: How alike units are, where clusters are randomised.

    Raises:
        DataError: The units do not differ, or are too few to say how much.
    """
    n = float(moments.n[0])
    own = moments.mean.shape[1] - covariates
    squares = spread(moments)[0] / max(n - 1, 1.0)
    values, parts = moments.mean[0, :own], np.diagonal(squares)[:own]
    lean = np.ones(1) if own == 1 else np.array([1.0, -values[0] / values[1]]) / values[1]
    variance = float(lean @ squares[:own, :own] @ lean)
    if metric.kind == "quantile" or n < 2 or not (np.isfinite(variance) and variance > 0):
        raise DataError(
            f"{n:,.0f} units of a {metric.kind} say nothing of how much units differ; measure more of them, "
            "or write the baseline by hand"
        )
    r2 = explained(lean @ squares[:own, own:], squares[own:, own:], variance) if covariates else None
    match metric.kind:
        case "share" | "retention":
            return ShareBaseline(share=float(values[0]), r2=r2, clusters=clusters)
        case "ratio" if np.all(parts > 0):
            return RatioBaseline(
                over=Total(mean=float(values[0]), variance=float(squares[0, 0])),
                under=Total(mean=float(values[1]), variance=float(squares[1, 1])),
                correlation=float(squares[0, 1] / sqrt(squares[0, 0] * squares[1, 1])),
                r2=r2,
                clusters=clusters,
            )
        case _:
            level = float(values[0] if own == 1 else values[0] / values[1])
            return MeanBaseline(mean=level, variance=variance, r2=r2, clusters=clusters)


def explained(together: FloatArray, among: FloatArray, variance: float) -> float:
    """Part of a variance that covariates explain, whatever of them repeats another."""
    slopes = np.linalg.lstsq(among, together, rcond=None)[0]
    return float(np.clip(together @ slopes / variance, 0.0, MOST_EXPLAINED))
