"""Dead letters and batches that were kept long enough are let go of, after the audit chain has been told."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import home
from splitrun.errors import SplitrunError
from splitrun.govern.data.mapped import DEFAULTS
from splitrun.spec.policy import span
from splitrun.spec.privacy.held import Class
from splitrun.spec.project import Project
from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.spool.aged import Aged, aged, let_go
from splitrun.store.spool.file import SpoolFile

__all__ = ["SPOOLED", "before", "emptied"]

SPOOLED: dict[str, Class] = {"letters": "dead_letters", "parcels": "spool"}
"""Tables of the spool, by the class that says how long they are kept."""
DROP = "drop"
ACTOR = "splitrun"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger("splitrun.upkeep")


def before(project: Project | None, kept: Class, now: datetime) -> tuple[int, str]:
    """Give the moment before which a class goes (nanoseconds since 1970), and how long that is as written."""
    written = {} if project is None else project.privacy.retention
    how = written.get(kept, DEFAULTS[kept])
    return (now - span(how) - EPOCH) // timedelta(microseconds=1) * 1_000, how


def emptied(root: Path, spool: SpoolFile, project: Project | None, desk: Desk | None = None) -> list[str]:
    """Let go of what the spool kept long enough.

    Args:
        root: The project's folder. Without a registry the log of the server tells it alone.
        spool: Which.
        project: Its settings.
        desk: The clock.

    Returns:
        What could not be let go of, in words; it stays, and is tried again.
    """
    clock = desk or Desk()
    wrong = []
    for table, kept in SPOOLED.items():
        now = clock.now()
        at, how = before(project, kept, now)
        try:
            old = aged(spool, table, at)
            if old:
                told(root, old, f"privacy.retention: {kept} {how}", now)
                let_go(spool, table, at)
        except SplitrunError as error:
            wrong.append(f"{table} of the spool are kept longer than they may: {error}")
    return wrong


def told(root: Path, old: tuple[Aged, ...], reason: str, now: datetime) -> None:
    """Write down what goes; ids stand in none of it."""
    for one in old:
        log.info("%s %s of %s/%s are let go of", f"{one.rows:,}", one.table, one.project, one.environment)
    where = home(root)
    if not where.there:
        return
    remarks = tuple(
        Remark(
            verb=DROP,
            subject=f"spool/{one.table}",
            reason=reason,
            project=one.project,
            environment=one.environment,
            content=canonical({"rows": one.rows, "first": moment(one.first), "last": moment(one.last)}),
        )
        for one in old
    )
    with where.registry(now) as registry:
        registry.commit(Change(now, ACTOR, remarks))


def moment(at: int) -> str:
    """Write a moment in nanoseconds since 1970."""
    return (EPOCH + timedelta(microseconds=at // 1_000)).isoformat()
