"""Whether the units seen came in the shares that were planned (Fabijan 2019; Lindon, Malek 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, gammaln

from splitrun.moments import FloatArray, IntArray

__all__ = ["SequentialSplit", "SplitTest", "chi_square", "sequential"]


@dataclass(frozen=True, slots=True, eq=False)
class SplitTest:
    """The chi-square test of one split; read once, at the decision."""

    statistic: float
    dof: int
    """Variants with planned traffic, less one."""
    p: float
    """1 where nothing can be seen: no units, or only one variant with planned traffic."""
    expected: FloatArray
    """Units due, shape (variants,); of those seen in variants with planned traffic."""
    unplanned: int
    """Units in variants of weight zero, where none were due; they take no part in the statistic."""


@dataclass(frozen=True, slots=True, eq=False)
class SequentialSplit:
    """The split test that holds at every look, shape (looks,)."""

    log_bayes_factor: FloatArray
    """Of "any other split" against the planned one, over all units up to the look."""
    p: FloatArray
    """Running minimum of 1 / Bayes factor, at most 1: an alarm once given stays."""
    unplanned: int
    """Units in variants of weight zero; they take no part in the factor."""


def chi_square(observed: IntArray, weights: IntArray) -> SplitTest:
    """Compare the units of each variant with its weight (Pearson's chi-square).

    Args:
        observed: Units seen, shape (variants,).
        weights: Parts of the traffic that were planned, in any scale, shape (variants,).
    """
    planned = weights > 0
    seen = np.where(planned, observed, 0).astype(np.float64)
    expected = seen.sum() * np.where(planned, weights, 0) / max(weights[planned].sum(), 1)
    due = expected > 0
    statistic = float(np.sum((seen - expected)[due] ** 2 / expected[due]))
    dof = max(int(planned.sum()) - 1, 0)
    return SplitTest(
        statistic=statistic,
        dof=dof,
        p=float(chdtrc(dof, statistic)) if dof else 1.0,
        expected=expected,
        unplanned=int(observed[~planned].sum()),
    )


def sequential(counts_by_look: IntArray, weights: IntArray, concentration: float) -> SequentialSplit:
    """Test the split at every look without spending alpha (Lindon, Malek 2022).

    The Bayes factor of a multinomial with a Dirichlet prior around the planned shares against these shares is
    a martingale under the planned split, so 1 / factor is a p-value at whichever look one stops.

    Args:
        counts_by_look: Units that arrived since the look before, shape (looks, variants).
        weights: Parts of the traffic that were planned, in any scale, shape (variants,).
        concentration: How firmly the prior sits on the planned shares; larger sees smaller deviations, later.
    """
    planned = weights > 0
    shares = weights[planned] / max(weights[planned].sum(), 1)
    units = np.cumsum(counts_by_look[:, planned], axis=0).astype(np.float64)
    prior = concentration * shares
    total = units.sum(axis=1)
    factor = (
        gammaln(concentration)
        - gammaln(concentration + total)
        + np.sum(gammaln(prior + units) - gammaln(prior) - units * np.log(shares), axis=1)
    )
    p = np.exp(np.minimum(0.0, -factor))
    return SequentialSplit(
        log_bayes_factor=factor,
        p=np.minimum.accumulate(p),
        unplanned=int(counts_by_look[:, ~planned].sum()),
    )
