from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from threading import Barrier, Thread

import pytest
from msgspec.json import decode
from msgspec.structs import replace

from splitrun.conduct.collecting.replay import replayed
from splitrun.errors import StoreError
from splitrun.sdk.event import Alias, Exposure, Unit
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import AT, TIME, committer, event, put, rows, send, total


def ids(root: Path) -> Counter[str]:
    return Counter(map(str, rows(root)["event_id"].to_pylist()))


def test_what_is_accepted_becomes_rows_and_the_spool_forgets_it(tmp_path: Path) -> None:
    one = committer(tmp_path)
    alias = Alias("a" * 32, TIME, Unit("visitor", "u1"), Unit("device", "d1"))
    put(one, send([event(1), event(2), alias]), send([event(3)]))

    done = one.flush()

    assert done is not None
    assert (done.parcels, done.events) == (2, 4)
    assert one.flush() is None
    found = rows(tmp_path)
    assert set(found["value"].to_pylist()) == {1.0, 2.0, 3.0}
    keys = Pseudonyms(1, b"p" * 32)
    assert set(found["unit_key"].to_pylist()) == {keys.key_of("visitor", f"u{i}") for i in (1, 2, 3)}
    linked = rows(tmp_path, Table.ALIASES)
    assert linked["was_key"].to_pylist() == [keys.key_of("device", "d1")]
    assert total(one, "accepted") == 4


@pytest.mark.requirement("R19")
def test_an_event_sent_one_to_five_times_is_kept_once_and_the_first_wins(tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311  # a fixed world, no secret
    one, other = committer(tmp_path), committer(tmp_path, "spool-2")
    batches = []
    for number in range(400):
        batches += [[event(number)]] * dice.randint(1, 5)
    dice.shuffle(batches)

    for place in range(0, len(batches), 40):
        sender = dice.choice([one, other])
        put(sender, *(send(batch) for batch in batches[place : place + 40]))
        sender.flush()
    put(one, send([event(3, value=1e6)]))
    put(other, send([event(4)], at=AT + 30 * 86_400_000_000_000, sent_at="2026-12-22T08:00:00Z"))
    one.flush()
    other.flush()

    assert set(ids(tmp_path).values()) == {1}
    assert len(ids(tmp_path)) == 400
    assert 1e6 not in rows(tmp_path)["value"].to_pylist()
    assert total(one, "conflict") + total(other, "conflict") == 1
    assert total(one, "duplicate") + total(other, "duplicate") == len(batches) - 400 + 1
    assert total(one, "accepted") + total(other, "accepted") == 400


def test_ids_of_others_are_known_again_too(tmp_path: Path) -> None:
    one = committer(tmp_path)
    foreign = [replace(event(number), id=f"order-{number}") for number in range(20)]
    put(one, send(foreign))
    one.flush()
    one.close()
    again = committer(tmp_path)

    put(again, send([*foreign, replace(event(5), id="order-new")]))
    again.flush()

    assert len(ids(tmp_path)) == 21
    assert total(again, "duplicate") == 20


@pytest.mark.parametrize("harm", ["missing", "flipped"])
def test_a_seen_window_that_is_lost_is_made_anew_from_the_lake(tmp_path: Path, harm: str) -> None:
    one = committer(tmp_path)
    put(one, send([event(number) for number in range(100)]))
    one.flush()
    one.close()
    (file,) = (tmp_path / "spool-seen").iterdir()
    if harm == "missing":
        file.unlink()
    else:
        body = bytearray(file.read_bytes())
        body[len(body) // 2] ^= 1
        file.write_bytes(body)
    again = committer(tmp_path)

    put(again, send([event(number) for number in range(110)]))
    again.flush()

    assert len(ids(tmp_path)) == 110
    assert again.quarters.windows["shop", "production"].rebuilt


def test_two_committers_with_the_same_rows_never_write_over_a_file(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    one.flush()
    table = one.quarters.table("shop", "production", Table.EVENTS)
    table.delta.update_incremental()
    (first,) = table.delta.file_uris()
    written = Path(first).stat()

    # another did not know of that commit when it wrote its rows for the same version
    table.files(rows(tmp_path).drop_columns(["sequence"]), 1)

    assert len([*(tmp_path / "lake").rglob("date=*/*.parquet")]) == 2
    now = Path(first).stat()
    assert (now.st_ino, now.st_size, now.st_mtime_ns) == (
        written.st_ino,
        written.st_size,
        written.st_mtime_ns,
    )


@pytest.mark.parametrize("_turn", range(3))
def test_many_committers_at_once_lose_nothing_and_count_nothing_twice(tmp_path: Path, _turn: int) -> None:
    committers = [committer(tmp_path, f"spool-{name}") for name in range(3)]
    together = Barrier(3)
    for one in committers:
        # each event comes to every server
        put(one, *(send([event(number)]) for number in range(60)))

    def empty(spool: str) -> None:
        one = committer(tmp_path, spool)
        together.wait()
        one.flush()

    threads = [Thread(target=empty, args=(f"spool-{name}",)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(ids(tmp_path).values()) == {1}
    assert len(ids(tmp_path)) == 60
    assert sum(total(one, "accepted") for one in committers) == 60
    assert sum(total(one, "duplicate") for one in committers) == 120
    versions = sorted({one["sequence"] for one in rows(tmp_path).to_pylist()})
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    "off",
    [
        "2026-11-22T09:00:00Z",
        "2026-11-22T07:00:00Z",
        "2026-11-23T08:00:00Z",
        "2026-11-21T08:00:00Z",
        "1970-01-01T00:00:00Z",
        "2099-12-31T23:59:59.5+05:45",
    ],
)
def test_a_clock_that_is_off_is_put_right_within_a_second(tmp_path: Path, off: str) -> None:
    one = committer(tmp_path)

    put(one, send([event(1, time=off)], sent_at=off, at=AT + 300_000_000))
    one.flush()

    (time,) = (one["time"] for one in rows(tmp_path).to_pylist())
    assert abs(time.timestamp() - AT / 1e9) <= 1


def test_what_is_late_or_from_the_future_is_a_dead_letter_and_counted(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(
        one,
        send([event(1, time="1970-01-01T00:00:00Z"), event(2), event(3, time="2099-01-01T00:00:00+01:00")]),
    )

    one.flush()

    assert len(ids(tmp_path)) == 1
    letters = one.spool.letters()
    assert [(letter.code, letter.index) for letter in letters] == [("late", 0), ("future", 2)]
    assert decode(letters[0].body)["events"][0]["id"] == event(1).id
    assert (total(one, "late"), total(one, "future"), total(one, "accepted")) == (1, 1, 1)


def test_dead_letters_are_sent_on_their_way_again(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    put(one, send([event(2, time="2026-12-01T00:00:00Z")]))
    one.flush()
    before = replayed(one.spool, look=True)

    done = replayed(one.spool, ("future",))

    assert (before.sent, before.left) == ({}, {"future": 1})
    assert (done.sent, done.left) == ({"future": 1}, {})
    assert one.spool.letters() == ()
    assert one.waiting() == 1


def test_a_batch_that_cannot_be_read_is_a_dead_letter_whole(tmp_path: Path) -> None:
    one = committer(tmp_path)
    parcel = send([event(1)])
    broken = type(parcel)(parcel.origin, 1, b'{"sent_at": 1}')

    put(one, broken, send([event(2)]))
    one.flush()

    (letter,) = one.spool.letters()
    assert (letter.code, letter.body) == ("dead", b'{"sent_at": 1}')
    assert len(ids(tmp_path)) == 1


def test_events_that_the_intake_turned_away_are_left_out_and_not_counted_again(tmp_path: Path) -> None:
    one = committer(tmp_path)
    body = json.loads(send([event(1), event(2)]).body)
    body["events"].insert(1, {"type": "event", "nonsense": True})
    parcel = send([])
    sent = type(parcel)(parcel.origin, 2, json.dumps(body).encode(), rejected=(1,))

    put(one, sent)
    one.flush()

    assert len(ids(tmp_path)) == 2
    assert {reason for *_, reason, _ in one.spool.counts()} == {"accepted"}


def test_an_exposure_of_a_ruleset_nobody_has_says_so(tmp_path: Path) -> None:
    one = committer(tmp_path)
    shown = Exposure(
        "e" * 32,
        TIME,
        Unit("visitor", "u1"),
        "flag",
        "test",
        1,
        1,
        "control",
        9,
        "SPLIT",
        attributes={"a": 1},
    )

    put(one, send([shown]))
    one.flush()

    found = rows(tmp_path, Table.EXPOSURES).to_pylist()[0]
    assert (found["outcome"], found["attributes"], found["unit_type"]) == (
        "unknown ruleset",
        '{"a":1}',
        "visitor",
    )
    assert total(one, "outcome: unknown ruleset") == 1


def test_a_lake_that_refuses_keeps_the_spool_as_it_is(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    (tmp_path / "lake").write_text("no folder")

    with pytest.raises(StoreError, match="cannot be opened"):
        one.flush()
    (tmp_path / "lake").unlink()
    one.flush()

    assert len(ids(tmp_path)) == 1
    assert total(one, "accepted") == 1


def test_a_second_process_does_not_empty_the_same_spool(tmp_path: Path) -> None:
    one, other = committer(tmp_path), committer(tmp_path)

    with one.owned(), pytest.raises(StoreError, match="another process empties"), other.owned():
        pass


def test_a_lake_that_was_begun_anew_is_not_held_against_old_ids(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]), send([event(2)]))
    one.flush()
    one.close()
    shutil.rmtree(tmp_path / "lake")
    again = committer(tmp_path)

    put(again, send([event(1)]))
    again.flush()

    assert len(ids(tmp_path)) == 1
