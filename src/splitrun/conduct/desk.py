"""What verbs are given: the clock, and somebody to tell how far the work has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Desk"]


def now() -> datetime:
    """The wall clock, in UTC; asked nowhere else in the verbs."""
    return datetime.now(UTC)


def silent(step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The world as a verb sees it; tests hand over a fixed clock."""

    now: Callable[[], datetime] = now
    progress: Callable[[str], None] = silent
    """Called with what is being done, in words, whenever a step begins."""
