"""The data map of a project, from the fields that its stores have now; and the rule that each has a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.workspace import PROJECT, contents, root_of, shown, workspace
from splitrun.errors import Mistake, Place, SpecError, StoreError
from splitrun.govern.data.mapped import Column, mapped, unpoliced
from splitrun.govern.data.policies import LOGS
from splitrun.plan.switches.experiments import cut_by
from splitrun.spec.plan import Plan
from splitrun.spec.privacy.fields import DataMap
from splitrun.spec.project import Project
from splitrun.spec.reading import read_project
from splitrun.store.access.keys import AccessKey
from splitrun.store.lake.place import Folder, Lake, told
from splitrun.store.lake.tables import SCHEMAS, columns
from splitrun.store.registry.databases.tables import METADATA
from splitrun.store.spool.aged import columns as spooled

__all__ = ["data_map", "fields_without_policy", "project_of"]


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
        yield from (Column(f"registry/{name}", one.name, str(one.type).lower()) for one in known.columns)
    yield from (Column("access/keys", name, "text") for name in AccessKey.__struct_fields__)
    yield from (Column("log/server", name, "text") for name in LOGS)


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


def fields_without_policy(root: Path, plans: Iterable[Plan]) -> tuple[Mistake, ...]:
    """Object to fields of a project that have no policy (rule `data_policy`).

    Args:
        root: The project's folder.
        plans: Of its experiments.
    """
    written = read_project(contents(root / PROJECT), shown(root / PROJECT))
    return tuple(unpoliced(written.value, written.document, attributes(plans)))


def attributes(plans: Iterable[Plan]) -> Mapping[str, str]:
    """Name the attributes that experiments on flags are cut by, each with the first of them."""
    found: dict[str, str] = {}
    for plan in plans:
        if plan.delivery.flag is not None:
            for one in plan.segments:
                for name in cut_by(one.segment):
                    found.setdefault(name, plan.key)
    return found
