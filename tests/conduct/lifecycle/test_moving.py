from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.transmission import opened, sealed
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.amending import amend
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.serving import served
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import home
from splitrun.errors import ConflictError, RefusedError, RulesetError, SpecError, SplitrunError
from splitrun.govern.lifecycle.table import Verb
from splitrun.sdk.client import Client
from splitrun.store.registry.documents import Kind, Life
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, put


def ruleset(folder: Path, environment: str | None = None) -> Ruleset:
    return opened(served(folder, environment).document)


def life(folder: Path, key: str = KEY) -> Life:
    with home(folder).registry() as registry:
        found = registry.state("shop", "production", key)
    assert found is not None
    return found


def take(folder: Path, *verbs: Verb, key: str = KEY) -> None:
    for verb in verbs:
        move(verb, key, asked(folder, f"to {verb.value}"))


@pytest.fixture
def running(shop: Path) -> Path:
    register(KEY, asked(shop))
    take(shop, Verb.START)
    return shop


def test_a_start_publishes_a_ruleset_that_a_verifying_client_takes(running: Path) -> None:
    document = served(running).document
    keys = {key.name: key.public for key in home(running).keys.listed()}

    with Client(ruleset=document, verify=keys) as client:
        answer = client.evaluate("checkout", "u1", {"country": "DE"})

    assert answer.ruleset == 1
    with pytest.raises(RulesetError, match="is signed by nobody"):
        Client(ruleset=sealed(opened(document)), verify=keys)


def test_nothing_is_dealt_before_an_experiment_is_started(shop: Path) -> None:
    register(KEY, asked(shop))

    with pytest.raises(SpecError, match="no ruleset of 'shop' was published in 'production'"):
        served(shop)


def test_the_published_ruleset_is_written_to_the_byte(running: Path) -> None:
    first = served(running, out=running / "r.json")
    again = served(running, out=running / "r.json")

    assert (first.new, again.new) == (True, False)
    assert (running / "r.json").read_bytes() == first.document


@pytest.mark.requirement("R56")
def test_a_pause_opens_a_phase_that_enrols_nobody_and_moves_nobody(running: Path) -> None:
    before = ruleset(running).experiments[KEY]

    take(running, Verb.PAUSE)

    paused = ruleset(running).experiments[KEY]
    assert (paused.enrolling, paused.phase, paused.arms, paused.salt) == (False, 2, before.arms, before.salt)
    assert (life(running).phase, life(running).state.value) == (2, "paused")
    take(running, Verb.RESUME)
    assert (ruleset(running).experiments[KEY].enrolling, life(running).phase) == (True, 3)


@pytest.mark.requirement("R55", "R56")
def test_observing_closes_enrolment_and_a_stop_ends_the_deal(running: Path) -> None:
    take(running, Verb.OBSERVE)
    observing = life(running)
    assert (ruleset(running).experiments[KEY].enrolling, observing.phase) == (False, 2)
    assert observing.closed is not None
    assert observing.ended is None

    take(running, Verb.STOP)

    stopped = life(running)
    assert KEY not in ruleset(running).experiments
    assert ruleset(running).ended[KEY].version == 1
    assert (stopped.closed, stopped.ended is None) == (observing.closed, False)
    assert stopped.started is not None


def test_from_paused_to_observing_is_no_new_phase(running: Path) -> None:
    take(running, Verb.PAUSE, Verb.OBSERVE)

    assert (life(running).phase, ruleset(running).version) == (2, 2)


def test_what_runs_is_dealt_by_its_sealed_plan_whatever_its_definition_says(running: Path) -> None:
    with home(running).registry() as registry:
        known = registry.find("shop", Kind.EXPERIMENT, KEY)
    assert known is not None
    put(running, Kind.AUDIENCE, "far", "country = 'NZ'")
    body = known.body.replace('"audience":"near"', '"audience":"far"')
    assert body != known.body

    put(running, Kind.EXPERIMENT, KEY, json.loads(body))
    register("ranked", asked(running))

    move(Verb.START, "ranked", asked(running))

    made = ruleset(running)
    assert set(made.experiments) == {KEY, "ranked"}
    assert made.experiments[KEY].audience == made.experiments["ranked"].audience
    assert made.experiments[KEY].phase == 1


def test_a_shared_audience_opens_a_phase_of_every_experiment_it_touches(running: Path) -> None:
    edited(running, "('DE', 'AT')", "('DE', 'AT', 'CH')", "flags/shop.yaml")
    applied(running)
    register("ranked", asked(running))

    move(Verb.START, "ranked", asked(running))

    assert life(running).phase == ruleset(running).experiments[KEY].phase == 2
    assert life(running, "ranked").phase == 1


def test_an_environment_has_a_life_and_a_ruleset_of_its_own(running: Path) -> None:
    register(KEY, asked(running, environment="staging"))
    move(Verb.START, KEY, asked(running, environment="staging"))
    take(running, Verb.STOP)

    assert KEY in ruleset(running, "staging").experiments
    assert KEY not in ruleset(running).experiments


def test_an_experiment_that_splitrun_does_not_deal_has_phases_all_the_same(shop: Path) -> None:
    edited(shop, "flag: checkout\n", "")
    edited(shop, "rules: [{experiment: one-page}]", "rules: []", "flags/shop.yaml")
    edited(shop, "{control: {serve: three}, one: {serve: one}}", "{control: {}, one: {}}")
    applied(shop)
    register(KEY, asked(shop))

    phases = []
    for verb in (Verb.START, Verb.PAUSE, Verb.OBSERVE, Verb.STOP):
        move(verb, KEY, asked(shop, f"to {verb.value}"))
        phases.append(life(shop).phase)

    assert phases == [1, 2, 2, 2]


def test_what_was_invalidated_is_dealt_no_more_and_may_begin_anew(running: Path) -> None:
    take(running, Verb.INVALIDATE)

    assert KEY not in ruleset(running).experiments
    assert life(running).ended is not None


def test_a_plan_that_never_started_is_put_away(shop: Path) -> None:
    register(KEY, asked(shop))
    take(shop, Verb.ARCHIVE)

    found = life(shop)
    assert (found.state.value, found.started, found.ended) == ("archived", None, None)


def test_the_same_step_by_the_same_person_for_the_same_reason_is_taken_once(running: Path) -> None:
    again = move(Verb.START, KEY, asked(running, "to start"))

    assert (again.repeated, again.entry, again.state) == (True, None, "running")
    with pytest.raises(RefusedError, match=f"open: {KEY} is running already"):
        move(Verb.START, KEY, asked(running, "to start", "bob"))
    take(running, Verb.PAUSE, Verb.RESUME)
    assert not move(Verb.PAUSE, KEY, asked(running, "to pause")).repeated


def outcome(step: Callable[[], object]) -> type[Exception] | None:
    try:
        step()
    except SplitrunError as error:
        return type(error)
    return None


def test_of_those_who_take_a_step_at_once_one_wins(anywhere: Path) -> None:
    register(KEY, asked(anywhere))
    people = [f"person-{number}" for number in range(6)]
    wants = [asked(anywhere, "now", actor) for actor in people]

    with ThreadPoolExecutor(len(people)) as pool:
        found = list(pool.map(lambda one: outcome(lambda: move(Verb.START, KEY, one)), wants))

    assert found.count(None) == 1
    assert set(found) <= {None, ConflictError, RefusedError}
    with home(anywhere).registry() as registry:
        assert [one.state.value for one in registry.moves("shop", "production", KEY)] == [
            *("registered", "running")
        ]
        assert len(registry.rulesets("shop", "production")) == 1
    assert verify_log(anywhere).fine


def test_a_start_between_an_amendment_and_its_writing_is_a_conflict_or_a_refusal(running: Path) -> None:
    edited(running, "coverage: 50%", "coverage: 70%")
    wants = [asked(running, "more", "ann"), asked(running, "end", "bob")]
    steps = [lambda: amend(KEY, wants[0]), lambda: move(Verb.STOP, KEY, wants[1])]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(outcome, steps))

    assert set(found) <= {None, ConflictError, RefusedError}
    assert None in found
    assert verify_log(running).fine
