"""What is asked of a registry in one transaction, each part with what it expects to replace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from splitrun.store.chain.entry import Entry, Remark
from splitrun.store.registry.documents import Document, Kind, Life, SealedPlan, State

__all__ = ["Change", "KeyChange", "Move", "Publication", "Receipt", "Seal", "Writing"]


@dataclass(frozen=True, slots=True)
class Writing:
    """A new revision of a document."""

    project: str
    kind: Kind
    key: str
    body: str | None
    """Canonical JSON; None removes the document."""
    replaces: str | None
    """Digest of the revision that was read; None: there was none, or it was removed."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step in the life of an experiment in one environment."""

    project: str
    environment: str
    experiment: str
    before: Life | None
    """As it was read; None: it had no life yet."""
    state: State
    version: int = 1
    phase: int = 0
    plan: str | None = None
    started: datetime | None = None
    closed: datetime | None = None
    ended: datetime | None = None
    details: str = "{}"
    """A JSON object, canonical."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A plan to be sealed, or an amendment."""

    project: str
    experiment: str
    version: int
    body: str
    """The plan's canonical JSON."""
    follows: SealedPlan | None = None
    """The plan of this version that is amended, as it was read; None: this is the first of its version."""
    facts: str = "{}"
    """A JSON object, canonical."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A ruleset to be served from now on."""

    project: str
    environment: str
    version: int
    """Above that of the one before."""
    digest: str
    document: bytes
    follows: int
    """The version that was read; 0: there was none."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A public key announced, or retired."""

    name: str
    public: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """All that happens at once, or not at all."""

    at: datetime
    actor: str
    remarks: tuple[Remark, ...]
    """At least one; they become entries in this order, and the first names all rows that were written."""
    writings: tuple[Writing, ...] = ()
    moves: tuple[Move, ...] = ()
    seals: tuple[Seal, ...] = ()
    publications: tuple[Publication, ...] = ()
    keys: tuple[KeyChange, ...] = ()
    token: str | None = None
    """Names this change for ever: the same change under the same token is written once, however often it is
    sent; its receipt is given again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written."""

    entries: tuple[Entry, ...]
    documents: tuple[Document, ...] = ()
    lives: tuple[Life, ...] = ()
    plans: tuple[SealedPlan, ...] = ()
    repeated: bool = False
    """Whether this change had been written before; then only `entries` is filled."""
