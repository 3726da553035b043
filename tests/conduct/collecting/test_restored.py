"""A spool that was put back from an older copy of itself, while the lake went on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from splitrun.conduct.collecting.committer import Committer
from splitrun.errors import StoreError
from splitrun.store.spool.parcel import Parcel
from tests.conduct.collecting.sending import AT, committer, event, put, rows, send, total

DAY = 86_400_000_000_000


def copied(root: Path) -> None:
    """Copy the spool as it lies there, its log with it."""
    (root / "copy").mkdir()
    for file in root.glob("spool.db*"):
        shutil.copy(file, root / "copy" / file.name)


def put_back(root: Path) -> Committer:
    """Put the copy in the file's place, and begin anew."""
    for file in root.glob("spool.db*"):
        file.unlink()
    for file in (root / "copy").iterdir():
        shutil.copy(file, root / file.name)
    return committer(root)


def ids(root: Path, project: str = "shop") -> list[str]:
    return sorted(map(str, rows(root, project=project)["event_id"].to_pylist()))


def expected(*numbers: int) -> list[str]:
    return sorted(event(number).id for number in numbers)


@pytest.mark.requirement("R22", "R23")
@pytest.mark.parametrize("again", [1, 2, 3, 4], ids=["fewer", "as many", "one more", "two more"])
def test_batches_that_are_taken_after_an_older_copy_was_put_back_reach_the_lake(
    tmp_path: Path, again: int, caplog: pytest.LogCaptureFixture
) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    one.flush()
    put(one, send([event(2)]))
    copied(tmp_path)  # number 2 waits in it
    put(one, send([event(3)]), send([event(4)]))
    one.flush()
    put(one, send([event(5)]))
    one.flush()

    other = put_back(tmp_path)
    late = range(10, 10 + again)
    for number in late:
        put(other, send([event(number)]))
        other.flush()

    assert ids(tmp_path) == expected(1, 2, 3, 4, 5, *late)
    assert other.waiting() == 0
    assert "put back from an older copy" in caplog.text
    assert (total(other, "restored"), total(other, "duplicate")) == (2, 1)


def test_a_copy_of_a_spool_that_took_nothing_since_is_no_other_life(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]), send([event(2)]))
    copied(tmp_path)
    one.flush()

    other = put_back(tmp_path)
    put(other, send([event(3)]))
    other.flush()

    assert ids(tmp_path) == expected(1, 2, 3)


def test_a_flush_that_was_left_half_done_is_repeated_and_no_other_life(tmp_path: Path) -> None:
    class EndError(Exception):
        pass

    def end(step: str) -> None:
        if step == "forget":
            raise EndError

    one = committer(tmp_path, passing=end)
    put(one, send([event(1)]))
    with pytest.raises(EndError):
        one.flush()

    other = committer(tmp_path)
    put(other, send([event(2)]))
    name = other.name
    assert [flush.upto for flush in iter(other.flush, None)] == [1, 2]

    assert ids(tmp_path) == expected(1, 2)
    assert (other.name, total(other, "accepted"), total(other, "restored")) == (name, 2, 0)


def test_what_only_another_project_went_on_with_is_noticed_when_it_sends_again(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    one.flush()
    copied(tmp_path)
    for number in (2, 3):
        put(one, send([event(number)], project="other"))
        one.flush()

    other = put_back(tmp_path)
    put(other, send([event(4)]))
    other.flush()
    put(other, send([event(5)], project="other"))
    other.flush()

    assert ids(tmp_path) == expected(1, 4)
    assert ids(tmp_path, "other") == expected(2, 3, 5)


def test_a_copy_whose_ids_are_forgotten_is_refused(tmp_path: Path) -> None:
    old = send([event(1)], at=AT - 60 * DAY)
    one = committer(tmp_path)
    put(one, old)
    copied(tmp_path)
    for parcel in (send([event(2)]), send([event(3)])):
        put(one, parcel)
        one.flush()

    other = put_back(tmp_path)
    other.now = lambda: AT
    put(other, send([event(4)]))

    with pytest.raises(StoreError, match="begin with an empty one"):
        other.flush()
    assert other.waiting() == 2
    assert isinstance(other.spool.pending()[0], Parcel)
