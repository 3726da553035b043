"""Ratios of two sums over units, by the delta method (Deng, Knoblich, Lu 2018)."""

from __future__ import annotations

import numpy as np

from splitrun.infer.estimate import Points
from splitrun.infer.means import TINY, pointed, spread
from splitrun.moments import ROUNDING, FloatArray, Moments

__all__ = ["SURE", "ratio_skewness", "ratios", "residual"]

SURE = 1.96
"""Standard errors that a mean denominator must lie away from zero: else ratios of either sign and any size
fit the data, and the linear step of the delta method says nothing (Fieller 1954; g >= 1 for one ratio).
"""


@np.errstate(all="ignore")
def ratios(moments: Moments) -> Points:
    """Estimate the ratio of the numerator's sum to the denominator's, cell by cell.

    The variance is that of the residual y - R x over the mean denominator, with the divisor n - 1.
    Quantiles are normal: the linearised ratio is normal only in the limit, so a t would promise too much.

    Args:
        moments: Two columns, numerator and denominator, shape (cells, 2).

    Returns:
        Ratios with infinite degrees of freedom; `NO_DENOMINATOR` where the mean denominator is zero or
        cannot be told from it.
    """
    n, under = moments.n, moments.mean[:, 1]
    ratio = moments.mean[:, 0] / under
    variance = np.where(under**2 < TINY, np.inf, residual(moments) / (n - 1) / n / under**2)
    unsure = under**2 <= SURE**2 * spread(moments)[:, 1, 1] / (n - 1) / n
    undefined = (under == 0) | ((n >= 2) & unsure & (under**2 >= TINY))
    return pointed(moments, ratio, variance, dof=np.full_like(n, np.inf), undefined=undefined)


@np.errstate(all="ignore")
def residual(moments: Moments) -> FloatArray:
    """Sum over units of (y - R x)², R the ratio of the means, shape (cells,); infinite where it overflows.

    Args:
        moments: Numerator and denominator first, shape (cells, columns).
    """
    ratio = moments.mean[:, 0] / moments.mean[:, 1]
    m2 = spread(moments)
    over_spread, cross, under_spread = m2[:, 0, 0], m2[:, 0, 1], m2[:, 1, 1]
    left = over_spread - 2 * ratio * cross + ratio**2 * under_spread
    parts = np.abs(over_spread) + 2 * np.abs(ratio * cross) + ratio**2 * np.abs(under_spread)
    # where the numerator follows the denominator exactly, what remains is the rounding of the parts
    left = np.where(left <= ROUNDING * parts, 0.0, left)
    return np.where(np.isfinite(parts), left, np.inf)


@np.errstate(all="ignore")
def ratio_skewness(*variants: Moments) -> FloatArray:
    """Skewness of what a ratio varies by, (y - R x) over the mean of x, by which it may be far from normal.

    Args:
        variants: Moments of numerator and denominator with all their third moments, over the same cells, each
            with its own R; pooled, so that an effect is no skewness.

    Returns:
        Shape (cells,); 0 where nothing varies, NaN where there is no unit or no third moment in range.
    """
    n = np.sum([each.n for each in variants], axis=0)
    squares = np.sum([residual(each) / each.mean[:, 1] ** 2 for each in variants], axis=0)
    cubes = np.sum([residual_cubed(each) / each.mean[:, 1] ** 3 for each in variants], axis=0)
    skew = np.where(squares > 0, cubes / n / (squares / n) ** 1.5, 0 * cubes)
    return np.where(np.isfinite(skew) & (n > 0), skew, np.nan)


def residual_cubed(moments: Moments) -> FloatArray:
    """Sum over units of (y - R x)³, R the ratio of the means, shape (cells,); NaN where not measured."""
    if moments.m3 is None or moments.mixed is None:
        return np.full(len(moments.n), np.nan)
    ratio = moments.mean[:, 0] / moments.mean[:, 1]
    yyx, yxx, xxx = moments.mixed.T
    return np.asarray(moments.m3 - 3 * ratio * yyx + 3 * ratio**2 * yxx - ratio**3 * xxx)
