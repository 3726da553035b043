"""Whether an effect differs between the levels of a segment (Cochran 1954), once or at any time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from splitrun.moments import FloatArray

__all__ = ["Heterogeneity", "at_any_time", "cochran"]


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


def at_any_time(q: float, dof: int, weight: float) -> float:
    """The p of Cochran's Q that holds however often it is read: min(1, 1/e) of now.

    The effects' departures from their mean are mixed over a normal of `weight` times their covariance, as
    the always-valid interval mixes one effect (Robbins 1970); with two levels it is that interval's p.

    Args:
        q: Cochran's Q.
        dof: Levels with numbers, less one.
        weight: Units of the two variants now, over all levels, times the mixing variance that is tuned to the
            planned units of them; it may not depend on what was seen.
    """
    log_e = q * weight / (2 * (1 + weight)) - dof * np.log1p(weight) / 2
    return float(np.exp(min(0.0, -log_e)))
