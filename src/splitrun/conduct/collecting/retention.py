"""How long a project keeps its rows, and the proof in the audit chain that days were let go of."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from splitrun.conduct.collecting.upkeep import Tell
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import home
from splitrun.spec.policy import Kept, span
from splitrun.spec.privacy.held import Class
from splitrun.spec.project import Project
from splitrun.store.canonical import Json, canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.lake.tables import Table
from splitrun.store.lake.upkeep import Gone
from splitrun.store.registry.change import Change

__all__ = ["DROP", "keeps", "proof"]

DROP = "drop"
"""Verb of the entries that say that days of the lake were let go of."""
ACTOR = "splitrun"

CLASSES: Mapping[Table, Kept] = {Table.EXPOSURES: "exposures", Table.EVENTS: "events"}

log = logging.getLogger("splitrun.upkeep")


def keeps(project: Project | None) -> dict[tuple[str, Table], int]:
    """Say for how many days each table of a project is kept; not named: for ever.

    What is neither events nor exposures, like aliases, goes with the last of them.
    """
    if project is None:
        return {}
    days: dict[Class, int] = {kept: span(how).days for kept, how in project.privacy.retention.items()}
    both = [days[kept] for kept in CLASSES.values() if kept in days]
    last = max(both) if len(both) == len(CLASSES) else None
    found = {table: days.get(CLASSES[table]) if table in CLASSES else last for table in Table}
    found[Table.HEARTBEATS] = days.get("heartbeats", last)
    return {(project.project, table): many for table, many in found.items() if many is not None}


def proof(root: Path, project: Project | None, desk: Desk | None = None) -> Tell:
    """Give what writes into the audit chain which days are let go of; only then they go.

    Args:
        root: The project's folder. Without a registry the log of the server tells it alone.
        project: Its settings.
        desk: The clock.
    """
    clock = desk or Desk()
    written = {} if project is None else project.privacy.retention

    def told(name: str, environment: str, table: Table, days: Sequence[Gone]) -> None:
        rows = sum(one.rows for one in days)
        first, last = days[0].day.isoformat(), days[-1].day.isoformat()
        log.info("%s rows of %s from %s to %s are let go of", f"{rows:,}", table, first, last)
        where = home(root)
        if not where.there:
            return
        said = Remark(
            verb=DROP,
            subject=f"lake/{table}",
            reason=f"privacy.retention: {', '.join(f'{kept} {how}' for kept, how in written.items())}",
            project=name,
            environment=environment,
            content=canonical({"days": [day(one) for one in days], "rows": rows}),
        )
        now = clock.now()
        with where.registry(now) as registry:
            registry.commit(Change(now, ACTOR, (said,)))

    return told


def day(one: Gone) -> dict[str, Json]:
    """Write what went of one day, with the digests of its files."""
    return {"day": one.day.isoformat(), "rows": one.rows, "files": list(one.files)}
