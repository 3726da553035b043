"""Units that were exposed and never met the trigger."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, percent

__all__ = ["untriggered"]


def untriggered(evidence: Evidence) -> Finding | None:
    """Count the exposed units that the trigger left out: effects speak of the others only."""
    units = evidence.measured.dirt.untriggered_units
    if not units:
        return None
    exposed = max(units, int(evidence.measured.exposed.sum()))
    return Finding(
        code="untriggered",
        severity=Severity.NOTE,
        says=(
            f"{counted(units, 'unit')} of {exposed:,} exposed ({percent(units, exposed)}) never met the "
            "trigger and were left out; effects speak of the triggered units only"
        ),
        next="multiply an effect by the share of triggered units to see what it means for all of them",
    )
