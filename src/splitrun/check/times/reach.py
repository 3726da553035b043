"""How far the rows reach: beyond the moment of reading, or not up to the moment that is read for."""

from __future__ import annotations

from datetime import timedelta

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import by_source, counted, listed
from splitrun.spec.amount import told_window
from splitrun.spec.source import EXPOSURES

__all__ = ["future_rows", "late_events", "source_ends_early"]

DAY = timedelta(days=1)
PART = 0.1
"""Of the time between the first exposure and the moment read for."""


def future_rows(evidence: Evidence) -> Finding | None:
    """Count rows that lie after the moment of reading; they cannot have happened and do not count."""
    future = evidence.measured.dirt.future_rows
    if not sum(future.values()):
        return None
    return Finding(
        code="future_rows",
        severity=Severity.WARN,
        says=(
            f"{counted(sum(future.values()), 'row')} of a time that has not come yet not counted "
            f"({by_source(future)})"
        ),
        next="look at the clock or the time zone that wrote them",
    )


def late_events(evidence: Evidence) -> Finding | None:
    """Count events of the lake that came in later than the plan waits for."""
    late = evidence.measured.dirt.late_rows
    if not late or evidence.plan.lateness is None:
        return None
    return Finding(
        code="late_events",
        severity=Severity.NOTE,
        says=(
            f"{counted(sum(late.values()), 'event')} came in more than "
            f"{told_window(evidence.plan.lateness)} after they happened and are not counted "
            f"({by_source(late)})"
        ),
        next="look for clients that keep events for long, if these are many",
    )


def source_ends_early(evidence: Evidence) -> Finding | None:
    """Name event sources that end long before the moment read for: what happened since counts as nothing.

    Exposures may end early: many experiments enrol for a while and then wait for windows to pass.
    """
    measured = evidence.measured
    if measured.as_of is None or measured.first_exposure is None:
        return None
    slack = max(DAY, PART * (measured.as_of - measured.first_exposure))
    early = [
        f"{source.name} on {source.last:%Y-%m-%d %H:%M} UTC"
        for source in measured.sources
        if source.name != EXPOSURES and source.last is not None and measured.as_of - source.last > slack
    ]
    if not early:
        return None
    return Finding(
        code="source_ends_early",
        severity=Severity.WARN,
        says=(
            f"the readout is as of {measured.as_of:%Y-%m-%d %H:%M} UTC, and the last row lies long before it "
            f"({listed(early)}); units count as if nothing had happened since"
        ),
        next="export the source again, or read as of the moment up to which every source is complete",
    )
