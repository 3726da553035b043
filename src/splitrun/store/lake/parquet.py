"""Parquet files of the lake: ordered by unit, page checksums, named by their digest, on disk for good."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from msgspec.json import encode

from splitrun.store.lake.place import Folder
from splitrun.store.lake.tables import PARTITION, STATISTICS
from splitrun.store.lasting import durable, folder

__all__ = ["Written", "digest_of", "written"]

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
    body = sink.getvalue()
    # of two committers with the same rows each writes a file of its own, and none over one that is in
    name = f"{sequence:010d}-{token_hex(4)}-{sha256(body).hexdigest()}.parquet"
    path = f"{PARTITION}={day.isoformat()}/{name}"
    if place.local is None:
        files, root = place.files()
        with files.open_output_stream(f"{root}/{path}") as out:
            out.write(body)
    else:
        kept(place.local / path, body)
    return Written(path, body.size, ordered.num_rows, day, statistics(ordered))


def kept(file: Path, body: pa.Buffer) -> None:
    """Write a file and its folder through to the disk."""
    folder(file.parent)
    with file.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    durable(file.parent)


def statistics(rows: pa.Table) -> bytes:
    """Write the statistics that stand in the log; ids are not among them."""
    least, most = {}, {}
    for name in STATISTICS:
        least[name], most[name] = pc.min(rows[name]).as_py(), pc.max(rows[name]).as_py()
    nulls = dict.fromkeys(STATISTICS, 0)
    return encode({"numRecords": rows.num_rows, "minValues": least, "maxValues": most, "nullCount": nulls})


def digest_of(path: str) -> str:
    """Read the SHA-256 that a file's name tells, hexadecimal; empty where it tells none.

    Args:
        path: Of a file of the lake.
    """
    _, _, digest = Path(path).stem.rpartition("-")
    return digest if len(digest) == 64 else ""
