"""A registry in memory, for tests and tutorials: the same rules, nothing left when the program ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TypeVar

from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Pocket, Witness
from splitrun.store.chain.ring import LoneKey, Ring
from splitrun.store.registry.change import Change, Receipt
from splitrun.store.registry.documents import Document, KeptKey, KeptRuleset, Kind, Life, SealedPlan
from splitrun.store.registry.registry import Record
from splitrun.store.registry.rows import Kept, Token, columns, fingerprint, table
from splitrun.store.registry.writing import Sealing, written

__all__ = ["InMemory"]

K = TypeVar("K", Document, KeptKey, KeptRuleset, Life, SealedPlan, Token)


class Shelf:
    """Everything that was written, in order; a transaction's pen, held by one at a time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[tuple[int, int, Kept]] = []

    def of(self, kind: type[K]) -> Iterator[K]:
        """The values of one table, newest first; a snapshot, so that others may write meanwhile."""
        return (value for _, _, value in reversed(tuple(self.rows)) if type(value) is kind)

    def newest(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision of a document."""
        found = (one for one in self.of(Document) if (one.project, one.kind, one.key) == (project, kind, key))
        return next(found, None)

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands."""
        asked = (project, environment, experiment)
        found = (one for one in self.of(Life) if (one.project, one.environment, one.experiment) == asked)
        return next(found, None)

    def plan(self, project: str, experiment: str, version: int) -> SealedPlan | None:
        """The newest amendment of a version."""
        asked = (project, experiment, version)
        found = (one for one in self.of(SealedPlan) if (one.project, one.experiment, one.version) == asked)
        return next(found, None)

    def published(self, project: str, environment: str) -> tuple[int, str]:
        """Version of the newest ruleset, and who published it."""
        asked = (project, environment)
        found = (one for one in self.of(KeptRuleset) if (one.project, one.environment) == asked)
        return next(((one.version, one.actor) for one in found), (0, ""))

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in order."""
        return tuple(self.of(KeptKey))[::-1]

    def tail(self) -> Entry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None

    def entry(self, number: int) -> Entry | None:
        """An entry by its number."""
        return self.entries[number - 1] if 0 < number <= len(self.entries) else None

    def told(self, token: str) -> tuple[Token, int] | None:
        """A change that was written under a token."""
        found = (
            (value, entry) for entry, _, value in self.rows if type(value) is Token and value.token == token
        )
        return next(found, None)

    def add(self, entries: Sequence[Entry], kept: Sequence[Kept]) -> None:
        """Write entries and rows."""
        self.rows += [(entries[0].number, place, value) for place, value in enumerate(kept)]
        self.entries += entries


class InMemory:
    """Keeps everything in lists."""

    def __init__(self, ring: Ring | None = None, witness: Witness | None = None) -> None:
        self._sealing = Sealing(ring or LoneKey(), witness or Pocket())
        self._shelf = Shelf()
        self._alone = Lock()

    @property
    def witness(self) -> Witness:
        """Where the head is kept."""
        return self._sealing.witness

    def projects(self) -> tuple[str, ...]:
        """The projects that hold any document, in order."""
        return tuple(sorted({one.project for one in self._shelf.of(Document)}))

    def find(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision of a document that was not removed."""
        found = self._shelf.newest(project, kind, key)
        return None if found is None or found.removed else found

    def documents(self, project: str, kind: Kind | None = None) -> tuple[Document, ...]:
        """The newest revision of each document that was not removed."""
        newest: dict[tuple[str, str], Document] = {}
        for one in self._shelf.of(Document):
            if one.project == project and kind in {None, one.kind}:
                newest.setdefault((one.kind.value, one.key), one)
        return tuple(newest[name] for name in sorted(newest) if not newest[name].removed)

    def history(self, project: str, kind: Kind, key: str) -> tuple[Document, ...]:
        """Every revision of a document, from the first."""
        asked = (project, kind, key)
        found = [one for one in self._shelf.of(Document) if (one.project, one.kind, one.key) == asked]
        return tuple(found[::-1])

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands."""
        return self._shelf.state(project, environment, experiment)

    def lives(self, project: str, environment: str) -> tuple[Life, ...]:
        """Where each experiment stands, by key."""
        newest: dict[str, Life] = {}
        for one in self._shelf.of(Life):
            if (one.project, one.environment) == (project, environment):
                newest.setdefault(one.experiment, one)
        return tuple(newest[key] for key in sorted(newest))

    def moves(self, project: str, environment: str, experiment: str) -> tuple[Life, ...]:
        """Every step in the life of an experiment, from the first."""
        asked = (project, environment, experiment)
        found = [
            one for one in self._shelf.of(Life) if (one.project, one.environment, one.experiment) == asked
        ]
        return tuple(found[::-1])

    def plans(self, project: str, experiment: str) -> tuple[SealedPlan, ...]:
        """What was sealed, by version and amendment."""
        asked = (project, experiment)
        found = (one for one in self._shelf.of(SealedPlan) if (one.project, one.experiment) == asked)
        return tuple(sorted(found, key=lambda one: (one.version, one.amendment)))

    def ruleset(self, project: str, environment: str, version: int | None = None) -> KeptRuleset | None:
        """A ruleset as it was published."""
        found = self.rulesets(project, environment)
        return next((one for one in found[::-1] if version in {None, one.version}), None)

    def rulesets(self, project: str, environment: str) -> tuple[KeptRuleset, ...]:
        """Every ruleset that was published, from the first."""
        asked = (project, environment)
        found = (one for one in self._shelf.of(KeptRuleset) if (one.project, one.environment) == asked)
        return tuple(found)[::-1]

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in order."""
        return self._shelf.keys()

    def commit(self, change: Change) -> Receipt:
        """Write a change with its entries, whole or not at all."""
        with self._alone:
            receipt, head = written(change, self._shelf, self._sealing)
            if head is not None:
                self._sealing.witness.keep(head)
        return receipt

    def believed(self, project: str, subject: str) -> tuple[Entry, ...]:
        """The entries of a project about a subject; nobody else can have written to them."""
        return tuple(one for one in self.entries(project=project) if one.subject == subject)

    def entries(
        self, *, project: str | None = None, since: int = 0, until: int | None = None
    ) -> Iterator[Entry]:
        """The audit chain in order."""
        return (
            one
            for one in tuple(self._shelf.entries)[since:until]
            if project is None or one.project == project
        )

    def records(self, until: int) -> Iterator[Record]:
        """The rows that were written with entries up to a number, in order."""
        for entry, place, value in tuple(self._shelf.rows):
            if entry <= until:
                yield Record(entry, place, table(value), fingerprint(table(value), columns(value)))

    def last(self) -> Entry | None:
        """The last entry of the chain."""
        return self._shelf.tail()

    def integrity(self) -> tuple[str, ...]:
        """Nothing: there is no file."""
        return ()

    def guards(self) -> tuple[str, ...]:
        """Nothing: there is no database."""
        return ()

    def close(self) -> None:
        """Let go of nothing."""
