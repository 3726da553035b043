"""How the planned units mature over the looks."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["planned_shares", "rising"]

NOTHING = timedelta(0)


def planned_shares(plan: Plan, planned: PlannedMetric) -> tuple[float, ...]:
    """Which part of the planned units will have matured at each look if they come evenly; the last is 1."""
    looks, window = plan.analysis.looks, planned.metric.matures or NOTHING
    span = looks[-1] - window if plan.duration is None else plan.duration.enrol
    parts = [min(1.0, max(0.0, (look - window) / span)) if span > NOTHING else 0.0 for look in looks[:-1]]
    return (*parts, 1.0)


def rising(shares: tuple[float, ...]) -> tuple[float, ...]:
    """The looks among them that add units."""
    return tuple(after for before, after in pairwise((0.0, *shares)) if after > before)
