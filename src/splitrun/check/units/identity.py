"""Exposure rows without a unit, and units exposed more than once."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted

__all__ = ["duplicate_exposures", "no_unit"]


def no_unit(evidence: Evidence) -> Finding | None:
    """Count exposure rows without a unit id; nobody can say whose they are, so they were left out."""
    dirt = evidence.measured.dirt
    if not dirt.no_unit:
        return None
    return Finding(
        code="no_unit",
        severity=Severity.WARN,
        says=(
            f"{counted(dirt.no_unit, 'exposure row')} "
            f"of {max(dirt.no_unit, dirt.exposure_rows):,} without a unit id left out"
        ),
        next="find out where the id is lost; if it happens in one variant only, the effects are biased",
    )


def duplicate_exposures(evidence: Evidence) -> Finding | None:
    """Count rows beyond the first of a unit in its variant; the first one counts."""
    rows = evidence.measured.dirt.duplicate_exposures
    if not rows:
        return None
    return Finding(
        code="duplicate_exposures",
        severity=Severity.NOTE,
        says=f"{counted(rows, 'exposure row')} repeat a unit in the same variant; the first of each counts",
        next="nothing, if exposures are logged at every visit",
    )
