"""What a caller leaves on the queue: as little work as can be, turned into wire events by the sender."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from splitrun.assign.evaluation import Evaluation

__all__ = ["EVENT_BYTES", "HEAVIEST", "SMALL", "SMALL_BYTES", "Linked", "Met", "Record", "Stretch", "weight"]

SMALL = 1_600
"""Bytes that a record without a weight may take; 10,000 of them are the 16 MB of the default bound."""
SMALL_BYTES = 1_200
"""Bytes up to which an event, as it was packed, is small; the rest is for the objects around it."""


EVENT_BYTES = 64_000
"""The largest event that the intake takes."""
HEAVIEST = 4 * EVENT_BYTES
"""Weight of a record beyond which it is no such event, however it is written: nothing takes packed more than
three times what it takes in JSON, and of text four bytes are counted for each sign."""


class Stretch:
    """What a unit is logged once for: a phase of an experiment, as long as a client remembers who met it."""

    __slots__ = ("before", "earlier", "lately", "unit_type")

    def __init__(self, unit_type: str) -> None:
        self.unit_type = unit_type
        self.earlier: Stretch | None = None
        """Of the phase before, in which units may have met what they leave now."""
        self.lately: set[object] = set()
        """Keys of what the sender wrote, see `Met.key`; `before`, the generation before that."""
        self.before: set[object] = set()

    def knows(self, unit: str) -> bool:
        """Whether an exposure of a unit was written, in this phase or one before."""
        return any(unit in each.lately or unit in each.before for each in self.line())

    def forget(self, unit: str) -> None:
        """Remember no longer that something of a unit was written, in this phase or one before."""
        for stretch in self.line():
            for each in (stretch.lately, stretch.before):
                each.discard(unit)
                each.discard((unit,))

    def line(self) -> Iterator[Stretch]:
        """Go from this one through those of the phases before."""
        stretch: Stretch | None = self
        while stretch is not None:
            yield stretch
            stretch = stretch.earlier

    def follow(self, past: Stretch) -> None:
        """Come after another one, and let go of those before it of which nothing is remembered."""
        self.earlier = past
        for each in past.line():
            while each.earlier is not None and not (each.earlier.lately or each.earlier.before):
                each.earlier = each.earlier.earlier


class Met(Struct, frozen=True, gc=False):
    """A unit met the change, or a later qualifying moment."""

    at: int
    """Nanoseconds since 1970, taken in the caller."""
    unit: str
    stretch: Stretch
    answer: Evaluation
    attributes: dict[str, object] | None = None
    """The declared ones, as they were; None where there are none."""
    trigger: bool = False
    weight: int = 0
    """Bytes that it may take, where it is not small."""
    left: bool = False
    """Whether the unit withdrew instead; its id is not sent then."""

    @property
    def key(self) -> object:
        """What it is known by in its stretch."""
        return (self.unit,) if self.trigger else self.unit


class Linked(Struct, frozen=True, gc=False):
    """Two ids are one unit."""

    at: int
    unit: str
    unit_type: str | None
    """None where the ruleset's first unit type is meant."""
    was: str
    was_type: str | None
    weight: int = 0


Record = Met | bytes | Linked
"""Bytes are what a unit did or met, as of `splitrun.sdk.outbox.plain.pack`: nothing in them changes."""


def weight(record: Record) -> int:
    """Bytes that a record may take, where it is not small."""
    if type(record) is bytes:
        return SMALL + len(record) if len(record) > SMALL_BYTES else 0
    return record.weight  # type: ignore[union-attr] # bytes are asked before
