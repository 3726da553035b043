"""Quantiles of units, or of events that units have several of (Woodruff 1952; Deng, Knoblich, Lu 2018).

A quantile takes two passes. The first finds q, the second counts for every unit its values up to q (S) and
all its values (K); the variance of the share S / K over units gives the shares whose quantiles, read from the
values themselves, bound q. Units and not values are counted as independent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.estimate import Points, Why, first_of
from splitrun.infer.ratios import ratios
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = ["LEAST_BESIDE", "LEAST_UNITS", "Shares", "Z", "enough", "probabilities", "quantile_points"]

Z = 1.959963984540054
"""Standard errors between q and its bounds; the slope between them makes the standard error of q. Fixed,
so that a standard error does not depend on the level of the interval that is asked for."""
LEAST_UNITS = 100
"""Fewer in a variant, and false alarms of a median are off by more than calibration tolerates."""
LEAST_BESIDE = 30
"""Fewer on one side of the quantile, and its standard error, read off two values, is too uncertain: with 10,
1.4 % were called different at 1 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """The shares of values whose quantiles bound a quantile; every array has shape (cells,)."""

    low: FloatArray
    """Between 0 and 1; NaN where `why` is not 0."""
    high: FloatArray
    stderr: FloatArray
    """Of the share of values up to q."""
    design_effect: FloatArray
    """How many times its variance is that of as many values without units."""
    n: FloatArray
    """Units."""
    why: IntArray
    """A `Why`, or 0 where low and high hold."""


@np.errstate(all="ignore")
def probabilities(moments: Moments, at: float | FloatArray, z: float = Z) -> Shares:
    """Find the shares of values at which the bounds of a quantile are to be read.

    Args:
        moments: Two columns over units: values up to q, and all values (always 1 for a quantile of units),
            shape (cells, 2).
        at: Which quantile, between 0 and 1; shape (cells,) or one.
        z: Standard errors between the quantile and its bounds.

    Returns:
        Shares `at` -+ z standard errors; `BEYOND_DATA` where one of them lies outside of 0 and 1.
    """
    share = ratios(moments)
    stderr = np.sqrt(share.variance)
    low, high = at - z * stderr, at + z * stderr
    alone = at * (1 - np.asarray(at)) / (moments.n * moments.mean[:, 1])
    outside = (low <= 0) | (high >= 1) | (stderr == 0)
    why = np.where(share.why > 0, share.why, first_of({Why.BEYOND_DATA: outside}))
    return Shares(
        low=np.where(why == 0, low, np.nan),
        high=np.where(why == 0, high, np.nan),
        stderr=stderr,
        design_effect=share.variance / alone,
        n=moments.n,
        why=why,
    )


@np.errstate(all="ignore")
def quantile_points(q: FloatArray, low: FloatArray, high: FloatArray, shares: Shares, z: float = Z) -> Points:
    """Put quantiles and their bounds together to points, with the standard error (high - low) / 2z.

    Args:
        q: The quantile, shape (cells,), in the metric's unit; type 1, the smallest value with at least its
            share of values up to it (`quantile_disc`, `inverted_cdf`).
        low: The quantile at `shares.low`, NaN where there is none, shape (cells,).
        high: The quantile at `shares.high`.
        shares: What `probabilities` answered.
        z: The number that was given to it.

    Returns:
        Points whose degrees of freedom are the independent values between low and high, since the standard
        error is read off their spacing. Where low and high are the same value, the variance is zero:
        values so coarse that the quantile could not have been another.
    """
    found = np.isfinite(q) & np.isfinite(low) & np.isfinite(high) & (low <= q) & (q <= high)
    why = np.where(shares.why > 0, shares.why, first_of({Why.NOT_FINITE: ~found}))
    at = (shares.low + shares.high) / 2
    # of as many independent values as give this standard error, 2 z stderr lie between the bounds
    between = 2 * z * at * (1 - at) / shares.stderr
    held = (why == 0) | (why == Why.FEW_UNITS) | (why == Why.BEYOND_DATA)
    return Points(
        value=np.where(held, q, np.nan),
        variance=np.where(why == 0, ((high - low) / (2 * z)) ** 2, np.nan),
        dof=np.where(why == 0, np.maximum(between, 1.0), np.nan),
        n=shares.n,
        why=why,
    )


def enough(points: Points, units: FloatArray, at: float) -> Points:
    """Keep the spread of a quantile only where there are units enough for what calibration supports.

    Args:
        points: Of a quantile.
        units: Of the same cells, shape (cells,).
        at: Which quantile.

    Returns:
        The same points; `BEYOND_DATA`, with the value alone, below 100 units or 30 on either side of it.
    """
    few = (units < LEAST_UNITS) | (units * min(at, 1 - at) < LEAST_BESIDE - 1e-9)
    lost = few & (points.why == 0)
    return replace(
        points,
        variance=np.where(lost, np.nan, points.variance),
        dof=np.where(lost, np.nan, points.dof),
        why=np.where(lost, int(Why.BEYOND_DATA), points.why),
    )
