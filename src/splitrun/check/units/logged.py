"""Units that are in the lake and not analysed."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted

__all__ = ["exposures_left_out"]


def exposures_left_out(evidence: Evidence) -> Finding | None:
    """Count units of the lake that were not dealt by chance in this version, and why; a unit may have two."""
    reasons = {why: units for why, units in evidence.measured.dirt.logged.items() if why != "linked"}
    if not reasons:
        return None
    listed = ", ".join(f"{units:,} {why}" for why, units in reasons.items())
    return Finding(
        code="exposures_left_out",
        severity=Severity.NOTE,
        says=f"{counted(max(reasons.values()), 'unit')} or more of the lake left out: {listed}",
        next="nothing, if the experiment was restarted or paused, or units were put on lists on purpose",
    )
