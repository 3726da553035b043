"""Whom a person means by an id, and where rows of units stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from splitrun.conduct.registry.place import home
from splitrun.conduct.workspace import PROJECT, contents, workspace
from splitrun.errors import Mistake, SpecError
from splitrun.sdk.event import Unit
from splitrun.spec.project import Project
from splitrun.spec.written.fields import suggested
from splitrun.store.lake.delta import LakeTable
from splitrun.store.lake.place import Lake
from splitrun.store.lake.pseudonyms import Pseudonyms, every_epoch
from splitrun.store.lake.reading import links_under
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import Table

__all__ = ["epochs_at", "keys_of", "links_of", "listed", "meant", "project_of", "tables_of"]

MOST = 100_000
"""Units that are asked for at once."""
LONGEST = 50_000_000
"""Bytes of a file of ids."""


def project_of(root: Path) -> Project:
    """The settings of a project's folder.

    Raises:
        SpecError: They have mistakes.
    """
    around = workspace(root, (PROJECT, "metrics/*.yaml"))
    if around.says.project is None:
        raise SpecError(around.says.mistakes)
    return around.says.project


def meant(ids: Iterable[str], unit_type: str | None, place: Path) -> tuple[Unit, ...]:
    """Say which units are meant by ids.

    Args:
        ids: Byte for byte as the product sends them.
        unit_type: None: the project's only one, or `user` where it names none.
        place: A folder of the project.

    Raises:
        SpecError: There is no project, the type is not one of the project's, or an id is empty.
    """
    known = tuple(project_of(home(place).root).units)
    wanted = unit_type or (known[0] if len(known) == 1 else None if known else "user")
    if wanted is None:
        listed_types = ", ".join(known)
        raise SpecError(
            [Mistake("the project has several types of units", f"name one: {listed_types}", "--type")]
        )
    if known and wanted not in known:
        raise SpecError(
            [Mistake(f"there is no type of unit {wanted[:60]!r}", suggested(wanted, known), "--type")]
        )
    found = tuple(dict.fromkeys(ids))
    if any(one != one.encode(errors="replace").decode() for one in found):
        says = "an id is not UTF-8, and no event can carry it"
        raise SpecError([Mistake(says, "write it as the product sends it, in a terminal of UTF-8", "UNIT")])
    if not found or not all(found):
        raise SpecError([Mistake("no id is given", "name a unit by its id, as the product sends it", "UNIT")])
    if len(found) > MOST:
        says = f"{len(found):,} units are named"
        raise SpecError([Mistake(says, f"name at most {MOST:,} at once", "UNIT")])
    return tuple(Unit(wanted, one) for one in found)


def listed(file: Path) -> tuple[str, ...]:
    """Read ids from a file, one a line; nothing of a line is trimmed but its end.

    Raises:
        SpecError: It cannot be read, or is not UTF-8.
    """
    try:
        text = contents(file, LONGEST).decode("utf-8-sig")  # what some editors begin a file with is no id
    except UnicodeError:
        says = f"{file.name} is not UTF-8"
        raise SpecError([Mistake(says, "write one id a line, in UTF-8", "--file")]) from None
    return tuple(line for line in text.replace("\r\n", "\n").split("\n") if line)


def epochs_at(root: Path) -> list[Pseudonyms]:
    """Open every key of pseudonyms that there is.

    Raises:
        StoreError: A key cannot be read, or is not the one that rows were written with.
    """
    return every_epoch(root / "state" / "keys" / "pseudonym")


def keys_of(root: Path, units: Sequence[Unit]) -> dict[Unit, frozenset[int]]:
    """Give the pseudonyms of units under every key that there is.

    Raises:
        StoreError: A key cannot be read.
    """
    epochs = epochs_at(root)
    return {unit: frozenset(one.key_of(unit.type, unit.id) for one in epochs) for unit in units}


def links_of(
    root: Path, lake: Lake, tables: Sequence[tuple[str, LakeTable]], epochs: Sequence[int]
) -> list[pa.Table]:
    """Read the links between ids that tables hold: `was_N` and `unit_N` for each epoch."""
    above = f"{lake.root.rstrip('/')}/{project_of(root).project}"
    wanted = [where for where, one in tables if one.table is Table.ALIASES]
    return [links_under(f"{above}/{where}", epochs) for where in wanted]


def tables_of(root: Path, lake: Lake) -> list[tuple[str, LakeTable]]:
    """Open every table of a project's lake: environment and table, those with links between ids first."""
    name = project_of(root).project
    found = [(environment, table) for project, environment, table in lake.tables() if project == name]
    found.sort(key=lambda one: (one[1] is not Table.ALIASES, one))
    none = Seen(root / "state" / "people" / "none.seen")
    return [
        (environment, LakeTable(lake.folder(name, environment, table), table, none))
        for environment, table in found
    ]
