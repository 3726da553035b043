"""Who is forgotten is erased from a lake in a bucket, too."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from splitrun.conduct.people.forgetting import Why, forget
from splitrun.conduct.people.place import keys_of
from splitrun.store.lake.place import Folder
from tests.buckets import bucket
from tests.conduct.people.shop import event, exposure, project, send, stored, unit

GONE = "canary-8f3a61"
OTHERS = [f"visitor-{number}" for number in range(20)]


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with bucket(monkeypatch, "rows") as url:
        yield f"{url}/lake"


def objects(lake: str) -> dict[str, bytes]:
    """Every object that the bucket has."""
    files, root = Folder(lake, None).files()
    inside = files.get_file_info(pafs.FileSelector(root, recursive=True))
    return {
        one.path: files.open_input_stream(one.path, compression=None).read() for one in inside if one.is_file
    }


def keyed(found: dict[str, bytes], keys: frozenset[int]) -> list[str]:
    """Files of rows that hold one of some pseudonyms."""
    rows = {path: pq.read_table(BytesIO(body)) for path, body in found.items() if path.endswith(".parquet")}
    return [
        path
        for path, table in rows.items()
        if "unit_key" in table.column_names and keys & set(table["unit_key"].to_pylist())
    ]


@pytest.mark.requirement("R78")
def test_after_forget_no_object_of_a_bucket_holds_the_id_nor_the_pseudonym(tmp_path: Path, lake: str) -> None:
    root = project(tmp_path, f"lake: {lake}\nprivacy: {{ids: raw}}\n")
    for turn in range(2):
        stored(
            root,
            send([event(turn * 100 + n, one) for n, one in enumerate(OTHERS)]),
            send([event(turn * 100 + 50, GONE), exposure(turn * 100, GONE, "treatment")]),
            send([exposure(turn * 100 + 10 + n, one) for n, one in enumerate(OTHERS)]),
        )
    keys = keys_of(root, [unit(GONE)])[unit(GONE)]
    before = objects(lake)
    assert keyed(before, keys)

    done = forget([unit(GONE)], root, Why("request 7", "ann"))

    after = objects(lake)
    assert sum(each.rows for each in done.certificate.tables) == 4
    assert keyed(after, keys) == []
    assert not [path for path, body in after.items() if GONE.encode() in body]
    kept = [pq.read_table(BytesIO(body)) for path, body in after.items() if "/date=" in path]
    assert {one for table in kept for one in table["unit"].to_pylist()} == set(OTHERS)
    assert sum(table.num_rows for table in kept) == 4 * len(OTHERS)
