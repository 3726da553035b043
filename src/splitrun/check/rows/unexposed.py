"""Events of units that were never exposed."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import by_source, counted, listed

__all__ = ["events_unexposed", "no_events_met"]


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


def no_events_met(evidence: Evidence) -> Finding | None:
    """Name sources of which no row belongs to an exposed unit: the ids are most likely written in two ways.

    Ids are personal data, so only their form is shown.
    """
    strangers = evidence.measured.dirt.strangers
    if not strangers:
        return None
    named = listed(
        f"{source}: units have ids like {ours!r}, its rows like {theirs!r}"
        if theirs
        else f"{source}: units have ids like {ours!r}, its rows none"
        for source, (ours, theirs) in strangers.items()
    )
    return Finding(
        code="no_events_met",
        severity=Severity.STOP,
        says=f"not one row belongs to an exposed unit ({named}; 9 stands for a digit, a for a letter)",
        next="name the right column in `unit`, and write ids the same way on both sides, byte for byte",
    )
