"""The quick way through the intake: msgspec holds ordinary events to their limits while it reads them.

Whatever does not pass here is looked at again, event by event, by `intake`; nothing is refused here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, final

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from splitrun.assign.slots import REFUSED
from splitrun.collect.limits import BATCH_EVENTS, LARGEST, LONGEST_NAME, MOST_PROPERTIES, QUICK_BYTES

__all__ = ["Did", "Met", "fitting"]

EDGE = int(LARGEST)
DELETE = b"\x7f"
"""The one sign of ASCII that JSON lets stand in a text and that cannot be printed."""

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Free = Annotated[str, Meta(max_length=LONGEST_NAME)]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Moment = Annotated[datetime, Meta(tz=True)]
Carried = Annotated[
    dict[Free, Annotated[int, Meta(ge=-EDGE, le=EDGE)] | Number | str | bool | None],
    Meta(max_length=MOST_PROPERTIES),
]


class Whom(Struct, frozen=True, gc=False):
    """A unit, as `splitrun.sdk.event.Unit` with its limits."""

    type: Name
    id: Annotated[str, Meta(min_length=1, max_length=QUICK_BYTES)]


@final
class Met(Struct, frozen=True, gc=False, tag="exposure", tag_field="type"):
    """An exposure, as `splitrun.sdk.event.Exposure` with its limits."""

    id: Name
    time: Moment
    unit: Whom
    flag: Name
    experiment: Name
    version: Count
    phase: Count
    variant: Name
    ruleset: Annotated[int, Meta(ge=0, lt=2**53)]
    reason: Name
    detail: Free = ""
    trigger: bool = False
    enrolling: bool = True
    release: Free = ""
    attributes: Carried = {}


@final
class Did(Struct, frozen=True, gc=False, tag="event", tag_field="type"):
    """An event, as `splitrun.sdk.event.Event` with its limits."""

    id: Name
    time: Moment
    unit: Whom
    name: Name
    value: Number | None = None
    release: Free = ""
    properties: Carried = {}


class Quick(Struct, frozen=True):
    """A batch of such events; aliases are few and are looked at closely."""

    sent_at: Moment
    sdk: Name
    events: list[Met | Did]


decode = Decoder(Quick).decode


def legible(event: Met | Did) -> bool:
    """Whether an event's id is ASCII and its names are printable; asked only where a body may have others."""
    named = (event.id, event.unit.type)
    match event:
        case Did():
            texts: tuple[str, ...] = (*named, event.name)
        case _:
            texts = (*named, event.flag, event.experiment, event.variant, event.reason)
    return event.id.isascii() and all(map(str.isprintable, texts))


def fitting(body: bytes) -> int:
    """Count the events of a batch in which nothing needs a second look; 0 where something does.

    Args:
        body: JSON without escapes.
    """
    try:
        events = decode(body).events
    except (DecodeError, RecursionError, UnicodeDecodeError):
        return 0
    if len(events) > BATCH_EVENTS:
        return 0
    expected = 3
    for event in events:
        if event.unit.id in REFUSED:
            return 0
        # how many names stand in it, if it leaves out what it need not say
        if type(event) is Did:  # twice as fast as a pattern, and asked of every event
            held = event.properties
            expected += 7 if event.value is None else 8
        else:
            held = event.attributes
            expected += 13 + (event.detail != "") + event.trigger + (not event.enrolling)
        if event.release:
            expected += 1
        if held:
            expected += 1 + len(held)
    if (not body.isascii() or DELETE in body) and not all(map(legible, events)):
        return 0
    # where a name stands twice in an object, or is none of ours, more are written than were read; a moment
    # has two colons or more, so that colons alone, which are quicker to count, can tell too few of them only
    in_moments = 2 * (len(events) + 1)
    plain = body.count(b":") == expected + in_moments or (body.count(b'":') == expected and tight(body))
    return len(events) if plain else 0


def tight(body: bytes) -> bool:
    """Whether no colon stands behind a blank: a name that is written so would be counted as none."""
    return not any(blank in body for blank in (b" :", b"\t:", b"\n:", b"\r:"))
