"""A cluster that the plan names and the analysis does not use yet."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity

__all__ = ["cluster_not_used"]


def cluster_not_used(evidence: Evidence) -> Finding | None:
    """Warn that units alike within clusters are analysed as if each stood alone."""
    exposures = evidence.plan.exposures
    if exposures is None or exposures.cluster is None:
        return None
    return Finding(
        code="cluster_not_used",
        severity=Severity.WARN,
        says=(
            f"units are grouped by {exposures.cluster!r}, and intervals do not use the clusters yet: "
            "if units of one cluster are alike, every interval is too narrow"
        ),
        next=f"take the intervals as the least uncertainty, or hand over one row per {exposures.cluster}",
    )
