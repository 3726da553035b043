"""Start, pause, resume, observe, stop, archive, invalidate: steps that change the state and seal nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from splitrun.conduct.lifecycle.agreeing import agreed_to_start
from splitrun.conduct.lifecycle.details import details_of
from splitrun.conduct.lifecycle.footing import Asked, footing
from splitrun.conduct.lifecycle.taken import Step, Taken, staying, told, written
from splitrun.govern.lifecycle.table import OPEN, Verb
from splitrun.store.registry.documents import Life, State

__all__ = ["MOVES", "move"]

MOVES = frozenset(
    {Verb.START, Verb.PAUSE, Verb.RESUME, Verb.OBSERVE, Verb.STOP, Verb.ARCHIVE, Verb.INVALIDATE}
)
"""Steps that this takes."""

DONE = frozenset({State.STOPPED, State.INVALID})


@dataclass(frozen=True, slots=True)
class Moments:
    """When a life began, when enrolment ended, when it ended."""

    started: datetime | None
    closed: datetime | None
    ended: datetime | None


def move(verb: Verb, key: str, wanted: Asked) -> Taken:
    """Take a step that changes the state; what is dealt and who is enrolled follows from the state.

    Repeated by the same person with the same reason, as after a crash, it tells what was done and writes
    nothing.

    Args:
        verb: One of `MOVES`.
        key: The experiment.
        wanted: Who asks, where and why.

    Raises:
        RefusedError: The table or a rule does not allow it; each names its rule and what to do first.
        SpecError: There is no such experiment or environment, or the ruleset cannot be made.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, verb) as ground:
        before = ground.repeated(key, verb)
        if before is not None:
            return told(ground, verb, before)
        life, to = ground.moved(key, verb)
        if verb is Verb.START:
            agreed_to_start(ground, life)
        times = moments(life, to, ground.now)
        after = replace(
            staying(life), state=to, started=times.started, closed=times.closed, ended=times.ended
        )
        plan = ground.in_force(life)[1]
        return written(ground, Step(verb, key, life, after, plan, ground.details(verb, details_of(life)), {}))


def moments(life: Life, to: State, now: datetime) -> Moments:
    """Give the moments of a life after a step."""
    started = now if to in OPEN and life.started is None else life.started
    closes = started is not None and to in DONE | {State.OBSERVING}
    return Moments(
        started,
        now if closes and life.closed is None else life.closed,
        now if started is not None and to in DONE and life.ended is None else life.ended,
    )
