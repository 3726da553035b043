"""A registry on SQLite or PostgreSQL. Rows are inserted and read; nothing is ever changed or taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from typing import TypeVar

from sqlalchemy import Executable, Table, and_, func, select

from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Witness
from splitrun.store.registry.change import Change, Receipt
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.guards import misguarded
from splitrun.store.registry.databases.migrating import current
from splitrun.store.registry.databases.pen import SqlPen, entry_of
from splitrun.store.registry.databases.tables import BESIDE, documents, entries, keys, lives, plans, rulesets
from splitrun.store.registry.databases.vouching import followed, trusted, vouched
from splitrun.store.registry.documents import Document, KeptKey, KeptRuleset, Kind, Life, SealedPlan
from splitrun.store.registry.registry import Record
from splitrun.store.registry.rows import Row, document, fingerprint, kept_key, life, plan, ruleset, whole
from splitrun.store.registry.writing import Sealing, written

__all__ = ["SqlRegistry"]

PAGE = 2_000
"""Rows that are read at once, so that a million of them need no more memory than these."""

T = TypeVar("T")


class SqlRegistry:
    """Keeps everything in a database."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        """Open a registry.

        Raises:
            StoreError: The database refuses, or its schema is not the one that this version knows.
        """
        self._database, self._sealing = database, sealing
        current(database)

    @property
    def witness(self) -> Witness:
        """Where the head is kept."""
        return self._sealing.witness

    def projects(self) -> tuple[str, ...]:
        """The projects that hold any document, in order."""
        with self._database.reading() as connection:
            found = connection.execute(select(documents.c.project).distinct()).scalars().all()
        return tuple(sorted(found))

    def find(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision of a document that was not removed."""
        asked = select(documents).where(
            documents.c.project == project, documents.c.kind == kind.value, documents.c.key == key
        )
        found = next(
            iter(self._all(asked.order_by(documents.c.revision.desc()).limit(1), document, documents)), None
        )
        return None if found is None or found.removed else found

    def documents(self, project: str, kind: Kind | None = None) -> tuple[Document, ...]:
        """The newest revision of each document that was not removed."""
        wanted = documents.c.project == project
        if kind is not None:
            wanted = and_(wanted, documents.c.kind == kind.value)
        newest = (
            select(documents.c.kind, documents.c.key, func.max(documents.c.revision).label("revision"))
            .where(wanted)
            .group_by(documents.c.kind, documents.c.key)
            .subquery()
        )
        same = [documents.c[name] == newest.c[name] for name in ("kind", "key", "revision")]
        asked = select(documents).join(newest, and_(*same)).where(wanted)
        found = (one for one in self._all(asked, document, documents) if not one.removed)
        return tuple(sorted(found, key=lambda one: (one.kind.value, one.key)))

    def history(self, project: str, kind: Kind, key: str) -> tuple[Document, ...]:
        """Every revision of a document, from the first."""
        asked = select(documents).where(
            documents.c.project == project, documents.c.kind == kind.value, documents.c.key == key
        )
        return tuple(self._all(asked.order_by(documents.c.revision), document, documents))

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands."""
        asked = select(lives).where(
            lives.c.project == project, lives.c.environment == environment, lives.c.experiment == experiment
        )
        return next(iter(self._all(asked.order_by(lives.c.revision.desc()).limit(1), life, lives)), None)

    def lives(self, project: str, environment: str) -> tuple[Life, ...]:
        """Where each experiment stands, by key."""
        wanted = and_(lives.c.project == project, lives.c.environment == environment)
        newest = (
            select(lives.c.experiment, func.max(lives.c.revision).label("revision"))
            .where(wanted)
            .group_by(lives.c.experiment)
            .subquery()
        )
        same = [lives.c[name] == newest.c[name] for name in ("experiment", "revision")]
        found = self._all(select(lives).join(newest, and_(*same)).where(wanted), life, lives)
        return tuple(sorted(found, key=lambda one: one.experiment))

    def moves(self, project: str, environment: str, experiment: str) -> tuple[Life, ...]:
        """Every step in the life of an experiment, from the first."""
        asked = select(lives).where(
            lives.c.project == project, lives.c.environment == environment, lives.c.experiment == experiment
        )
        return tuple(self._all(asked.order_by(lives.c.revision), life, lives))

    def plans(self, project: str, experiment: str) -> tuple[SealedPlan, ...]:
        """What was sealed, by version and amendment."""
        asked = select(plans).where(plans.c.project == project, plans.c.experiment == experiment)
        return tuple(self._all(asked.order_by(plans.c.version, plans.c.amendment), plan, plans))

    def ruleset(self, project: str, environment: str, version: int | None = None) -> KeptRuleset | None:
        """A ruleset as it was published."""
        asked = select(rulesets).where(rulesets.c.project == project, rulesets.c.environment == environment)
        if version is not None:
            asked = asked.where(rulesets.c.version == version)
        return next(
            iter(self._all(asked.order_by(rulesets.c.version.desc()).limit(1), ruleset, rulesets)), None
        )

    def rulesets(self, project: str, environment: str) -> tuple[KeptRuleset, ...]:
        """Every ruleset that was published, from the first."""
        asked = select(rulesets).where(rulesets.c.project == project, rulesets.c.environment == environment)
        return tuple(self._all(asked.order_by(rulesets.c.version), ruleset, rulesets))

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in order."""
        return tuple(self._all(select(keys).order_by(keys.c.entry, keys.c.place), kept_key, keys))

    def _all(self, asked: Executable, read: Callable[[Row], T], table: Table) -> list[T]:
        """Read rows of a table, and believe those that their entries vouch for."""
        with self._database.reading() as connection:
            rows = [dict(row) for row in connection.execute(asked).mappings()]
            vouched(connection, self._sealing, table.name, rows)
        return [read(row) for row in rows]

    def commit(self, change: Change) -> Receipt:
        """Write a change with its entries, whole or not at all."""
        with self._database.writing() as connection:
            receipt, head = written(change, SqlPen(connection), self._sealing)
        if head is not None:
            self._sealing.witness.keep(head)
        return receipt

    def believed(self, project: str, subject: str) -> tuple[Entry, ...]:
        """The entries of a project about a subject, once the whole chain was followed up to its head."""
        head = self.witness.read()
        with self._database.reading() as connection:
            trust = trusted(connection, self._sealing.ring.public)
        found = followed(self.entries(), head, trust)
        return tuple(one for one in found if (one.project, one.subject) == (project, subject))

    def entries(
        self, *, project: str | None = None, since: int = 0, until: int | None = None
    ) -> Iterator[Entry]:
        """The audit chain in order, page by page."""
        last = self.last() if until is None else None
        end = until if until is not None else last.number if last is not None else 0
        asked = select(entries).where(entries.c.number <= end).order_by(entries.c.number).limit(PAGE)
        if project is not None:
            asked = asked.where(entries.c.project == project)
        # an entry that was smuggled in before the first one is told too
        page = self._page(asked.where(entries.c.number > since) if since else asked)
        while page:
            yield from page
            if len(page) < PAGE:
                return
            page = self._page(asked.where(entries.c.number > page[-1].number))

    def _page(self, asked: Executable) -> list[Entry]:
        with self._database.reading() as connection:
            return [entry_of(dict(row)) for row in connection.execute(asked).mappings()]

    def records(self, until: int) -> Iterator[Record]:
        """The rows that were written with entries up to a number, in order, page by page."""
        streams = [self._records(table, until) for table in BESIDE.values()]
        return merge(*streams, key=lambda one: (one.entry, one.place))

    def _records(self, table: Table, until: int) -> Iterator[Record]:
        asked = select(table).where(table.c.entry <= until).order_by(table.c.entry, table.c.place).limit(PAGE)
        page = self._kept(asked, table.name)
        while page:
            yield from page
            if len(page) < PAGE:
                return
            entry, place = page[-1].entry, page[-1].place
            later = (table.c.entry > entry) | ((table.c.entry == entry) & (table.c.place > place))
            page = self._kept(asked.where(later), table.name)

    def _kept(self, asked: Executable, name: str) -> list[Record]:
        with self._database.reading() as connection:
            return [
                Record(whole(row, "entry"), whole(row, "place"), name, fingerprint(name, row))
                for row in map(dict, connection.execute(asked).mappings())
            ]

    def last(self) -> Entry | None:
        """The last entry of the chain."""
        with self._database.reading() as connection:
            return SqlPen(connection).tail()

    def integrity(self) -> tuple[str, ...]:
        """What SQLite finds wrong with its file, and rows without an entry on both.

        For its own files PostgreSQL has checksums and `pg_amcheck`.
        """
        with self._database.reading(still=True) as connection:
            checked = (
                connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
                if self._database.sqlite
                else ()
            )
            loose = [table.name for table in BESIDE.values() if connection.execute(stray(table)).first()]
        said = [f"the file says: {one}" for one in checked if one != "ok"]
        return (*said, *(f"a row of {name!r} belongs to no entry" for name in loose))

    def guards(self) -> tuple[str, ...]:
        """Which triggers are not those that refuse to change rows."""
        with self._database.reading() as connection:
            return tuple(misguarded(connection, sqlite=self._database.sqlite))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def stray(table: Table) -> Executable:
    """Ask for a row that belongs to no entry."""
    owned = select(entries.c.number).where(entries.c.number == table.c.entry).exists()
    return select(table.c.entry).where(~owned).limit(1)
