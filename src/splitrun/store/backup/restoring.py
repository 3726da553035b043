"""Put a backup back into an empty database, here or elsewhere, of the same kind or the other one."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import LargeBinary, Table, insert, select

from splitrun.errors import StoreError
from splitrun.store.backup.copying import marked
from splitrun.store.backup.manifest import SQLITE, Backup, read
from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.head import Head
from splitrun.store.registry.change import Change, Publication
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.migrating import migrate, revisions
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.databases.tables import BESIDE, entries
from splitrun.store.registry.writing import Sealing
from splitrun.store.verification import Verification, verify

__all__ = ["Restored", "restored"]

BATCH = 2_000
"""Rows that are written at once."""

TABLES = {"entries": entries, **BESIDE}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    backup: Backup
    verification: Verification
    """Of the registry as it was backed up, before the entry that tells of its return."""
    lost: int
    """Entries after the mark that the head of this machine knew of."""


def restored(
    folder: Path,
    database: Database,
    sealing: Sealing,
    said: Change,
    progress: Callable[[str], None] | None = None,
    also: Callable[[SqlRegistry, int], tuple[Publication, ...]] = lambda _, __: (),
) -> Restored:
    """Put a backup into an empty database, verify it, and append an entry `restored`.

    Interrupted, it can be repeated.

    Args:
        folder: The backup.
        database: Where it is put.
        sealing: Keys that the registry knows and that are trusted, and where its head is kept from now on.
        said: Who restores, when and why: the first remark is taken, its content is written here.
        progress: Is told in words how far it has come.
        also: The rulesets that are published with that entry, from the registry as it was backed up and the
            number of entries that are known to be lost.

    Raises:
        StoreError: It is no sound backup, the database holds another registry, or no key may sign.
    """
    tell = progress or (lambda _: None)
    backup = read(folder)
    if backup.manifest.schema not in revisions():
        raise StoreError(
            f"the backup has the schema {backup.manifest.schema!r}, unknown to this splitrun; upgrade it"
        )
    if not backup.manifest.mark:
        raise StoreError(f"the backup {folder} holds no entry; there is nothing to restore")
    migrate(database)
    filled(database, backup, tell)
    registry = SqlRegistry(database, sealing)
    found = verify(registry, backup.head, sealing.ring.public, progress)
    if not found.fine:
        first = found.faults[0]
        raise StoreError(
            f"the backup {folder} was tampered with: entry {first.number:,}: {first.says}; {found.found:,} "
            "faults; take another backup, and an empty database"
        )
    lost = surpassed(sealing.witness.read(), backup)
    if backup.head is not None:
        sealing.witness.replace(backup.head)
    registry.commit(replace(returned(said, backup, lost), publications=also(registry, lost)))
    return Restored(backup, found, lost)


def surpassed(before: Head | None, backup: Backup) -> int:
    """How many entries after the mark this machine's head knew of."""
    if before is None or backup.head is None or before.registry != backup.head.registry:
        return 0
    return max(0, before.number - backup.manifest.mark)


def returned(said: Change, backup: Backup, lost: int) -> Change:
    """Say that a registry came back from a backup."""
    remark = said.remarks[0]
    manifest = backup.manifest
    content = canonical(
        {"digest": manifest.digest, "hash": manifest.hash, "lost": lost, "mark": manifest.mark}
    )
    told = Remark("restored", "registry", remark.reason, content=content)
    return Change(said.at, said.actor, (told,))


def filled(database: Database, backup: Backup, tell: Callable[[str], None]) -> None:
    """Write every row of a backup in one transaction; a database that holds them already is left as it is.

    Raises:
        StoreError: The database holds something else.
    """
    mark = (backup.manifest.mark, backup.manifest.hash)
    with database.writing() as connection:
        there = marked(connection)
        if there == mark:
            return
        if there[0]:
            raise StoreError(
                f"the registry {database.name} holds {there[0]:,} entries already; restore into an "
                "empty database"
            )
        for name, table in TABLES.items():
            rows = kept(backup, name, table)
            done = 0
            while batch := list(islice(rows, BATCH)):
                connection.execute(insert(table), batch)
                done += len(batch)
                tell(f"restored {done:,} rows of {name}")
        if marked(connection) != mark:
            raise StoreError(
                f"{backup.folder} does not reach its mark, entry {mark[0]:,}; take another backup"
            )


def kept(backup: Backup, name: str, table: Table) -> Iterator[dict[str, object]]:
    """The rows of a table in a backup, in order."""
    path = backup.folder / backup.manifest.file
    if backup.manifest.file != SQLITE:
        yield from lines(path, name, table)
        return
    source = Database(f"sqlite:///{path}")
    try:
        with source.reading() as connection:
            order = list(table.primary_key.columns)
            asked = select(table).order_by(*order).execution_options(yield_per=BATCH)
            for row in connection.execute(asked).mappings():
                yield dict(row)
    finally:
        source.close()


def lines(path: Path, name: str, table: Table) -> Iterator[dict[str, object]]:
    """The rows of a table in a file of lines; the digest of the file has been checked."""
    binary = [column.name for column in table.columns if type(column.type) is LargeBinary]
    with path.open(encoding="utf-8") as file:
        for line in file:
            where, cells = json.loads(line)
            if where == name:
                yield {**cells, **{column: b64decode(cells[column]) for column in binary}}
