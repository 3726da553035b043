"""What a group-sequential look says: repeated intervals, their level, and the repeated p.

Jennison and Turnbull (1989), JRSS B 51, 305-361. The repeated interval of look k is effect ± bound_k ·
standard error; all of them hold the truth together with probability 1 - alpha, whether or not anybody stops.
Its p is the smallest alpha at which it excludes zero, the looks and the spending function kept.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.special import ndtr, ndtri

from splitrun.infer.estimate import Side
from splitrun.infer.looks.boundaries import boundaries
from splitrun.infer.looks.spending import OBRIEN_FLEMING, Spending, checked_tail, information
from splitrun.moments import FloatArray

__all__ = ["SMALLEST_TAIL", "adjusted_level", "repeated_p"]

SMALLEST_TAIL = 1e-15
"""No repeated p is given below this in one tail; a smaller one is reported as this, to the safe side."""
KNOTS = 25


def adjusted_level(bounds: npt.ArrayLike, side: Side = Side.BOTH) -> FloatArray:
    """The level of an ordinary interval that makes it the repeated interval of its look.

    With a t quantile in place of the normal one this carries the bound over by its tail probability, as is
    usual.

    Args:
        bounds: Bounds of z, any shape.
        side: Which ends the interval bounds.

    Returns:
        Levels in the shape of `bounds`; 1, an interval without ends, where the bound is infinite or above
        8.3, which double precision cannot tell from it.
    """
    z = np.asarray(bounds, dtype=np.float64)
    tails = 2 if side is Side.BOTH else 1
    return np.asarray(1 - tails * ndtr(-z), dtype=np.float64)


@lru_cache(maxsize=256)
def curve(
    looks: tuple[float, ...],
    spending: Spending,
    tail: float,
    *,
    ended: bool,
) -> tuple[FloatArray, FloatArray]:
    """The last look's bounds as the error of a tail shrinks, and the normal deviates of those tails."""
    deviates = np.union1d(np.linspace(0.0, -float(ndtri(SMALLEST_TAIL)), KNOTS), [-float(ndtri(tail))])
    last = np.array([boundaries(looks, float(ndtr(-x)), spending, ended=ended)[-1] for x in deviates])
    keep = np.isfinite(last)
    return last[keep], deviates[keep]


def repeated_p(
    z: npt.ArrayLike,
    looks: npt.ArrayLike,
    tail: float,
    spending: Spending = OBRIEN_FLEMING,
    *,
    ended: bool = False,
    side: Side = Side.BOTH,
) -> FloatArray:
    """The p of the last look taken: the smallest alpha at which its repeated interval excludes zero.

    The inverse of the bound is interpolated (p to 0.1 %), rising and exact at `tail`: p and interval never
    disagree.

    Args:
        z: Effects over their standard errors at the last look, any shape. Where the interval uses a t
            quantile, the normal deviate of the ordinary p instead, so that p and interval agree there too.
        looks: Matured units over planned units at each look so far, shape (looks,).
        tail: Error of one tail in the plan.
        spending: How it is spent.
        ended: Whether the last look is the planned end.
        side: `lower` asks whether the effect lies above zero, `upper` whether below; `both` doubles the less.

    Returns:
        Between 2e-15 (1e-15 one-sided) and 1, shape of `z`; a one-sided p above one half is given as 1.
    """
    seen = np.asarray(z, dtype=np.float64)
    toward = {Side.BOTH: np.abs(seen), Side.LOWER: seen, Side.UPPER: -seen}[side]
    at = tuple(information(looks).tolist())
    bounds, deviates = curve(at, spending, checked_tail(tail), ended=ended)
    if len(bounds) < 2:
        return np.ones_like(seen)
    inside = np.clip(toward, bounds[0], bounds[-1])
    # beyond the last knot p stays where it is: an upper limit of the true one
    p = ndtr(-CubicSpline(bounds, deviates)(inside)) * (2 if side is Side.BOTH else 1)
    return np.where(toward <= bounds[0], 1.0, np.minimum(p, 1.0))
