"""Alpha, p and levels over several comparisons.

Weighted Bonferroni decides, Holm (1979) is shown beside it. Benjamini, Hochberg (1995) and Benjamini,
Yekutieli (2001) keep the part of false discoveries, with the intervals of Benjamini, Yekutieli (2005).
Dunnett (1955) compares several treatments with one control.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, stdtr, stdtrit

from splitrun.infer.estimate import Side
from splitrun.moments import FloatArray

__all__ = [
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bonferroni",
    "discovery_level",
    "dunnett_critical",
    "dunnett_p",
    "holm",
    "shares",
]

STEP = 0.1
"""Of the sums that stand for integrals over control's error; halving it changes no digit shown."""


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


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """Adjust p-values step up: comparing with q then keeps the part of false discoveries at q or below.

    It does so for independent comparisons and for those that move together, as treatments against one
    control do (Benjamini, Hochberg 1995; Benjamini, Yekutieli 2001).

    Args:
        p: One per comparison that was planned, shape (comparisons,); 1 for a comparison without a p.
    """
    order = np.argsort(-p, kind="stable")
    stepped = np.minimum.accumulate(len(p) / np.arange(len(p), 0, -1) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted


def benjamini_yekutieli(p: FloatArray) -> FloatArray:
    """Adjust p-values as `benjamini_hochberg` does, for comparisons that depend on each other in any way.

    Args:
        p: One per comparison that was planned, shape (comparisons,); 1 for a comparison without a p.
    """
    return np.minimum(1.0, benjamini_hochberg(p) * np.sum(1 / np.arange(1, len(p) + 1)))


def discovery_level(alpha: float, selected: int, comparisons: int) -> float:
    """Level of the intervals to show for comparisons that were selected, 1 - R alpha / m.

    Of the intervals shown, the part that misses the truth then stays at alpha on average, which intervals at
    1 - alpha do not keep once only discoveries are looked at (Benjamini, Yekutieli 2005).

    Args:
        alpha: Tolerated part of shown intervals that miss, the q of the selection.
        selected: How many were selected, R; for none the level is that of one.
        comparisons: How many were planned, m.
    """
    return 1 - max(1, selected) * alpha / comparisons


def dunnett_critical(
    loadings: FloatArray, *, level: float, dof: float = np.inf, side: Side = Side.BOTH
) -> float:
    """How many standard errors intervals reach that hold for all treatments at once (Dunnett 1955).

    Variants may differ in variance and size.

    Args:
        loadings: Root of the part that control's variance has in each difference's, between 0 and 1, shape
            (treatments,): two differences are correlated by the product of theirs.
        level: How often all intervals together should hold their true differences.
        dof: Degrees of freedom common to the differences: the smallest of theirs is on the safe side.
        side: Which ends are bounded.
    """
    alone = (1 - level) / (2 if side is Side.BOTH else 1)
    # between the comparison alone and Bonferroni, whatever the correlations
    least, most = float(-stdtrit(dof, alone)), float(-stdtrit(dof, alone / len(loadings)))
    if len(loadings) == 1:
        return least
    return float(brentq(lambda c: outside(c, loadings, dof, side) - (1 - level), least - 0.01, most + 0.01))


def dunnett_p(
    t: FloatArray, loadings: FloatArray, *, dof: float = np.inf, side: Side = Side.BOTH
) -> FloatArray:
    """Single-step p-values of all treatments against one control (Dunnett 1955).

    Args:
        t: Statistics of the differences, shape (treatments,).
        loadings: As for `dunnett_critical`.
        dof: As for `dunnett_critical`.
        side: `both` for a two-sided p; `lower` of the null that the difference is 0 or less, `upper` that it
            is 0 or more.
    """
    toward = {Side.BOTH: np.abs(t), Side.LOWER: t, Side.UPPER: -t}[side]
    alone = stdtr(dof, -toward) * (2 if side is Side.BOTH else 1)
    together = np.array([outside(float(each), loadings, dof, side) for each in toward])
    # the same bounds keep the far tail, where the sums have no digits left
    return np.asarray(np.clip(together, alone, np.minimum(1.0, len(t) * alone)))


def outside(c: float, loadings: FloatArray, dof: float, side: Side) -> float:
    """How often one statistic or more lies beyond c.

    Given control's error z the differences are independent; the common standard error s is integrated over
    as well. Both are smooth and vanish at their ends, where a plain sum converges fastest.
    """
    z = np.arange(-9.0 - abs(c), 9.0 + abs(c), STEP)
    density = np.exp(-(z**2) / 2)
    s, weight = common_error(dof)
    own = np.sqrt(1 - loadings**2)
    reach, drawn = c * s[:, None, None], loadings * z[:, None]
    beyond = ndtr((drawn - reach) / own)
    if side is Side.BOTH:
        beyond = beyond + ndtr((-drawn - reach) / own)
    # 1 - product(1 - beyond) without losing the small ones
    any_beyond = -np.expm1(np.sum(np.log1p(-np.minimum(beyond, 1 - 1e-16)), axis=2))
    return float(weight @ (any_beyond @ density) / density.sum())


def common_error(dof: float) -> tuple[FloatArray, FloatArray]:
    """Values of a standard error estimated with `dof` over the true one, and their weights."""
    if np.isinf(dof):
        return np.ones(1), np.ones(1)
    low, high = np.sqrt(2 * gammaincinv(dof / 2, np.array([1e-14, 1 - 1e-14])) / dof)
    s = np.linspace(low, high, 61)
    log_density = (dof - 1) * np.log(s / high) - dof * (s**2 - high**2) / 2
    weight = np.exp(log_density - log_density.max())
    return s, weight / weight.sum()
