"""What a plan reads of the lake: which tables, up to which commit, with which ids joined."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.errors import DataError
from splitrun.measure.engine import Shelf
from splitrun.measure.rows.columns import wanted
from splitrun.measure.rows.linking import linked
from splitrun.spec.analysis import Identity
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, LOGGED, Rows
from splitrun.store.lake.reading import Began, Snapshot, began, links, snapshot, strangers
from splitrun.store.lake.tables import RAW, Table

__all__ = ["DEFAULT", "lake_of", "logged", "pins", "shelves"]

DEFAULT = "state/lake"
"""Relative to the project's folder."""

TABLES = {"exposures": Table.EXPOSURES, "triggers": Table.EXPOSURES, "events": Table.EVENTS}


def logged(plan: Plan) -> Plan:
    """The plan with the lake's exposures where it names no others; that it is sealed without them stands."""
    if plan.exposures is not None or plan.moments is not None or not delivered(plan):
        return plan
    return plan.model_copy(update={"exposures": LOGGED})


def delivered(plan: Plan) -> bool:
    """Whether Splitrun deals its units."""
    return plan.delivery.flag is not None or any(plan.delivery.parameters.values())


def lake_of(place: Path, environment: str | None = None) -> str | None:
    """The lake's folder of a project's environment, or its URL.

    Args:
        place: A folder of the project.
        environment: None: the first of the project's.

    Returns:
        None where there is no project.
    """
    root = root_of(place)
    project = None if root is None else workspace(root, (PROJECT,)).says.project
    if root is None or project is None:
        return None
    written = project.lake or DEFAULT
    lake = written.rstrip("/") if "://" in written else str(root / written)
    return f"{lake}/{project.project}/{environment or project.environments[0]}"


def shelves(
    plan: Plan, lake: str | None, upto: Mapping[str, int], without: frozenset[int] = frozenset()
) -> dict[str, Shelf]:
    """Pin what a plan reads of the lake.

    Args:
        plan: What is read.
        lake: The folder of the project's environment, or its URL; None: there is no project.
        upto: The last commit that counts, by table; the newest where none is named.
        without: Pseudonyms of which no row is read.

    Raises:
        DataError: The lake is not there or cannot be read.
    """
    rows: dict[str, Rows] = {planned.key: planned.source for planned in plan.sources}
    if plan.exposures is not None:
        rows[EXPOSURES] = plan.exposures
    tables = {key: each.lake for key, each in rows.items() if each.lake is not None}
    if not tables:
        return {}
    if lake is None:
        raise DataError(
            "rows are named in the lake, and there is no splitrun.yaml here or above; go into the project"
        )
    held = pinned(lake, tables, upto)
    start = beginning(plan, held)
    joined = aliases = None
    if plan.identity is Identity.FIRST_SEEN:
        found_links = links(lake, upto.get(Table.ALIASES), None if start is None else start.epoch)
        pairs, aliases = found_links.pairs, found_links.sequence
        joined = linked(pairs["was_key"].to_numpy(), pairs["unit_key"].to_numpy())
    names, found, out = wanted(plan), dict[str, Shelf](), left_out(without)
    for key, table in tables.items():
        one = held[TABLES[table]]
        found[key] = Shelf(
            table=table,
            files=one.files,
            sequence=one.sequence,
            wanted=names[key] | ({"variant"} if key == EXPOSURES else set()),
            experiment=plan.key,
            version=plan.delivery.version,
            links=joined,
            late=plan.lateness,
            epoch=None if start is None else start.epoch,
            raw=RAW.name in one.schema.names,
            linked=aliases,
            without=out,
            rows=one.rows() if one.folder.local is None else None,
            digest=one.digest() if one.folder.local is None else None,
        )
    return found


def pinned(lake: str, tables: Mapping[str, str], upto: Mapping[str, int]) -> dict[Table, Snapshot]:
    """Pin the tables that sources are read from.

    Args:
        lake: The folder of the project's environment, or its URL.
        tables: By source, how a plan names its table.
        upto: The last commit that counts, by table.

    Raises:
        DataError: One is not there, cannot be read, or is empty.
    """
    held: dict[Table, Snapshot] = {}
    for key, table in tables.items():
        one = TABLES[table]
        held[one] = held.get(one) or snapshot(lake, one, upto.get(one))
        if not held[one].files:
            raise DataError(f"{key}: the lake holds no {one} yet; wait until clients have sent some")
    return held


def beginning(plan: Plan, held: Mapping[Table, Snapshot]) -> Began | None:
    """Tell under which epoch of pseudonyms an experiment began, and hold its rows to it.

    Args:
        plan: What is read.
        held: The tables that it reads.

    Returns:
        None where its exposures are not of the lake, or nobody was exposed.

    Raises:
        DataError: Rows that came in since have no pseudonym of that epoch: nobody can tell whose they are.
    """
    exposures = held.get(Table.EXPOSURES)
    if exposures is None:
        return None
    found = began(exposures, plan.key, plan.delivery.version)
    if found is None:
        return None
    of = (pc.field("experiment") == plan.key) & (pc.field("version") == plan.delivery.version)
    since = pc.field("received") >= found.received
    for table, one in held.items():
        lost = strangers(one, found.epoch, of if table is Table.EXPOSURES else since)
        if lost:
            raise DataError(
                f"{plan.key!r} began under epoch {found.epoch} of the pseudonyms, and {lost:,} {table} that "
                "came in since have none of it: its key was destroyed, or a committer ran without it; see in "
                "`splitrun audit log` what was read before"
            )
    return found


def left_out(keys: frozenset[int]) -> pa.Table | None:
    """Lay out the pseudonyms of which no row is read; None where there are none."""
    return pa.table({"key": pa.array(sorted(keys), pa.int64())}) if keys else None


def pins(read: Mapping[str, Shelf]) -> dict[str, int]:
    """Give up to which commit each table was read."""
    found = {str(TABLES[one.table]): one.sequence for one in read.values()}
    aliases = {str(Table.ALIASES): one.linked for one in read.values() if one.linked is not None}
    return {**found, **aliases}
