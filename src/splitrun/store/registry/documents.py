"""What a registry keeps, as values: documents, lives, sealed plans, rulesets, public keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Document", "KeptKey", "KeptRuleset", "Kind", "Life", "SealedPlan", "State"]


class Kind(StrEnum):
    """What a document defines."""

    FLAG = "flag"
    LAYER = "layer"
    HOLDOUT = "holdout"
    AUDIENCE = "audience"
    LIST = "list"
    SOURCE = "source"
    METRIC = "metric"
    SEGMENT = "segment"
    GROUP = "group"
    EXPERIMENT = "experiment"
    TEMPLATE = "template"
    POLICY = "policy"
    ANNOTATION = "annotation"
    PROJECT = "project"


class State(StrEnum):
    """Where an experiment stands in an environment."""

    DRAFT = "draft"
    REGISTERED = "registered"
    RUNNING = "running"
    PAUSED = "paused"
    OBSERVING = "observing"
    STOPPED = "stopped"
    DECIDED = "decided"
    ARCHIVED = "archived"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Document:
    """One revision of a definition. Definitions belong to the project."""

    project: str
    kind: Kind
    key: str
    revision: int
    """Counts from 1."""
    digest: str
    """`sha256:` and 64 hexadecimal digits, of the body."""
    body: str
    """Canonical JSON; `null` where it was removed."""
    at: datetime
    actor: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """Where an experiment stands in one environment, from one move on."""

    project: str
    environment: str
    experiment: str
    revision: int
    """Counts the moves from 1."""
    state: State
    version: int
    """Which deal of the units; a restart counts on."""
    phase: int
    """Counts the stretches with one coverage and audience; 0 before the first."""
    plan: str | None
    """Digest of the sealed plan in force."""
    started: datetime | None
    closed: datetime | None
    """When enrolment ended."""
    ended: datetime | None
    details: str
    """A JSON object, canonical: what a verb wants to find again."""
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class SealedPlan:
    """A plan as it was sealed, or one of its amendments."""

    project: str
    experiment: str
    version: int
    amendment: int
    """0 as registered, then counted."""
    digest: str
    body: str
    """The plan's canonical JSON."""
    facts: str
    """A JSON object, canonical: why it is late, what had been seen when it was amended."""
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class KeptRuleset:
    """A ruleset as clients are served it."""

    project: str
    environment: str
    version: int
    digest: str
    """As its envelope says: `sha256:` of the ruleset's own bytes."""
    document: bytes
    """The envelope with its signatures, to the byte."""
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A public key whose signatures hold from the entry after the one that announced it."""

    name: str
    public: str
    """32 bytes, base64."""
    retired: bool
    at: datetime
    actor: str
    entry: int
    """The entry that announced or retired it."""
