"""Rows that could not be decoded or split into columns."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed

__all__ = ["quarantined_rows"]

MANY = 0.01
"""Above this share of a source's rows nobody knows what is left."""


def quarantined_rows(evidence: Evidence) -> Finding | None:
    """Say how many lines were put aside, and where the first of them stand."""
    aside = {source: seen for source, seen in evidence.measured.dirt.quarantined.items() if seen[0]}
    if not aside:
        return None
    read = {facts.name: facts.rows for facts in evidence.measured.sources}
    whole = {source: read.get(source, 0) + rows for source, (rows, _) in aside.items()}
    named = "; ".join(
        f"{source}: {rows:,} of {counted(whole[source], 'row')}"
        + (f", first at line {listed(f'{line:,}' for line in lines)}" if lines else "")
        for source, (rows, lines) in aside.items()
    )
    many = any(rows > MANY * whole[source] for source, (rows, _) in aside.items())
    return Finding(
        code="quarantined_rows",
        severity=Severity.STOP if many else Severity.WARN,
        says=f"rows that could not be read were put aside ({named})",
        next="mend these lines: look for broken quotes, a wrong number of columns, or text that is not UTF-8",
    )
