"""Cells of numeric columns that hold no usable number."""

from __future__ import annotations

import re

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed

__all__ = ["not_finite", "text_in_number"]

COMMA = re.compile(r"\s*[+-]?[0-9][0-9. ]*,[0-9]+\s*")
"""A number as Germans and Frenchmen write it."""


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
    remedy = "write plain numbers with a decimal point, and leave a cell empty where the value is missing"
    commas = [example for text in texts for example in text.examples if COMMA.fullmatch(example)]
    if commas:
        remedy = f"{commas[0]!r} has a decimal comma: {remedy}"
    return Finding(
        code="text_in_number",
        severity=Severity.WARN,
        says=f"text where a number belongs, taken as missing ({columns})",
        next=remedy,
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
