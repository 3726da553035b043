"""Events of units that were never exposed."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import by_source, counted

__all__ = ["events_unexposed"]


def events_unexposed(evidence: Evidence) -> Finding | None:
    """Count rows of units that no exposure names; they do not count."""
    strangers = evidence.measured.dirt.events_unexposed
    if not sum(strangers.values()):
        return None
    return Finding(
        code="events_unexposed",
        severity=Severity.NOTE,
        says=(
            f"{counted(sum(strangers.values()), 'event')} of units that were never exposed not counted "
            f"({by_source(strangers)})"
        ),
        next="nothing, if the source holds other units too; else compare how both sides write the unit's id",
    )
