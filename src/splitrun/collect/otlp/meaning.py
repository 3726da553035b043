"""What records mean to a project: an exposure, an event that its settings name, or nothing, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isfinite

from msgspec.msgpack import Encoder
from msgspec.structs import replace

from splitrun.collect.codes import Code
from splitrun.collect.limits import LONGEST_NAME
from splitrun.collect.otlp.evaluations import EVALUATIONS, Evaluations, identified
from splitrun.collect.otlp.record import Record, UnfitError
from splitrun.sdk.event import Event, Exposure, Unit
from splitrun.spec.project import Mapped, Otlp

__all__ = ["Meaning", "instant"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UID = "log.record.uid"
"""The attribute that OpenTelemetry has for a record's own id: records with one id are one."""
RELEASE = "service.version"

whole = Encoder(order="deterministic").encode


class Meaning:
    """Reads records of one project and environment.

    Args:
        otlp: The project's settings.
        evaluations: Reads evaluations of flags.
        key: Keys the ids of events. They come from what a record says, the unit's id included; without a key
            whoever reads the lake could find out by trying whose a row is.
    """

    def __init__(self, otlp: Otlp, evaluations: Evaluations, key: bytes) -> None:
        self.otlp, self.evaluations, self.key = otlp, evaluations, key

    def of(self, record: Record) -> Exposure | Event:
        """Tell what a record means.

        Raises:
            UnfitError: Nothing that is measured.
            StoreError: The registry cannot be read.
        """
        made: Exposure | Event
        release = record.around.get(RELEASE)
        shown = release if type(release) is str and len(release) <= LONGEST_NAME else ""
        if record.name in EVALUATIONS:
            made = self.evaluations.exposure(record, shown)
            held_finite(made.attributes)
        elif record.name in self.otlp.events:
            made = self.event(record, self.otlp.events[record.name], shown)
            held_finite(made.properties)
        else:
            what = f"the event {record.name[:60]!r}" if record.name else "a record that is no event"
            raise UnfitError(Code.UNMAPPED, f"{what} is mapped to nothing; name it under `otlp.events`")
        if not record.at:
            raise UnfitError(Code.TIME, "the record has no time; send timeUnixNano")
        return replace(made, id=self.id(record, made.unit), time=instant(record.at))

    def event(self, record: Record, rule: Mapped, release: str) -> Event:
        """Read an event that the settings name; its id is left empty.

        Raises:
            UnfitError: It has no unit, or its value is no number.
        """
        kind = self.otlp.unit_of(rule)
        unit = identified(record.look(self.otlp.units[kind]))
        if not unit:
            raise UnfitError(
                Code.UNIT, f"the record has no {self.otlp.units[kind]!r}, which holds the {kind}"
            )
        value = None if rule.value is None else record.look(rule.value)
        if value is not None and not finite(value):
            raise UnfitError(Code.NUMBER, f"the attribute {rule.value!r} is no finite number; send it as one")
        held = {name: record.look(attribute) for name, attribute in rule.properties.items()}
        return Event(
            id="",
            time="",
            unit=Unit(kind, unit),
            name=rule.event or record.name,
            value=value,  # type: ignore[arg-type] # it was just asked whether it is a number
            release=release,
            properties={name: one for name, one in held.items() if one is not None},
        )

    def id(self, record: Record, unit: Unit) -> str:
        """Make an event's id: the same for a record that is sent again, however often."""
        uid = record.attributes.get(UID)
        said: tuple[object, ...] = (record.at, record.trace, record.span, record.attributes, record.body)
        what = (record.name, unit.type, unit.id, (uid,) if type(uid) is str else said)
        return blake2b(whole(what), key=self.key, digest_size=16).hexdigest()


def finite(value: object) -> bool:
    """Whether a value is a number that is finite."""
    match value:
        case bool():
            return False
        case int():
            return True
        case float():
            return isfinite(value)
        case _:
            return False


def held_finite(value: object) -> None:
    """Refuse numbers that are not finite, however deep they stand.

    Raises:
        UnfitError: There is one.
    """
    match value:
        case float() if not isfinite(value):
            raise UnfitError(Code.NUMBER, "a number is not finite; leave it out")
        case dict():
            held_finite(list(value.values()))
        case list():
            for one in value:
                held_finite(one)
        case _:
            pass


def instant(at: int) -> str:
    """Write a moment in nanoseconds since 1970 as the SDK writes times."""
    return (EPOCH + timedelta(microseconds=at // 1_000)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
