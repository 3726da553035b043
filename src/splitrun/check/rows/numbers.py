"""Cells of numeric columns that hold no usable number."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed

__all__ = ["not_finite", "text_in_number"]


def text_in_number(evidence: Evidence) -> Finding | None:
    """Name numeric columns that hold text, with examples; such a cell is missing, never 0."""
    texts = evidence.measured.dirt.text_in_number
    if not texts:
        return None
    columns = listed(
        f"{text.source}.{text.column}: {counted(text.rows, 'row')}, "
        f"like {listed(map(repr, text.examples), 3)}"
        for text in texts
    )
    return Finding(
        code="text_in_number",
        severity=Severity.WARN,
        says=f"text where a number belongs, taken as missing ({columns})",
        next="write plain numbers with a decimal point, and leave a cell empty where the value is missing",
    )


def not_finite(evidence: Evidence) -> Finding | None:
    """Count values that are NaN or infinite; such a value is missing, never 0."""
    found = {metric: rows for metric, rows in evidence.measured.dirt.not_finite.items() if rows}
    if not found:
        return None
    named = listed(f"{metric}: {counted(rows, 'row')}" for metric, rows in found.items())
    return Finding(
        code="not_finite",
        severity=Severity.WARN,
        says=f"values that are NaN or infinite, taken as missing ({named})",
        next="find the division or the overflow that makes them",
    )
