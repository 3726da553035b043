"""Migrate, back up and restore a registry."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from msgspec.structs import replace

from splitrun.assign.ruleset import Signature
from splitrun.assign.transmission import enveloped, opened, sealed
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.store.backup.copying import backed_up
from splitrun.store.backup.manifest import Manifest
from splitrun.store.backup.restoring import Restored, restored
from splitrun.store.canonical import value_of
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Publication
from splitrun.store.registry.databases.migrating import NEWEST, Migrated, migrate
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import KeptRuleset, Kind
from splitrun.store.registry.writing import announced

__all__ = ["back_up", "migrate_registry", "restore"]

AHEAD = 10_000
"""Versions that are left out at a restore: nobody knows how many rulesets were published after the backup."""

PRODUCTION = ("production",)
"""The environments of a project that names none."""


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


def ahead(where: Home, registry: SqlRegistry, lost: int) -> tuple[Publication, ...]:
    """Publish again what was served when the backup was made, under versions that no client has.

    A client keeps what it has where it is given an older version: after a restore it would go on with what
    was published since the backup, and a stop would not reach it.

    Args:
        where: The project's home.
        registry: As it was backed up.
        lost: Entries that are known to be lost; each published one ruleset at most.
    """
    return tuple(
        again(where, registry, kept, AHEAD + lost)
        for project in registry.projects()
        for environment in environments(registry, project)
        if (kept := registry.ruleset(project, environment)) is not None
    )


def again(where: Home, registry: SqlRegistry, kept: KeptRuleset, further: int) -> Publication:
    """Sign a ruleset under a later version.

    Raises:
        StoreError: No key may sign.
    """
    made = replace(opened(kept.document), version=kept.version + further)
    signer = where.keys.signer(announced(registry.keys()))
    bare = enveloped(sealed(made))
    document = sealed(made, (Signature(key=signer.name, value=signer.signature(bytes(bare.body))),))
    return Publication(kept.project, kept.environment, made.version, bare.digest, document, kept.version)


def environments(registry: SqlRegistry, project: str) -> tuple[str, ...]:
    """The environments of a project, as the registry defines it."""
    found = registry.find(project, Kind.PROJECT, project)
    match None if found is None else value_of(found.body):
        case {"environments": [*names]}:
            return tuple(str(name) for name in names)
        case _:
            return PRODUCTION


def restore(
    folder: Path, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> Restored:
    """Put a backup into the empty registry of a project, verify it, and say so in its chain.

    The rulesets that were served then are published again, far ahead of what clients may have got since.

    Raises:
        StoreError: It is no sound backup, the registry is not empty, or no key of the project may sign.
    """
    table, where = desk or Desk(), home(place)
    said = Change(table.now(), actor_of(actor), (Remark("restored", "registry", reason),))
    with where.database() as database:
        also = partial(ahead, where)
        return restored(folder, database, where.sealing, said, table.progress, also)
