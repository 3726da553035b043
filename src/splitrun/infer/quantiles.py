"""Quantiles of units, or of events that units have several of (Woodruff 1952; Deng, Knoblich, Lu 2018).

A quantile takes two passes. The first finds q, the second counts for every unit its values up to q (S) and
all its values (K); the variance of the share S / K over units gives the shares whose quantiles, read from the
values themselves, bound q. Units and not values are counted as independent, and where units are alike within
clusters, clusters: S and K are then counted over these (Francisco, Fuller 1991).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.clusters import of_clusters
from splitrun.infer.estimate import Points, Why, first_of
from splitrun.infer.ratios import ratios, residual
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = [
    "LEAST_BESIDE",
    "LEAST_UNITS",
    "Shares",
    "Z",
    "correlation",
    "enough",
    "probabilities",
    "quantile_points",
    "together",
]

Z = 1.959963984540054
"""Standard errors between q and its bounds; the slope between them makes the standard error of q. Fixed,
so that a standard error does not depend on the level of the interval that is asked for."""
LEAST_UNITS = 100
"""Fewer in a variant, and false alarms of a median are off by more than calibration tolerates."""
LEAST_BESIDE = 30
"""Fewer on one side of the quantile, and its standard error, read off two values, is too uncertain: with 10,
1.4 % were called different at 1 %."""
VALUED = (Why.FEW_UNITS, Why.FEW_CLUSTERS, Why.LOPSIDED_CLUSTERS, Why.BEYOND_DATA, Why.TIED)
"""Reasons that leave the quantile itself."""


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
    """Units, or clusters."""
    dof: FloatArray
    """Degrees of freedom of `stderr`: infinity for units, of clusters as `uneven_dof` answers or their number
    less 1."""
    why: IntArray
    """A `Why`, or 0 where low and high hold."""


@np.errstate(all="ignore")
def probabilities(
    moments: Moments,
    at: float | FloatArray,
    z: float = Z,
    *,
    clustered: bool = False,
    dof: FloatArray | None = None,
) -> Shares:
    """Find the shares of values at which the bounds of a quantile are to be read.

    Args:
        moments: Two columns over units: values up to q, and all values (always 1 for a quantile of units),
            shape (cells, 2). Or the same over clusters.
        at: Which quantile, between 0 and 1; shape (cells,) or one.
        z: Standard errors between the quantile and its bounds.
        clustered: Whether the moments are over clusters.
        dof: Degrees of freedom of these as `uneven_dof` answers, shape (cells,); clusters - 1 where nobody
            knows better, which holds for clusters of one size.

    Returns:
        Shares `at` -+ z standard errors; `BEYOND_DATA` where one of them lies outside of 0 and 1.
    """
    share = ratios(moments)
    stderr = np.sqrt(share.variance)
    low, high = at - z * stderr, at + z * stderr
    alone = at * (1 - np.asarray(at)) / (moments.n * moments.mean[:, 1])
    outside = (low <= 0) | (high >= 1) | (stderr == 0)
    reasons = of_clusters(share.why, moments.mean[:, 1] > 0) if clustered else share.why
    why = np.where(reasons > 0, reasons, first_of({Why.BEYOND_DATA: outside}))
    known = moments.n - 1 if dof is None else dof
    return Shares(
        low=np.where(why == 0, low, np.nan),
        high=np.where(why == 0, high, np.nan),
        stderr=stderr,
        design_effect=share.variance / alone,
        n=moments.n,
        dof=known if clustered else np.full_like(moments.n, np.inf),
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
        error is read off their spacing; over clusters they are fewer, since the share's own standard error
        rests on so many clusters. Where low and high are the same value there is no variance: `TIED`.
    """
    found = np.isfinite(q) & np.isfinite(low) & np.isfinite(high) & (low <= q) & (q <= high)
    own = first_of({Why.NOT_FINITE: ~found, Why.TIED: low == high})
    why = np.where(shares.why > 0, shares.why, own)
    at = (shares.low + shares.high) / 2
    # of as many independent values as give this standard error, 2 z stderr lie between the bounds
    between = 2 * z * at * (1 - at) / shares.stderr
    held = np.isin(why, (0, *VALUED))
    return Points(
        value=np.where(held, q, np.nan),
        variance=np.where(why == 0, ((high - low) / (2 * z)) ** 2, np.nan),
        # variances that are estimated one after the other: their relative errors add up
        dof=np.where(why == 0, 1 / (1 / np.maximum(between, 1.0) + 1 / shares.dof), np.nan),
        n=shares.n,
        why=why,
    )


@np.errstate(all="ignore")
def correlation(control: Moments, treatment: Moments, products: FloatArray) -> FloatArray:
    """Find how the shares of two variants move together over the clusters that hold both.

    Args:
        control: Over clusters, as `probabilities` takes them, shape (cells, 2).
        treatment: Of the same cells over a treatment.
        products: Of control's (up to q, all) with the treatment's, added up over clusters,
            shape (cells, 2, 2).

    Returns:
        Shape (cells,), between -1 and 1; 0 where no cluster holds both.
    """
    lines = [
        np.stack([np.ones_like(each.n), -each.mean[:, 0] / each.mean[:, 1]], axis=1)
        for each in (control, treatment)
    ]
    both = np.einsum("ci,cij,cj->c", lines[0], products, lines[1])
    own = residual(control) * residual(treatment)
    return np.clip(np.where(own > 0, both / np.sqrt(own), 0.0), -1.0, 1.0)


def together(control: Points, treatment: Points, alike: FloatArray) -> tuple[Points, Points]:
    """Let two quantiles share what their shares have in common.

    Args:
        control: Points of a quantile.
        treatment: Of the same cells over a treatment.
        alike: What `correlation` answered.
    """
    part = np.abs(alike)
    sign = (np.sign(alike), np.ones_like(alike))
    found = [
        replace(
            each,
            variance=each.variance * (1 - part),
            shared=np.where(each.why == 0, toward * np.sqrt(part * each.variance), 0.0)[:, None],
        )
        for each, toward in zip((control, treatment), sign, strict=True)
    ]
    return found[0], found[1]


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
