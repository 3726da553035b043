"""What a spool keeps too long: dead letters, and batches that never went into the lake."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.schema import laid

__all__ = ["Aged", "aged", "columns", "let_go", "oldest"]

TABLES = ("letters", "parcels")
NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Aged:
    """Rows of one project and environment that were received before a moment."""

    table: str
    project: str
    environment: str
    rows: int
    first: int
    last: int
    """When the first and the last of them were received, in nanoseconds since 1970."""


def aged(spool: SpoolFile, table: str, before: int) -> tuple[Aged, ...]:
    """Name what was received before a moment.

    Args:
        spool: Which.
        table: `letters` or `parcels`.
        before: In nanoseconds since 1970.
    """
    summed = "select project, environment, count(*), min(at), max(at)"
    asked = f"{summed} from {known(table)} where at < ? group by 1, 2 order by 1, 2"  # one of ours
    with spool.connection() as read:
        return tuple(Aged(table, *row) for row in read.execute(asked, (before,)))


def oldest(spool: SpoolFile, table: str, before: int = NEVER) -> tuple[int, int | None]:
    """Count the rows received before a moment, and give when the oldest was (nanoseconds since 1970)."""
    with spool.connection() as read:
        asked = f"select count(*), min(at) from {known(table)} where at < ?"  # noqa: S608  # one of ours
        count, first = read.execute(asked, (before,)).fetchone()
        return int(count), None if first is None else int(first)


def let_go(spool: SpoolFile, table: str, before: int) -> int:
    """Let go of what was received before a moment; how many rows.

    Of parcels only those go that stand before all younger ones, so that none is missing between two.
    """
    younger = "coalesce((select min(number) from parcels where at >= ?), 9223372036854775807)"
    where = f"number < {younger}" if table == "parcels" else "at < ?"
    with spool.connection() as write:
        write.execute("begin immediate")
        gone = write.execute(f"delete from {known(table)} where {where}", (before,)).rowcount  # noqa: S608  # ours
        write.execute("commit")
        return int(gone)


def known(table: str) -> str:
    """Give a table's name, of those that are looked at here.

    Raises:
        ValueError: It is another; our own fault.
    """
    if table not in TABLES:
        raise ValueError(f"{table!r} is none of {', '.join(TABLES)}")
    return table


def columns(spool: SpoolFile | None) -> tuple[tuple[str, str, str], ...]:
    """Name every column that a spool has: table, column, type.

    Args:
        spool: Which; None: the one that would be made.
    """
    if spool is None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
            laid(made, "")
            return described(made)
    with spool.connection() as read:
        return described(read)


def described(read: sqlite3.Connection) -> tuple[tuple[str, str, str], ...]:
    """Ask a database for its columns."""
    asked = (
        "select m.name, c.name, lower(c.type) from sqlite_master m, pragma_table_info(m.name) c "
        "where m.type = 'table' and m.name not like 'sqlite_%' order by m.name, c.cid"
    )
    return tuple((str(table), str(name), str(kind)) for table, name, kind in read.execute(asked))
