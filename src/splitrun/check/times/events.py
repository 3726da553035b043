"""Events before their unit's exposure, and events without a time."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import by_source, counted

__all__ = ["events_before_exposure", "events_no_time"]


def events_before_exposure(evidence: Evidence) -> Finding | None:
    """Count rows of exposed units from before their exposure; they cannot be its effect and do not count."""
    before = evidence.measured.dirt.events_before
    if not sum(before.values()):
        return None
    return Finding(
        code="events_before_exposure",
        severity=Severity.NOTE,
        says=(
            f"{counted(sum(before.values()), 'event')} before the unit's exposure not counted "
            f"({by_source(before)})"
        ),
        next="nothing, if the source also holds the time before the experiment; else compare the two clocks",
    )


def events_no_time(evidence: Evidence) -> Finding | None:
    """Count events without a readable time; nobody can say whether they came after exposure."""
    timeless = evidence.measured.dirt.events_no_time
    if not sum(timeless.values()):
        return None
    return Finding(
        code="events_no_time",
        severity=Severity.WARN,
        says=(
            f"{counted(sum(timeless.values()), 'event')} without a readable time not counted "
            f"({by_source(timeless)})"
        ),
        next="write times as 2026-01-31T12:00:00+01:00; look whether one variant loses more of them",
    )
