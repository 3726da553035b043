"""Units without a cluster, where the plan names one."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted

__all__ = ["no_cluster"]


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
