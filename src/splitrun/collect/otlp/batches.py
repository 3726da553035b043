"""What came over OTLP as batches of an SDK: kept and read the same way and within the same limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.json import encode

from splitrun.collect.codes import Code, Refused
from splitrun.collect.limits import BATCH_EVENTS, EXPORT_RECORDS
from splitrun.collect.otlp import protobuf, written
from splitrun.collect.otlp.meaning import Meaning, instant
from splitrun.collect.otlp.record import Item, Record, Unfit, UnfitError, UnreadableError, held_small, sdk_of

__all__ = ["Drafts", "drafted"]

CONSENT = "splitrun.consent"
"""The attribute of a record, a span or a resource that says what its unit allowed."""
BYTES = 4_000_000
"""Of the events of one batch; a batch may have 5 MB."""
MANY = f"the request has more than {EXPORT_RECORDS:,} log records or spans; send fewer at once"
READERS = {
    ("logs", False): protobuf.logs,
    ("logs", True): written.logs,
    ("traces", False): protobuf.traces,
    ("traces", True): written.traces,
}


@dataclass(slots=True)
class Drafts:
    """What a request comes to."""

    sdk: str = ""
    """Who recorded it; of the first record."""
    items: int = 0
    """Log records or spans."""
    batches: list[tuple[bytes, tuple[int, ...]]] = field(default_factory=list)
    """Bodies, and of each event the place of its item in the request."""
    unfit: list[Unfit] = field(default_factory=list)
    """Records that mean nothing that is measured, and items that cannot be read."""


def drafted(body: bytes, signal: str, meaning: Meaning, at: int, *, json: bool) -> Drafts | Refused:
    """Read a request and write what it means as batches.

    Args:
        body: As it came, unpacked.
        signal: `logs` or `traces`.
        meaning: What records mean.
        at: When it was received, in nanoseconds since 1970; clocks of senders are believed.
        json: Whether it is JSON; else protobuf.

    Raises:
        StoreError: The registry cannot be read.
    """
    found = Drafts()
    events: list[tuple[int, bytes]] = []
    try:
        for item in READERS[signal, json](body):
            if found.items == EXPORT_RECORDS:
                return Refused(Code.TOO_MANY, MANY, 413)
            events += meant(item, found, meaning)
            found.items += 1
    except UnreadableError as error:
        return error.why
    found.sdk = found.sdk or "otlp"
    found.batches = list(batched(events, found.sdk, at))
    return found


def meant(item: Item, found: Drafts, meaning: Meaning) -> Iterator[tuple[int, bytes]]:
    """Write the events that an item means, and note what means none."""
    for one in item:
        match one:
            case Unfit():
                found.unfit.append(one)
            case Record():
                found.sdk = found.sdk or sdk_of(one.around)
                try:
                    made = agreed(encode(meaning.of(one)), one.look(CONSENT))
                    held_small(len(made))
                except UnfitError as error:
                    found.unfit.append(error.why)
                else:
                    yield found.items, made


def agreed(made: bytes, said: object) -> bytes:
    """Write into an event what its record says of consent; what is no text is no `granted`."""
    if said is None:
        return made
    return made[:-1] + b',"consent":' + encode(said if isinstance(said, str) else "unknown") + b"}"


def batched(events: list[tuple[int, bytes]], sdk: str, at: int) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    """Write batches that are within the limits."""
    head = b'{"sent_at":%b,"sdk":%b,"events":[' % (encode(instant(at)), encode(sdk))
    places: list[int] = []
    bodies: list[bytes] = []
    size = 0
    for place, body in events:
        if size + len(body) > BYTES or len(places) == BATCH_EVENTS:
            yield head + b",".join(bodies) + b"]}", tuple(places)
            places, bodies, size = [], [], 0
        places.append(place)
        bodies.append(body)
        size += len(body) + 1
    if places:
        yield head + b",".join(bodies) + b"]}", tuple(places)
