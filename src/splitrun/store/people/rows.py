"""Rows of some units in a table of the lake: found, read, and erased by writing the files anew without them.

Nothing is deleted by a predicate: predicates stand in the log. A file is exchanged for one that never had
the rows, so its dictionaries, statistics and pages know nothing of them; the clean-up removes the old one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.lake.delta import LakeTable
from splitrun.store.lake.parquet import GROUP, Bounds, Written, stored
from splitrun.store.lake.place import Folder, told
from splitrun.store.lake.upkeep import Added, by_day, exchanged

__all__ = ["BESIDE", "Theirs", "erased", "holding", "rows_in", "rows_of"]

BESIDE = ("unit_key_", "was_key")
"""What further columns with pseudonyms begin with: of other epochs, and of what an id was before."""
ROUNDS = 20
"""How often a table is looked through anew because somebody else changed files meanwhile."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """Whose rows are meant."""

    keys: frozenset[int]
    """Pseudonyms, of all epochs."""
    units: frozenset[Unit] = frozenset()
    """Where a lake holds ids themselves."""

    def wanted(self, names: list[str]) -> pc.Expression:
        """Write the condition on columns of a table; never logged anywhere."""
        keys = pa.array(sorted(self.keys), pa.int64())
        found = pc.field("unit_key").isin(keys)
        for name in names:
            if name.startswith(BESIDE):
                found |= pc.field(name).isin(keys)
        if "unit" in names:
            for one in self.units:
                # `isin` is false where nothing stands; a comparison would be unknown, and the row would go
                found |= pc.field("unit").isin([one.id]) & pc.field("unit_type").isin([one.type])
        return found


def rows_in(folder: Folder, path: str, theirs: Theirs, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of these units in one file; groups of rows that cannot hold any are not read.

    Args:
        folder: Of the table.
        path: Of the file, from there.
        theirs: Whose.
        columns: Which; None: all.
    """
    system, root = folder.files()
    file = f"{root}/{path}"
    names = pq.read_schema(file, filesystem=system).names
    read = None if columns is None else [name for name in columns if name in names]
    return pq.read_table(
        file, columns=read, filters=theirs.wanted(names), filesystem=system, partitioning=None
    )


def holding(table: LakeTable, theirs: Theirs) -> Iterator[tuple[date, Added, int]]:
    """Name the files that hold rows of these units: the day, the file, how many rows.

    Raises:
        StoreError: The table cannot be read.
    """
    try:
        for day, files in sorted(by_day(table).items()):
            for one in files:
                found = rows_in(table.folder, one["path"], theirs, ["unit_key"]).num_rows
                if found:
                    yield day, one, found
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the table {table.folder.uri} cannot be read ({told(error)}); run it again"
        ) from error


def rows_of(table: LakeTable, theirs: Theirs, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read all rows of these units, file by file.

    Raises:
        StoreError: The table cannot be read.
    """
    for _, one, _ in holding(table, theirs):
        yield rows_in(table.folder, one["path"], theirs, columns)


def erased(table: LakeTable, theirs: Theirs) -> int:
    """Write the files that hold rows of these units anew without them; nothing where none does.

    Returns:
        How many files were exchanged.

    Raises:
        StoreError: It cannot be read or written; what was exchanged stays so, and the rest is as it was.
    """
    done = 0
    for _ in range(ROUNDS):
        found = list(holding(table, theirs))
        if not found:
            return done
        for day, one, _ in found:
            done += exchanged_without(table, day, one, theirs)
    raise StoreError(f"others changed files of {table.folder.uri} {ROUNDS} times; run it again")


def exchanged_without(table: LakeTable, day: date, one: Added, theirs: Theirs) -> int:
    """Exchange a file; 0 where somebody else took it away meanwhile."""
    try:
        table.passing("erase: write")
        made = without(table.folder, one["path"], day, theirs)
        table.passing("erase: commit")
        action = None if made is None else made.action(time.time_ns() // 1_000_000)
        return exchanged(table, day, [one], action)
    except FileNotFoundError:
        return 0
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the table {table.folder.uri} cannot be written ({told(error)}); run it again"
        ) from error


def without(folder: Folder, path: str, day: date, theirs: Theirs) -> Written | None:
    """Write a file like another without the rows of these units; None where nothing would be left.

    A group of rows at a time is held in memory, and the new file as it is compressed.
    """
    system, root = folder.files()
    sink, bounds = pa.BufferOutputStream(), Bounds()
    with pq.ParquetFile(f"{root}/{path}", filesystem=system) as source:
        schema = source.schema_arrow
        spare = ~theirs.wanted(schema.names)
        with pq.ParquetWriter(
            sink, schema, compression="zstd", compression_level=1, write_page_checksum=True
        ) as out:
            for group in range(source.num_row_groups):
                rows = source.read_row_group(group).filter(spare)
                if rows.num_rows:
                    out.write_table(rows, row_group_size=GROUP)
                    bounds.include(rows)
    return stored(folder, sink.getvalue(), day, bounds) if bounds.rows else None
