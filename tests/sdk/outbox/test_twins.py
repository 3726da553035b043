from __future__ import annotations

from itertools import pairwise

from splitrun.assign.evaluation import Detail, Evaluation, Reason
from splitrun.sdk.outbox.records import Met, Stretch
from splitrun.sdk.outbox.twins import LATELY, Twins


def met(unit: str, of: Stretch, *, trigger: bool = False, left: bool = False) -> Met:
    """An exposure."""
    answer = Evaluation("checkout", None, "a", Reason.SPLIT, Detail.VARIANT, 1, "test", 1, 1)
    return Met(1, unit, of, answer, None, trigger, 0, left)


def test_a_second_exposure_of_a_unit_and_stretch_is_found() -> None:
    twins, first, second = Twins(), Stretch("user"), Stretch("user")

    assert not twins.found(met("u1", first))
    assert twins.found(met("u1", first))
    assert not twins.found(met("u2", first))
    assert not twins.found(met("u1", second))
    assert not twins.found(met("u1", first, trigger=True))
    assert twins.found(met("u1", first, trigger=True))


def test_a_record_that_is_written_again_is_no_twin_of_itself() -> None:
    twins, stretch = Twins(), Stretch("user")
    one, other = met("u1", stretch), met("u1", stretch)

    assert not twins.found(one)
    assert not twins.found(one)
    assert twins.found(other)
    assert twins.found(other)


def test_what_comes_after_a_unit_withdrew_is_new() -> None:
    twins, stretch = Twins(), Stretch("user")
    twins.found(met("u1", stretch))
    twins.found(met("u1", stretch, trigger=True))

    assert not twins.found(met("u1", stretch, left=True))
    assert not twins.found(met("u1", stretch))
    assert not twins.found(met("u1", stretch, trigger=True))


def test_a_unit_withdraws_once_from_what_it_met() -> None:
    twins, stretch = Twins(), Stretch("user")
    withdrawn = [met("u1", stretch, left=True) for _ in range(2)]

    assert twins.found(met("u1", stretch, left=True))
    assert not twins.found(met("u1", stretch))
    assert [twins.found(each) for each in withdrawn] == [False, True]


def test_memory_is_bounded_and_the_last_ones_are_remembered() -> None:
    twins, stretch = Twins(), Stretch("user")
    for number in range(3 * LATELY):
        assert not twins.found(met(f"u{number}", stretch))
        assert len(stretch.lately) + len(stretch.before) <= 2 * LATELY

    assert twins.found(met(f"u{2 * LATELY}", stretch))
    assert not twins.found(met("u1", stretch))


def test_stretches_share_the_room_and_one_that_ended_is_let_go() -> None:
    twins, ended, other = Twins(10), Stretch("user"), Stretch("user")
    for number in range(4):
        twins.found(met(f"u{number}", ended))
    for number in range(9):
        twins.found(met(f"u{number}", other))

    # the tenth began another generation
    assert (len(ended.lately), len(ended.before), len(other.before), len(other.lately)) == (0, 4, 6, 3)
    for number in range(9, 30):
        twins.found(met(f"u{number}", other))
    assert not ended.before
    assert twins.stretches == {other}


def test_what_a_child_of_a_fork_was_left_counts_against_its_room() -> None:
    twins, stretch = Twins(10), Stretch("user")
    stretch.lately = {f"old{number}" for number in range(8)}

    assert twins.found(met("old1", stretch))
    for number in range(3):
        assert not twins.found(met(f"u{number}", stretch))

    assert (len(stretch.before), len(stretch.lately)) == (10, 1)


def test_a_unit_withdraws_once_from_all_phases_that_it_was_in() -> None:
    twins, first, second = Twins(), Stretch("user"), Stretch("user")
    second.follow(first)
    for stretch in (first, second):
        twins.found(met("u1", stretch))
    twins.found(met("u2", first))

    said = [twins.found(met(unit, second, left=True)) for unit in ("u1", "u1", "u2", "u3")]

    assert said == [False, True, False, True]
    assert not any(twins.found(met(unit, first)) for unit in ("u1", "u2"))


def test_what_a_child_of_a_fork_was_left_of_earlier_phases_is_let_go_as_well() -> None:
    twins, first, second = Twins(10), Stretch("user"), Stretch("user")
    first.lately = {f"old{number}" for number in range(8)}
    second.follow(first)
    for number in range(30):
        twins.found(met(f"u{number}", second))

    assert not first.lately | first.before


def test_a_phase_of_which_nothing_is_remembered_is_let_go() -> None:
    line = [Stretch("user") for _ in range(5)]
    line[1].lately.add("u1")
    for past, stretch in pairwise(line):
        stretch.follow(past)

    # the last but one may still have something that waits to be written
    assert list(line[4].line()) == [line[4], line[3], line[1]]
