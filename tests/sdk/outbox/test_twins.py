from __future__ import annotations

from splitrun.assign.evaluation import Detail, Evaluation, Reason
from splitrun.sdk.outbox.records import Met, Stretch
from splitrun.sdk.outbox.twins import LATELY, Twins

FIRST, SECOND = Stretch("user"), Stretch("user")


def met(unit: str, at: int, of: Stretch = FIRST, *, trigger: bool = False, left: bool = False) -> Met:
    """An exposure."""
    answer = Evaluation("checkout", None, "a", Reason.SPLIT, Detail.VARIANT, 1, "test", 1, 1)
    return Met(at, unit, of, answer, None, trigger, 0, left)


def test_a_second_exposure_of_a_unit_and_stretch_is_found() -> None:
    twins = Twins()

    assert not twins.found(met("u1", 1))
    assert twins.found(met("u1", 2))
    assert not twins.found(met("u2", 2))
    assert not twins.found(met("u1", 2, SECOND))
    assert not twins.found(met("u1", 2, trigger=True))
    assert twins.found(met("u1", 3, trigger=True))


def test_a_record_that_is_written_again_is_no_twin_of_itself() -> None:
    twins, one = Twins(), met("u1", 1)

    assert not twins.found(one)
    assert not twins.found(one)


def test_what_comes_after_a_unit_withdrew_is_new() -> None:
    twins = Twins()
    twins.found(met("u1", 1))
    twins.found(met("u1", 2, trigger=True))

    assert not twins.found(met("u1", 3, left=True))
    assert not twins.found(met("u1", 4))
    assert not twins.found(met("u1", 5, trigger=True))


def test_memory_is_bounded_and_the_last_ones_are_remembered() -> None:
    twins = Twins()
    for number in range(3 * LATELY):
        assert not twins.found(met(f"u{number}", number))
        assert len(twins.lately) + len(twins.before) <= 2 * LATELY

    assert twins.found(met(f"u{2 * LATELY}", -1))
    assert not twins.found(met("u1", -1))
