"""A ruleset in use, as the hot path wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.halves import Door
from splitrun.assign.ruleset import Ruleset
from splitrun.assign.sticky import Sticky
from splitrun.sdk.outbox.marks import Mark, Marks

__all__ = ["EMPTY", "Evaluates", "Held", "Origin", "nothing"]

EMPTY = Ruleset(project="", environment="", version=0, units={"user": "user"})
"""Stands where there is none."""


class Origin(StrEnum):
    """Where the ruleset held came from."""

    NOWHERE = "nowhere"
    GIVEN = "given"
    BOOTSTRAP = "bootstrap"
    CACHE = "cache"
    SOURCE = "source"
    """The server, or the file that is watched."""


class Evaluates(Protocol):
    """What is called where an opt-out or kept variants have a say, or no door opens."""

    def __call__(
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object],
        *,
        opted_out: bool = ...,
        sticky: Sticky | None = ...,
    ) -> Evaluation:
        """Answer; see `Evaluator.evaluate`."""
        ...


class Held:
    """One ruleset and what belongs to it. Swapped as a whole, so a caller sees the old or the new one.

    Args:
        evaluator: Answers.
        origin: Where the ruleset came from.
        remember: Bound of the exposures remembered.
        before: What was held until now.
    """

    __slots__ = (
        "asleep",
        "doors",
        "evaluate",
        "evaluator",
        "marks",
        "of",
        "origin",
        "ruleset",
        "start",
        "unit_type",
        "version",
    )

    def __init__(self, evaluator: Evaluator, origin: Origin, remember: int, before: Held | None) -> None:
        self.evaluator, self.origin = evaluator, origin
        self.evaluate: Evaluates = evaluator.evaluate
        self.doors: dict[str, Door] = evaluator.doors
        """What the hot path opens; where one raises, or there is none, `evaluate` is asked."""
        self.asleep: tuple[Evaluates, dict[str, Door]] | None = None
        """What answers as soon as somebody has asked; see `rouse`."""
        self.start: Callable[[], None] | None = None
        self.ruleset = evaluator.ruleset
        self.version = self.ruleset.version
        self.unit_type = next(iter(self.ruleset.units), "user")
        self.marks: Marks = Marks(self.ruleset, remember, before.marks if before else None)
        self.of: dict[str, Mark] = self.marks.of

    def rouse(self, start: Callable[[], None]) -> None:
        """Have the next question start something; what is answered stays the same.

        Args:
            start: In place of what was to be started before, in the child of a child.
        """
        if self.asleep is None:
            self.asleep = self.evaluate, self.doors
            self.evaluate, self.doors = self.woken, {}
        self.start = start

    def wake(self) -> None:
        """Start what waits for a question; for those that ask neither `evaluate` nor `doors`, or only log."""
        start, asleep = self.start, self.asleep
        if asleep is not None:
            # before all else: another thread may ask meanwhile
            self.evaluate, self.doors = asleep
            self.start = self.asleep = None
        if start is not None:
            start()

    def woken(
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object],
        *,
        opted_out: bool = False,
        sticky: Sticky | None = None,
    ) -> Evaluation:
        """Answer the first question."""
        self.wake()
        return self.evaluate(flag, unit, attributes, opted_out=opted_out, sticky=sticky)


def not_ready(
    flag: str,
    unit: str,  # noqa: ARG001 - answers like an evaluator
    attributes: Mapping[str, object],  # noqa: ARG001
    *,
    opted_out: bool = False,  # noqa: ARG001
    sticky: Sticky | None = None,  # noqa: ARG001
) -> Evaluation:
    """Answer while there is no ruleset."""
    return Evaluation(
        flag,
        None,
        None,
        Reason.ERROR,
        Detail.ERROR,
        error=ErrorCode.PROVIDER_NOT_READY,
        says="no ruleset is there yet; the code's default stands until the source answers",
    )


def nothing() -> Held:
    """Make what is held before there is anything."""
    held = Held(Evaluator(EMPTY), Origin.NOWHERE, 2, None)
    held.evaluate = not_ready
    return held
