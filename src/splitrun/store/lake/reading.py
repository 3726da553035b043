"""What a table of the lake holds at a moment: the files of its newest snapshot, up to a commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow import parquet

from splitrun.errors import DataError
from splitrun.store.lake.tables import Table

__all__ = ["Snapshot", "links", "snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A pin of a table: rows of commits up to `sequence`, and the files they stand in."""

    table: Table
    sequence: int
    """0 where nothing was committed."""
    files: tuple[Path, ...]
    """In order; rows of later commits may stand beside those meant, after compaction."""


def snapshot(folder: Path, table: Table, upto: int | None = None) -> Snapshot:
    """Pin a table.

    Args:
        folder: That of a project's environment.
        table: Which.
        upto: The last commit that counts; None: the newest.

    Raises:
        DataError: The table is not there, cannot be read, or has not come to that commit.
    """
    place = folder / table
    if not (place / "_delta_log").is_dir():
        raise DataError(
            f"the lake {str(folder)!r} has no table of {table} yet; run `splitrun serve`, let clients send "
            "to it, or name the rows by csv or parquet"
        )
    try:
        listed = pa.table(DeltaTable(str(place)).get_add_actions(flatten=True)).to_pylist()
    except (DeltaError, OSError) as error:
        says = str(error).splitlines()[0]
        raise DataError(f"the table {str(place)!r} cannot be read ({says}); mend or restore it") from error
    spans = {place / row["path"]: (row.get("min.sequence"), row.get("max.sequence")) for row in listed}
    known = {
        file: span(file) if low is None or high is None else (int(low), int(high))
        for file, (low, high) in spans.items()
    }
    newest = max((high for _, high in known.values()), default=0)
    if upto is not None and upto > newest:
        raise DataError(f"{table} have come to commit {newest}, not to {upto}; name one up to {newest}")
    last = newest if upto is None else upto
    return Snapshot(table, last, tuple(sorted(file for file, (low, _) in known.items() if low <= last)))


def span(file: Path) -> tuple[int, int]:
    """Read the first and the last commit of a file's rows, which the log does not tell."""
    found = parquet.read_table(file, columns=["sequence"])["sequence"]
    return pc.min(found).as_py() or 0, pc.max(found).as_py() or 0


def links(folder: Path, upto: int | None = None) -> pa.Table:
    """Read which ids are linked: `was_key` and `unit_key`; no rows where nobody sent an alias.

    Raises:
        DataError: The table cannot be read.
    """
    if upto is None and not (folder / Table.ALIASES / "_delta_log").is_dir():
        return pa.table({"was_key": pa.array([], pa.int64()), "unit_key": pa.array([], pa.int64())})
    pinned = snapshot(folder, Table.ALIASES, upto)
    parts = [parquet.read_table(file, columns=["was_key", "unit_key", "sequence"]) for file in pinned.files]
    rows = pa.concat_tables(parts)
    return rows.filter(pc.less_equal(rows["sequence"], pa.scalar(pinned.sequence))).drop_columns(["sequence"])
