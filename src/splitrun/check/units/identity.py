"""Exposure rows without a unit, and units exposed more than once."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed, percent

__all__ = ["conflicting_rows", "duplicate_exposures", "no_unit"]

MANY = 0.01
"""Above this share of units the rows are no log of exposures, but something that must be added up."""


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


def conflicting_rows(evidence: Evidence) -> Finding | None:
    """Count units whose rows of one moment disagree: nobody can say which comes first, so it is missing."""
    conflicts = {name: units for name, units in evidence.measured.dirt.conflicting_units.items() if units}
    if not conflicts:
        return None
    most = max(conflicts.values())
    units = max(most, int(evidence.measured.exposed.sum()))
    named = listed(
        f"{count:,} of {units:,} units ({percent(count, units)}) disagree on {name}"
        for name, count in conflicts.items()
    )
    return Finding(
        code="conflicting_rows",
        severity=Severity.STOP if most > MANY * units else Severity.WARN,
        says=(
            "several exposure rows of a unit at the same moment, or without one, disagree, and nobody can "
            f"say which comes first; what they disagree on is missing: {named}"
        ),
        next="add the rows up per unit in a query, or name `exposures.time` so that the first row is known",
    )
