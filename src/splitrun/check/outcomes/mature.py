"""Units whose window has not passed yet."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed, percent

__all__ = ["immature"]


def immature(evidence: Evidence) -> Finding | None:
    """Show matured over exposed units of every metric that still waits for some."""
    units = int(evidence.measured.units().sum())
    waiting = [
        (planned.key, int(evidence.measured.columns[planned.key].immature.sum()))
        for planned in evidence.plan.metrics
    ]
    shares = listed(
        f"{metric}: {units - young:,} of {units:,} matured ({percent(units - young, units)})"
        for metric, young in waiting
        if young and units
    )
    if not shares:
        return None
    return Finding(
        code="immature",
        severity=Severity.NOTE,
        says=f"only units whose window has passed count ({shares})",
        next="read again when the windows of the last units have passed",
    )
