"""What a caller leaves on the queue: as little work as can be, turned into wire events by the sender."""

from __future__ import annotations

from msgspec import Struct

from splitrun.assign.evaluation import Evaluation

__all__ = ["NOBODY", "Did", "Linked", "Met"]

NOBODY = "-"
"""Stands for the id of a unit that withdrew."""


class Met(Struct, frozen=True, gc=False):
    """A unit met the change, or a later qualifying moment."""

    at: int
    """Nanoseconds since 1970, taken in the caller."""
    unit: str
    unit_type: str
    answer: Evaluation
    attributes: dict[str, object] | None = None
    """The declared ones, as they were; None where there are none."""
    trigger: bool = False
    weight: int = 0
    """Bytes that it may take, where it is not small."""
    left: bool = False
    """Whether the unit withdrew instead; then its id is none."""


class Did(Struct, frozen=True, gc=False):
    """A unit did or met something."""

    data: bytes
    """As of `splitrun.sdk.outbox.plain.pack`: a copy in which nothing can change any more."""
    weight: int = 0


class Linked(Struct, frozen=True, gc=False):
    """Two ids are one unit."""

    at: int
    unit: str
    unit_type: str | None
    """None where the ruleset's first unit type is meant."""
    was: str
    was_type: str | None
    weight: int = 0
