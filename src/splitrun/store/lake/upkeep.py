"""What keeps a table small and quick: compaction, retention, clean-up of files and log."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from splitrun.errors import StoreError
from splitrun.store.lake.delta import LakeTable
from splitrun.store.lake.digests import LOG, noted, unnoted
from splitrun.store.lake.parquet import written
from splitrun.store.lake.place import told
from splitrun.store.lake.tables import PARTITION
from splitrun.store.lasting import durable

__all__ = [
    "FEW",
    "ORPHANED",
    "Added",
    "Gone",
    "Kept",
    "by_day",
    "cleaned",
    "compacted",
    "dropped",
    "emptied",
    "exchanged",
    "overdue",
]

FEW = 8
"""Files that a day may have before they are made one."""
ATTEMPTS = 20
ORPHANED = 24
"""Hours after which a file that no log names is removed; no commit takes as long."""


class Added(TypedDict):
    """A file as the log names it, of what is read here."""

    path: str
    size_bytes: int
    num_records: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What upkeep did."""

    days: int
    """That were compacted."""
    before: int
    """Files of these days."""
    after: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A day of a table that is let go of."""

    day: date
    rows: int
    files: tuple[str, ...]
    """From the folder of the table; their names tell their digests."""


def compacted(table: LakeTable, few: int = FEW) -> Kept:
    """Make one file of the many of a day, each event once, the first.

    Rows keep their `sequence`, so what was pinned before stays as it was.

    Args:
        table: Which.
        few: Files that a day may have and is left alone.

    Raises:
        StoreError: It cannot be read or written; the table is as it was.
    """
    days = before = after = 0
    try:
        for day, files in by_day(table).items():
            if len(files) > max(few, 1):
                days, before = days + 1, before + len(files)
                after += together(table, day, files)
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(f"the table {table.folder.uri} cannot be compacted ({told(error)})") from error
    return Kept(days, before, after)


def by_day(table: LakeTable) -> dict[date, list[Added]]:
    """Give the files of each day."""
    table.delta.update_incremental()
    found: dict[date, list[Added]] = defaultdict(list)
    for one in pa.table(table.delta.get_add_actions(flatten=True)).to_pylist():
        found[one["partition.date"]].append(
            {"path": one["path"], "size_bytes": one["size_bytes"], "num_records": one.get("num_records")}
        )
    return found


def together(table: LakeTable, day: date, files: list[Added]) -> int:
    """Make one file of several of a day."""
    system, root = table.folder.files()
    parts = [pq.read_table(f"{root}/{one['path']}", filesystem=system, partitioning=None) for one in files]
    rows = once(pa.concat_tables(parts, promote_options="default"))
    table.passing("compact: write")
    file = written(table.folder, rows, day, int(pc.max(rows["sequence"]).as_py()))
    table.passing("compact: commit")
    return exchanged(table, day, files, file.action(time.time_ns() // 1_000_000, changes=False))


def once(rows: pa.Table) -> pa.Table:
    """Keep the first row of each event id: that of the earliest commit."""
    place = pa.array(range(rows.num_rows), pa.int64())
    ordered = rows.append_column("place", place).sort_by([("sequence", "ascending"), ("place", "ascending")])
    numbered = ordered.set_column(ordered.num_columns - 1, "place", place)
    first = numbered.group_by("event_id").aggregate([("place", "min")])["place_min"]
    return numbered.take(first).drop_columns(["place"])


def exchanged(table: LakeTable, day: date, files: list[Added], added: AddAction | None) -> int:
    """Put one file, or none, in the place of several; nothing if somebody else changed them meanwhile."""
    at = time.time_ns() // 1_000_000
    gone = [
        RemoveAction(
            path=one["path"],
            data_change=added is None or added.data_change,
            deletion_timestamp=at,
            size=one["size_bytes"],
            partition_values={PARTITION: day.isoformat()},
        )
        for one in files
    ]
    for attempt in range(ATTEMPTS):
        there = {one["path"] for one in by_day(table)[day]}
        if any(one["path"] not in there for one in files):
            return 0
        try:
            commit(table, [*([] if added is None else [added]), *gone])
        except CommitFailedError:
            time.sleep(min(0.005 * 2 ** min(attempt, 6), 0.3))
            continue
        return 1
    return 0


def commit(table: LakeTable, actions: list[AddAction | RemoveAction]) -> None:
    """Commit what adds no rows."""
    version = table.delta.version() + 1
    table.delta.create_write_transaction(
        actions,
        "append",
        table.delta.schema(),
        [PARTITION],
        commit_properties=CommitProperties(max_commit_retries=0),
    )
    table.settled(version)
    table.delta.update_incremental()


def overdue(table: LakeTable, before: date) -> tuple[Gone, ...]:
    """Name the days before a day, which are to be let go of, in order."""
    return tuple(
        Gone(day, sum(one["num_records"] or 0 for one in files), tuple(sorted(one["path"] for one in files)))
        for day, files in sorted(by_day(table).items())
        if day < before
    )


def dropped(table: LakeTable, days: Sequence[Gone]) -> int:
    """Let go of days: of their partitions whole.

    Args:
        table: Which.
        days: As `overdue` named them; what came into one since stays until the next turn.

    Returns:
        How many days.

    Raises:
        StoreError: It cannot be read or written.
    """
    done = 0
    try:
        for one in days:
            files = [file for file in by_day(table)[one.day] if file["path"] in one.files]
            done += exchanged(table, one.day, files, None)
    except (DeltaError, OSError) as error:
        raise StoreError(
            f"days of the table {table.folder.uri} cannot be let go of ({told(error)})"
        ) from error
    return done


def emptied(table: LakeTable, names: Sequence[str]) -> int:
    """Empty columns in all rows there are, and remove the files that held them at once.

    Args:
        table: Which; nobody else may write to it meanwhile.
        names: Of the columns; what a table does not have is not missed.

    Returns:
        How many rows held something.

    Raises:
        StoreError: It cannot be read or written; what is left is emptied when it is asked again.
    """
    rows = 0
    try:
        there = [name for name in names if name in table.types()]
        for day, files in by_day(table).items() if there else ():
            for one in files:
                rows += blanked(table, day, one, there)
        table.delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        table.delta.update_incremental()
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the table {table.folder.uri} cannot be rid of {', '.join(names)} ({told(error)}); ask again"
        ) from error
    return rows


def blanked(table: LakeTable, day: date, one: Added, names: Sequence[str]) -> int:
    """Put a file without the values of columns in the place of one that has some; tell in how many rows."""
    system, root = table.folder.files()
    rows = pq.read_table(f"{root}/{one['path']}", filesystem=system, partitioning=None)
    there = [name for name in names if name in rows.column_names]
    held = max((len(rows) - rows[name].null_count for name in there), default=0)
    if held:
        file = written(table.folder, rows.drop_columns(there), day, int(pc.max(rows["sequence"]).as_py()))
        exchanged(table, day, [one], file.action(time.time_ns() // 1_000_000, changes=False))
    return held


def lasting(root: Path) -> None:
    """See checkpoints onto the disk and note their digests, before entries they stand for are removed."""
    log = root / LOG
    names = unnoted(root)
    for name in names:
        durable(log / name)
    for pointer in log.glob("_last_checkpoint"):
        durable(pointer)
    durable(log)
    noted(root, *names)


def cleaned(table: LakeTable, hours: int = ORPHANED, *, orphans: bool = True) -> tuple[str, ...]:
    """Remove files that no version needs, and orphans; write a checkpoint, and clean the log up.

    Args:
        table: Which.
        hours: Files younger than that are left alone.
        orphans: Whether files go that no log ever named; one that somebody is about to commit looks the same.

    Returns:
        Paths that were removed.
    """
    delta = table.delta
    try:
        delta.update_incremental()
        gone = delta.vacuum(
            retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=orphans
        )
        delta.update_incremental()
        delta.create_checkpoint()
        if table.folder.local is not None:
            lasting(table.folder.local)
        delta.cleanup_metadata()
    except (DeltaError, OSError) as error:
        raise StoreError(f"the table {table.folder.uri} cannot be cleaned up ({told(error)})") from error
    return tuple(gone)
