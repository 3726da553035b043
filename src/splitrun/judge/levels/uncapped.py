"""The levels of a capped metric without its cap, over units or over clusters."""

from __future__ import annotations

from dataclasses import replace

from splitrun.infer.estimate import Points
from splitrun.judge.levels.cuts import Cut
from splitrun.judge.levels.pairs import pairs
from splitrun.judge.levels.strips import strip_of
from splitrun.measure.measured import Clusters
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["uncapped"]


def uncapped(plan: Plan, planned: PlannedMetric, whole: Cut, index: int) -> tuple[Points, Points] | None:
    """The levels of a capped metric without its cap, read as the capped ones are.

    Args:
        plan: What to adjust for.
        planned: The metric in its role.
        whole: All units as one level.
        index: The treatment's place among the variants.

    Returns:
        Control and the treatment; None without a cap, or where clusters were added up with it only.
    """
    measured, key = whole.measured, planned.key
    column, clusters = measured.columns[key], measured.clusters
    if column.capping is None:
        return None
    if clusters is not None and key in clusters.sums:
        clusters = bare_of(clusters, key)
        if clusters is None:
            return None
    free = replace(column, moments=column.capping.uncapped, capping=None)
    bare = replace(measured, columns={**measured.columns, key: free}, clusters=clusters)
    pair = pairs(plan, [planned], strip_of([replace(whole, measured=bare)]))[key][index - 1]
    return pair.control, pair.treatment


def bare_of(clusters: Clusters, key: str) -> Clusters | None:
    """The clusters with a metric's sums as they are without its cap; None where nobody added these up."""
    bare = clusters.sums[key].uncapped
    return None if bare is None else replace(clusters, sums={**clusters.sums, key: bare})
