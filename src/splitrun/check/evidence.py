"""What a doubt is argued from, and what it says when it is right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from splitrun.measure.measured import Measured
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan

__all__ = ["Evidence", "Finding", "Severity"]


class Severity(StrEnum):
    """How much a finding weighs."""

    NOTE = "note"
    """Worth knowing."""
    WARN = "warn"
    """Read the effects with this in mind."""
    STOP = "stop"
    """No effect may be read: every verdict is `invalid`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The plan and what was measured; no effect is in it."""

    plan: Plan
    measured: Measured
    clock: datetime | None = None
    """The moment of reading, where the data is read up to its latest row; None where a moment was named."""
    withdrew: IntArray | None = None
    """Times that units withdrew their consent after exposure, shape (variants,); None: nobody counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to object."""

    code: str
    severity: Severity
    says: str
    """What was seen, with the values."""
    next: str
    """What to do about it."""
