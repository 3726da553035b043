from __future__ import annotations

import pytest

from splitrun.govern.lifecycle.asking import Allowed, Refused, asked, next_steps, path
from splitrun.govern.lifecycle.table import HOLDS, MAY, OPEN, STANDING, STEPS, Rule, Verb
from splitrun.store.registry.documents import State
from tests.govern.lifecycle_page import PAGE, page

AFTER_REGISTERED = set(State) - {State.DRAFT, State.REGISTERED, State.INVALID}


def test_the_page_shows_the_table_as_it_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_life_leads_from_draft_to_archived_in_the_order_of_its_words() -> None:
    steps = (Verb.REGISTER, Verb.START, Verb.OBSERVE, Verb.STOP, Verb.DECIDE, Verb.ARCHIVE)
    here, seen = State.DRAFT, [State.DRAFT]

    for verb in steps:
        here = STEPS[here][verb]
        seen.append(here)

    assert [one.value for one in seen] == [
        *("draft", "registered", "running", "observing", "stopped", "decided", "archived")
    ]
    assert STEPS[STEPS[State.RUNNING][Verb.PAUSE]][Verb.RESUME] is State.RUNNING


def test_any_state_after_registered_may_be_invalid() -> None:
    assert {state for state in State if Verb.INVALIDATE in STEPS[state]} == AFTER_REGISTERED


def test_nothing_but_registering_is_open_to_a_draft() -> None:
    assert set(STEPS[State.DRAFT]) == {Verb.REGISTER}


def test_units_are_enrolled_nowhere_but_where_they_are_dealt() -> None:
    assert OPEN < STANDING
    assert {STEPS[state].get(Verb.STOP) for state in STANDING} == {State.STOPPED}


def test_every_step_says_who_may_and_what_must_hold() -> None:
    assert set(MAY) == set(HOLDS) == set(Verb)
    assert all(MAY.values())
    told = {rule for rules in HOLDS.values() for rule in rules} | {Rule.OPEN, Rule.REASON}
    assert told == set(Rule)
    assert all(rule.says for rule in Rule)


@pytest.mark.parametrize(
    ("state", "verb", "says", "remedy"),
    [
        (
            *(State.RUNNING, Verb.ARCHIVE, "k is running, and archive is not open to it"),
            "stop it first: splitrun stop k --reason TEXT",
        ),
        (
            *(State.RUNNING, Verb.RESUME, "k is running already"),
            "see where it stands: splitrun status k",
        ),
        (
            *(State.OBSERVING, Verb.RESUME, "k is observing, and resume is not open to it"),
            "restart it first: splitrun restart k --reason TEXT",
        ),
        (
            *(State.ARCHIVED, Verb.START, "k is archived, and cannot start any more"),
            "that is for good; write a new experiment that says `extends: k`",
        ),
    ],
)
def test_a_step_that_is_not_open_says_what_to_do_first(
    state: State, verb: Verb, says: str, remedy: str
) -> None:
    assert asked("k", state, verb) == Refused(Rule.OPEN, says, remedy)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", list(Verb))
def test_a_way_that_is_named_leads_to_where_the_step_is_open(state: State, verb: Verb) -> None:
    here = state
    for step in path(state, verb):
        answer = asked("k", here, step)
        assert isinstance(answer, Allowed)
        here = answer.to

    if verb not in STEPS[here]:
        assert not path(state, verb)
        assert isinstance(asked("k", state, verb), Refused)


@pytest.mark.parametrize("state", list(State))
def test_the_next_steps_that_are_named_are_open(state: State) -> None:
    verbs = [Verb(step.split()[1]) for step in next_steps("k", state)]

    assert all(verb in STEPS[state] for verb in verbs)
    assert verbs or state is State.ARCHIVED
