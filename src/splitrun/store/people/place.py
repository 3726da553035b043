"""Where a project's folder keeps who opted out, who was forgotten, and an erasure that was begun."""

from __future__ import annotations

from pathlib import Path

from splitrun.store.people.heeded import Heeded
from splitrun.store.people.journal import Journal
from splitrun.store.people.marks import Marks

__all__ = ["heeded_at", "journal_at", "marks_at"]


def marks_at(root: Path) -> Marks:
    """The list of a project's folder."""
    return Marks(root / "state" / "people" / "marks", root / "state" / "keys" / "erasure.key")


def heeded_at(root: Path) -> Heeded:
    """The list of a project's folder, as a running process heeds it."""
    return Heeded(marks_at(root), root / "state" / "people" / "turns.lock")


def journal_at(root: Path) -> Journal:
    """The erasure that was begun in a project's folder."""
    return Journal(root / "state" / "people" / "erasing.json")
