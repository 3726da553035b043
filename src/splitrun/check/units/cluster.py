"""Units without a cluster, and too few clusters, where the plan names them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed
from splitrun.infer.clusters_uneven import effective
from splitrun.measure.measured import Clusters

__all__ = ["few_clusters", "no_cluster"]

CLUSTERS = 10
"""Fewer in a variant leave even CR2 little to see a spread in (Cameron, Gelbach, Miller 2008)."""


def no_cluster(evidence: Evidence) -> Finding | None:
    """Count units whose cluster is null; nobody can say whom they are alike with, so they were left out."""
    clusters = evidence.measured.clusters
    if clusters is None or not clusters.lost:
        return None
    return Finding(
        code="no_cluster",
        severity=Severity.WARN,
        says=f"{counted(clusters.lost, 'unit')} without a cluster left out",
        next="find out why the cluster is missing; look whether one variant loses more of them",
    )


def few_clusters(evidence: Evidence) -> Finding | None:
    """Name variants with fewer than 10 clusters, or whose sizes are so unlike that they count as fewer.

    Their number, and not the units', says how much is known; a few that hold most units say most of it.
    """
    clusters = evidence.measured.clusters
    if clusters is None:
        return None
    variant = evidence.measured.cells.variant.code[clusters.cell]
    scarce = []
    for index, each in enumerate(evidence.plan.variants):
        mine = variant == index
        count = len(np.unique(clusters.code[mine]))
        alike = counting(evidence, clusters, mine)
        if 0 < count < CLUSTERS:
            scarce.append(f"{each.key} has {counted(count, 'cluster')}")
        elif count and alike < CLUSTERS:
            scarce.append(f"{each.key} has {counted(count, 'cluster')} that count as {alike:.1f} of one size")
    if not scarce:
        return None
    return Finding(
        code="few_clusters",
        severity=Severity.WARN,
        says=f"too few clusters to trust an interval: {listed(scarce)}",
        next=f"wait for at least {CLUSTERS} clusters per variant; more units in the same ones tell little",
    )


def counting(evidence: Evidence, clusters: Clusters, mine: npt.NDArray[np.bool_]) -> float:
    """As how many of one size the clusters of a variant count, by the units of the first metric.

    Args:
        evidence: What was measured.
        clusters: Of all variants.
        mine: Rows of the variant, shape (rows,).
    """
    keys = [planned.key for planned in evidence.plan.metrics if planned.key in clusters.sums]
    if not keys:
        return np.inf
    units = np.bincount(clusters.code[mine], weights=clusters.sums[keys[0]].units[mine])
    return float(effective(units.astype(np.float64)[None])[0]) or np.inf
