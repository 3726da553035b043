"""Parquet files of the lake: ordered by unit, page checksums, named by their digest, on disk for good."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from msgspec.json import encode

from splitrun.store.lake.place import Folder
from splitrun.store.lake.tables import PARTITION, STATISTICS
from splitrun.store.lasting import durable, folder

__all__ = ["GROUP", "Bounds", "Written", "digest_of", "stored", "written"]

ORDER: list[tuple[str, Literal["ascending", "descending"]]] = [
    ("unit_key", "ascending"),
    ("time", "ascending"),
    ("event_id", "ascending"),
]
GROUP = 250_000
"""Rows of a row group."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that no log names yet."""

    path: str
    """From the folder of the table."""
    size: int
    rows: int
    day: date
    stats: bytes

    def action(self, at: int, *, changes: bool = True) -> AddAction:
        """Say that it belongs to the table.

        Args:
            at: When it was written, in milliseconds since 1970.
            changes: Whether it brings rows that were not there.
        """
        days: dict[str, str | None] = {PARTITION: self.day.isoformat()}
        return AddAction(self.path, self.size, days, at, changes, self.stats.decode())


def written(place: Folder, rows: pa.Table, day: date, sequence: int) -> Written:
    """Write the rows of one day to a file of its own and see it onto the disk.

    Args:
        place: The folder of the table.
        rows: With every column but the partition's.
        day: Whose they are.
        sequence: Of the commit that will bring it; stands in the name, for readers of folders.
    """
    ordered = rows.sort_by(ORDER)
    sink = pa.BufferOutputStream()
    pq.write_table(
        ordered, sink, compression="zstd", compression_level=1, write_page_checksum=True, row_group_size=GROUP
    )
    bounds = Bounds()
    bounds.include(ordered)
    return stored(place, sink.getvalue(), day, bounds, sequence)


class Bounds:
    """Rows of a file, and the least and largest of what has statistics in the log; ids have none."""

    def __init__(self) -> None:
        self.rows = 0
        self.least: dict[str, Any] = {}
        self.most: dict[str, Any] = {}

    def include(self, rows: pa.Table) -> None:
        """Take up rows of the file."""
        self.rows += rows.num_rows
        for name in STATISTICS:
            low, high = pc.min(rows[name]).as_py(), pc.max(rows[name]).as_py()
            self.least[name] = low if name not in self.least else min(low, self.least[name])
            self.most[name] = high if name not in self.most else max(high, self.most[name])

    def statistics(self) -> bytes:
        """Write the statistics that stand in the log."""
        nulls = dict.fromkeys(STATISTICS, 0)
        return encode(
            {"numRecords": self.rows, "minValues": self.least, "maxValues": self.most, "nullCount": nulls}
        )


def stored(place: Folder, body: pa.Buffer, day: date, bounds: Bounds, sequence: int | None = None) -> Written:
    """See the bytes of a file onto the disk, under a name of its own.

    Args:
        place: The folder of the table.
        body: The file.
        day: Whose rows it holds.
        bounds: Of its rows.
        sequence: Stands in the name; None: the largest of its rows.
    """
    sequence = int(bounds.most["sequence"]) if sequence is None else sequence
    # of two committers with the same rows each writes a file of its own, and none over one that is in
    name = f"{sequence:010d}-{token_hex(4)}-{sha256(body).hexdigest()}.parquet"
    path = f"{PARTITION}={day.isoformat()}/{name}"
    if place.local is None:
        files, root = place.files()
        with files.open_output_stream(f"{root}/{path}") as out:
            out.write(body)
    else:
        kept(place.local / path, body)
    return Written(path, body.size, bounds.rows, day, bounds.statistics())


def kept(file: Path, body: pa.Buffer) -> None:
    """Write a file and its folder through to the disk."""
    folder(file.parent)
    with file.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    durable(file.parent)


def digest_of(path: str) -> str:
    """Read the SHA-256 that a file's name tells, hexadecimal; empty where it tells none.

    Args:
        path: Of a file of the lake.
    """
    _, _, digest = Path(path).stem.rpartition("-")
    return digest if len(digest) == 64 else ""
