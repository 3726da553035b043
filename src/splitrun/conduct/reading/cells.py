"""What a readout may show by level: the project's smallest cell, and what earlier looks have shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from splitrun.conduct.reading.taking import Taken
from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.govern.cells.grids import Past, Table
from splitrun.govern.cells.system import Place
from splitrun.govern.cells.withholding import Screened, screened
from splitrun.store.canonical import Json
from splitrun.store.chain.entry import Entry

__all__ = ["LEAST", "least_of", "said", "screen", "shown_before"]

LEAST = 10
"""Units where a project reads what it collects itself and says nothing (docs/decisions/0013)."""
TELLING = frozenset({"look", "measure"})
"""Verbs of the entries that say that levels were shown, or left the region."""


class Kept(BaseModel):
    """Units of one kind that a look showed."""

    model_config = ConfigDict(frozen=True)

    totals: tuple[int, ...]
    levels: Mapping[str, Mapping[str, tuple[int, ...] | None]]


class Told(BaseModel):
    """What a look says that it showed."""

    model_config = ConfigDict(frozen=True)

    version: int
    as_of: datetime | None = None
    cells: Mapping[str, Kept] | None = None
    regions: tuple[object, ...] = ()
    """Files of moments that were read in the place of rows."""


def least_of(place: Path, found: Taken) -> int:
    """The units that a level must have in every variant to be shown.

    Args:
        place: A folder of the project.
        found: What was read: where the lake was, small cells are hidden unless the project says otherwise.

    Returns:
        1 where every level is shown.
    """
    root = root_of(place)
    project = None if root is None else workspace(root, (PROJECT,)).says.project
    written = None if project is None else project.privacy.min_cell
    if written is not None:
        return written
    return LEAST if any(source.form == "lake" for source in found.measured.sources) else 1


def screen(
    found: Taken,
    least: int,
    past: Sequence[Past] = (),
    begun: Mapping[str, frozenset[Place]] | None = None,
) -> Screened:
    """Choose the levels of a readout that are not shown.

    Args:
        found: What was measured, and the plan that it is read by.
        least: Units that a level must have in every variant to be shown.
        past: What earlier looks showed.
        begun: Levels that may not be shown whatever they hold, by metric and under `UNITS`.
    """
    segments = [one.key for one in found.plan.segments]
    metrics = [one.key for one in found.plan.metrics]
    return screened(found.measured, segments, metrics, least, past, begun)


def shown_before(entries: Sequence[Entry], environment: str, version: int) -> tuple[Past, ...]:
    """What looks at rows of a version of an experiment, and moments that left, showed by level.

    Those that showed the same are one. Looks at moments of regions are left out: they count other units, and
    tell no more than the moments do, each of which its region has held against all that it showed before.

    Args:
        entries: Of the experiment, as the audit chain has them.
        environment: Where it runs.
        version: Of its plan.
    """
    found: list[Past] = []
    for entry in entries:
        if entry.verb in TELLING and entry.environment == environment:
            found += [one for one in read(entry.content, version) if one not in found]
    return tuple(found)


def read(content: str, version: int) -> Iterator[Past]:
    """Read what a look says; nothing of one that says nothing of levels, or is of another version."""
    try:
        told = Told.model_validate_json(content)
    except ValidationError:
        return
    if told.version == version and told.cells and not told.regions:
        tables = {
            name: Table(one.totals, {key: dict(levels) for key, levels in one.levels.items()})
            for name, one in told.cells.items()
        }
        yield Past(told.as_of, tables)


def said(found: Screened) -> dict[str, Json]:
    """What a look says of the levels that it showed; nothing where small cells are not hidden."""
    if found.least <= 1 or not found.shown:
        return {}
    cells: dict[str, Json] = {
        name: {"totals": list(table.totals), "levels": plain(table)} for name, table in found.shown.items()
    }
    return {"cells": cells}


def plain(table: Table) -> dict[str, Json]:
    """Counts by segment and level, as JSON."""
    return {
        segment: {level: None if counts is None else list(counts) for level, counts in levels.items()}
        for segment, levels in table.levels.items()
    }
