"""What a transaction reads before it writes."""

from __future__ import annotations

from typing import Protocol

from splitrun.store.registry.documents import Document, KeptKey, Kind, Life, SealedPlan

__all__ = ["Objects"]


class Objects(Protocol):
    """The newest of everything, as nobody else can change it meanwhile."""

    def newest(self, project: str, kind: Kind, key: str) -> Document | None:
        """The newest revision of a document, also where it says that it was removed."""
        ...

    def state(self, project: str, environment: str, experiment: str) -> Life | None:
        """Where an experiment stands."""
        ...

    def plan(self, project: str, experiment: str, version: int) -> SealedPlan | None:
        """The newest amendment of a version, or its plan."""
        ...

    def published(self, project: str, environment: str) -> tuple[int, str]:
        """Version of the newest ruleset, and who published it; 0 and nobody where there is none."""
        ...

    def keys(self) -> tuple[KeptKey, ...]:
        """Announced and retired keys, in order."""
        ...
