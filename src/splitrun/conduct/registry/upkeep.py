"""Migrate, back up and restore a registry."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import actor_of, home
from splitrun.store.backup.copying import backed_up
from splitrun.store.backup.manifest import Manifest
from splitrun.store.backup.restoring import Restored, restored
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.registry.databases.migrating import NEWEST, Migrated, migrate

__all__ = ["back_up", "migrate_registry", "restore"]


def migrate_registry(place: Path, to: str | None = None, *, desk: Desk | None = None) -> Migrated:
    """Bring the registry of a project to a schema; without one, to the newest.

    Raises:
        StoreError: It is newer than this version, or something would be lost; nothing was changed.
    """
    (desk or Desk()).progress("migrating the registry")
    with home(place).database() as database:
        return migrate(database, to or NEWEST)


def back_up(folder: Path, place: Path, *, desk: Desk | None = None) -> Manifest:
    """Copy the registry of a project into a new folder while others write to it.

    Raises:
        StoreError: The registry refuses, or the folder is not empty or cannot be written.
    """
    table, where = desk or Desk(), home(place)
    table.progress("copying the registry")
    with where.registry(), where.database() as database:
        return backed_up(database, folder, table.now(), where.head.read(), table.progress)


def restore(
    folder: Path, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> Restored:
    """Put a backup into the empty registry of a project, verify it, and say so in its chain.

    Raises:
        StoreError: It is no sound backup, the registry is not empty, or no key of the project may sign.
    """
    table, where = desk or Desk(), home(place)
    said = Change(table.now(), actor_of(actor), (Remark("restored", "registry", reason),))
    with where.database() as database:
        return restored(folder, database, where.sealing, said, where.trusted, table.progress)
