"""Clusters of uneven size: a few large ones say most, so that less is known than their number promises."""

from __future__ import annotations

import numpy as np

from splitrun.moments import FloatArray

__all__ = ["effective", "uneven_dof"]


@np.errstate(all="ignore")
def effective(units: FloatArray) -> FloatArray:
    """As many clusters of one size as say as much where units are not alike: N² / sum of n² (Kish 1965).

    Args:
        units: Of every cluster, shape (cells, clusters); 0 for none.

    Returns:
        Shape (cells,); 0 where there is no unit.
    """
    total = units.sum(axis=1)
    return np.where(total > 0, total**2 / np.sum(units**2, axis=1), 0.0)


@np.errstate(all="ignore")
def uneven_dof(units: FloatArray, errors: FloatArray, squares: FloatArray) -> FloatArray:
    """Degrees of freedom of the variance of a ratio of totals, tr(M)² / tr(M²) (Satterthwaite 1946).

    With e = u - h sum(u) the clusters' errors, h = n / N, and M the covariance of e where the totals u vary
    by n (1 - r) + n² r: a working model of units that are alike by r within clusters, with r as it is
    estimated by the analysis of variance (Imbens, Kolesár 2016, section 4; Bell, McCaffrey 2002 have r = 0,
    Carter, Schnepel, Steigerwald 2017 the worst, r = 1). Clusters of one size have clusters - 1.

    Args:
        units: Of every cluster, shape (cells, clusters); 0 for none.
        errors: Of every cluster, total - R * what it is counted over, same shape.
        squares: Sum over units of what `errors` sums up, squared, shape (cells,).

    Returns:
        Shape (cells,), at most clusters - 1; NaN where there is no unit.
    """
    total = units.sum(axis=1, keepdims=True)
    part = units / total
    alike = likeness(units, errors, squares)[:, None]
    vary = units * (1 - alike) + units**2 * alike
    whole = vary.sum(axis=1)
    drawn = 2 * part * vary - part**2 * whole[:, None]
    # drawn is the diagonal of h v' + v h' - h h' sum(v), whose square needs two columns only
    pq, pp, qq = (np.sum(one * other, axis=1) for one, other in ((part, vary), (part, part), (vary, vary)))
    crossing = 2 * (pp * qq + pq**2) - 4 * whole * pp * pq + whole**2 * pp**2
    squared = qq - 2 * np.sum(vary * drawn, axis=1) + crossing
    return np.asarray(np.sum(vary - drawn, axis=1) ** 2 / squared)


def likeness(units: FloatArray, errors: FloatArray, squares: FloatArray) -> FloatArray:
    """The correlation of units within clusters by the analysis of variance, shape (cells,).

    Between 0 and 1; 0 where nothing varies, or every cluster is one unit.
    """
    total, clusters = units.sum(axis=1), np.sum(units > 0, axis=1)
    between = np.sum(np.where(units > 0, errors**2 / np.where(units > 0, units, 1.0), 0.0), axis=1)
    among = between / (clusters - 1)
    within = np.maximum(squares - between, 0.0) / (total - clusters)
    size = (total - np.sum(units**2, axis=1) / total) / (clusters - 1)
    found = (among - within) / (among + (size - 1) * within)
    return np.where(np.isfinite(found), np.clip(found, 0.0, 1.0), 0.0)
