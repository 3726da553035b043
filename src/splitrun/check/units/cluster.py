"""Units without a cluster, and too few clusters, where the plan names them."""

from __future__ import annotations

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed

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
    """Name variants with fewer than 10 clusters: their number, and not the units', says how much is known."""
    clusters = evidence.measured.clusters
    if clusters is None:
        return None
    variant = evidence.measured.cells.variant.code[clusters.cell]
    counts = [len(np.unique(clusters.code[variant == index])) for index in range(len(evidence.plan.variants))]
    scarce = [
        f"{each.key} has {counted(count, 'cluster')}"
        for each, count in zip(evidence.plan.variants, counts, strict=True)
        if 0 < count < CLUSTERS
    ]
    if not scarce:
        return None
    return Finding(
        code="few_clusters",
        severity=Severity.WARN,
        says=f"too few clusters to trust an interval: {listed(scarce)}",
        next=f"wait for at least {CLUSTERS} clusters per variant; more units in the same ones tell little",
    )
