"""Bring a database to the schema of this version, or back; several nodes may try at once."""

from __future__ import annotations

from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select

from splitrun.errors import StoreError
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.tables import entries

__all__ = ["EMPTY", "NEWEST", "Migrated", "current", "migrate", "revisions", "stands"]

EMPTY = "nothing"
"""Stands for a database without tables of ours."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which schema to which; the same where nothing was to be done."""

    before: str
    after: str


def config() -> Config:
    """Where the steps lie: inside the package."""
    made = Config()
    made.set_main_option("script_location", "splitrun.store.registry.databases:migrations")
    return made


def revisions() -> tuple[str, ...]:
    """The schemas that this version knows, the oldest first."""
    steps = ScriptDirectory.from_config(config()).walk_revisions()
    return tuple(reversed([step.revision for step in steps]))


NEWEST = "0002"
"""The schema that this version reads and writes; a test holds it to the steps."""


def stands(connection: Connection) -> str:
    """The schema of a database.

    Raises:
        StoreError: It holds tables of somebody else.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None and inspect(connection).has_table("entries"):
        raise StoreError(
            "the database holds a table `entries` that splitrun did not make; give the registry a database, "
            "or a schema, of its own"
        )
    return found or EMPTY


def current(database: Database) -> None:
    """Refuse a database whose schema is not the one of this version.

    Raises:
        StoreError: It is newer, older or empty: with what to do.
    """
    with database.reading() as connection:
        found = stands(connection)
    if found == NEWEST:
        return
    if found != EMPTY and found not in revisions():
        raise newer(database, found)
    raise StoreError(
        f"the registry {database.name} has the schema {found}, and this splitrun works with {NEWEST}; run "
        "`splitrun migrate`"
    )


def newer(database: Database, found: str) -> StoreError:
    """Say that a database was written by a newer version."""
    return StoreError(
        f"the registry {database.name} has the schema {found[:40]!r}, and this splitrun knows up to "
        f"{NEWEST}; nothing was touched; upgrade splitrun on this machine"
    )


def migrate(database: Database, to: str = NEWEST) -> Migrated:
    """Bring a database to a schema, in one transaction, while no other node migrates or writes.

    Args:
        database: Where.
        to: One of `revisions()`, or `EMPTY`, which only a registry without entries is brought back to.

    Raises:
        StoreError: It is newer than this version, the schema is unknown, or something would be lost; nothing
            was changed.
    """
    known = (EMPTY, *revisions())
    if to not in known:
        raise StoreError(f"there is no schema {to[:40]!r}; this splitrun knows {', '.join(known[1:])}")
    with database.writing() as connection:
        before = stands(connection)
        if before not in known:
            raise newer(database, before)
        if to == EMPTY and before != EMPTY and connection.execute(select(entries.c.number).limit(1)).first():
            raise StoreError(
                f"the registry {database.name} holds entries, and without tables they would be lost; back it "
                "up, then remove the database by hand"
            )
        steps = config()
        steps.attributes["connection"] = connection
        if known.index(before) < known.index(to):
            command.upgrade(steps, to)
        elif before != to:
            command.downgrade(steps, "base" if to == EMPTY else to)
    return Migrated(before, to)
