"""Upkeep of the lake on a schedule: compaction, retention, clean-up; by one process at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.errors import SplitrunError
from splitrun.store.lake.delta import LakeTable, Passing
from splitrun.store.lake.digests import faults
from splitrun.store.lake.place import Lake
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import Table
from splitrun.store.lake.upkeep import FEW, ORPHANED, Gone, cleaned, compacted, dropped, overdue
from splitrun.store.lock import alone

__all__ = ["Done", "Schedule", "Tell", "regularly", "turn_of", "upkeep"]

EVERY = 900.0
"""Seconds between two turns."""
FIRST = 60.0
"""Seconds to the first one at most: a server that is often started anew lets go of what is old as well."""

log = logging.getLogger("splitrun.upkeep")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is kept, and how small."""

    few: int = FEW
    """Files that a day may have."""
    keeps: Mapping[tuple[str, Table], int] = field(default_factory=dict)
    """By project and table: days that rows are kept; for ever where none is named."""
    hours: int = ORPHANED
    """Hours after which files that no version names are removed."""


Tell = Callable[[str, str, Table, Sequence[Gone]], None]
"""Told project, environment, table and the days before they are let go of; where it refuses they stay."""


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
    """Files that are not what was written, and days that could not be let go of."""


def upkeep(
    lake: Lake,
    lock: Path,
    schedule: Schedule,
    now: datetime,
    passing: Passing = lambda _name: None,
    tell: Tell = lambda *_: None,
) -> Done | None:
    """Keep every table of a lake small; none where another process is at it.

    Args:
        lake: Which.
        lock: A file that whoever is at it holds.
        schedule: What is kept.
        now: With its zone.
        passing: Told each step.
        tell: Told of days that are let go of.

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
            keeps = schedule.keeps.get((project, table))
            old = () if keeps is None else overdue(one, now.astimezone(UTC).date() - timedelta(days=keeps))
            try:
                if old:
                    tell(project, environment, table, old)
                    gone += dropped(one, old)
            except SplitrunError as error:
                wrong.append(f"days of {folder.uri} are kept longer than they may: {error}")
            removed += len(cleaned(one, schedule.hours))
            wrong += faults(folder)
    return Done(days, gone, removed, tuple(wrong))


def regularly(
    turn: Callable[[], Done | None],
    every: float = EVERY,
    look: Callable[[], Sequence[str]] = lambda: (),
) -> Callable[[], None]:
    """Take a turn when it is due, as the committer's loop asks between flushes.

    Args:
        turn: Of the upkeep.
        every: Seconds between two; the first comes after `FIRST` at the latest.
        look: Tells what else is wrong, to be written down as well.
    """
    due = time.monotonic() + min(every, FIRST)

    def asked() -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        due = time.monotonic() + every
        try:
            done = turn()
            wrong = [*(() if done is None else done.faults), *look()]
        except SplitrunError as error:
            log.warning("%s", error)
            return
        for one in wrong:
            log.error("%s", one)

    return asked


def turn_of(
    lake: Lake, state: Path, schedule: Schedule, tell: Tell = lambda *_: None
) -> Callable[[], Done | None]:
    """Give the turn of a project's folder.

    Args:
        lake: Of the project.
        state: Its state folder.
        schedule: What is kept.
        tell: Told of days that are let go of.
    """
    return lambda: upkeep(lake, state / "upkeep.lock", schedule, datetime.now(UTC), tell=tell)
