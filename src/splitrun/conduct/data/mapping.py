"""The data map of a project, from the fields that its stores have now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.reports import Report, keep, sound
from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.errors import Mistake, Place, SpecError, StoreError
from splitrun.govern.data.mapped import Column, mapped
from splitrun.govern.data.policies import FILES, LOGS
from splitrun.report.data.page import MADE_BY, map_page
from splitrun.spec.privacy.fields import DataMap
from splitrun.spec.project import Project
from splitrun.store.access.keys import AccessKey
from splitrun.store.kills import Kill
from splitrun.store.lake.place import Folder, Lake, told
from splitrun.store.lake.remembered import Kept as Window
from splitrun.store.lake.tables import SCHEMAS, columns
from splitrun.store.people.journal import Begun
from splitrun.store.people.marks import Mark
from splitrun.store.registry.databases.tables import METADATA
from splitrun.store.spool.aged import columns as spooled

__all__ = ["data_map", "keep_map", "opened", "project_of"]


def project_of(place: Path) -> tuple[Path, Project]:
    """Give the folder and the settings of the project around a place.

    Raises:
        SpecError: There is none, or its settings have mistakes.
    """
    root = root_of(place)
    if root is None:
        says = f"there is no {PROJECT} here or above"
        raise SpecError([Mistake(says, "go into a project's folder", place=Place(PROJECT, 1, 1))])
    around = workspace(root, (PROJECT,))
    if around.says.mistakes or around.says.project is None:
        raise SpecError(list(around.says.mistakes))
    return root, around.says.project


def data_map(place: Path) -> DataMap:
    """Map every field that a project keeps.

    Args:
        place: A folder of the project.

    Raises:
        SpecError: There is no project, or its settings have mistakes.
        StoreError: Lake or spool cannot be read.
    """
    root, project = project_of(place)
    return mapped(project, live(root, project))


def live(root: Path, project: Project) -> Iterator[Column]:
    """Give the fields of every store of a project, as they are now."""
    for table, schema in SCHEMAS.items():
        yield from (Column(f"lake/{table}", one.name, str(one.type)) for one in schema)
    yield from in_lake(lake_of(root), project)
    spool = spool_of(root) if (root / "state" / "spool.db").is_file() else None
    yield from (Column(f"spool/{table}", name, kind) for table, name, kind in spooled(spool))
    for name, known in METADATA.tables.items():
        yield from (Column(f"registry/{name}", str(one.name), str(one.type).lower()) for one in known.columns)
    yield from (Column("people/list", name, "text") for name in ("token", *Mark.__dataclass_fields__))
    yield from (Column("people/journal", name, "text") for name in Begun.__struct_fields__)
    yield from (Column("access/keys", name, "text") for name in AccessKey.__struct_fields__)
    yield from (Column("log/server", name, "text") for name in LOGS)
    yield from (Column("kills/flags", name, "text") for name in Kill.__struct_fields__)
    yield from (Column("seen/window", name, "binary") for name in Window.__struct_fields__)
    yield from (Column("keys/files", name, "binary") for name in FILES["keys/files"])
    yield from (Column(store, "(whole)", "text") for store in ("lake/log", "registry/head"))


def in_lake(lake: Lake, project: Project) -> Iterator[Column]:
    """Give the columns that tables of the lake have by now."""
    for name, environment, table in lake.tables():
        if name == project.project:
            schema = columns(opened(lake.folder(name, environment, table)))
            yield from (Column(f"lake/{table}", one.name, str(one.type)) for one in schema)


def opened(folder: Folder) -> DeltaTable:
    """Open a table to look at it.

    Raises:
        StoreError: It cannot be read.
    """
    storage = folder.storage()
    try:
        return DeltaTable(folder.uri, storage_options=None if storage is None else dict(storage))
    except (DeltaError, TableNotFoundError, OSError) as error:
        raise StoreError(
            f"the table {folder.uri} cannot be read ({told(error)}); look at disk and rights"
        ) from error


def keep_map(path: Path, found: DataMap) -> str:
    """Write a map as a page; its name as a person at the prompt would write it.

    Raises:
        SpecError: It would take the place of another file, or has no folder to lie in.
    """
    (report,) = sound([Report(path, MADE_BY.encode(), map_page)])
    return keep(report, found)
