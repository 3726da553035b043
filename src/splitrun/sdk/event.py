"""What a client sends: exposures, events and aliases, in batches. The intake reads the same types.

On the wire a batch is `{"sent_at": ..., "sdk": ..., "events": [{"id": ..., "type": "exposure", ...}, ...]}`,
answered by `202 {"accepted": 2, "rejected": [{"index": 1, "code": ..., "says": ...}]}`.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["NOBODY", "Accepted", "Alias", "Batch", "Event", "Exposure", "Rejected", "Unit"]

NOBODY = "-"
"""Stands for the id of a unit that withdrew."""


class Unit(Struct, frozen=True):
    """What is randomised: its type, and its id as the product knows it."""

    type: str
    id: str


class Exposure(Struct, frozen=True, tag="exposure", tag_field="type", omit_defaults=True):
    """The moment when a unit met the change."""

    id: str
    """Made once by the client, kept over retries: 32 hexadecimal digits."""
    time: str
    """When, in UTC, RFC 3339 with microseconds and `Z`."""
    unit: Unit
    flag: str
    experiment: str
    version: int
    phase: int
    variant: str
    ruleset: int
    """Version of the ruleset that answered."""
    reason: str
    detail: str = ""
    trigger: bool = False
    """A later qualifying moment instead of the first meeting."""
    enrolling: bool = True
    release: str = ""
    """The product's release."""
    attributes: dict[str, object] = {}
    """The declared segment attributes, as they were."""
    consent: str = ""
    """`denied`: the unit withdrew after it was exposed. That is counted by variant, and kept nowhere; the id
    is written as `-`."""


class Event(Struct, frozen=True, tag="event", tag_field="type", omit_defaults=True):
    """Something that a unit did or met."""

    id: str
    time: str
    unit: Unit
    name: str
    value: float | None = None
    release: str = ""
    properties: dict[str, object] = {}


class Alias(Struct, frozen=True, tag="alias", tag_field="type", omit_defaults=True):
    """Two ids of one unit: an id from before it was known, and the one since."""

    id: str
    time: str
    unit: Unit
    """The id since."""
    was: Unit
    """The id before."""


class Batch(Struct, frozen=True, omit_defaults=True):
    """What is sent at once."""

    sent_at: str
    sdk: str
    """Name and version, like `splitrun-python/0.1.0`."""
    events: list[Exposure | Event | Alias]
    consent: str = ""
    """`granted` where every unit of it is known to have granted."""


class Rejected(Struct, frozen=True):
    """An event that was not taken, and why."""

    index: int
    code: str
    says: str


class Accepted(Struct, frozen=True):
    """The answer to a batch."""

    accepted: int
    rejected: list[Rejected] = []
