from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.window import KEPT, Window

DAY = date(2026, 11, 22)
NAMES = st.one_of(
    st.builds(
        lambda process, counter: f"{process:016x}{counter:016x}", st.integers(0, 2), st.integers(0, 60)
    ),
    st.sampled_from(["order-1", "order-2", "f" * 32, "F" * 32, "0" * 31, "1_000", "é"]),
)


def texts(ids: list[str]) -> pa.Array[pa.StringScalar]:
    return pa.array(ids, pa.string())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(NAMES, max_size=30), max_size=8))
def test_a_window_knows_what_a_set_would(batches: list[list[str]]) -> None:
    window, seen = Window(), set[str]()

    for batch in batches:
        expected = [one not in seen and one not in batch[:place] for place, one in enumerate(batch)]
        assert window.fresh(texts(batch)).tolist() == expected
        window.add(texts(batch), DAY)
        seen |= set(batch)

    assert not window.fresh(texts(sorted(seen))).any()


def test_counters_in_a_row_are_one_run_whatever_order_they_come_in() -> None:
    window = Window()
    ids = [f"{7:016x}{counter:016x}" for counter in range(1000)]

    window.add(texts(ids[::2]), DAY)
    window.add(texts(ids[1::2]), DAY)

    assert [runs.tolist() for runs in window.runs.values()] == [[0, 1000]]


def test_ids_are_forgotten_when_they_cannot_come_again() -> None:
    window = Window()
    window.add(texts(["0" * 32, "order-1"]), DAY)

    window.expire(DAY + timedelta(days=KEPT))
    kept = window.fresh(texts(["0" * 32, "order-1"])).any()
    window.expire(DAY + timedelta(days=KEPT + 1))

    assert not kept
    assert window.fresh(texts(["0" * 32, "order-1"])).all()


def test_every_changed_bit_of_the_copy_on_disk_is_noticed(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "seen")
    seen.window.add(texts(["0" * 32, "order-1"]), DAY)
    seen.versions["events"] = 3
    seen.keep()
    body = (tmp_path / "seen").read_bytes()

    assert not Seen(tmp_path / "seen").rebuilt
    assert Seen(tmp_path / "seen").window.fresh(texts(["0" * 32, "order-1", "order-2"])).tolist() == [
        False,
        False,
        True,
    ]
    for place in range(len(body)):
        harmed = bytearray(body)
        harmed[place] ^= 1 << place % 8
        (tmp_path / "seen").write_bytes(harmed)
        assert Seen(tmp_path / "seen").rebuilt
    (tmp_path / "seen").write_bytes(body[:-1])
    assert Seen(tmp_path / "seen").rebuilt
