"""A lake in a bucket: written, kept small and read like one on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.upkeep import Schedule, upkeep
from splitrun.errors import DataError, StoreError
from splitrun.store.lake.place import Lake, options
from splitrun.store.lake.reading import links, snapshot
from splitrun.store.lake.tables import Table
from tests.buckets import bucket
from tests.conduct.collecting.sending import committer, event, put, send, total

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with bucket(monkeypatch, "rows") as url:
        yield f"{url}/lake"


def events(lake: str) -> str:
    return f"{lake}/shop/production/events"


def rows(lake: str) -> pa.Table:
    """Read a table through nothing but its log and pyarrow."""
    delta = DeltaTable(events(lake), storage_options=options())
    system, root = Lake(lake).folder("shop", "production", Table.EVENTS).files()
    paths = [f"{root}/{one}" for one in pa.table(delta.get_add_actions())["path"].to_pylist()]
    parts = [pq.read_table(path, filesystem=system, partitioning=None) for path in paths]
    return pa.concat_tables(parts)


def objects(lake: str) -> set[str]:
    """Names of the files of rows that lie there, whether the log names them or not."""
    import pyarrow.fs as pafs  # noqa: PLC0415  # only where a bucket is looked into

    system, root = Lake(lake).folder("shop", "production", Table.EVENTS).files()
    found = system.get_file_info(pafs.FileSelector(root, recursive=True))
    return {one.path for one in found if "date=" in one.path and one.path.endswith(".parquet")}


def filled(root: Path, lake: str) -> Committer:
    one = committer(root, lake=lake)
    for first in range(3):
        put(one, send([event(first * 10 + number) for number in range(10)]))
        one.flush()
    return one


def test_a_bucket_is_written_kept_small_and_cleaned_like_a_folder(tmp_path: Path, lake: str) -> None:
    one = filled(tmp_path, lake)
    put(one, send([event(3), event(99, time="2026-11-01T00:00:00Z")]))
    one.flush()
    before = rows(lake)
    system, root = Lake(lake).folder("shop", "production", Table.EVENTS).files()
    with system.open_output_stream(f"{root}/date=2026-11-22/0000000009-orphan.parquet") as out:
        out.write(b"left behind")

    done = upkeep(
        Lake(lake), tmp_path / "lock", Schedule(few=2, hours=0, keeps={("shop", Table.EVENTS): 7}), NOW
    )

    assert before.num_rows == 31
    assert total(one, "duplicate") == 1
    assert done is not None
    assert (done.compacted, done.dropped, done.removed, done.faults) == (1, 1, 5, ())
    assert len(objects(lake)) == 1
    assert set(rows(lake)["event_id"].to_pylist()) == {event(number).id for number in range(30)}
    assert rows(lake).num_rows == 30
    assert Lake(lake).tables() == [("shop", "production", table) for table in sorted(Table)]


def test_a_flush_into_a_bucket_that_was_left_half_done_is_not_made_twice(tmp_path: Path, lake: str) -> None:
    def stopped(name: str) -> None:
        if name == "forget":
            raise KeyboardInterrupt

    one = committer(tmp_path, passing=stopped, lake=lake)
    put(one, send([event(1), event(2)]))
    with pytest.raises(KeyboardInterrupt):
        one.flush()
    again = committer(tmp_path, lake=lake)
    put(again, send([event(3)]))

    while again.flush() is not None:
        pass

    assert rows(lake).sort_by("value")["value"].to_pylist() == [1.0, 2.0, 3.0]
    assert total(again, "accepted") == 3
    assert total(again, "duplicate") == 0


def test_many_committers_of_one_bucket_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, lake: str
) -> None:
    committers = [committer(tmp_path, f"spool-{name}", lake=lake) for name in range(3)]
    for number, one in enumerate(committers):
        # what every server gets, and what it alone gets
        put(one, *(send([event(of)]) for of in (*range(20), 100 + number)))
    together = Barrier(3)

    def empty(spool: str) -> None:
        one = committer(tmp_path, spool, lake=lake)
        together.wait()
        one.flush()

    threads = [Thread(target=empty, args=(f"spool-{name}",)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = rows(lake)["event_id"].to_pylist()
    assert len(found) == len(set(found)) == 23
    assert sum(total(one, "accepted") for one in committers) == 23
    assert sum(total(one, "duplicate") for one in committers) == 40


def test_a_pin_of_a_bucket_is_read_in_batches_and_only_what_is_asked_for(tmp_path: Path, lake: str) -> None:
    filled(tmp_path, lake)
    above = f"{lake}/shop/production"

    pinned = snapshot(above, Table.EVENTS, 2)
    found = pinned.rows().to_table(columns=["value"])

    assert len(pinned.files) == 2
    assert found.column_names == ["value"]
    assert found.sort_by("value")["value"].to_pylist() == [float(number) for number in range(20)]
    assert links(above).pairs.num_rows == 0
    system, _ = pinned.folder.files()
    system.delete_file(pinned.files[0])
    with pytest.raises(
        DataError, match=r"1 of 2 files of events, sequence ≤ 2, are gone, like rows/lake/shop"
    ):
        snapshot(above, Table.EVENTS, 2)


def test_a_bucket_that_is_not_there_is_told_and_the_spool_keeps_what_it_has(
    tmp_path: Path, lake: str
) -> None:
    one = committer(tmp_path, lake="s3://nobodys/lake")
    put(one, send([event(1)]))

    with pytest.raises(StoreError, match="NoSuchBucket"):
        one.flush()
    with pytest.raises(DataError, match="NoSuchBucket"):
        snapshot("s3://nobodys/lake/shop/production", Table.EVENTS)

    assert one.waiting() == 1
    assert lake.startswith("s3://rows")
