"""The sentences at the top of every readout whose plan was sealed, in the order of their weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from splitrun.judge.readout import Amendment, Registration
from splitrun.plan.sealing.deviations import Deviation
from splitrun.report.printable import printable

__all__ = ["Standing", "standing"]

DIGITS = 19
"""Characters of a digest that people read: `sha256:` and twelve digits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A sentence, and whether it takes something away from what may be concluded."""

    says: str
    alarming: bool


def standing(found: Registration | None) -> tuple[Standing, ...]:
    """Say what a readout is held to; nothing where no sealed plan is known.

    Args:
        found: What was sealed, and how far the readout keeps to it.

    Returns:
        Sentences that hold nothing that a terminal would obey.
    """
    if found is None:
        return ()
    return tuple(Standing(printable(says), alarming) for says, alarming in sentences(found))


def sentences(found: Registration) -> Iterator[tuple[str, bool]]:
    """The sentences, each with whether it is alarming."""
    if found.late is not None:
        yield late(found, found.late), True
    elif found.exposed_before is not None:
        yield (
            f"LATE: the first unit was exposed {day(found.exposed_before)}, before the plan was sealed",
            True,
        )
    matters = [one for one in found.deviations if one.confirmatory]
    if matters:
        yield f"Deviates from the sealed plan: {changes(matters)}", True
    yield sealed(found), False
    for one in found.amendments:
        yield amended(one), not one.confirmatory
    if found.early is not None:
        yield f"Read before its planned end, so intervals hold at any time from then on: {found.early}", True
    beside = [one for one in found.deviations if not one.confirmatory]
    if beside:
        yield f"Differs from the sealed plan where no number rests on it: {changes(beside)}", False


def late(found: Registration, reason: str) -> str:
    """That units had been exposed when the plan was sealed."""
    count = "units" if found.exposures is None else counted(found.exposures, "unit")
    return f"LATE: sealed after {count} had been exposed: {reason}"


def sealed(found: Registration) -> str:
    """When and by whom it was sealed."""
    version = "" if found.version == 1 else f", version {found.version}"
    amendments = f", {counted(found.amendment, 'amendment')}" if found.amendment else ""
    return f"Registered {day(found.at)} by {found.by} ({found.digest[:DIGITS]}…){version}{amendments}"


def amended(one: Amendment) -> str:
    """What an amendment changed, what had been seen, and what that makes of it."""
    effects = "effects had been seen" if one.effects else "no effect had been seen"
    units = "" if one.units is None else f" of {counted(one.units, 'unit')}"
    bound = "" if one.confirmatory else "; what it changed is exploratory"
    return (
        f"Amendment {one.number}, {day(one.at)} by {one.by}, after {counted(one.looks, 'look')}{units} "
        f"({effects}): {', '.join(one.fields) or 'nothing'}: {one.reason}{bound}"
    )


def changes(found: list[Deviation]) -> str:
    """Fields with what was sealed and what is there."""
    return ", ".join(f"{one.field} {one.sealed or 'nothing'} → {one.now or 'nothing'}" for one in found)


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def day(at: datetime) -> str:
    """A day, in UTC as it was kept."""
    return at.date().isoformat()
