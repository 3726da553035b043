from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.upkeep import Done, Schedule, regularly, upkeep
from splitrun.errors import StoreError
from splitrun.store.lake.digests import faults
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import STATISTICS, Table
from tests.conduct.collecting.sending import AT, committer, event, put, rows, send

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def filled(root: Path, commits: int = 6) -> Committer:
    one = committer(root)
    for commit in range(commits):
        put(one, send([event(commit * 10 + number) for number in range(10)]))
        one.flush()
    return one


def kept(root: Path, schedule: Schedule) -> Done | None:
    return upkeep(Lake(str(root / "lake")), root / "upkeep.lock", schedule, NOW)


def test_days_of_many_files_become_one_and_pins_stay_as_they_were(tmp_path: Path) -> None:
    one = filled(tmp_path)
    before = rows(tmp_path).sort_by("event_id")

    done = kept(tmp_path, Schedule(few=2, hours=0))
    put(one, send([event(3), event(1000)]))
    one.flush()

    assert done == Done(1, 0, 6, ())
    after = rows(tmp_path).sort_by("event_id")
    assert after.filter(pc.field("sequence") <= 6).equals(before)
    assert after.num_rows == 61
    assert DeltaTable(one.quarters.table("shop", "production", Table.EVENTS).folder.uri).count() == 61


def test_days_beyond_the_retention_go_whole(tmp_path: Path) -> None:
    one = filled(tmp_path)
    put(one, send([event(500, time="2026-11-01T00:00:00Z")]))
    one.flush()

    done = kept(tmp_path, Schedule(keeps={("shop", Table.EVENTS): 7}, hours=0))

    assert done is not None
    assert (done.dropped, done.removed) == (1, 1)
    assert rows(tmp_path).num_rows == 60


def test_days_of_other_projects_and_tables_stay(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    put(one, send([event(500, time="2026-11-01T00:00:00Z")]))
    one.flush()
    others: dict[tuple[str, Table], int] = {("another", Table.EVENTS): 7, ("shop", Table.EXPOSURES): 7}

    done = kept(tmp_path, Schedule(keeps=others, hours=0))

    assert done is not None
    assert done.dropped == 0
    assert rows(tmp_path).num_rows == 11


def test_the_last_day_that_is_kept_is_whole(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    put(one, send([event(1, time="2026-11-15T00:00:00Z", process="b" * 16)]))
    put(one, send([event(2, time="2026-11-14T23:59:59.999Z", process="b" * 16)]))
    one.flush()

    kept(tmp_path, Schedule(keeps={("shop", Table.EVENTS): 7}))

    assert rows(tmp_path).num_rows == 11


def test_days_stay_where_nobody_can_be_told_that_they_go(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    put(one, send([event(500, time="2026-11-01T00:00:00Z")]))
    one.flush()

    def refused(*_: object) -> None:
        raise StoreError("the registry refuses")

    schedule = Schedule(keeps={("shop", Table.EVENTS): 7})
    done = upkeep(Lake(str(tmp_path / "lake")), tmp_path / "upkeep.lock", schedule, NOW, tell=refused)

    assert done is not None
    assert done.dropped == 0
    (said,) = done.faults
    assert "are kept longer than they may: the registry refuses" in said
    assert rows(tmp_path).num_rows == 11


def test_files_that_no_version_names_are_removed_when_they_are_old_enough(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    day = tmp_path / "lake" / "shop" / "production" / "events" / "date=2026-11-22"
    (day / "0000000009-orphan.parquet").write_bytes(b"left behind")

    young = kept(tmp_path, Schedule())
    there = (day / "0000000009-orphan.parquet").exists()
    old = kept(tmp_path, Schedule(hours=0))

    assert young is not None
    assert old is not None
    assert (young.removed, there, old.removed) == (0, True, 1)
    assert rows(tmp_path).num_rows == 10
    assert one.flush() is None


def test_two_never_keep_the_lake_at_once(tmp_path: Path) -> None:
    filled(tmp_path)
    inner: list[Done | None] = []

    def passing(_name: str) -> None:
        inner.append(kept(tmp_path, Schedule(few=2)))

    outer = upkeep(Lake(str(tmp_path / "lake")), tmp_path / "upkeep.lock", Schedule(few=2), NOW, passing)

    assert outer is not None
    assert outer.compacted == 1
    assert set(inner) == {None}


def test_a_turn_is_taken_when_it_is_due() -> None:
    turns: list[int] = []

    def turn() -> None:
        turns.append(1)

    seldom, often = regularly(turn, every=3600), regularly(turn, every=0)

    seldom()
    often()
    often()

    assert turns == [1, 1]


def test_a_server_that_is_often_started_anew_takes_its_first_turn_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, turns = [1_000.0], []
    monkeypatch.setattr("splitrun.conduct.collecting.upkeep.time.monotonic", lambda: now[0])
    asked = regularly(lambda: turns.append(now[0]), every=900)

    for now[0] in (1_059.0, 1_061.0, 1_900.0, 1_962.0):
        asked()

    assert turns == [1_061.0, 1_962.0]


@pytest.mark.parametrize("kind", ["log", "checkpoint", "rows", "notes"])
def test_every_changed_or_cut_file_of_the_lake_is_named(tmp_path: Path, kind: str) -> None:
    one = filled(tmp_path, 3)
    kept(tmp_path, Schedule())
    folder = one.quarters.table("shop", "production", Table.EVENTS).folder
    home = tmp_path / "lake" / "shop" / "production" / "events"
    assert faults(folder) == ()
    found = {
        "log": [*(home / "_delta_log").glob("*.json")],
        "checkpoint": [*(home / "_delta_log").glob("*.checkpoint.parquet")],
        "rows": [*home.glob("date=*/*.parquet")],
        "notes": [home / "_commits.sha256"],
    }[kind]
    dice = random.Random(3)  # noqa: S311  # a fixed choice of bits, no secret

    for file in found:
        body = file.read_bytes()
        for _ in range(20):
            harmed = bytearray(body)
            harmed[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
            file.write_bytes(harmed)
            assert faults(folder), file
        file.write_bytes(body[: len(body) // 2 + 1])
        assert faults(folder), file
        file.write_bytes(body)
    assert faults(folder) == ()


def test_statistics_of_the_log_tell_no_unit_and_engines_prune_by_day(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    put(one, send([event(77, time="2026-11-21T23:59:59Z")], at=AT))
    one.flush()

    delta = DeltaTable(str(tmp_path / "lake" / "shop" / "production" / "events"))
    told = pa.table(delta.get_add_actions(flatten=True)).column_names
    with duckdb.connect() as engine:
        asked = "select date, count(*) from read_parquet($1, hive_partitioning = true) group by 1 order by 1"
        days = engine.execute(asked, [delta.file_uris()]).fetchall()

    assert {name.removeprefix("min.") for name in told if name.startswith("min.")} == set(STATISTICS)
    assert [(day.isoformat(), count) for day, count in days] == [("2026-11-21", 1), ("2026-11-22", 10)]


def test_rows_of_a_file_are_ordered_by_unit(tmp_path: Path) -> None:
    filled(tmp_path, 1)

    keys = [one["unit_key"] for one in rows(tmp_path).to_pylist()]

    assert keys == sorted(keys)
