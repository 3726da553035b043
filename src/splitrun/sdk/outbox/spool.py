"""The optional disk spool: what is not sent yet, in one SQLite file that survives a restart.

Several processes may share the file: rows are claimed for a minute, and a claim that runs out is free again.
A connection lives for one call, so nothing open is carried over a fork. The file is not encrypted and holds
unit ids as the product knows them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from os import O_CREAT, O_RDWR, PathLike, close, fspath
from os import open as opened
from pathlib import Path
from typing import Literal

from splitrun.errors import StoreError

__all__ = ["LEASE", "Spool"]

LEASE = 60_000_000_000
"""Nanoseconds for which rows are claimed."""

SCHEMA = """
create table if not exists batches (
  seq integer primary key autoincrement, lines blob not null, amount integer not null,
  bytes integer not null, claimed integer not null default 0
)
"""


class Spool:
    """Lines of events on disk, oldest first, bounded in bytes.

    Args:
        path: The SQLite file; made with access for its owner only.
        room: Bytes of lines that it may hold; the oldest rows are dropped.
        now: The wall clock in nanoseconds, for the claims.
    """

    def __init__(self, path: str | PathLike[str], room: int, now: Callable[[], int]) -> None:
        self.path, self.room, self.now = Path(fspath(path)), room, now
        self.made = False

    @contextmanager
    def file(self, begin: Literal["immediate", "deferred"] = "immediate") -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which writes unless it is deferred.

        Raises:
            StoreError: The disk or the file refuses.
        """
        try:
            # created by us, so that nobody else can read it
            close(opened(self.path, O_CREAT | O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path, timeout=2.0, isolation_level=None)) as connection:
                connection.execute("pragma synchronous = normal")
                if not self.made:
                    connection.execute("pragma journal_mode = wal")
                    connection.execute(SCHEMA)
                    self.made = True
                connection.execute(f"begin {begin}")
                yield connection
                connection.execute("commit")
        except (sqlite3.Error, OSError) as error:
            self.made = False
            raise StoreError(
                f"the spool {self.path} cannot be used ({error}); events stay in memory until it can"
            ) from error

    def append(self, lines: Sequence[bytes]) -> int:
        """Keep lines; answers how many older ones had to be dropped for them."""
        size = sum(map(len, lines))
        dropped = 0
        with self.file() as connection:
            connection.execute(
                "insert into batches (lines, amount, bytes) values (?, ?, ?)",
                (b"\n".join(lines), len(lines), size),
            )
            (held,) = connection.execute("select coalesce(sum(bytes), 0) from batches").fetchone()
            while held > self.room:
                seq, amount, size = connection.execute(
                    "select seq, amount, bytes from batches order by seq limit 1"
                ).fetchone()
                connection.execute("delete from batches where seq = ?", (seq,))
                held, dropped = held - size, dropped + amount
        return dropped

    def claim(self, most: int, most_bytes: int) -> tuple[Sequence[int], Sequence[bytes]]:
        """Claim the oldest free rows, or a part of the oldest; answers their numbers and lines."""
        now = self.now()
        rows: list[int] = []
        lines: list[bytes] = []
        with self.file() as connection:
            # a claim from the future was made before the clock was set back
            free = connection.execute(
                "select seq, lines, amount, bytes from batches where claimed < ? or claimed > ? order by seq",
                (now - LEASE, now),
            )
            size = 0
            for seq, blob, amount, length in free:
                if not rows and amount > most:
                    rows, lines = parted(connection, seq, blob.split(b"\n"), most)
                    break
                if rows and (len(lines) + amount > most or size + length + amount > most_bytes):
                    break
                rows.append(seq)
                lines.extend(blob.split(b"\n"))
                size += length + amount
            mark = [(now, seq) for seq in rows]
            connection.executemany("update batches set claimed = ? where seq = ?", mark)
        return rows, lines

    def forget(self, rows: Sequence[int]) -> None:
        """Rows that were acknowledged are no longer kept."""
        with self.file() as connection:
            connection.executemany("delete from batches where seq = ?", [(seq,) for seq in rows])

    def release(self, rows: Sequence[int]) -> None:
        """Rows that were not acknowledged are free again."""
        with self.file() as connection:
            connection.executemany("update batches set claimed = 0 where seq = ?", [(seq,) for seq in rows])

    def amount(self) -> int:
        """Events on disk."""
        with self.file("deferred") as connection:
            (amount,) = connection.execute("select coalesce(sum(amount), 0) from batches").fetchone()
            return int(amount)


def parted(
    connection: sqlite3.Connection, seq: int, lines: Sequence[bytes], most: int
) -> tuple[list[int], list[bytes]]:
    """Make two rows of one, the first with `most` lines and older than all others; answers the first."""
    first = connection.execute("select min(seq) - 1 from batches").fetchone()[0]
    head, rest = list(lines[:most]), lines[most:]
    connection.execute(
        "insert into batches (seq, lines, amount, bytes) values (?, ?, ?, ?)",
        (first, b"\n".join(head), len(head), sum(map(len, head))),
    )
    connection.execute(
        "update batches set lines = ?, amount = ?, bytes = ? where seq = ?",
        (b"\n".join(rest), len(rest), sum(map(len, rest)), seq),
    )
    return [first], head
