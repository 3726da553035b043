"""What others see of a decision while it is noted: another thread, a signal handler, the child of a fork."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from types import CodeType, FrameType
from typing import Protocol

import pytest

from splitrun.sdk.outbox.choices import Choices
from splitrun.sdk.status import Consent

TURNS = [
    (usual, before, after)
    for usual in Consent
    for before in ("denied", "pending")
    for after in ("denied", "pending", "strange")
]


class Step(Protocol):
    """Is told of the steps of a function."""

    def __call__(self, frame: FrameType, event: str, argument: object, /) -> Step | None: ...


def choices(usual: Consent, said: str) -> Choices:
    made = Choices(usual, None, 100, 1_000_000)
    made.decided("u1", said)
    return made


def between(code: CodeType, does: Callable[[], object], looks: Callable[[], object]) -> None:
    """Do something, and something else before each of its steps."""

    def trace(frame: FrameType, event: str, _argument: object) -> Step | None:
        if frame.f_code is not code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            looks()
        return trace

    was = sys.gettrace()
    sys.settrace(trace)
    try:
        does()
    finally:
        sys.settrace(was)


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(("usual", "before", "after"), TURNS)
def test_who_has_not_granted_is_at_no_moment_taken_to_have(usual: Consent, before: str, after: str) -> None:
    made = choices(usual, before)
    seen: set[Consent] = set()

    between(
        Choices.decided.__code__,
        lambda: made.decided("u1", after),
        lambda: seen.add(made.state("u1", None)),
    )

    assert seen
    assert Consent.GRANTED not in seen


def asked(made: Choices, after: str, step: int) -> tuple[Consent, bool]:
    """Ask for a unit that decides meanwhile, before a step; answers also whether there was such a step."""
    told: list[Consent] = []
    steps = count()

    def decides() -> None:
        if next(steps) == step:
            made.decided("u1", after)

    between(Choices.decision.__code__, lambda: told.append(made.state("u1", None)), decides)
    return told[0], next(steps) > step


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(("usual", "before", "after"), TURNS)
def test_who_decides_while_somebody_asks_is_not_taken_to_have_granted(
    usual: Consent, before: str, after: str
) -> None:
    for step in count():
        told, there = asked(choices(usual, before), after, step)
        assert told is not Consent.GRANTED
        if not there:
            break

    assert step > 5
