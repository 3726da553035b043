from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType

import pytest
from msgspec.structs import replace

from splitrun.sdk.client import Client
from splitrun.sdk.inner.answers import Answers
from splitrun.sdk.outbox.marks import Mark, Marks
from tests.sdk.shop import shop
from tests.sdk.test_client import Kept, exposures


def nothing() -> None:
    """Log nothing."""


class Interruption:
    """A signal handler that raises in the n-th step of a function, as an alarm or Ctrl-C may."""

    def __init__(self, code: CodeType, step: int) -> None:
        self.code, self.left = code, step

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Interruption | None:
        if frame.f_code is not self.code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            if self.left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def interrupted(code: CodeType, does: Callable[[], None]) -> Iterator[bool]:
    """Do something again and again, interrupted one step later each time, until it is not."""
    before = sys.gettrace()
    for step in range(1_000):
        try:
            sys.settrace(Interruption(code, step))
            does()
        except KeyboardInterrupt:
            sys.settrace(before)
            yield True
        else:
            sys.settrace(before)
            yield False
            return


@pytest.mark.parametrize("trigger", [False, True], ids=["exposure", "trigger"])
def test_what_a_signal_handler_interrupts_anywhere_is_logged_by_the_next_call(*, trigger: bool) -> None:
    # never not at all; what is logged twice is sent once
    code = Marks.first.__code__ if trigger else Answers._answer.__code__  # noqa: SLF001 - the hot path
    kept = Kept()
    client = Client(ruleset=shop(), delivery=kept)
    stops = 0

    def call() -> None:
        unit = f"u{stops}"
        if trigger:
            client.trigger("checkout", unit)
        else:
            client.variant("checkout", unit)

    for stopped in interrupted(code, call):
        call()
        assert [each.unit.id for each in exposures(client, kept)] == [f"u{stops}"]
        stops += stopped
        kept.events.clear()

    client.close()
    assert stops > 20


def test_a_turn_that_is_interrupted_leaves_the_next_one_possible() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    stops = 0
    for stopped in interrupted(Marks.turn.__code__, marks.turn):
        assert not marks.turns
        mark.fresh |= {f"u{number}" for number in range(60)}
        stops += stopped

    marks.turn()

    assert stops > 30
    assert (len(mark.fresh), mark.full) == (0, 50 // len(marks.of))


def test_a_second_thread_does_not_turn_what_the_first_one_turns() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    asked = 0

    class Slow(set[object]):
        """A set that is counted while a second thread wants to turn, too."""

        def __len__(self) -> int:
            nonlocal asked
            asked += 1
            marks.turn()
            return super().__len__()

    slow = mark.fresh = Slow(f"u{number}" for number in range(60))
    marks.turn()

    assert asked == 1
    assert mark.fresh is not slow
    assert not mark.fresh


def test_a_turn_that_another_thread_has_just_made_is_not_made_again() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    for number in range(51):
        marks.first(mark, f"u{number}", nothing)

    mark.fresh.add("u51")
    marks.turn()

    assert mark.fresh == {"u51"}


def test_what_a_thread_of_the_parent_turned_is_turned_in_the_child_of_a_fork() -> None:
    marks = Marks(shop(), 100)
    mark: Mark = marks.of["one-page-checkout"]
    marks.turns[""] = object()

    marks.renew()

    mark.fresh |= {f"u{number}" for number in range(60)}
    marks.turn()
    assert not mark.fresh


def test_what_the_parent_had_logged_the_child_of_a_fork_counts_as_written() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    marks.first(mark, mark.key("u1", trigger=False), nothing)
    marks.first(mark, mark.key("u1", trigger=True), nothing)

    marks.renew()

    assert mark.stretch.lately == {"u1", ("u1",)}
    mark.other = True
    mark.fresh = {mark.key("u2", trigger=False), mark.key("u2", trigger=True)}
    marks.renew()
    assert mark.stretch.lately == {"u1", ("u1",), "u2", ("u2",)}


def test_memory_is_bounded_over_all_experiments_and_the_recently_met_are_remembered() -> None:
    marks = Marks(shop(), 100)
    mark = marks.of["one-page-checkout"]
    for number in range(10_000):
        assert marks.first(mark, f"u{number}", nothing)
        assert f"u{number}" in mark.fresh or not mark.fresh
        assert marks.taken() <= 51

    assert marks.first(mark, "u1", nothing)


def test_room_that_other_experiments_do_not_need_is_taken_whole() -> None:
    marks = Marks(shop(), 100)
    one, *others = marks.of.values()
    assert others
    for number in range(50):
        marks.first(one, f"u{number}", nothing)

    assert len(one.fresh) == 50
    marks.first(others[0], "u1", nothing)
    assert marks.taken() == 0


def test_a_mark_survives_a_newer_ruleset_of_the_same_phase_only() -> None:
    first = Marks(shop(), 100)
    assert first.first(first.of["one-page-checkout"], "u1", nothing)

    same = Marks(shop(2), 100, first)
    other = Marks(shop(3, phase=2), 100, same)

    assert not same.first(same.of["one-page-checkout"], "u1", nothing)
    assert other.first(other.of["one-page-checkout"], "u1", nothing)


def test_an_id_that_names_another_unit_in_a_newer_ruleset_is_met_anew() -> None:
    named = shop()
    flags = {**named.flags, "billing": replace(named.flags["billing"], unit="account")}
    first = Marks(replace(named, flags=flags), 100)
    mark = first.of["new-billing"]
    first.first(mark, mark.key("42", trigger=False), nothing)

    later = Marks(shop(2), 100, first).of["new-billing"]

    assert mark.other is not later.other
    assert "42" not in later.fresh
    assert later.stretch is mark.stretch


def test_an_attribute_that_could_change_is_not_carried() -> None:
    mark = Marks(shop(), 100).of["one-page-checkout"]

    values, text, wrong = mark.carried({"country": ["DE"], "tier": 2, "email": "x"})

    assert (values, text) == ({"tier": 2}, 1)
    assert len(wrong) == 1
    assert "attribute 'country' was left out of an exposure (UnfitError: it is a list)" in wrong[0]
