"""What a table of the lake holds at a moment: the files of its newest snapshot, up to a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import dataset, parquet
from pyarrow import fs as pafs

from splitrun.errors import DataError
from splitrun.store.lake.parquet import digest_of
from splitrun.store.lake.place import Folder, folder_of, told
from splitrun.store.lake.tables import PARTITION, Table, columns

__all__ = [
    "Began",
    "Links",
    "Snapshot",
    "began",
    "every_link",
    "links",
    "links_under",
    "snapshot",
    "strangers",
    "under",
]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A pin of a table: rows of commits up to `sequence`, and the files they stand in."""

    table: Table
    sequence: int
    """0 where nothing was committed."""
    files: tuple[str, ...]
    """In order; rows of later commits may stand beside those meant, after compaction. In a bucket the paths
    begin with its name."""
    folder: Folder
    schema: pa.Schema
    """Of the files; one that is older has not all columns."""

    def rows(self) -> dataset.Dataset:
        """Open the files: columns and rows are chosen while they are read, a batch at a time."""
        system, _ = self.folder.files()
        return dataset.dataset(list(self.files), schema=self.schema, format="parquet", filesystem=system)

    def digest(self) -> str:
        """Tell the SHA-256 of the files together, each by the digest in its name."""
        system, _ = self.folder.files()
        sums = [digest_of(file) or read_digest(system, file) for file in self.files]
        return f"sha256:{sums[0] if len(sums) == 1 else sha256(''.join(sums).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Began:
    """With which exposures an experiment began."""

    epoch: int
    """The oldest under which its exposures were written: it knows its units by the pseudonyms of this one."""
    received: datetime
    """When the first of them came in."""


@dataclass(frozen=True, slots=True)
class Links:
    """Which ids are linked, up to a commit."""

    pairs: pa.Table
    """`was_key` and `unit_key`."""
    sequence: int


def snapshot(above: Path | str, table: Table, upto: int | None = None) -> Snapshot:
    """Pin a table.

    Args:
        above: That of a project's environment: a folder of this machine, or a URL.
        table: Which.
        upto: The last commit that counts; None: the newest.

    Raises:
        DataError: The table is not there, cannot be read, or has not come to that commit, or files of it are
            gone.
    """
    folder = folder_of(above, table)
    delta = opened(folder, str(above), table)
    system, root = folder.files()
    spans = {
        f"{root}/{row['path']}": (row.get("min.sequence"), row.get("max.sequence"))
        for row in pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    }
    try:
        known = {
            file: span(system, file) if low is None or high is None else (int(low), int(high))
            for file, (low, high) in spans.items()
        }
        newest = max((high for _, high in known.values()), default=0)
        # rows of the last commits may have been erased since; the table still came to them
        if upto is not None and upto > max(newest, delta.version()):
            raise DataError(f"{table} have come to commit {newest}, not to {upto}; name one up to {newest}")
        last = newest if upto is None else upto
        files = tuple(sorted(file for file, (low, _) in known.items() if low <= last))
        missing(system, table, last, files)
    except OSError as error:
        raise unreadable(folder, error) from error
    fields = [one for one in columns(delta) if one.name != PARTITION]
    return Snapshot(table, last, files, folder, pa.schema(fields))


def opened(folder: Folder, above: str, table: Table) -> DeltaTable:
    """Open a table.

    Raises:
        DataError: It is not there, or cannot be read.
    """
    storage = folder.storage()
    try:
        return DeltaTable(folder.uri, storage_options=None if storage is None else dict(storage))
    except TableNotFoundError:
        raise DataError(
            f"the lake {above!r} has no table of {table} yet; run `splitrun serve`, let clients send "
            "to it, or name the rows by csv or parquet"
        ) from None
    except (DeltaError, OSError) as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Folder, error: Exception) -> DataError:
    """Say that a table cannot be read: in its own words, a line of them."""
    return DataError(f"the table {folder.uri!r} cannot be read ({told(error)}); mend or restore it")


def missing(system: pafs.FileSystem, table: Table, last: int, files: Sequence[str]) -> None:
    """Refuse a pin of which files are not there.

    Raises:
        DataError: Some are gone.
    """
    found = system.get_file_info(list(files)) if files else []
    gone = [one.path for one in found if one.type != pafs.FileType.File]
    if gone:
        raise DataError(
            f"{len(gone)} of {len(files)} files of {table}, sequence ≤ {last}, are gone, like {gone[0]}; "
            "restore them from a backup"
        )


def span(system: pafs.FileSystem, file: str) -> tuple[int, int]:
    """Read the first and the last commit of a file's rows, which the log does not tell."""
    found = parquet.read_table(file, columns=["sequence"], filesystem=system, partitioning=None)["sequence"]
    return pc.min(found).as_py() or 0, pc.max(found).as_py() or 0


def read_digest(system: pafs.FileSystem, file: str) -> str:
    """Read a file for its SHA-256, which its name does not tell."""
    hashed = sha256()
    with system.open_input_stream(file) as stream:
        while piece := stream.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def began(exposures: Snapshot, experiment: str, version: int) -> Began | None:
    """Tell under which epoch a version of an experiment began; none where nobody was exposed."""
    wanted = (pc.field("experiment") == experiment) & (pc.field("version") == version)
    wanted &= pc.field("sequence") <= exposures.sequence
    found = exposures.rows().to_table(columns=["epoch", "received"], filter=wanted)
    if found.num_rows == 0:
        return None
    return Began(pc.min(found["epoch"]).as_py(), pc.min(found["received"]).as_py())


def strangers(pinned: Snapshot, epoch: int, wanted: pc.Expression) -> int:
    """Count rows whose units have no pseudonym of an epoch.

    Args:
        pinned: Where.
        epoch: Which.
        wanted: Which rows are looked at.
    """
    name = f"unit_key_{epoch}"
    none = pc.field("epoch") != epoch
    if name in pinned.schema.names:
        none &= pc.field(name).is_null()
    return int(pinned.rows().count_rows(filter=(pc.field("sequence") <= pinned.sequence) & wanted & none))


def links(above: Path | str, upto: int | None = None, epoch: int | None = None) -> Links:
    """Read which ids are linked; none where nobody sent an alias.

    Args:
        above: That of a project's environment: a folder of this machine, or a URL.
        upto: The last commit that counts; None: the newest.
        epoch: The epoch whose pseudonyms are given; None: that of each row.

    Raises:
        DataError: The table cannot be read.
    """
    none = pa.table({"was_key": pa.array([], pa.int64()), "unit_key": pa.array([], pa.int64())})
    folder = folder_of(above, Table.ALIASES)
    storage = folder.storage()
    options = None if storage is None else dict(storage)
    if not upto and not DeltaTable.is_deltatable(folder.uri, options):
        return Links(none, 0)
    pinned = snapshot(above, Table.ALIASES, upto)
    if not pinned.files:
        return Links(none, pinned.sequence)
    wanted = pc.field("sequence") <= pinned.sequence
    names = ("was_key", "unit_key")
    beside = [f"{name}_{epoch}" for name in names if f"{name}_{epoch}" in pinned.schema.names]
    found = pinned.rows().to_table(columns=[*names, "epoch", *beside], filter=wanted)
    if epoch is None:
        return Links(found.select(names), pinned.sequence)
    known = pa.table([under(found, name, epoch) for name in names], names=list(names))
    return Links(known.filter(pc.is_valid(known["was_key"])), pinned.sequence)


def links_under(above: Path | str, epochs: Sequence[int]) -> pa.Table:
    """Read which ids are linked by the pseudonyms of several epochs, in the same row.

    Args:
        above: That of a project's environment: a folder of this machine, or a URL; it has aliases.
        epochs: Which.

    Returns:
        `was_N` and `unit_N` for each epoch, null where a row has none of it.

    Raises:
        DataError: The table cannot be read.
    """
    return aligned(snapshot(above, Table.ALIASES), epochs)


def every_link(above: Path | str) -> tuple[pa.Table, tuple[int, ...]]:
    """Read which ids are linked by the pseudonyms of all epochs that rows have, and which epochs these are.

    Args:
        above: That of a project's environment: a folder of this machine, or a URL.

    Raises:
        DataError: The table cannot be read.
    """
    folder = folder_of(above, Table.ALIASES)
    storage = folder.storage()
    if not DeltaTable.is_deltatable(folder.uri, None if storage is None else dict(storage)):
        return pa.table({}), ()
    pinned = snapshot(above, Table.ALIASES)
    if not pinned.files:
        return pa.table({}), ()
    leading = pinned.rows().to_table(columns=["epoch"])["epoch"].to_numpy().tolist()
    beside = [name.rpartition("_")[2] for name in pinned.schema.names if name.startswith("was_key_")]
    epochs = tuple(sorted({*map(int, beside), *leading}))
    return aligned(pinned, epochs), epochs


def aligned(pinned: Snapshot, epochs: Sequence[int]) -> pa.Table:
    """Give of each alias the pseudonyms of some epochs."""
    names = ("was_key", "unit_key")
    short = [f"{name.removesuffix('_key')}_{epoch}" for epoch in epochs for name in names]
    if not pinned.files:
        return pa.table({name: pa.array([], pa.int64()) for name in short})
    beside = [f"{name}_{epoch}" for epoch in epochs for name in names]
    there = [name for name in beside if name in pinned.schema.names]
    found = pinned.rows().to_table(columns=[*names, "epoch", *there])
    return pa.table([under(found, name, epoch) for epoch in epochs for name in names], names=short)


def under(rows: pa.Table, name: str, epoch: int) -> pa.ChunkedArray[Any]:
    """Give a column of pseudonyms under one epoch; null where a row has none."""
    beside = f"{name}_{epoch}"
    other = rows[beside] if beside in rows.column_names else pa.nulls(len(rows), pa.int64())
    own = pc.equal(rows["epoch"], pa.scalar(epoch, pa.int16()))
    found: pa.ChunkedArray[Any] = pc.if_else(own, rows[name], other)
    return found
