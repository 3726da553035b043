"""A batch as it came in, held to its limits: what is taken of it, and why the rest is not.

A bad event rejects itself alone. Ids are taken byte for byte; nothing is trimmed, folded or normalised.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import replace

from splitrun.assign.slots import LONGEST, REFUSED
from splitrun.collect.codes import Code, Refused
from splitrun.collect.limits import (
    BATCH_BYTES,
    BATCH_EVENTS,
    DEEPEST,
    EVENT_BYTES,
    LARGEST,
    LONGEST_NAME,
    MOST_PROPERTIES,
    QUICK_BYTES,
)
from splitrun.collect.packing import too_large, unpacked
from splitrun.collect.privacy.consent import Asked, withheld
from splitrun.collect.privacy.objected import Loose, Unwanted, loose, whose, written
from splitrun.collect.strict import fitting
from splitrun.sdk.event import Alias, Event, Exposure, Rejected, Unit

__all__ = ["Taken", "taken"]

FREE = Asked()

BOM = b"\xef\xbb\xbf"


single = Decoder(Exposure | Event | Alias).decode


class Taken(Struct, frozen=True):
    """What is taken of a batch."""

    events: int
    """How many are taken."""
    rejected: tuple[Rejected, ...] = ()
    """What is not, in order."""
    out: tuple[int, ...] = ()
    """Places that go no further, in order: what is not taken, and what nobody wants."""
    sdk: str = ""
    """Who sent it; told where something goes no further."""
    withheld: Mapping[str, int] = {}
    """Events that are not kept for want of consent, by the word that they are counted under."""
    body: bytes | None = None
    """What is kept in place of the body, unpacked: only what is taken; None: the body as it came."""
    known: bool = False
    """Whether every name in it is one of ours, so that it holds no word of consent."""


def taken(
    body: bytes, *, packed: bool = False, unwanted: Unwanted | None = None, consent: Asked = FREE
) -> Taken | Refused:
    """Read a batch and hold every event to its limits.

    Args:
        body: JSON.
        packed: Whether it is gzipped.
        unwanted: Tells units whose events are taken, in the answer, and go no further.
        consent: What consent they are held to, likewise.
    """
    plain = unpacked(body) if packed else body
    match plain:
        case Refused():
            return plain
        case _:
            found = weighed(plain)
    match found:
        case Taken() if found.events:
            silent = found.known and not (consent.required or consent.gpc)
            return without(found, plain, unwanted, {} if silent else withheld(plain, consent))
        case _:
            return found


def weighed(body: bytes) -> Taken | Refused:
    """Hold a batch to its limits, the quick way where nothing needs a second look."""
    if len(body) > BATCH_BYTES:
        return too_large(BATCH_BYTES)
    # without escapes and large events it is held to its limits while it is read; else it is looked at closely
    if b"\\" not in body and (len(body) <= EVENT_BYTES or all_small(body)) and (count := fitting(body)):
        return Taken(count, known=True)
    return sifted(body)


def all_small(body: bytes) -> bool:
    """Whether a batch can be read and none of its events is too large."""
    match opened(body):
        case Loose(events=events):
            return all(memoryview(raw).nbytes <= EVENT_BYTES for raw in events)
        case _:
            return False


def without(found: Taken, body: bytes, unwanted: Unwanted | None, held: Mapping[int, str]) -> Taken:
    """Take out what nobody wants, what is withheld, and what was rejected: no byte of it is kept."""
    if unwanted is None and not held:
        return found
    rejected = {one.index for one in found.rejected}
    out = rejected | held.keys()
    batch = loose(body)
    if unwanted is not None:
        out |= {place for place, raw in enumerate(batch.events) if place not in out and whose(raw, unwanted)}
    if not out:
        return found
    left = [place for place in range(len(batch.events)) if place not in out]
    counts = Counter(why for place, why in held.items() if place not in rejected)
    return replace(found, out=tuple(sorted(out)), sdk=batch.sdk, withheld=counts, body=written(batch, left))


def sifted(body: bytes) -> Taken | Refused:
    """Read a batch event by event, so that a bad one rejects itself alone."""
    match opened(body):
        case Refused() as why:
            return why
        case batch:
            return each(batch)


def each(batch: Loose) -> Taken | Refused:
    """Look at every event of a batch."""
    if len(batch.events) > BATCH_EVENTS:
        says = f"the batch has {len(batch.events):,} events and may have {BATCH_EVENTS:,}; send fewer at once"
        return Refused(Code.TOO_MANY, says, status=413)
    if not moment(batch.sent_at):
        return Refused(Code.NOT_A_BATCH, f"`sent_at` is {batch.sent_at[:40]!r}; {WRITE_TIME}")
    faults = [(index, fault(bytes(raw))) for index, raw in enumerate(batch.events)]
    rejected = tuple(Rejected(index, *found) for index, found in faults if found is not None)
    out = tuple(one.index for one in rejected)
    return Taken(len(faults) - len(rejected), rejected, out, batch.sdk if out else "")


def opened(body: bytes) -> Loose | Refused:
    """Read the envelope of a batch; its events stay as they are written."""
    if not body:
        return Refused(Code.EMPTY, "the body is empty; send a batch of events in JSON")
    if body.startswith(BOM):
        return Refused(Code.NOT_JSON, "the body begins with a byte order mark; send UTF-8 without it")
    try:
        return loose(body)
    except ValidationError as error:
        return Refused(Code.NOT_A_BATCH, f"the body is no batch ({error}); send sent_at, sdk and events")
    except (DecodeError, UnicodeDecodeError) as error:
        return Refused(Code.NOT_JSON, f"the body is not JSON ({error}); send one whole batch")
    except RecursionError:
        return Refused(Code.DEPTH, f"the body is nested too deep; at most {DEEPEST} levels are taken")


Fault = tuple[str, str]
"""A code and a sentence; the sentence tells no unit id."""

WRITE_TIME = "write it in RFC 3339 with its zone, like 2026-11-22T08:00:00.000000Z"


def fault(raw: bytes) -> Fault | None:
    """Tell what is wrong with one event, slowly and exactly."""
    if len(raw) > EVENT_BYTES:
        return Code.EVENT_SIZE, f"the event has {len(raw):,} bytes and may have {EVENT_BYTES:,}"
    try:
        event = single(raw)
    except RecursionError:
        return deep()
    except ValidationError as error:
        return Code.SHAPE, f"the event cannot be read: {error}"
    except (DecodeError, UnicodeDecodeError) as error:
        return Code.NOT_JSON, f"the event is not JSON: {error}"
    if twice := written_twice(raw):
        return Code.DUPLICATE_KEY, f"{twice[:60]!r} is written twice in one object"
    return wrong(event)


def written_twice(raw: bytes) -> str:
    """Find a name that an object holds twice; empty where there is none."""
    found: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in items:
            if name in seen:
                found.append(name)
            seen.add(name)

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return ""  # deeper than the limit: told by `wrong`
    return found[0] if found else ""


def wrong(event: Exposure | Event | Alias) -> Fault | None:
    """Tell what is wrong with an event that has the right fields."""
    name = event.id
    if not (0 < len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()):
        return (
            Code.EVENT_ID,
            f"the event's id has {len(name):,} signs; give 1 to {LONGEST_NAME} printable ASCII signs",
        )
    if not moment(event.time):
        return Code.TIME, f"the event's time is {event.time[:40]!r}; {WRITE_TIME}"
    if fault := unit_fault(event.unit):
        return fault
    match event:
        case Event():
            return event_fault(event)
        case Exposure():
            return exposure_fault(event)
        case Alias():
            return unit_fault(event.was)


def moment(text: str) -> bool:
    """Whether a text is a moment with its zone."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def unit_fault(unit: Unit) -> Fault | None:
    """Tell what is wrong with a unit; its id is not repeated."""
    text = unit.id
    if text in REFUSED:
        return (
            Code.UNIT,
            "the unit's id is empty or a placeholder like null; leave the event out where there is none",
        )
    if "\x00" in text or (len(text) > QUICK_BYTES and len(text.encode()) > LONGEST):
        return Code.UNIT, f"the unit's id holds NUL or has more than {LONGEST:,} bytes; send the id itself"
    return (
        None if named(unit.type) else (Code.UNIT, f"the unit's type is {unit.type[:60]!r}; give a short name")
    )


def named(text: str) -> bool:
    """Whether a text can be a name."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def event_fault(event: Event) -> Fault | None:
    """Tell what is wrong with an event's own fields."""
    if not named(event.name):
        return Code.NAME, f"the event's name is {event.name[:60]!r}; give 1 to {LONGEST_NAME} printable signs"
    if event.value is not None and not -LARGEST <= event.value <= LARGEST:
        return Code.NUMBER, f"the event's value is {event.value!r:.60}; numbers go to {LARGEST:g} either way"
    if len(event.release) > LONGEST_NAME:
        return Code.NAME, f"the release has {len(event.release):,} signs and may have {LONGEST_NAME}"
    return carried(event.properties) if event.properties else None


def exposure_fault(event: Exposure) -> Fault | None:
    """Tell what is wrong with an exposure's own fields."""
    for what, text in (
        ("flag", event.flag),
        ("experiment", event.experiment),
        ("variant", event.variant),
        ("reason", event.reason),
    ):
        if not named(text):
            return (
                Code.NAME,
                f"the exposure's {what} is {text[:60]!r}; give 1 to {LONGEST_NAME} printable signs",
            )
    if len(event.release) > LONGEST_NAME or len(event.detail) > LONGEST_NAME:
        return Code.NAME, f"release and detail may have {LONGEST_NAME} signs"
    if not (0 <= event.version < 2**31 and 0 <= event.phase < 2**31 and 0 <= event.ruleset < 2**53):
        return Code.NUMBER, "version, phase and ruleset are whole numbers from 0"
    return carried(event.attributes) if event.attributes else None


def deep() -> Fault:
    """Refuse an event for its depth."""
    return Code.DEPTH, f"the event is nested deeper than {DEEPEST} levels; send less of it"


def carried(values: Mapping[str, object], level: int = 2) -> Fault | None:
    """Tell what is wrong with what an event carries.

    Args:
        values: Properties or attributes, or what is nested in them.
        level: How deep they stand in the event.
    """
    if len(values) > MOST_PROPERTIES:
        return (
            Code.PROPERTIES,
            f"{len(values):,} names stand in one object; at most {MOST_PROPERTIES} are taken",
        )
    if max(map(len, values), default=0) > LONGEST_NAME:
        return Code.PROPERTIES, f"the name of a property has more than {LONGEST_NAME} signs"
    return contained(values.values(), level)


def contained(values: Iterable[object], level: int) -> Fault | None:
    """Tell what is wrong with values, and with what stands in them."""
    for value in values:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            continue
        if kind is int or kind is float:
            if not -LARGEST <= value <= LARGEST:  # type: ignore[operator] # its type was just asked
                return Code.NUMBER, f"a property is {value!r:.60}; numbers go to {LARGEST:g} either way"
            continue
        if level >= DEEPEST:
            return deep()
        match value:
            case dict():
                fault = carried(value, level + 1)
            case list():
                fault = contained(value, level + 1)
            case _:
                fault = Code.PROPERTIES, "a property is no JSON"
        if fault is not None:
            return fault
    return None
