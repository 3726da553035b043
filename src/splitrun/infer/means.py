"""Means and shares: the mean over units and its sampling variance s²/n (Welch 1947)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splitrun.infer.estimate import Points, Why, first_of
from splitrun.moments import EPSILON, FloatArray, Moments

__all__ = ["TINY", "means", "pointed", "skewness", "spread"]

TINY = float(np.finfo(np.float64).tiny)
"""Below this a double loses digits."""


@np.errstate(all="ignore")
def means(moments: Moments) -> Points:
    """Estimate the mean per unit, cell by cell; a share is the mean of zeros and ones.

    Args:
        moments: One column, shape (cells, 1).

    Returns:
        Means with n - 1 degrees of freedom. A spread of zero in one variant is no reason to say nothing;
        in both it is, which the contrast sees.
    """
    n = moments.n
    variance = spread(moments)[:, 0, 0] / (n - 1) / n
    nowhere = np.zeros(len(n), dtype=np.bool_)
    return pointed(moments, moments.mean[:, 0], variance, dof=n - 1, undefined=nowhere)


def pointed(
    moments: Moments,
    value: FloatArray,
    variance: FloatArray,
    *,
    dof: FloatArray,
    undefined: npt.NDArray[np.bool_],
) -> Points:
    """Put points together with the reasons that every metric has, and keep NaN out of what holds.

    Args:
        moments: What the points come from, shape (cells, columns).
        value: Level in the metric's unit, shape (cells,); so are the others.
        variance: Squared standard error of `value`.
        dof: Degrees of freedom; infinity for a normal quantile.
        undefined: Where a denominator is zero.
    """
    n = moments.n
    lost = ~np.isfinite(variance) | ((variance > 0) & (variance < TINY)) | vanished(moments)
    why = first_of(
        {
            Why.NO_UNITS: n < 1,
            Why.NO_DENOMINATOR: undefined,
            Why.NOT_FINITE: ~np.isfinite(value) | ((n >= 2) & lost),
            Why.FEW_UNITS: n < 2,
        }
    )
    return Points(
        value=np.where((why == 0) | (why == Why.FEW_UNITS), value, np.nan),
        variance=np.where(why == 0, variance, np.nan),
        dof=np.where(why == 0, dof, np.nan),
        n=n,
        why=why,
    )


@np.errstate(all="ignore")
def spread(moments: Moments) -> FloatArray:
    """The cross products without what rounding left: a spread within the last digit of its mean is none.

    A constant 0.1 averaged by an engine has a mean that is off in its last digit, and would otherwise be a
    metric of extreme precision.

    Returns:
        Shape (cells, columns, columns).
    """
    own = np.diagonal(moments.m2, axis1=1, axis2=2)
    flat = own <= moments.n[:, None] * (EPSILON * moments.mean) ** 2
    return np.where(flat[:, :, None] | flat[:, None, :], 0.0, moments.m2)


@np.errstate(all="ignore")
def skewness(*variants: Moments) -> FloatArray:
    """Skewness of the units' values within variants, by which a mean may be far from normal.

    Args:
        variants: Moments of the first column, with their third moments, over the same cells; pooled, so that
            an effect is no skewness.

    Returns:
        Shape (cells,); 0 where nothing varies, NaN where there is no unit or no third moment in range.
    """
    n = np.sum([each.n for each in variants], axis=0)
    squares = np.sum([spread(each)[:, 0, 0] for each in variants], axis=0)
    unknown = np.full(len(n), np.nan)
    cubes = np.sum([unknown if each.m3 is None else each.m3 for each in variants], axis=0)
    skew = np.where(squares > 0, cubes / n / (squares / n) ** 1.5, 0 * cubes)
    return np.where(np.isfinite(skew) & (n > 0), skew, np.nan)


def vanished(moments: Moments) -> npt.NDArray[np.bool_]:
    """Cells whose values are so small that their squares vanish: they look constant and need not be."""
    size = np.abs(moments.mean)
    own = np.diagonal(moments.m2, axis1=1, axis2=2)
    return np.asarray(np.any((size > 0) & (size < np.sqrt(TINY)) & (own < TINY), axis=1))
