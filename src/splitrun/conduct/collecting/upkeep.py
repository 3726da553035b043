"""Upkeep of the lake on a schedule: compaction, retention, clean-up; by one process at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.errors import SplitrunError
from splitrun.store.lake.delta import LakeTable, Passing
from splitrun.store.lake.digests import faults
from splitrun.store.lake.place import Lake
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.upkeep import FEW, ORPHANED, cleaned, compacted, dropped
from splitrun.store.lock import alone

__all__ = ["Done", "Schedule", "regularly", "turn_of", "upkeep"]

EVERY = 900.0
"""Seconds between two turns."""

log = logging.getLogger("splitrun.upkeep")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is kept, and how small."""

    few: int = FEW
    """Files that a day may have."""
    days: int | None = None
    """Days that rows are kept; None: for ever."""
    hours: int = ORPHANED
    """Hours after which files that no version names are removed."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one turn did, over all tables."""

    compacted: int
    """Days."""
    dropped: int
    """Days."""
    removed: int
    """Files."""
    faults: tuple[str, ...]
    """Files that are not what was written."""


def upkeep(
    lake: Lake, lock: Path, schedule: Schedule, now: datetime, passing: Passing = lambda _name: None
) -> Done | None:
    """Keep every table of a lake small; none where another process is at it.

    Args:
        lake: Which.
        lock: A file that whoever is at it holds.
        schedule: What is kept.
        now: With its zone.
        passing: Told each step.

    Raises:
        StoreError: A table cannot be read or written; it is as it was.
    """
    with alone(lock) as ours:
        if not ours:
            return None
        days = gone = removed = 0
        wrong: list[str] = []
        for project, environment, table in lake.tables():
            folder = lake.folder(project, environment, table)
            one = LakeTable(folder, table, Seen(lock.with_suffix(".none")), passing)
            days += compacted(one, schedule.few).days
            if schedule.days is not None:
                gone += dropped(one, now.astimezone(UTC).date() - timedelta(days=schedule.days))
            removed += len(cleaned(one, schedule.hours))
            wrong += faults(folder)
    return Done(days, gone, removed, tuple(wrong))


def regularly(turn: Callable[[], Done | None], every: float = EVERY) -> Callable[[], None]:
    """Take a turn when it is due, as the committer's loop asks between flushes."""
    due = time.monotonic() + every

    def asked() -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        due = time.monotonic() + every
        try:
            done = turn()
        except SplitrunError as error:
            log.warning("%s", error)
            return
        for one in () if done is None else done.faults:
            log.error("%s", one)

    return asked


def turn_of(lake: Lake, state: Path, schedule: Schedule) -> Callable[[], Done | None]:
    """Give the turn of a project's folder.

    Args:
        lake: Of the project.
        state: Its state folder.
        schedule: What is kept.
    """
    return lambda: upkeep(lake, state / "upkeep.lock", schedule, datetime.now(UTC))
