"""Exposures without a time."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted

__all__ = ["exposures_no_time", "no_exposure_time"]


def no_exposure_time(evidence: Evidence) -> Finding | None:
    """Say what cannot be had where the plan names no time of exposure."""
    exposures = evidence.plan.exposures
    if exposures is not None and exposures.time is not None:
        return None
    return Finding(
        code="no_exposure_time",
        severity=Severity.NOTE,
        says="the exposures carry no time, so windows, series over time and several looks are not to be had",
        next="name the column with the moment of exposure in `exposures.time`, if there is one",
    )


def exposures_no_time(evidence: Evidence) -> Finding | None:
    """Count exposure rows whose time is null or cannot be read; they were left out."""
    dirt = evidence.measured.dirt
    if not dirt.no_time:
        return None
    return Finding(
        code="exposures_no_time",
        severity=Severity.WARN,
        says=(
            f"{counted(dirt.no_time, 'exposure row')} of "
            f"{max(dirt.no_time, dirt.exposure_rows):,} without a readable time left out"
        ),
        next="write times as 2026-01-31T12:00:00+01:00; look whether one variant loses more of them",
    )
