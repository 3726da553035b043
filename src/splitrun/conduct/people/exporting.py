"""All that is kept of one unit, for the person whose it is; the audit chain tells that it was asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.forgetting import spoken
from splitrun.conduct.people.linking import Belonging, belonging
from splitrun.conduct.people.lists import lists_of, named_in
from splitrun.conduct.people.place import epochs_at, keys_of, links_of, project_of, tables_of
from splitrun.conduct.people.waiting import known, links_waiting, waiting, written_as
from splitrun.conduct.registry.place import actor_of, home
from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.canonical import Json, as_text, canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.lake.tables import Table
from splitrun.store.people.certificate import SUBJECT
from splitrun.store.people.place import marks_at
from splitrun.store.people.rows import BESIDE, Theirs, rows_of
from splitrun.store.registry.change import Change

__all__ = ["EXPORT", "kept_at", "subject_export"]

EXPORT = "subject-export"
"""Verb of the entries that say that all of a unit was read."""

OURS = frozenset({"unit_key", "was_key", "unit", "epoch", "sequence", "date"})
"""Columns that say nothing of a unit that it does not know, and would be a pseudonym outside."""
OBJECTS = frozenset({"attributes", "properties"})


def subject_export(
    unit: Unit, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> dict[str, Json]:
    """Read all that is kept of a unit: rows of the lake, what waits for it, dead letters, its wishes.

    Args:
        unit: Whose.
        place: A folder of the project.
        reason: Why; it stands in the audit chain, and names nobody.
        actor: Who asks; None: as the environment or the login says.
        desk: The clock, and whom to tell of progress.

    Raises:
        SpecError: There is no project, or the reason is blank or names the unit.
        StoreError: Something cannot be read; or the chain cannot be written, and nothing is told then.
    """
    where, table = home(place), desk or Desk()
    spoken(reason, [unit])
    root, project = where.root, project_of(where.root).project
    (own,) = keys_of(root, [unit]).values()
    linked, found = rows(root, unit, own, table)
    table.progress("reading what waits for the lake, and dead letters")
    marks = marks_at(root)
    mark = marks.read().get(marks.token(unit))
    theirs = known(lambda other: other == unit, own | linked.keys, epochs_at(root))
    there = waiting(spool_of(root), theirs, written_as([unit]))
    held = {
        **found,
        "waiting": list(map(event, there.events)),
        "dead_letters": list(map(event, there.letters)),
    }
    now = table.now()
    counted: dict[str, Json] = {name: len(of) for name, of in held.items()}
    said = Remark(EXPORT, SUBJECT, reason, project, content=canonical({"rows": counted}))
    with where.registry(now) as registry:
        registry.commit(Change(now, actor_of(actor), (said,)))
    return {
        "form": "splitrun.subject/1",
        "at": as_text(now),
        "project": project,
        "unit": {"type": unit.type, "id": unit.id},
        "state": None if mark is None else mark.kind.value,
        "since": None if mark is None else mark.day,
        "linked_ids": linked.linked,
        "lists": list(lists_of(where, project, [unit])),
        "named_in": list(named_in(root, [unit])),
        **held,
    }


def rows(root: Path, unit: Unit, own: frozenset[int], desk: Desk) -> tuple[Belonging, dict[str, list[Json]]]:
    """Read the rows of a unit: which other ids are its alone, and its rows by table."""
    lake = lake_of(root)
    found: dict[str, list[Json]] = {str(name): [] for name in Table if name is not Table.HEARTBEATS}
    tables = tables_of(root, lake)
    epochs = epochs_at(root)
    numbers = [one.epoch for one in epochs]
    links = [*links_of(root, lake, tables, numbers), links_waiting(spool_of(root), epochs)]
    linked = belonging(own, links, numbers)
    theirs = Theirs(own | linked.keys, frozenset({unit}))
    for environment, one in tables:
        desk.progress(f"reading {environment}/{one.table}")
        for part in rows_of(one, theirs):
            found.setdefault(str(one.table), []).extend(
                told(row, environment, linked=row["unit_key"] not in own) for row in part.to_pylist()
            )
    return linked, found


def told(row: Mapping[str, object], environment: str, *, linked: bool) -> dict[str, Json]:
    """Write a row: its columns as JSON has them, empty ones left out."""
    kept = {name: value for name, value in row.items() if value is not None and not ours(name)}
    written = {name: plain(name, value) for name, value in kept.items()}
    return {"environment": environment, **({"linked": True} if linked else {}), **written}


def ours(name: str) -> bool:
    """Whether a column is not for others."""
    return name in OURS or name.startswith(BESIDE)


def plain(name: str, value: object) -> Json:
    """Write a value of a row."""
    match value:
        case str() if name in OBJECTS:
            found: Json = json.loads(value)
            return found
        case datetime() | date():
            return value.isoformat()
        case bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def event(raw: bytes) -> Json:
    """Write an event as it came; what cannot be read, as text."""
    try:
        found: Json = json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
    return found


def kept_at(file: Path, found: Mapping[str, Json]) -> None:
    """Write what was read to a new file, readable for its owner only.

    Raises:
        StoreError: There is such a file already, or it cannot be written.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.writelines(pieces(found))
    except OSError as error:
        raise StoreError(f"{file} cannot be written ({error.strerror}); choose a new file") from error


def pieces(found: Mapping[str, Json]) -> Iterator[str]:
    """Write JSON piece by piece."""
    yield from json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(found)
    yield "\n"
