"""Ask the table: whether a step is open, where it leads, and if not, why and what to do first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from splitrun.govern.lifecycle.table import STEPS, Rule, Verb
from splitrun.store.registry.documents import State

__all__ = ["Allowed", "Refused", "asked", "command", "next_steps", "path"]

ELSEWHERE = frozenset({Verb.RESTART, Verb.INVALIDATE})
"""Steps that give something up; a way around them is proposed before one that takes them."""

WORDS: dict[Verb, str] = {
    Verb.DECIDE: "decide KEY --decision CALL --readout DIGEST --reason TEXT",
    Verb.SIGN_OFF: "sign-off KEY --digest DIGEST --reason TEXT",
    Verb.APPROVE: "approve KEY --for STEP --digest DIGEST --reason TEXT",
}
"""How a step is written where it takes more than the key and a reason."""

FOLLOWING: dict[State, tuple[Verb, ...]] = {
    State.DRAFT: (Verb.REGISTER,),
    State.REGISTERED: (Verb.START,),
    State.RUNNING: (Verb.OBSERVE, Verb.STOP),
    State.PAUSED: (Verb.RESUME, Verb.STOP),
    State.OBSERVING: (Verb.STOP,),
    State.STOPPED: (Verb.DECIDE,),
    State.DECIDED: (Verb.ARCHIVE, Verb.RESTART),
    State.ARCHIVED: (),
    State.INVALID: (Verb.RESTART,),
}
"""What usually comes next, the first before the others."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The step is open."""

    to: State


@dataclass(frozen=True, slots=True)
class Refused:
    """The step is not open."""

    rule: Rule
    says: str
    remedy: str


def asked(key: str, state: State, verb: Verb) -> Allowed | Refused:
    """Ask whether a step is open.

    Args:
        key: The experiment's.
        state: Where it stands.
        verb: The step.
    """
    to = STEPS[state].get(verb)
    if to is not None:
        return Allowed(to)
    ends = {row[verb] for row in STEPS.values() if verb in row}
    if ends == {state}:
        return Refused(
            Rule.OPEN, f"{key} is {state.value} already", f"see where it stands: splitrun status {key}"
        )
    way = path(state, verb)
    if not way:
        remedy = f"that is for good; write a new experiment that says `extends: {key}`"
        return Refused(Rule.OPEN, f"{key} is {state.value}, and cannot {verb.value} any more", remedy)
    first = way[0]
    said = f"{key} is {state.value}, and {verb.value} is not open to it"
    return Refused(Rule.OPEN, said, f"{first.value.replace('-', ' ')} it first: {command(first, key)}")


def path(state: State, verb: Verb) -> tuple[Verb, ...]:
    """Give the steps that lead to where a step is open; none where nothing does.

    The shortest way that gives nothing up, else the shortest.
    """
    return walked(state, verb, ELSEWHERE) or walked(state, verb, frozenset({Verb.INVALIDATE}))


def walked(state: State, verb: Verb, without: frozenset[Verb]) -> tuple[Verb, ...]:
    """Walk the table in breadth, leaving some steps out."""
    seen, waiting = {state}, deque([(state, tuple[Verb, ...]())])
    while waiting:
        here, way = waiting.popleft()
        if verb in STEPS[here]:
            return way
        for step, to in STEPS[here].items():
            if step not in without and to not in seen:
                seen.add(to)
                waiting.append((to, (*way, step)))
    return ()


def command(verb: Verb, key: str) -> str:
    """Write a step as it is typed."""
    return f"splitrun {WORDS.get(verb, f'{verb.value} KEY --reason TEXT').replace('KEY', key)}"


def next_steps(key: str, state: State) -> tuple[str, ...]:
    """Write the steps that usually come next, the first before the others."""
    return tuple(command(verb, key) for verb in FOLLOWING[state])
