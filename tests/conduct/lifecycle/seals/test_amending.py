from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.conduct.definitions.kept import written
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.amending import amend
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.serving import served
from splitrun.conduct.registry.place import home
from splitrun.errors import RefusedError, SpecError
from splitrun.govern.lifecycle.table import Verb
from splitrun.store.canonical import Json, value_of
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.documents import Kind
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, exposed, look, put


def refused(step: Callable[[], object]) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        step()
    return str(caught.value).splitlines()


def facts(folder: Path) -> dict[str, Json]:
    with home(folder).registry() as registry:
        return dict(object_of(registry.plans("shop", KEY)[-1].facts))


@pytest.fixture
def running(shop: Path) -> Path:
    register(KEY, asked(shop))
    move(Verb.START, KEY, asked(shop))
    return shop


@pytest.mark.requirement("R12", "R08")
def test_an_amendment_before_any_look_stays_confirmatory_and_says_what_it_changes(running: Path) -> None:
    edited(running, "mei: 10pp", "mei: 12pp")
    edited(running, "title: A checkout", "title: The checkout")

    taken = amend(KEY, asked(running, "finance asked"))

    assert facts(running) == {
        "amends": ["hypothesis.expect.mei.value", "metrics.bought.mei.value", "title"],
        "confirmatory": True,
        "exposures": 0,
        "reason": "finance asked",
        "seen": {"effects": False, "looks": 0, "units": 0},
    }
    assert (taken.phase, taken.ruleset) == (1, None)
    with home(running).registry() as registry:
        kept = registry.find("shop", Kind.EXPERIMENT, KEY)
        last = [one.verb for one in registry.entries()][-2:]
    assert kept is not None
    assert '"mei":"12pp"' in kept.body
    assert last == ["amend", "apply"]


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("effects", "old", "new", "confirmatory"),
    [
        (True, "mei: 10pp", "mei: 12pp", False),
        (False, "mei: 10pp", "mei: 12pp", True),
        (True, "title: A", "title: The", True),
    ],
)
def test_what_is_amended_after_effects_were_seen_is_exploratory(
    running: Path, *, effects: bool, old: str, new: str, confirmatory: bool
) -> None:
    look(running, effects=False)
    look(running, effects=effects)
    edited(running, old, new)

    amend(KEY, asked(running))

    assert facts(running)["confirmatory"] is confirmatory
    assert facts(running)["seen"] == {"looks": 2, "effects": effects, "units": 480}


def test_a_new_coverage_opens_a_phase_and_is_published(running: Path) -> None:
    edited(running, "coverage: 50%", "coverage: 80%")

    taken = amend(KEY, asked(running))

    assert (taken.phase, taken.ruleset, served(running).ruleset.experiments[KEY].phase) == (2, 2, 2)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("one: {serve: one}}\nexp", "one: {serve: one, weight: 2}}\nexp", "what its units get"),
        ("unit: user\nhyp", "unit: user\nsalt: another\nhyp", "the salt units are dealt with"),
        ("key: one-page\n", "key: one-page\nversion: 2\n", "which deal of the units it is"),
    ],
)
def test_what_deals_units_is_changed_by_no_amendment(running: Path, old: str, new: str, says: str) -> None:
    edited(running, old, new)

    (said,) = refused(lambda: amend(KEY, asked(running)))

    assert said.startswith(f"fixed: experiment '{KEY}' is running in production: ")
    assert said.endswith(
        f"{says}; take it back, or `splitrun apply --restarting {KEY}`, then `splitrun restart {KEY}`"
    )


def test_coverage_only_grows(running: Path) -> None:
    edited(running, "coverage: 50%", "coverage: 40%")

    (said,) = refused(lambda: amend(KEY, asked(running)))
    assert said == (
        f"growing: coverage of {KEY} falls from 50% to 40%; take it back; to enrol nobody for a while: "
        f"splitrun pause {KEY} --reason TEXT"
    )


def test_what_was_not_started_may_be_dealt_otherwise(shop: Path) -> None:
    register(KEY, asked(shop))
    edited(shop, "one: {serve: one}}\nexp", "one: {serve: one, weight: 2}}\nexp")
    edited(shop, "coverage: 50%", "coverage: 40%")

    amend(KEY, asked(shop))

    assert facts(shop)["amends"] == ["delivery.coverage", "variants.one.weight"]


def test_a_version_that_was_applied_for_a_restart_is_no_amendment(running: Path) -> None:
    edited(running, "key: one-page\n", "key: one-page\nversion: 2\n")
    put(running, Kind.EXPERIMENT, KEY, value_of(written(running)[Kind.EXPERIMENT, KEY]))

    (said,) = refused(lambda: amend(KEY, asked(running)))

    assert said == (
        f"fixed: the definition of {KEY} says version 2, and version 1 stands; deal all units afresh: "
        f"splitrun restart {KEY} --reason TEXT"
    )


def test_an_amendment_needs_a_difference(running: Path) -> None:
    (said,) = refused(lambda: amend(KEY, asked(running)))
    assert said == (
        f"changed: nothing differs from the plan of {KEY} that is in force; change what its files say, "
        "then amend"
    )


def test_an_amendment_repeated_for_the_same_reason_is_made_once(running: Path) -> None:
    edited(running, "mei: 10pp", "mei: 12pp")
    first = amend(KEY, asked(running, "finance asked"))

    again = amend(KEY, asked(running, "finance asked"))

    assert (again.repeated, again.plan) == (True, first.plan)
    edited(running, "mei: 12pp", "mei: 11pp")
    assert not amend(KEY, asked(running, "finance asked")).repeated


def test_a_metric_that_was_applied_reaches_the_plan_by_amendment(running: Path) -> None:
    edited(running, "window: 3d", "window: 5d", "metrics/shop.yaml")
    applied(running)

    amend(KEY, asked(running))

    assert facts(running)["amends"] == ["analysis.looks", "metrics.bought.window"]


def test_an_amendment_that_cannot_be_tested_is_not_sealed(running: Path) -> None:
    edited(running, "mei: 10pp", "mei: 1pp")

    with pytest.raises(SpecError, match="not testable: bought"):
        amend(KEY, asked(running))


def test_an_amendment_that_would_harm_another_experiment_is_refused(running: Path) -> None:
    register("ranked", asked(running))
    move(Verb.START, "ranked", asked(running))
    edited(running, "rules: [{experiment: one-page}]", "rules: []", "flags/shop.yaml")
    edited(running, "flag: checkout\n", "")
    edited(running, "{control: {serve: three}, one: {serve: one}}", "{control: {}, one: {}}")

    assert all(line.startswith("fixed: ") for line in refused(lambda: amend(KEY, asked(running))))


@pytest.mark.requirement("R12")
def test_an_amendment_before_the_start_does_not_slip_past_exposures_that_are_there(shop: Path) -> None:
    edited(shop, "csv: exposures.csv", "csv: none.csv")
    applied(shop)
    register(KEY, asked(shop))
    exposed(shop, days=1)
    edited(shop, "csv: none.csv", "csv: exposures.csv")

    assert refused(lambda: amend(KEY, asked(shop)))[0].startswith(
        f"unexposed: 24 exposures are there before the plan of {KEY} is sealed"
    )
    amend(KEY, asked(shop), late="the path was wrong")
    edited(shop, "coverage: 50%", "coverage: 60%")
    amend(KEY, asked(shop))

    assert facts(shop)["late"] == "the path was wrong"


@pytest.mark.requirement("R12")
def test_other_rows_that_tell_no_time_make_what_is_amended_exploratory(shop: Path) -> None:
    edited(shop, ", time: at", "")
    own = "{key: here, kind: share, source: exposures, where: \"country = 'DE'\", better: higher}"
    edited(shop, "metrics: {primary: [bought]}", f"metrics: {{primary: [{own}]}}")
    edited(shop, "metric: bought", "metric: here")
    edited(shop, "{bought: {share: 30%}}", "{here: {share: 30%}}")
    edited(shop, "baselines:", "waivers: {underpowered: a test}\nbaselines:")
    applied(shop)
    register(KEY, asked(shop))
    move(Verb.START, KEY, asked(shop))
    edited(shop, "csv: exposures.csv", "csv: others.csv")

    taken = amend(KEY, asked(shop))

    assert facts(shop)["confirmatory"] is False
    assert "tell no time" in taken.notes[1]
