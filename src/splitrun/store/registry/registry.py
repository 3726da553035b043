"""What every registry can do, in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Witness
from splitrun.store.registry.change import Change, Receipt
from splitrun.store.registry.documents import Document, KeptKey, KeptRuleset, Kind, Life, SealedPlan

__all__ = ["Record", "Registry"]


@dataclass(frozen=True, slots=True)
class Record:
    """A row beside the chain, as the chain knows it."""

    entry: int
    """The entry that was written with it."""
    place: int
    """Its place among the rows of that entry, from 0."""
    table: str
    digest: str
    """Of all its columns, in canonical JSON."""


class Registry(Protocol):
    """Definitions, lives, plans and rulesets of several projects, and the log of how they came to be.

    Nothing crosses a project: what is asked for is asked of one.
    """

    @property
    def witness(self) -> Witness:
        """Where the head of the chain is kept, outside of the database."""
        ...

    def projects(self) -> tuple[str, ...]:
        """The projects that hold any document, in order."""
        ...

    def find(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision; none where there never was one, or it was removed."""
        ...

    def documents(self, project: str, kind: Kind | None = None) -> tuple[Document, ...]:
        """The newest revision of each that was not removed, by kind and key."""
        ...

    def history(self, project: str, kind: Kind, key: str) -> tuple[Document, ...]:
        """Every revision, from the first; removals too."""
        ...

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands in an environment; none before its first move."""
        ...

    def lives(self, project: str, environment: str) -> tuple[Life, ...]:
        """Where each experiment stands, by key."""
        ...

    def moves(self, project: str, environment: str, experiment: str) -> tuple[Life, ...]:
        """Every step in the life of an experiment, from the first."""
        ...

    def plans(self, project: str, experiment: str) -> tuple[SealedPlan, ...]:
        """What was sealed, by version and amendment."""
        ...

    def ruleset(self, project: str, environment: str, version: int | None = None) -> KeptRuleset | None:
        """A ruleset as it was published; without a version, the newest."""
        ...

    def rulesets(self, project: str, environment: str) -> tuple[KeptRuleset, ...]:
        """Every ruleset that was published, from the first."""
        ...

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in the order it happened."""
        ...

    def commit(self, change: Change) -> Receipt:
        """Write a change with its entries, whole or not at all. The only way to write.

        Returns:
            What was written; it survives a power cut when this returns.

        Raises:
            ConflictError: Something was changed since it was read; nothing was kept.
            StoreError: The database, the head or the keys refuse; nothing was kept.
        """
        ...

    def believed(self, project: str, subject: str) -> tuple[Entry, ...]:
        """The entries of a project about a subject, from the first, held against the chain they stand in.

        Whoever decides by what entries say asks for these and not for `entries`, which tells what is there.

        Raises:
            StoreError: The chain is not the one that was written.
        """
        ...

    def entries(
        self, *, project: str | None = None, since: int = 0, until: int | None = None
    ) -> Iterator[Entry]:
        """The audit chain in order, streamed.

        Args:
            project: Only entries of this project; none: all.
            since: Only entries after this number.
            until: Only entries up to this number; none: up to the last there is when this is asked.
        """
        ...

    def records(self, until: int) -> Iterator[Record]:
        """The rows that were written with entries up to a number, in order, streamed."""
        ...

    def last(self) -> Entry | None:
        """The last entry of the chain; none in a registry nobody wrote to."""
        ...

    def integrity(self) -> tuple[str, ...]:
        """What the database itself finds wrong with its file; nothing where it is sound."""
        ...

    def guards(self) -> tuple[str, ...]:
        """Which triggers are not those by which the database refuses to change rows; none where all are."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
