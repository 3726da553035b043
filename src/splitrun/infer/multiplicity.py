"""Alpha and p over several comparisons: weighted Bonferroni decides, Holm (1979) is shown beside it."""

from __future__ import annotations

import numpy as np

from splitrun.moments import FloatArray

__all__ = ["bonferroni", "holm", "shares"]


def shares(alpha: float, weights: tuple[int, ...], treatments: int) -> tuple[float, ...]:
    """Deal alpha out over primaries and treatments; the sum over all comparisons is alpha.

    Args:
        alpha: False alarms allowed over all primaries and treatments together.
        weights: One per primary; a primary with weight 2 gets twice the alpha of one with 1.
        treatments: How many treatments are compared with control.

    Returns:
        For each primary, the alpha of one treatment's comparison.
    """
    return tuple(alpha * weight / (sum(weights) * treatments) for weight in weights)


def bonferroni(p: FloatArray) -> FloatArray:
    """Every p times the number of comparisons, at most 1, shape (comparisons,)."""
    return np.minimum(1.0, len(p) * p)


def holm(p: FloatArray) -> FloatArray:
    """Adjust p-values step down: comparing with alpha then keeps the familywise error (Holm 1979).

    Args:
        p: One per comparison that was planned, shape (comparisons,); 1 for a comparison without a p, which
            was planned all the same.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted
