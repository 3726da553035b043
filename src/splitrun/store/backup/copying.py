"""Copy a registry while others write to it."""

from __future__ import annotations

import json
import os
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, func, select

from splitrun.errors import StoreError
from splitrun.store.backup.manifest import HEAD, ROWS, SQLITE, Manifest, fingerprint_of, write
from splitrun.store.canonical import as_text
from splitrun.store.chain.head import FORM, Head, whole
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.migrating import stands
from splitrun.store.registry.databases.tables import BESIDE, entries

__all__ = ["backed_up"]

STEP = 50_000
"""Rows between two words of progress."""


def backed_up(
    database: Database,
    folder: Path,
    at: datetime,
    head: Head | None,
    progress: Callable[[str], None] | None = None,
) -> Manifest:
    """Copy a registry into a folder, as it stands at one moment.

    SQLite is copied by its online backup into `registry.db`; PostgreSQL is read in one transaction,
    repeatable read, into `registry.jsonl`, one row a line. Private keys are not copied.

    Args:
        database: Where the registry is kept.
        folder: A new or empty folder.
        at: When.
        head: As it stood outside of the database before this was called.
        progress: Is told in words how far it has come.

    Raises:
        StoreError: The database refuses, or nothing can be written there.
    """
    tell = progress or (lambda _: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StoreError(f"{folder} is not empty; name a new folder for the backup")
        if head is not None:
            whole(folder / HEAD, json.dumps({"form": FORM, **asdict(head)}, indent=2) + "\n")
        file = database.file
        made = listed(database, folder / ROWS, tell) if file is None else copied(file, folder / SQLITE)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"no backup can be written to {folder} ({error}); look at disk and rights"
        ) from error
    schema, mark, last = made
    name: Literal["registry.jsonl", "registry.db"] = "registry.jsonl" if file is None else "registry.db"
    manifest = Manifest(
        "splitrun.backup/1", as_text(at), schema, mark, last, name, fingerprint_of(folder / name)
    )
    write(folder, manifest)
    return manifest


def copied(file: Path, target: Path) -> tuple[str, int, str]:
    """Copy a SQLite file by its online backup, in one step; give schema and mark of the copy."""
    with closing(sqlite3.connect(file, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        faults = [row[0] for row in copy.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    if faults:
        raise StoreError(
            f"the copy of {file} is damaged as its source is: {'; '.join(faults)}; restore an older backup"
        )
    synced(target)
    found = Database(f"sqlite:///{target}")
    try:
        with found.reading() as connection:
            return (stands(connection), *marked(connection))
    finally:
        found.close()


def marked(connection: Connection) -> tuple[int, str]:
    """The last entry: its number and hash."""
    row = connection.execute(
        select(entries.c.number, entries.c.hash).order_by(entries.c.number.desc()).limit(1)
    ).first()
    return (0, "") if row is None else (row.number, row.hash)


def listed(database: Database, target: Path, tell: Callable[[str], None]) -> tuple[str, int, str]:
    """Write every row as a line, all as of one moment; give schema and mark."""
    with database.reading(still=True) as connection, target.open("w", encoding="utf-8") as file:
        schema, (mark, last) = stands(connection), marked(connection)
        total = connection.execute(select(func.count()).select_from(entries)).scalar_one()
        tell(f"copying {total:,} entries")
        for table in (entries, *BESIDE.values()):
            order = list(table.primary_key.columns)
            asked = select(table).order_by(*order).execution_options(yield_per=2_000)
            for number, row in enumerate(connection.execute(asked).mappings(), start=1):
                cells = {
                    name: b64encode(value).decode() if type(value) is bytes else value
                    for name, value in row.items()
                }
                file.write(json.dumps([table.name, cells], ensure_ascii=False) + "\n")
                if not number % STEP:
                    tell(f"copied {number:,} rows of {table.name}")
    synced(target)
    return schema, mark, last


def synced(path: Path) -> None:
    """Wait until a file is on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
