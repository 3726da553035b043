"""One Delta table of the lake, as a committer writes it: each event once, whoever else writes too.

`sequence` of a row is the version of the table that brought it. A commit is tried for exactly the version
that its rows carry; where another committer was faster, its ids are read, and the commit is made anew.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from splitrun.errors import StoreError
from splitrun.store.lake.conflicts import conflicting
from splitrun.store.lake.digests import noted
from splitrun.store.lake.parquet import Written, written
from splitrun.store.lake.place import Folder, told
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import PARTITION, SCHEMAS, STATISTICS, Table, columns
from splitrun.store.lake.torn import mended
from splitrun.store.lake.window import KEPT
from splitrun.store.lasting import durable, folder

__all__ = ["Counts", "LakeTable", "Mark", "Passing"]

Counts = Counter[tuple[date, str, str]]
"""Events by day of receipt, SDK and reason."""

Passing = Callable[[str], None]
"""Told the name of each step before it is taken; a test ends the process there."""

ATTEMPTS = 50
OURS = "splitrun"
CONFIGURATION: Mapping[str, str | None] = {
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS),
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    "delta.enableExpiredLogCleanup": "false",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where rows come from; the table remembers it in the same commit."""

    app: str
    """Name of the spool."""
    number: int
    """Of the last parcel that is in."""


class LakeTable:
    """A table of one project and environment. Not shared between threads.

    Args:
        folder: Where it lies; made where it is not.
        table: Which.
        seen: The ids that were seen; shared by the tables of a project and environment.
        passing: Told each step.
    """

    def __init__(
        self, folder: Folder, table: Table, seen: Seen, passing: Passing = lambda _name: None
    ) -> None:
        self.folder, self.table, self.seen, self.passing = folder, table, seen, passing
        self.delta = self.opened()
        if self.version > self.delta.version():
            seen.forget()

    @property
    def version(self) -> int:
        """Up to which the ids of the table were seen."""
        return self.seen.versions.get(str(self.table), -1)

    def opened(self) -> DeltaTable:
        """Open the table; make it where there is none.

        Raises:
            StoreError: It cannot be read or made.
        """
        storage = self.folder.storage()
        options = None if storage is None else dict(storage)
        try:
            try:
                return DeltaTable(self.folder.uri, storage_options=options)
            except TableNotFoundError:
                return self.made(options)
            except DeltaError:
                if self.folder.local is None:
                    raise
                mended(self.folder.local)  # the power may have gone; what else is wrong, is so after it too
                try:
                    return DeltaTable(self.folder.uri, storage_options=options)
                except TableNotFoundError:
                    return self.made(options)
        except (DeltaError, OSError) as error:
            raise StoreError(
                f"the table {self.folder.uri} cannot be opened ({told(error)}); look at disk and rights"
            ) from error

    def made(self, options: dict[str, str] | None) -> DeltaTable:
        """Make the table; somebody else may do so at the same moment."""
        if self.folder.local is not None:
            folder(self.folder.local / "_delta_log")
        try:
            made = DeltaTable.create(
                self.folder.uri,
                SCHEMAS[self.table],
                mode="error",
                partition_by=[PARTITION],
                configuration=CONFIGURATION,
                storage_options=options,
                # tried again, it would be a second beginning after what somebody else has begun
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        except DeltaError:
            return DeltaTable(self.folder.uri, storage_options=options)
        self.settled(0)
        return made

    def mark(self, app: str) -> int:
        """Number of the last parcel of a spool that is in; 0 where none is.

        Raises:
            StoreError: The table cannot be read.
        """
        try:
            self.delta.update_incremental()
            return self.delta.transaction_version(app) or 0
        except (DeltaError, OSError) as error:
            says = f"the table {self.folder.uri} cannot be read ({error}); it is tried again"
            raise StoreError(says) from error

    def append(self, rows: pa.Table, mark: Mark) -> Counts:
        """Bring rows in, each event id once, and say how many of them were what.

        Args:
            rows: Every column but `date` and `sequence`; declared properties and `unit` where there are any.
            mark: Where they come from. Rows of the same mark are brought in once only.

        Returns:
            By day of receipt and SDK: accepted, duplicate, conflict, and accepted exposures by outcome.

        Raises:
            StoreError: The table cannot be written; nothing of it is in.
        """
        try:
            for attempt in range(ATTEMPTS):
                self.delta.update_incremental()
                if (self.delta.transaction_version(mark.app) or 0) >= mark.number:
                    return self.told(mark)
                self.catch_up()
                counts = self.tried(rows, mark)
                if counts is not None:
                    return counts
                time.sleep(min(0.005 * 2 ** min(attempt, 6), 0.3))
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise StoreError(
                f"the table {self.folder.uri} cannot be written ({told(error)}); it is tried again"
            ) from error
        raise StoreError(f"others were faster at {self.folder.uri} {ATTEMPTS} times; it is tried again")

    def tried(self, rows: pa.Table, mark: Mark) -> Counts | None:
        """Try one commit; none where somebody else was faster."""
        ids = rows["event_id"].combine_chunks()
        mask = pa.array(self.seen.window.fresh(ids))
        new, again = rows.filter(mask), rows.filter(pc.invert(mask))
        differs = conflicting(self.delta, self.folder, new, again)
        counts = counted(new, again, differs)
        if new.num_rows == 0:
            return counts
        if not self.widened(new):
            return None
        sequence = self.delta.version() + 1
        self.passing("write")
        files = self.files(new, sequence)
        properties = CommitProperties(
            custom_metadata={OURS: said(mark, counts)},
            max_commit_retries=0,
            app_transactions=[Transaction(mark.app, mark.number)],
        )
        self.passing("commit")
        at = time.time_ns() // 1_000_000
        try:
            self.delta.create_write_transaction(
                [one.action(at) for one in files],
                "append",
                self.delta.schema(),
                [PARTITION],
                commit_properties=properties,
            )
        except CommitFailedError:
            return None  # the files that were written are orphans; maintenance removes them
        self.passing("sync")
        self.settled(sequence)
        self.remember(new, sequence)
        return counts

    def files(self, new: pa.Table, sequence: int) -> list[Written]:
        """Write new rows, a file for each day."""
        stamped = new.append_column("sequence", pa.array([sequence] * new.num_rows, pa.int64()))
        days = pc.cast(stamped["time"], pa.date32())
        order = [name for name in self.columns() if name in stamped.column_names]
        out = []
        for day in days_of(days):
            part = stamped.filter(pc.equal(days, pa.scalar(day, pa.date32()))).select(order)
            out.append(written(self.folder, part, day, sequence))
        return out

    def columns(self) -> list[str]:
        """Name the table's columns in order."""
        return [one.name for one in self.delta.schema().fields]

    def types(self) -> dict[str, pa.DataType]:
        """Give the types of the table's columns."""
        return {one.name: one.type for one in columns(self.delta)}

    def widened(self, rows: pa.Table) -> bool:
        """Give the table the columns that rows bring anew; false where somebody else was faster.

        Raises:
            StoreError: A column holds another type.
        """
        known = self.types()
        fields = [one for one in rows.schema if one.name not in known]
        other = [one for one in rows.schema if known.get(one.name, one.type) != one.type]
        if other:
            (name, came), held = (other[0].name, other[0].type), known[other[0].name]
            raise StoreError(f"{self.folder.uri}: {name} holds {held}, and {came} came; look at the settings")
        if not fields:
            return True
        self.passing("widen")
        try:
            self.delta.alter.add_columns(Schema.from_arrow(pa.schema(fields)).fields)
        except DeltaError:
            return False
        self.delta.update_incremental()
        self.settled(self.delta.version())
        return True

    def settled(self, version: int) -> None:
        """See a commit onto the disk and note its digest; deltalake leaves that to the system."""
        if self.folder.local is None:
            return
        log = self.folder.local / "_delta_log"
        durable(log / f"{version:020d}.json")
        durable(log)
        noted(self.folder.local, f"{version:020d}.json")

    def remember(self, new: pa.Table, sequence: int) -> None:
        """Take up the ids of a commit of ours."""
        self.delta.update_incremental()
        self.taken_up(new)
        self.seen.versions[str(self.table)] = sequence

    def taken_up(self, rows: pa.Table) -> None:
        """Take up ids by the day on which they were received."""
        days = pc.cast(rows["received"], pa.date32())
        ids = rows["event_id"]
        for day in days_of(days):
            of = ids.filter(pc.equal(days, pa.scalar(day, pa.date32())))
            self.seen.window.add(of.combine_chunks(), day)

    def catch_up(self) -> None:
        """Take up the ids that others brought since, or all of them after a start without a window."""
        now = self.delta.version()
        if now == self.version:
            return
        files, root = self.folder.files()
        added = pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()
        newest = max((one["max.received"].date() for one in added), default=date(1970, 1, 1))
        for one in added:
            if one["max.sequence"] > self.version and one["max.received"].date() >= newest - timedelta(KEPT):
                path = f"{root}/{one['path']}"
                wanted = pc.field("sequence") > self.version
                names = ["event_id", "received"]
                found = pq.read_table(
                    path, columns=names, filters=wanted, filesystem=files, partitioning=None
                )
                self.taken_up(found)
        self.seen.window.expire(newest)
        self.seen.versions[str(self.table)] = now

    def told(self, mark: Mark) -> Counts:
        """Read what the commit of a mark counted; nothing where its log entry is gone."""
        counts: Counts = Counter()
        for entry in self.delta.history(1000):
            told = json.loads(entry.get(OURS) or "{}")
            if (told.get("app"), told.get("number")) == (mark.app, mark.number):
                for day, sdk, reason, n in told["counts"]:
                    counts[date.fromisoformat(day), sdk, reason] += n
                # whoever made the commit was stopped before it was seen onto the disk, or right after
                self.settled(entry["version"])
                break
        return counts


def days_of(days: pa.ChunkedArray[Any]) -> list[date]:
    """Give each day once, in order."""
    return sorted(day for day in pc.unique(days).to_pylist() if day is not None)


def said(mark: Mark, counts: Counts) -> str:
    """Write what a commit counted, for the log."""
    rows = [[day.isoformat(), sdk, reason, n] for (day, sdk, reason), n in counts.items()]
    return json.dumps({"app": mark.app, "number": mark.number, "counts": rows})


def counted(new: pa.Table, again: pa.Table, differs: pa.Array[pa.BooleanScalar]) -> Counts:
    """Count rows by day of receipt, SDK and what became of them."""
    counts: Counts = Counter()
    alike, other = again.filter(pc.invert(differs)), again.filter(differs)
    groups = [("accepted", new), ("duplicate", alike), ("conflict", other)]
    for reason, rows in groups:
        add(counts, rows, pa.array([reason] * rows.num_rows, pa.string()))
    if "outcome" in new.column_names:
        add(counts, new, pa.array([f"outcome: {one}" for one in new["outcome"].to_pylist()], pa.string()))
    return counts


def add(counts: Counts, rows: pa.Table, reasons: pa.Array[pa.StringScalar]) -> None:
    """Count rows by day of receipt, SDK and reason."""
    if rows.num_rows:
        days = pc.cast(rows["received"], pa.date32())
        table = rows.select(["sdk"]).append_column("day", days).append_column("reason", reasons)
        for one in table.group_by(["day", "sdk", "reason"]).aggregate([([], "count_all")]).to_pylist():
            counts[one["day"], one["sdk"], one["reason"]] += one["count_all"]
