"""Worlds of events that units have several of, for quantiles of events with units as what is independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from calibrate.worlds import CAP
from splitrun.infer.estimate import Points
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = ["EVENTS", "Events", "quantiles"]


@dataclass(frozen=True, slots=True)
class Events:
    """Events of units: what part of their spread is the unit's, and how they are read."""

    at: float
    """Which quantile."""
    truth: float
    """It, in control; treatment's values are all (1 + effect) times as large."""
    per_unit: int
    alike: float = 0.5
    """Part of the variance that units differ by."""
    having: float = 1.0
    """Part of events with a value other than 0; below 1 values are log-normal."""
    cap: float = np.inf
    uneven: bool = False
    """Whether units with high values have all `per_unit` events and the others one."""


def quantiles(
    rng: np.random.Generator, events: Events, shape: tuple[int, int], *, effect: float = 0.0
) -> Points:
    """The quantile of one variant's events, one cell for each run.

    Args:
        rng: The dice.
        events: Which world.
        shape: Runs and units.
        effect: How much larger all values are than control's, as a part of them.
    """
    step = max(1, 400_000 // (shape[1] * events.per_unit))
    parts = [
        quantile(*values(rng, events, (min(step, shape[0] - at), shape[1]), effect), events.at)
        for at in range(0, shape[0], step)
    ]
    fields = ("value", "variance", "dof", "n", "why")
    value, variance, dof, n, why = (
        np.concatenate([getattr(each, name) for each in parts]) for name in fields
    )
    return Points(value=value, variance=variance, dof=dof, n=n, why=why.astype(np.int64))


def values(
    rng: np.random.Generator, events: Events, shape: tuple[int, int], effect: float
) -> tuple[FloatArray, IntArray]:
    """Values, shape (runs, units, events), infinite where a unit has fewer, and how many each has."""
    own = rng.standard_normal((*shape, 1))
    drawn = rng.standard_normal((*shape, events.per_unit))
    drawn *= np.sqrt(1 - events.alike)
    drawn += np.sqrt(events.alike) * own
    if events.having < 1:
        np.exp(drawn, out=drawn)
        np.minimum(drawn, events.cap, out=drawn)
        drawn *= rng.random(drawn.shape) < events.having
    else:
        drawn += 10
    drawn *= 1 + effect
    count = np.full(shape, events.per_unit)
    if events.uneven:
        few = own[:, :, 0] < 0
        count[few] = 1
        drawn[:, :, 1:][few] = np.inf
    return drawn, count


def quantile(drawn: FloatArray, count: IntArray, at: float) -> Points:
    """The quantile and its bounds, read from the sorted values as the engines read them (type 1)."""
    total = count.sum(axis=1)
    whole = np.sort(drawn.reshape(len(drawn), -1), axis=1)
    q = read(whole, total, np.full(len(drawn), at))
    up_to = np.sum(drawn <= q[:, None, None], axis=2, dtype=np.float64)
    own = np.stack([up_to, count.astype(np.float64)], axis=2)
    n = np.full(len(own), float(own.shape[1]))
    shares = probabilities(Moments.from_sums(n, own.sum(axis=1), np.einsum("rui,ruj->rij", own, own)), at)
    return quantile_points(q, read(whole, total, shares.low), read(whole, total, shares.high), shares)


def read(whole: FloatArray, total: IntArray, at: FloatArray) -> FloatArray:
    """The smallest value with at least this share of values up to it; NaN for none."""
    known = np.isfinite(at)
    index = np.ceil(np.where(known, at, 0.5) * total).astype(np.int64) - 1
    return np.where(known, np.take_along_axis(whole, np.maximum(index, 0)[:, None], axis=1)[:, 0], np.nan)


def uneven_median(per_unit: int) -> float:
    """The median of events where units above the average have more of them: by bisection over a fine grid."""
    own = np.linspace(-9, 9, 200_001)
    weight = np.exp(-(own**2) / 2) * np.where(own < 0, 1, per_unit)
    weight = weight / weight.sum()
    half = np.sqrt(0.5)
    return 10 + float(brentq(lambda q: weight @ ndtr((q - half * own) / half) - 0.5, -3, 3))


BUYERS = float(np.exp(ndtri(1 - 0.1 / 0.3)))
"""The 90th percentile where 30 % of events have a standard log-normal value."""
EVENTS: dict[str, Events] = {
    "normal": Events(at=0.5, truth=10.0, per_unit=4),
    "skewed": Events(at=0.9, truth=BUYERS, per_unit=4, having=0.3),
    "capped": Events(at=0.9, truth=BUYERS, per_unit=4, having=0.3, cap=CAP),
    "ratio": Events(at=0.5, truth=uneven_median(4), per_unit=4, uneven=True),
    "clustered": Events(at=0.5, truth=10.0, per_unit=5, alike=0.8),
}
