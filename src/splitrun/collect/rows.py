"""Accepted batches as Arrow tables: times put right, units under pseudonyms, outcomes recomputed.

A client's clock is put right by what `sent_at` is off from when the batch was received. What is late or from
the future after that is no row: it is told by its place, and kept as a dead letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from splitrun.collect.accepted import Accepted, Batch, Did, Unreadable, alone, opened
from splitrun.collect.columns import Lists, micros, sent
from splitrun.collect.outcomes import Judge
from splitrun.collect.privacy.objected import Unwanted
from splitrun.collect.privacy.sieve import Sieve, sieved
from splitrun.collect.properties import Declared, parted
from splitrun.collect.reasons import OBJECTED
from splitrun.sdk.event import Alias, Exposure

__all__ = ["CODES", "FUTURE", "LATE", "SKEW", "Counts", "Gathered", "Setting", "Unfit", "gathered"]

SKEW = 10_000_000
"""Microseconds that a client's clock may be off before its times are put right; a slow way is not a skew."""
LATE = timedelta(days=35)
"""An event that happened longer before it was received is no row of the lake."""
FUTURE = timedelta(hours=24)
"""Nor is one that would have happened longer after."""

CODES = ("late", "future", "dead")
"""Why an event that the intake took is no row of the lake; `dead`: its whole batch cannot be read."""

Counts = Counter[tuple[date, str, str]]
"""Events by day of receipt, SDK and reason."""

KeyOf = Callable[[str, str], int]
"""Gives the pseudonym of a unit type and id."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rows of one project and environment need besides the batches."""

    epoch: int
    key_of: KeyOf
    judge: Judge
    declared: Declared = field(default_factory=dict)
    """Properties with a column of their own."""
    raw_ids: bool = False
    beside: Mapping[int, KeyOf] = field(default_factory=dict)
    """Gives the pseudonyms of other epochs, each of which has a column of its own."""
    late: timedelta = LATE
    unwanted: Unwanted | None = None
    """Tells units that nothing is kept of; None where there are none."""
    sieve: Sieve = field(default_factory=Sieve)
    """What of properties and attributes is kept."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """An event, or a whole batch, that was accepted and is no row."""

    batch: int
    """Index of its batch."""
    place: int
    """Of the event in the batch, from 0; 0 for the whole."""
    code: str
    says: str
    body: bytes
    """A batch of it alone, as it came."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What batches come to."""

    exposures: pa.Table
    events: pa.Table
    aliases: pa.Table
    unfit: tuple[Unfit, ...]
    counts: Counts
    """Of what is no row: late, future, dead; and `skewed`, whose times were put right."""


def gathered(batches: Sequence[Accepted], setting: Setting) -> Gathered:
    """Read batches of one project and environment.

    Args:
        batches: In the order in which they were accepted.
        setting: Of that project and environment.

    Returns:
        Tables without `date` and `sequence`, in the order of the batches; `time` is put right.
    """
    exposures, events, aliases = (Lists(setting.raw_ids) for _ in range(3))
    unfit: list[Unfit] = []
    counts: Counts = Counter()
    for index, accepted in enumerate(batches):
        batch = opened(accepted)
        match batch:
            case Unreadable(says=says):
                unfit.append(Unfit(index, 0, "dead", says, accepted.body))
                counts[day(accepted.at), "", "dead"] += 1
            case Batch():
                if setting.unwanted is not None:
                    batch, objected = heeded(batch, setting.unwanted)
                    counts[day(batch.at), batch.sdk, OBJECTED] += objected
                batch, why = sieved(batch, setting.sieve)
                counts.update({(day(batch.at), batch.sdk, reason): count for reason, count in why.items()})
                shift = off(batch)
                counts[day(batch.at), batch.sdk, "skewed"] += len(batch.events) if shift else 0
                sort(batch, (exposures, events, aliases), (index, shift), setting)
    tables = (exposed(exposures, setting), happened(events, setting), linked(aliases, setting))
    kept = []
    for table, lists in zip(tables, (exposures, events, aliases), strict=True):
        fits, out = sifted(table, lists, batches, setting.late)
        kept.append(fits)
        unfit += out
    for one in unfit:
        if one.code != "dead":
            counts[day(batches[one.batch].at), sdk_of(one), one.code] += 1
    return Gathered(kept[0], kept[1], kept[2], tuple(unfit), +counts)


def heeded(batch: Batch, unwanted: Unwanted) -> tuple[Batch, int]:
    """Take out of a batch what is of units that objected since it was accepted, and count that."""
    out = {
        place
        for place, one in enumerate(batch.events)
        if unwanted(one.unit) or (type(one) is Alias and unwanted(one.was))
    }
    if not out:
        return batch, 0
    left = [place for place in range(len(batch.events)) if place not in out]
    events, places = [batch.events[at] for at in left], [batch.places[at] for at in left]
    return replace(batch, events=events, places=places), len(out)


def sdk_of(one: Unfit) -> str:
    """Name the SDK that an event came from."""
    batch = opened(Accepted(one.body, packed=False, rejected=(), at=0))
    match batch:
        case Batch(sdk=sdk):
            return sdk
        case Unreadable():
            return ""


def day(at: int) -> date:
    """The UTC day of a moment in nanoseconds since 1970."""
    return datetime.fromtimestamp(at // 1_000_000_000, UTC).date()


def off(batch: Batch) -> int:
    """By how many microseconds a batch's times have to be moved; 0 where its clock is right."""
    ahead = sent(batch.sent_at) - batch.at // 1000
    return -ahead if abs(ahead) > SKEW else 0


def sort(batch: Batch, into: tuple[Lists, Lists, Lists], stamp: tuple[int, int], setting: Setting) -> None:
    """Take the events of a batch apart by their kind."""
    exposures, events, aliases = into
    first: type = type(batch.events[0]) if batch.events else Did
    kinds: dict[type, Lists] = {Exposure: exposures, Did: events, Alias: aliases}
    if all(type(one) is first for one in batch.events):
        kinds[first].take(batch, batch.events, batch.places, stamp, setting.key_of)
        return
    for kind, lists in kinds.items():
        at = [place for place, one in enumerate(batch.events) if type(one) is kind]
        if at:
            chosen, places = [batch.events[i] for i in at], [batch.places[i] for i in at]
            lists.take(batch, chosen, places, stamp, setting.key_of)


def exposed(lists: Lists, setting: Setting) -> pa.Table:
    """Lay out exposures."""
    of: list[Exposure] = lists.events
    outcome = setting.judge.outcome
    own: dict[str, pa.Array[pa.Scalar[pa.DataType]]] = {
        "flag": pa.array([one.flag for one in of], pa.string()),
        "experiment": pa.array([one.experiment for one in of], pa.string()),
        "version": pa.array([one.version for one in of], pa.int32()),
        "phase": pa.array([one.phase for one in of], pa.int32()),
        "variant": pa.array([one.variant for one in of], pa.string()),
        "ruleset": pa.array([one.ruleset for one in of], pa.int64()),
        "reason": pa.array([one.reason for one in of], pa.string()),
        "detail": pa.array([one.detail or None for one in of], pa.string()),
        "trigger": pa.array([one.trigger for one in of], pa.bool_()),
        "enrolling": pa.array([one.enrolling for one in of], pa.bool_()),
        "outcome": pa.array([outcome(one) for one in of], pa.string()),
        "attributes": lists.objects([one.attributes for one in of]),
    }
    return pa.table({**lists.common(setting.epoch, release=True), **own, **lists.beside(setting.beside)})


def happened(lists: Lists, setting: Setting) -> pa.Table:
    """Lay out events, a declared property in a column of its own."""
    of: list[Did] = lists.events
    own: dict[str, pa.Array[pa.Scalar[pa.DataType]]] = {
        "name": pa.array([one.name for one in of], pa.string()),
        "value": pa.array([one.value for one in of], pa.float64()),
        **parted([bytes(one.properties) for one in of], setting.declared),
    }
    return pa.table({**lists.common(setting.epoch, release=True), **own, **lists.beside(setting.beside)})


def linked(lists: Lists, setting: Setting) -> pa.Table:
    """Lay out aliases."""
    of: list[Alias] = lists.events
    key_of = setting.key_of
    own: dict[str, pa.Array[pa.Scalar[pa.DataType]]] = {
        "was_key": pa.array([key_of(one.was.type, one.was.id) for one in of], pa.int64()),
        "was_type": pa.array([one.was.type for one in of], pa.string()),
    }
    for epoch, other in setting.beside.items():
        own[f"was_key_{epoch}"] = pa.array([other(one.was.type, one.was.id) for one in of], pa.int64())
    return pa.table({**lists.common(setting.epoch, release=False), **own, **lists.beside(setting.beside)})


def sifted(
    table: pa.Table, lists: Lists, batches: Sequence[Accepted], late: timedelta
) -> tuple[pa.Table, list[Unfit]]:
    """Take out what is too late, or from the future."""
    time, received = micros(table["time"]), micros(table["received"])
    too_late = time < received - round(late / timedelta(microseconds=1))
    too_soon = time > received + round(FUTURE / timedelta(microseconds=1))
    bad = too_late | too_soon
    if not bad.any():
        return table, []
    unfit = []
    for row in np.flatnonzero(bad).tolist():
        batch, place = lists.batches[row], lists.places[row]
        code, says = ("late", overdue(late)) if too_late[row] else ("future", AHEAD)
        unfit.append(Unfit(batch, place, code, says, alone(batches[batch], place)))
    return table.filter(pc.invert(pa.array(bad))), unfit


AHEAD = f"it would have happened more than {FUTURE / timedelta(hours=1):g} hours after it was received"


def overdue(late: timedelta) -> str:
    """Say what is late."""
    return f"it happened more than {late / timedelta(days=1):g} days before it was received"
