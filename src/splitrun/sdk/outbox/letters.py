"""Records written as wire events, and lines of events as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count

from msgspec.json import Encoder

from splitrun.assign.slots import id_bytes
from splitrun.errors import DataError
from splitrun.sdk.event import NOBODY, Alias, Event, Exposure, Unit
from splitrun.sdk.outbox.plain import UnfitError
from splitrun.sdk.outbox.records import EVENT_BYTES, Linked, Met, Record
from splitrun.sdk.outbox.told import unpacked
from splitrun.sdk.outbox.twins import LATELY, Twins
from splitrun.sdk.settings import SDK

__all__ = ["Writer", "batch"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Writer:
    """Writes the records of one process.

    Args:
        prefix: 16 hexadecimal digits, drawn once per process.
        release: The product's release.
        unit_type: Answers the unit type of records that name none.
        remember: Exposures of which it finds out that they were written before.
    """

    def __init__(
        self, prefix: str, release: str, unit_type: Callable[[], str], remember: int = 2 * LATELY
    ) -> None:
        self.prefix = prefix
        self.release = release
        self.unit_type = unit_type
        self.number = count(1).__next__
        """Second half of an event's id; drawn when its line is written, which stays as it is from then on."""
        self.encode = Encoder().encode
        self.twins = Twins(max(LATELY, remember // 2))

    def line(self, record: Record) -> tuple[bytes, str]:
        """Write one record.

        Returns:
            Its bytes; empty where it cannot be sent, and the text says why, or where it was written before.
        """
        if type(record) is Met and self.twins.found(record):
            return b"", ""
        try:
            line = self.encode(self.event(record))
        except (DataError, UnfitError) as error:
            return b"", str(error)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return (
                b"",
                f"an event could not be written as JSON ({error}); give texts, numbers, booleans and lists",
            )
        if len(line) > EVENT_BYTES:
            return (
                b"",
                f"an event has {len(line):,} bytes and at most {EVENT_BYTES:,} are taken; send less of it",
            )
        return line, ""

    def event(self, record: Record) -> Exposure | Event | Alias:
        """Give a record its id, its time as text and the product's release."""
        name = f"{self.prefix}{self.number():016x}"
        match record:
            case Met(answer=answer):
                return Exposure(
                    id=name,
                    time=written(record.at),
                    unit=self.unit(record.stretch.unit_type, NOBODY if record.left else record.unit),
                    flag=answer.flag,
                    experiment=answer.experiment or "",
                    version=answer.version,
                    phase=answer.phase,
                    variant=answer.variant or "",
                    ruleset=answer.ruleset,
                    reason=answer.reason,
                    detail=answer.detail,
                    trigger=record.trigger,
                    enrolling=answer.enrolling,
                    release=self.release,
                    attributes=record.attributes or {},
                    consent="denied" if record.left else "",
                )
            case bytes():
                told = unpacked(record)
                unit = self.unit(told.unit_type, told.unit)
                return Event(
                    name, written(told.at), unit, told.name, told.value, self.release, told.properties
                )
            case Linked():
                unit, was = self.unit(record.unit_type, record.unit), self.unit(record.was_type, record.was)
                return Alias(name, written(record.at), unit, was)

    def unit(self, kind: str | None, unit: str) -> Unit:
        """Write a unit.

        Raises:
            DataError: It cannot be one.
        """
        id_bytes(unit)
        return Unit(kind or self.unit_type(), unit)


def written(at: int) -> str:
    """Write nanoseconds since 1970 as RFC 3339 in UTC with microseconds."""
    seconds, micros = divmod(at // 1_000, 1_000_000)
    return f"{to_the_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=64)
def to_the_second(seconds: int) -> str:
    """Write seconds since 1970 without the zone; most events are of the same few seconds."""
    return (EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds")[:-6]


def batch(lines: Sequence[bytes], now: int, consent: str = "") -> bytes:
    """Write lines of events as a `splitrun.sdk.event.Batch`; the lines are not encoded again."""
    said = f'"consent":"{consent}",' if consent else ""
    head = f'{{"sent_at":"{written(now)}","sdk":"{SDK}",{said}"events":['.encode()
    return head + b",".join(lines) + b"]}"
