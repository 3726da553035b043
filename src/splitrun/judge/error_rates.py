"""How much error each comparison may make: the plan's alpha, shared out, and the p that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from splitrun.infer.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    discovery_level,
    dunnett_critical,
    dunnett_p,
    holm,
)
from splitrun.moments import FloatArray
from splitrun.plan.power.rates import error_rates
from splitrun.spec.analysis import Multiplicity
from splitrun.spec.plan import Plan

__all__ = ["LATE", "Comparand", "adjusted", "corrected", "discoveries"]

LATE = {Multiplicity.BH, Multiplicity.BY, Multiplicity.DUNNETT}
"""Corrections whose error rates are known only when the comparisons have been seen."""


@dataclass(frozen=True, slots=True)
class Comparand:
    """What correction needs of one comparison over all units; NaN where there is no number."""

    metric: str
    variant: str
    p: float
    t: float
    dof: float
    loading: float
    """Root of the part that control's variance has in that of the difference."""


def corrected(plan: Plan, seen: Sequence[Comparand]) -> dict[tuple[str, str], float]:
    """Error rates of primaries that depend on what was seen, by metric and treatment; empty where none do.

    Benjamini and Hochberg's discoveries have intervals at R alpha / m (Benjamini, Yekutieli 2005), which
    leave 0 out exactly where p was selected; Dunnett's share one number of standard errors.
    """
    chosen, alpha = plan.analysis.multiplicity, plan.analysis.alpha
    if chosen not in LATE or not seen:
        return {}
    if chosen is Multiplicity.DUNNETT:
        parts = error_rates(plan)
        each = [dunnett(group, parts[group[0].metric] * len(plan.treatments)) for group in by_metric(seen)]
        return {key: rate for found in each for key, rate in found.items()}
    p, count = counted(seen), len(seen)
    spread = 1.0 if chosen is Multiplicity.BH else float(np.sum(1 / np.arange(1, count + 1)))
    selected = int(np.sum(stepped(chosen, p) <= alpha))
    rate = 1 - discovery_level(alpha / spread, selected, count)
    return {(comparand.metric, comparand.variant): rate for comparand in seen}


def dunnett(seen: Sequence[Comparand], alpha: float) -> dict[tuple[str, str], float]:
    """Alpha of each comparison of one metric, whose intervals all reach Dunnett's standard errors."""
    known = [comparand for comparand in seen if np.isfinite(comparand.t)]
    if not known:
        return {}
    loadings = np.array([comparand.loading for comparand in known])
    smallest = min(comparand.dof for comparand in known)
    critical = dunnett_critical(loadings, level=1 - alpha, dof=smallest)
    return {
        (comparand.metric, comparand.variant): float(2 * stdtr(comparand.dof, -critical))
        for comparand in known
    }


def adjusted(plan: Plan, seen: Sequence[Comparand]) -> dict[tuple[str, str], float]:
    """The p of primaries, adjusted as the plan corrects; one without a p counts as 1, and stays without."""
    if plan.analysis.multiplicity is Multiplicity.NONE or not seen:
        return {}
    match plan.analysis.multiplicity:
        case Multiplicity.BONFERRONI:
            rates = error_rates(plan)
            scaled = [plan.analysis.alpha / rates[comparand.metric] for comparand in seen]
            found = np.minimum(1.0, counted(seen) * np.array(scaled))
        case Multiplicity.DUNNETT:
            found = single_step(plan, seen)
        case stepwise:
            found = stepped(stepwise, counted(seen))
    return named(seen, found)


def discoveries(seen: Sequence[Comparand]) -> dict[tuple[str, str], float]:
    """The p of secondary metrics by Benjamini and Hochberg, which explains and does not decide."""
    return named(seen, benjamini_hochberg(counted(seen))) if seen else {}


def single_step(plan: Plan, seen: Sequence[Comparand]) -> FloatArray:
    """Dunnett's p within each primary, Bonferroni over primaries by weight, in the order of `seen`."""
    rates, alpha = error_rates(plan), plan.analysis.alpha
    found: dict[tuple[str, str], float] = {}
    for group in by_metric(seen):
        known = [comparand for comparand in group if np.isfinite(comparand.t)]
        if known:
            p = dunnett_p(
                np.array([comparand.t for comparand in known]),
                np.array([comparand.loading for comparand in known]),
                dof=min(comparand.dof for comparand in known),
            )
            scaled = p * alpha / (rates[group[0].metric] * len(plan.treatments))
            found |= {(c.metric, c.variant): float(each) for c, each in zip(known, scaled, strict=True)}
    return np.asarray(np.minimum(1.0, [found.get((c.metric, c.variant), 1.0) for c in seen]))


def stepped(how: Multiplicity, p: FloatArray) -> FloatArray:
    """Adjust p-values stepwise."""
    match how:
        case Multiplicity.BH:
            return benjamini_hochberg(p)
        case Multiplicity.BY:
            return benjamini_yekutieli(p)
        case _:
            return holm(p)


def counted(seen: Sequence[Comparand]) -> FloatArray:
    """The p of every planned comparison; 1 where there is none."""
    p = np.array([comparand.p for comparand in seen])
    return np.where(np.isnan(p), 1.0, p)


def named(seen: Sequence[Comparand], p: FloatArray) -> dict[tuple[str, str], float]:
    """By metric and variant, where the comparison has a p."""
    return {
        (comparand.metric, comparand.variant): float(value)
        for comparand, value in zip(seen, p, strict=True)
        if not np.isnan(comparand.p)
    }


def by_metric(seen: Sequence[Comparand]) -> Sequence[Sequence[Comparand]]:
    """The comparisons of every metric together."""
    groups: Mapping[str, list[Comparand]] = {comparand.metric: [] for comparand in seen}
    for comparand in seen:
        groups[comparand.metric].append(comparand)
    return list(groups.values())
