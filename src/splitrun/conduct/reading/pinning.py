"""What a readout read of the lake stands in its look, and can be read again exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from splitrun.conduct.reading.taking import Taken
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.store.canonical import Json, value_of
from splitrun.store.registry.registry import Registry

__all__ = ["Pin", "held", "pinned", "read_of"]

OPTION = "--pin"
MOST = 1 << 53
"""No log has as many entries, and no larger number reaches a database."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a former readout read."""

    look: int
    """Number of its entry in the log."""
    plan: str
    """Digest of the plan that it read."""
    as_of: datetime | None
    upto: Mapping[str, int]
    """By table of the lake: the last commit that counted."""
    rows: Mapping[str, int]
    """By source: the rows that there were."""


def read_of(found: Taken) -> dict[str, Json]:
    """Write what was read of the lake, for the look; nothing where nothing was."""
    if not found.pins:
        return {}
    rows = {one.name: one.rows for one in found.measured.sources if one.form == "lake"}
    return {"pins": dict(found.pins), "rows": rows}


def pinned(registry: Registry, where: tuple[str, str], subject: str, number: int) -> Pin:
    """Find what a look read.

    Args:
        registry: Where it is recorded.
        where: Project and environment.
        subject: The experiment, as entries name it.
        number: Of the look's entry.

    Raises:
        SpecError: There is no such look, or it read nothing of the lake.
    """
    project, environment = where
    there = 0 < number < MOST
    found = list(registry.entries(project=project, since=number - 1, until=number)) if there else []
    looks = [
        one for one in found if (one.verb, one.subject, one.environment) == ("look", subject, environment)
    ]
    if not looks:
        says = f"entry {number} of the log is no look at {subject} in {environment}"
        raise SpecError([Mistake(says, "name one that `splitrun audit log` shows as a look at it", OPTION)])
    match value_of(looks[0].content):
        case {"pins": dict(pins), "rows": dict(rows), "plan": str(plan), "as_of": str() | None as moment} if (
            pins
        ):
            return Pin(number, plan, read(moment), whole(pins), whole(rows))
        case _:
            says = f"look {number} says of no table of the lake up to which commit it read it"
            raise SpecError([Mistake(says, "read without it; files are told by their digests", OPTION)])


def read(moment: str | None) -> datetime | None:
    """A moment as a look writes it."""
    return None if moment is None else datetime.fromisoformat(moment)


def whole(said: Mapping[str, Json]) -> dict[str, int]:
    """The whole numbers of an object."""
    return {name: value for name, value in said.items() if type(value) is int}


def held(pin: Pin, found: Taken, plan: str) -> None:
    """Hold what was read again against what was read then.

    Args:
        pin: What was read then.
        found: What was read now.
        plan: Digest of the plan that it was read by.

    Raises:
        DataError: Rows are gone, and no erasure or opt-out explains it. Another plan may read others of them,
            so nothing is told then.
    """
    if plan != pin.plan:
        return
    for one in found.measured.sources:
        then = pin.rows.get(one.name, one.rows)
        erased = found.missing.get(one.name, 0)
        if not then - erased <= one.rows <= then:
            raise DataError(
                f"look {pin.look} read {then:,} rows of {one.name} ({one.where}), and {one.rows:,} of "
                f"them are left, where certificates tell of {erased:,} that were erased: days were let go of "
                "since, or somebody took them away; read without --pin"
            )
