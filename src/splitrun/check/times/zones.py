"""Times that name no zone, alone or beside others that do."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import by_source

__all__ = ["mixed_time_zones", "zoneless"]


def mixed_time_zones(evidence: Evidence) -> Finding | None:
    """Warn when some times name their zone and others do not: hours may have shifted between them."""
    dirt = evidence.measured.dirt
    if not sum(dirt.zoned.values()) or not sum(dirt.zoneless.values()):
        return None
    return Finding(
        code="mixed_time_zones",
        severity=Severity.WARN,
        says=(
            f"some times name their zone ({by_source(dirt.zoned)}) and some do not "
            f"({by_source(dirt.zoneless)}); those without were read in {evidence.plan.timezone}"
        ),
        next="write every time with its zone: an hour's shift moves events across their exposure",
    )


def zoneless(evidence: Evidence) -> Finding | None:
    """Note that no time names its zone and which zone was assumed."""
    dirt = evidence.measured.dirt
    if sum(dirt.zoned.values()) or not sum(dirt.zoneless.values()):
        return None
    return Finding(
        code="zoneless",
        severity=Severity.NOTE,
        says=f"times without a zone ({by_source(dirt.zoneless)}) were read in {evidence.plan.timezone}",
        next="set `timezone` if they were written in another zone",
    )
