"""Whether an effect differs between the levels of a segment (Cochran 1954)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from splitrun.moments import FloatArray

__all__ = ["Heterogeneity", "cochran"]


class Heterogeneity(NamedTuple):
    """Cochran's Q over the levels of a segment."""

    q: float
    dof: int
    """Levels with numbers, less one."""
    p: float
    """Of the null that the effect is the same in all levels; 1 where fewer than two have numbers."""


def cochran(effect: FloatArray, stderr: FloatArray) -> Heterogeneity:
    """Compare the effects of a segment's levels with their common mean, weighted by precision.

    With Welch variances this is the Wald test of the interaction with HC2 errors in the saturated model.

    Args:
        effect: Effects of the levels, shape (levels,); NaN where a level has none.
        stderr: Their standard errors; a level counts where both are finite and this is above 0.
    """
    held = np.isfinite(effect) & np.isfinite(stderr) & (stderr > 0)
    levels = int(held.sum())
    if levels < 2:
        return Heterogeneity(q=0.0, dof=0, p=1.0)
    effects, errors = effect[held], stderr[held]
    # precision against the best level, and effects against the first: neither overflows nor cancels
    weight = (errors.min() / errors) ** 2
    away = effects - effects[0]
    common = np.sum(weight * away) / np.sum(weight)
    q = float(np.sum(((away - common) / errors) ** 2))
    return Heterogeneity(q=q, dof=levels - 1, p=float(chdtrc(levels - 1, q)))
