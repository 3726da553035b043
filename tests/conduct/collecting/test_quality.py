"""Counts, freshness, heartbeats and warnings, read from real spools and lakes."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from msgspec.structs import replace

from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.heartbeats import batch
from splitrun.conduct.collecting.quality import Quality, quality, spot
from splitrun.conduct.collecting.tellings import examined, figures, histograms, quality_as_json
from splitrun.errors import SpecError, StoreError
from splitrun.sdk.event import Exposure, Unit
from splitrun.store.lake.tables import Table
from splitrun.store.spool.counts import Note, bound
from splitrun.store.spool.parcel import HEARTBEAT, Origin, Parcel
from tests.conduct.collecting.sending import AT, committer, event, put, rows, send, total

SHOP = ("shop", "production")
NOW = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
"""Ten minutes after `AT`."""
MINUTE = 60_000_000_000


def beating(one: Committer, count: int, first: int = 1) -> list[Parcel]:
    """Heartbeats, a second apart."""
    name = one.spool.name()
    made = []
    for number in range(first, first + count):
        at = AT + number * 1_000_000_000
        moment = datetime(2026, 11, 22, 8, tzinfo=UTC) + timedelta(seconds=number)
        body = batch(name, "a" * 16, number, moment)
        made.append(Parcel(Origin(*SHOP, "", at), 1, body, packed=True, form=HEARTBEAT))
    return made


def seen(one: Committer) -> Quality:
    return spot(one.spool, one.quarters.lake, [SHOP], NOW)


def counts(one: Committer) -> Counter[str]:
    found: Counter[str] = Counter()
    for *_, reason, events in one.spool.counts():
        found[reason] += events
    return found


@pytest.mark.requirement("R19", "R23")
def test_heartbeats_that_are_sent_are_stored_and_measured_and_reach_no_product_table(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, *beating(one, 20), send([event(1)]))
    one.flush()
    put(one, *beating(one, 2, first=21))

    (found,) = seen(one).heartbeats

    assert (found.sent, found.waiting, found.stored, found.measured, found.wrong) == (20, 2, 20, 20, "")
    assert found.last == datetime(2026, 11, 22, 8, 0, 22, tzinfo=UTC)
    assert counts(one) == {"accepted": 1}
    assert rows(tmp_path)["name"].to_pylist() == ["purchase"]
    assert set(rows(tmp_path, Table.HEARTBEATS)["name"].to_pylist()) == {"heartbeat"}


def test_a_heartbeat_sent_twice_is_measured_once(tmp_path: Path) -> None:
    one = committer(tmp_path)
    (beat,) = beating(one, 1)
    put(one, beat)
    one.flush()
    put(one, beat)
    one.flush()

    (found,) = seen(one).heartbeats

    assert (found.sent, found.stored, found.measured) == (1, 1, 1)


@pytest.mark.requirement("R23")
def test_a_heartbeat_that_vanished_from_the_spool_is_told(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, *beating(one, 3))
    with sqlite3.connect(one.spool.path) as harm:
        harm.execute("delete from parcels where number = 3")
    harm.close()
    one.flush()

    (found,) = seen(one).heartbeats

    assert (found.sent, found.stored, found.measured) == (3, 2, 2)
    assert found.wrong.startswith("3 heartbeats were sent and 2 stored; ")
    told = {one.name: one for one in examined(seen(one))}
    assert not told["heartbeats"].fine


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("harm", ["table", "file"])
def test_heartbeats_that_vanished_from_the_lake_are_told(tmp_path: Path, harm: str) -> None:
    one = committer(tmp_path)
    put(one, *beating(one, 3))
    one.flush()
    folder = tmp_path / "lake" / "shop" / "production" / Table.HEARTBEATS
    if harm == "table":
        shutil.rmtree(folder)
    else:
        (file,) = folder.rglob("*.parquet")
        file.unlink()

    (found,) = seen(one).heartbeats

    assert (found.sent, found.stored, found.measured) == (3, 3, 0)
    assert found.wrong


@pytest.mark.requirement("R23")
def test_a_row_that_the_lake_lost_is_told(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, *beating(one, 3))
    one.flush()
    lost = DeltaTable(str(tmp_path / "lake" / "shop" / "production" / Table.HEARTBEATS))
    lost.delete("value = 2")

    (found,) = seen(one).heartbeats

    assert (found.sent, found.stored, found.measured) == (3, 3, 2)
    assert found.wrong.startswith("3 heartbeats were stored and 2 are measured; ")


def test_a_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    one.flush()
    log = tmp_path / "lake" / "shop" / "production" / Table.EVENTS / "_delta_log"
    for entry in log.glob("*.json"):
        entry.write_bytes(b"{broken")

    with pytest.raises(StoreError, match="cannot be read"):
        seen(one)


def test_an_exposure_that_is_not_what_the_rules_give_is_a_warning_and_a_lag_of_days_is_told(
    tmp_path: Path,
) -> None:
    lake = committer(tmp_path)
    one = Committer(lake.spool, lake.quarters, now=lambda: AT + 3 * 1_440 * MINUTE)
    shown = Exposure(
        "e" * 32, "2026-11-22T08:00:00Z", Unit("visitor", "u1"), "f", "test", 1, 1, "control", 9, "SPLIT"
    )
    put(one, send([shown]))
    one.flush()

    found = seen(one)

    (told,) = found.warnings
    assert told.kind == "outcome: unknown ruleset"
    assert told.example == "an exposure is not what the rules give: unknown ruleset"
    assert found.freshness[0].lag == {"p50": None, "p99": None}
    looked = {each.name: each.says for each in examined(found)}
    assert looked["freshness"] == (
        "newest row 10 min old; p50 readable after a day or more; p99 readable after a day or more"
    )


def test_a_spool_that_was_begun_anew_is_not_held_against_the_heartbeats_of_another(tmp_path: Path) -> None:
    one, other = committer(tmp_path), committer(tmp_path, "spool-2")
    put(one, *beating(one, 3))
    one.flush()
    put(other, *[_renamed(other, number) for number in (1, 2)])
    other.flush()

    (found,) = spot(other.spool, other.quarters.lake, [SHOP], NOW).heartbeats

    assert (found.sent, found.stored, found.measured, found.wrong) == (2, 2, 2, "")


def _renamed(one: Committer, number: int) -> Parcel:
    at = AT + number * 1_000_000_000
    moment = datetime(2026, 11, 22, 8, tzinfo=UTC) + timedelta(seconds=number)
    body = batch(one.spool.name(), "b" * 16, number, moment)
    return Parcel(Origin(*SHOP, "", at), 1, body, packed=True, form=HEARTBEAT)


class CrashError(Exception):
    """The process ends here."""


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("step", ["decode", "write", "commit", "sync", "forget", "forgotten"])
def test_a_crash_counts_nothing_twice_and_loses_no_count(tmp_path: Path, step: str) -> None:
    armed = True

    def passing(name: str) -> None:
        nonlocal armed
        if armed and name == step:
            armed = False
            raise CrashError

    one = committer(tmp_path, passing=passing)
    late, future = event(8, time="1970-01-01T00:00:00Z"), event(9, time="2099-01-01T00:00:00Z")
    put(
        one, send([event(1), event(2), late]), send([event(2), event(2, value=9.0), future]), *beating(one, 2)
    )
    with pytest.raises(CrashError):
        one.flush()
    again = committer(tmp_path)
    while again.flush() is not None:
        pass

    assert counts(again) == {"accepted": 2, "duplicate": 1, "conflict": 1, "late": 1, "future": 1}
    found = spot(again.spool, again.quarters.lake, [SHOP], NOW)
    assert {one.kind: one.events for one in found.warnings} == {"conflict": 1, "late": 1, "future": 1}
    assert sum(events for *_, events in found.lags) == 6
    (beats,) = found.heartbeats
    assert (beats.sent, beats.stored, beats.measured) == (2, 2, 2)


def test_what_is_counted_with_a_parcel_is_kept_or_lost_with_it(tmp_path: Path) -> None:
    one = committer(tmp_path)
    note = Note(*SHOP, "test/1", "rejected: unit", 3, AT, "an example")
    body = send([event(1)])
    kept = Parcel(body.origin, 1, body.body, notes=(note,))
    put(one, kept, Parcel(body.origin, 0, b"", notes=(note,)))
    broken = Parcel(body.origin, 1, body.body, form=None, notes=(note,))  # type: ignore[arg-type]  # refused by the file

    with pytest.raises(Exception, match="NOT NULL"):
        put(one, kept, broken)

    assert total(one, "rejected: unit") == 6
    assert [one.number for one in one.spool.pending()] == [1]


@pytest.mark.requirement("R19")
def test_freshness_tells_the_newest_row_and_how_long_events_took(tmp_path: Path) -> None:
    lake = committer(tmp_path)
    slow = Committer(lake.spool, lake.quarters, now=lambda: AT + 45_000_000_000)
    put(slow, send([event(number) for number in range(99)], at=AT + 44_000_000_000), send([event(99)]))
    slow.flush()
    put(slow, send([event(200)], at=AT + 4 * MINUTE))

    found = seen(slow)

    (fresh,) = found.freshness
    assert fresh.newest == datetime(2026, 11, 22, 8, 0, 44, tzinfo=UTC)
    assert fresh.age == 556
    assert fresh.lag == {"p50": 1, "p99": 1}
    assert found.spool_age == 360
    (histogram,) = histograms(found)
    assert dict(histogram.steps)["30"] == 99
    assert dict(histogram.steps)["60"] == dict(histogram.steps)["+Inf"] == 100


def test_a_lag_lies_within_its_bound() -> None:
    second = 1_000_000_000

    assert [bound(lag) for lag in (-5, second, second + 1, 86_400 * second, 86_401 * second)] == [
        1, 1, 2, 86_400, 0,
    ]  # fmt: skip


def test_names_of_sdks_are_cut_and_too_many_of_a_day_are_counted_together(tmp_path: Path) -> None:
    one = committer(tmp_path)
    origin = Origin(*SHOP, "", AT)
    names = ["x" * 500, *(f"sdk/{number}" for number in range(200))]
    put(one, *(Parcel(origin, 0, b"", notes=(Note(*SHOP, name, "objected", 1, AT),)) for name in names))

    found = {sdk: events for _, _, _, sdk, _, events in one.spool.counts()}

    assert len(found) == 51
    assert found["(other)"] == 201 - 50
    assert max(map(len, found)) == 80


def test_a_clock_that_was_put_right_is_a_warning_with_a_remedy(tmp_path: Path) -> None:
    one = committer(tmp_path)
    off = "2026-11-22T09:00:00Z"
    put(one, send([event(1, time=off), event(2, time=off)], sent_at=off))
    one.flush()

    (told,) = seen(one).warnings

    assert (told.kind, told.events, told.first, told.last) == (
        "skewed",
        2,
        datetime(2026, 11, 22, 8, tzinfo=UTC),
        datetime(2026, 11, 22, 8, tzinfo=UTC),
    )
    assert "times were put right" in told.example
    assert told.remedy


def test_quality_is_told_as_json_as_figures_and_to_the_doctor(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1), event(1), event(3, time="1970-01-01T00:00:00Z")]), *beating(one, 2))
    one.flush()
    found = seen(one)

    told = quality_as_json(found)
    named = {(each.name, dict(each.labels).get("reason", "")): each.value for each in figures(found)}
    looked = {each.name: each.says for each in examined(found)}

    assert told["form"] == "splitrun.quality/1"
    assert told["dead_letters"] == [
        {"project": "shop", "environment": "production", "code": "late", "events": 1}
    ]
    assert named["splitrun_collected_events", "duplicate"] == 1
    assert named["splitrun_heartbeats_measured", ""] == 2
    assert named["splitrun_heartbeat_mismatch", ""] == 0
    assert named["splitrun_newest_row_seconds", ""] == 600
    assert looked["events"] == "since 2026-11-16: 1 accepted, 1 duplicate, 1 late"
    assert looked["spool"] == "empty"
    assert looked["heartbeats"].startswith("2 sent, 2 stored, 2 measured; the last 10 min ago")
    assert quality_as_json(None) == {"form": "splitrun.quality/1", "collected": False}


def test_a_spool_that_nobody_empties_is_no_good(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)], at=AT - 10 * MINUTE))

    told = {each.name: each for each in examined(seen(one))}

    assert not told["spool"].fine
    assert told["spool"].says.endswith("the oldest 20 min old; start `splitrun serve`, or read its log")
    assert told["freshness"].says == "nothing can be read yet"
    assert told["heartbeats"].says.startswith("none in 24 hours")


def test_an_environment_sees_its_own_and_where_nothing_was_collected_there_is_nothing(tmp_path: Path) -> None:
    one = committer(tmp_path)
    other = send([event(2)], project="other")
    put(one, send([event(1)]), other)
    one.flush()

    mine = seen(one).of("other", "production")

    assert {project for _, project, *_ in mine.counts} == {"other"}
    assert [each.project for each in mine.freshness] == ["other"]
    assert quality(tmp_path) is None
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    assert quality(tmp_path) is None
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "spool.db").touch()
    (tmp_path / "splitrun.yaml").write_text("projekt: shop\n")
    with pytest.raises(SpecError):
        quality(tmp_path)


def test_a_dead_batch_and_a_stale_exposure_are_warnings_too(tmp_path: Path) -> None:
    one = committer(tmp_path)
    parcel = send([event(1)])
    put(one, Parcel(parcel.origin, 1, b'{"sent_at": 1}'), send([replace(event(2), id="plain")]))
    one.flush()

    assert [(told.kind, told.events) for told in seen(one).warnings] == [("dead", 1)]
