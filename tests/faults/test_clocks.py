"""R15: clocks of clients and of the server that are off, stand in another zone, or jump."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from splitrun.collect.intake import Taken, taken
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import AT, committer, event, put, rows, send, total

HERE = datetime(2026, 11, 22, 8, tzinfo=UTC)
"""When batches are received, by the server."""
WAY = timedelta(milliseconds=400)
"""How long they take."""
HOUR = 3_600_000_000_000


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    "off",
    [
        timedelta(hours=1),
        timedelta(hours=-1),
        timedelta(days=1),
        timedelta(days=-1),
        datetime(1970, 1, 3, tzinfo=UTC) - HERE,
        datetime(2099, 1, 1, tzinfo=UTC) - HERE,
    ],
    ids=["+1h", "-1h", "+1d", "-1d", "1970", "2099"],
)
def test_times_of_a_clock_that_is_off_are_right_within_a_second(tmp_path: Path, off: timedelta) -> None:
    happened = [HERE - WAY - timedelta(seconds=ago) for ago in (0, 1, 59, 3_600, 86_400)]
    one = committer(tmp_path)
    told = [event(number, time=(at + off).isoformat()) for number, at in enumerate(happened)]
    put(one, send(told, sent_at=(HERE - WAY + off).isoformat()))
    one.flush()

    found = {row["value"]: row["time"] for row in rows(tmp_path).to_pylist()}

    errors = [abs(found[float(number)] - at) for number, at in enumerate(happened)]
    assert max(errors) == WAY
    assert max(errors) <= timedelta(seconds=1)
    assert total(one, "skewed") == len(happened)


@pytest.mark.parametrize(
    ("time", "became"),
    [
        (HERE + timedelta(hours=24), "accepted"),
        (HERE + timedelta(hours=24, microseconds=1), "future"),
        (datetime(2099, 1, 1, tzinfo=UTC), "future"),
        (HERE - timedelta(days=35), "accepted"),
        (HERE - timedelta(days=35, microseconds=1), "late"),
        (datetime(1970, 1, 1, tzinfo=UTC), "late"),
    ],
)
def test_what_cannot_be_now_is_flagged_to_the_microsecond(
    tmp_path: Path, time: datetime, became: str
) -> None:
    one = committer(tmp_path)
    put(one, send([event(1, time=time.isoformat())]))

    one.flush()

    assert total(one, became) == 1
    assert len(one.spool.letters()) == (became != "accepted")


@pytest.mark.parametrize(
    "time",
    [
        1_795_334_400,
        1_795_334_400_000,
        1_795_334_400_000_000_000,
        "1795334400",
        "1795334400000",
        "1795334400000000000",
        "2026-11-22T08:00:00",
        "2026-11-22",
        "58861-03-27T00:00:00Z",
        "2026-11-22T08:00:00+25:00",
    ],
)
def test_numbers_of_seconds_milliseconds_or_nanoseconds_and_times_without_a_zone_are_rejected(
    time: object,
) -> None:
    whole = {
        "type": "event",
        "id": "e1",
        "time": time,
        "unit": {"type": "user", "id": "u"},
        "name": "purchase",
    }
    found = taken(json.dumps({"sent_at": HERE.isoformat(), "sdk": "test", "events": [whole]}).encode())

    assert isinstance(found, Taken)
    assert found.events == 0
    assert found.rejected[0].code in {"time", "shape"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # Berlin, the hour that comes twice: 2026-10-25 02:30 before and after clocks are set back
        ("2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2028-02-29T23:59:59.999999Z", datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_the_hour_that_comes_twice_and_the_leap_day_keep_their_moments(
    tmp_path: Path, written: str, meant: datetime
) -> None:
    one = committer(tmp_path)
    at = (meant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000 + 1_000_000
    put(one, send([event(1, time=written)], at=at, sent_at=written))
    one.flush()

    (row,) = rows(tmp_path).to_pylist()

    assert row["time"] == meant
    (file,) = tmp_path.rglob("*.parquet")
    assert file.parent.name == f"date={meant.date()}"


@pytest.mark.requirement("R19")
def test_a_servers_clock_that_jumps_back_an_hour_turns_no_sequence_back_and_loses_nothing(
    tmp_path: Path,
) -> None:
    one = committer(tmp_path)
    numbers: list[int] = []
    clocks = [AT, AT + HOUR, AT, AT - 9 * HOUR, AT + 2 * HOUR]
    for step, at in enumerate(clocks):
        sent_at = (HERE + timedelta(microseconds=(at - AT) // 1000)).isoformat()
        fresh = [event(step * 10 + number, time=sent_at) for number in range(5)]
        again = [event(number, time=HERE.isoformat()) for number in range(5)] if step else []
        put(one, send(fresh, at=at, sent_at=sent_at), send(again, at=at, sent_at=sent_at))
        done = one.flush()
        assert done is not None
        numbers.append(done.upto)

    found = rows(tmp_path).to_pylist()
    sequence = [max(row["sequence"] for row in found if row["value"] // 10 == step) for step in range(5)]
    assert numbers == sorted(set(numbers))
    assert sequence == sorted(set(sequence))
    assert len(found) == len({row["event_id"] for row in found}) == 25
    assert total(one, "duplicate") + total(one, "conflict") == 20


def test_a_clock_that_jumps_to_another_day_and_back_lets_no_event_in_twice(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1), replace(event(2), id="order-2")]))
    one.flush()
    far = AT + 20 * 24 * HOUR
    put(one, send([event(3)], at=far, sent_at=(HERE + timedelta(days=20)).isoformat()))
    one.flush()

    put(one, send([event(1), replace(event(2), id="order-2")]))
    one.flush()

    assert rows(tmp_path, Table.EVENTS).num_rows == 3
