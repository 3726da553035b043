from __future__ import annotations

from splitrun.sdk.outbox.marks import Marks
from tests.sdk.shop import shop


def test_memory_is_bounded_over_all_experiments_and_the_recently_met_are_remembered() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    for number in range(10_000):
        assert marks.first(mark, f"u{number}")
        assert sum(len(each.fresh) + len(each.older) for each in marks.of.values()) <= 102

    assert not marks.first(mark, "u9990")
    assert marks.first(mark, "u1")


def test_a_unit_that_another_thread_is_adding_is_left_to_it() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    mark.claims["u1"] = object()

    assert not marks.first(mark, "u1")

    del mark.claims["u1"]
    assert marks.first(mark, "u1")
    assert not mark.claims


def test_a_mark_survives_a_newer_ruleset_of_the_same_phase_only() -> None:
    first = Marks(shop(), 100)
    assert first.first(first.of["one-page-checkout"], "u1")

    same = Marks(shop(2), 100, first)
    other = Marks(shop(3, phase=2), 100, same)

    assert not same.first(same.of["one-page-checkout"], "u1")
    assert other.first(other.of["one-page-checkout"], "u1")


def test_an_attribute_that_could_change_is_not_carried() -> None:
    mark = Marks(shop(), 100).of["one-page-checkout"]

    values, text, wrong = mark.carried({"country": ["DE"], "tier": 2, "email": "x"})

    assert (values, text) == ({"tier": 2}, 1)
    assert len(wrong) == 1
    assert "attribute 'country' was left out of an exposure (UnfitError: it is a list)" in wrong[0]
