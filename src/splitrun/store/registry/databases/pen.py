"""A transaction on a database: what it reads before it writes, and the two statements that write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Executable, insert, select

from splitrun.store.chain.entry import Entry
from splitrun.store.registry.databases.tables import (
    BESIDE,
    documents,
    entries,
    keys,
    lives,
    plans,
    rulesets,
    tokens,
)
from splitrun.store.registry.documents import Document, KeptKey, Kind, Life, SealedPlan
from splitrun.store.registry.rows import (
    Columns,
    Kept,
    Row,
    Token,
    columns,
    document,
    kept_key,
    life,
    perhaps,
    plan,
    table,
    text,
    token,
    whole,
)

__all__ = ["SqlPen", "columns_of", "entry_of"]

T = TypeVar("T")


class SqlPen:
    """Reads and writes within the transaction of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _first(self, asked: Executable, read: Callable[[Row], T]) -> T | None:
        row = self._connection.execute(asked).mappings().first()
        return None if row is None else read(dict(row))

    def newest(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision of a document."""
        asked = select(documents).where(
            documents.c.project == project, documents.c.kind == kind.value, documents.c.key == key
        )
        return self._first(asked.order_by(documents.c.revision.desc()).limit(1), document)

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands."""
        asked = select(lives).where(
            lives.c.project == project, lives.c.environment == environment, lives.c.experiment == experiment
        )
        return self._first(asked.order_by(lives.c.revision.desc()).limit(1), life)

    def plan(self, project: str, experiment: str, version: int) -> SealedPlan | None:
        """The newest amendment of a version."""
        asked = select(plans).where(
            plans.c.project == project, plans.c.experiment == experiment, plans.c.version == version
        )
        return self._first(asked.order_by(plans.c.amendment.desc()).limit(1), plan)

    def published(self, project: str, environment: str) -> tuple[int, str]:
        """Version of the newest ruleset, and who published it."""
        asked = select(rulesets.c.version, rulesets.c.actor).where(
            rulesets.c.project == project, rulesets.c.environment == environment
        )
        newest = asked.order_by(rulesets.c.version.desc()).limit(1)
        return self._first(newest, lambda row: (whole(row, "version"), text(row, "actor"))) or (0, "")

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in order."""
        asked = select(keys).order_by(keys.c.entry, keys.c.place)
        return tuple(kept_key(dict(row)) for row in self._connection.execute(asked).mappings())

    def tail(self) -> Entry | None:
        """The last entry."""
        return self._first(select(entries).order_by(entries.c.number.desc()).limit(1), entry_of)

    def entry(self, number: int) -> Entry | None:
        """An entry by its number."""
        return self._first(select(entries).where(entries.c.number == number), entry_of)

    def told(self, token_: str) -> tuple[Token, int] | None:
        """A change that was written under a token."""
        return self._first(select(tokens).where(tokens.c.token == token_), token)

    def add(self, entries_: Sequence[Entry], kept: Sequence[Kept]) -> None:
        """Write entries and rows."""
        self._connection.execute(insert(entries), [columns_of(one) for one in entries_])
        first = entries_[0].number
        rows: dict[str, list[Columns]] = {}
        for place, value in enumerate(kept):
            rows.setdefault(table(value), []).append({**columns(value), "entry": first, "place": place})
        for name, many in rows.items():
            self._connection.execute(insert(BESIDE[name]), many)


def columns_of(entry: Entry) -> dict[str, object]:
    """Write an entry as a row."""
    return {name: getattr(entry, name) for name in Entry.__slots__}


def entry_of(row: Row) -> Entry:
    """Read a row of entries."""
    return Entry(
        number=whole(row, "number"),
        at=text(row, "at"),
        actor=text(row, "actor"),
        verb=text(row, "verb"),
        project=perhaps(row, "project"),
        environment=perhaps(row, "environment"),
        subject=text(row, "subject"),
        reason=perhaps(row, "reason"),
        content=text(row, "content"),
        previous=text(row, "previous"),
        hash=text(row, "hash"),
        key=text(row, "key"),
        signature=text(row, "signature"),
    )
