from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.amending import amend
from splitrun.conduct.lifecycle.seals.registering import register, restart
from splitrun.conduct.registry.place import home
from splitrun.errors import RefusedError, SpecError, StoreError
from splitrun.govern.lifecycle.table import Verb
from splitrun.plan.sealing.canonical import reopened
from splitrun.store.canonical import digest
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.documents import Kind, SealedPlan
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, exposed, laid, put


def refused(step: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        step()
    return str(caught.value)


def sealed(folder: Path, key: str = KEY) -> tuple[SealedPlan, ...]:
    with home(folder).registry() as registry:
        return registry.plans("shop", key)


@pytest.mark.requirement("R12", "R08")
def test_a_plan_is_sealed_with_its_digest_in_one_entry(shop: Path) -> None:
    taken = register(KEY, asked(shop, "reviewed on monday"))

    (plan,) = sealed(shop)
    assert plan.digest == taken.plan == digest(plan.body)
    assert reopened(plan.body).key == KEY
    assert object_of(plan.facts) == {"exposures": 0, "reason": "reviewed on monday"}
    with home(shop).registry() as registry:
        last = registry.last()
    assert last is not None
    assert (last.verb, last.subject, last.reason, last.number) == (
        *("register", f"experiment/{KEY}", "reviewed on monday"),
        taken.entry,
    )
    assert (taken.state, taken.version, taken.phase, taken.ruleset) == ("registered", 1, 0, None)
    assert taken.next == (f"splitrun start {KEY} --reason TEXT",)


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_no_step_is_taken_without_a_reason(shop: Path, reason: str) -> None:
    assert refused(lambda: register(KEY, asked(shop, reason))) == (
        "reason: no reason is given to register; say why with --reason; it stands in the audit chain"
    )
    assert refused(lambda: register(KEY, asked(shop, actor=" "))).startswith("reason: nobody is named")


@pytest.mark.requirement("R01")
def test_an_experiment_without_an_objective_does_not_leave_draft(shop: Path) -> None:
    (shop / "experiments" / "ranked.yaml").unlink()
    edited(shop, "rules: [{experiment: ranked}]", "rules: []", "flags/shop.yaml")
    applied(shop)
    put(
        shop,
        Kind.EXPERIMENT,
        "ranked",
        {"key": "ranked", "unit": "user", "variants": {"control": {}, "b": {}}},
    )

    with pytest.raises(SpecError) as caught:
        register("ranked", asked(shop))

    said = [(one.path, one.says) for one in caught.value.mistakes]
    assert ("", "not defined: `hypothesis` is missing") in said
    assert refused(lambda: move(Verb.START, "ranked", asked(shop))) == (
        "open: ranked is draft, and start is not open to it; register it first: "
        "splitrun register ranked --reason TEXT"
    )


def test_what_the_files_say_otherwise_is_not_sealed(shop: Path) -> None:
    edited(shop, "window: 3d", "window: 5d", "metrics/shop.yaml")
    edited(shop, "title: A checkout", "title: The checkout")

    assert refused(lambda: register(KEY, asked(shop))) == (
        "applied: the files differ from the registry in experiment one-page, metric bought; look at it with "
        "`splitrun diff`, then run `splitrun apply`"
    )
    assert refused(lambda: register("ranked", asked(shop))).startswith("applied: the files differ")


def test_files_that_do_not_name_the_experiment_are_not_asked(shop: Path) -> None:
    (shop / "experiments" / "one-page.yaml").unlink()
    edited(shop, "rules: [{experiment: one-page}]", "rules: []", "flags/shop.yaml")

    assert register(KEY, asked(shop)).state == "registered"


@pytest.mark.requirement("R12")
def test_exposures_that_are_there_make_a_plan_late_for_ever(shop: Path) -> None:
    exposed(shop, days=1)

    assert refused(lambda: register(KEY, asked(shop))) == (
        f"unexposed: 24 exposures are there before the plan of {KEY} is sealed; a plan is sealed before the "
        "first; say why it is late with --late REASON, which every readout of it will carry"
    )
    assert refused(lambda: register(KEY, asked(shop), late=" ")).startswith(
        "unexposed: --late gives no reason"
    )
    register(KEY, asked(shop), late="the registry came later")
    edited(shop, "coverage: 50%", "coverage: 60%")
    amend(KEY, asked(shop))

    assert [object_of(one.facts)["late"] for one in sealed(shop)] == ["the registry came later"] * 2
    assert [object_of(one.facts)["exposures"] for one in sealed(shop)] == [24, 24]


def test_a_plan_is_not_called_late_where_nothing_is_there(shop: Path) -> None:
    assert refused(lambda: register(KEY, asked(shop), late="who knows")) == (
        f"unexposed: no exposure of {KEY} is there, so it is not late; leave --late out"
    )


def test_exposures_that_cannot_be_looked_at_are_not_said_to_be_none(shop: Path) -> None:
    edited(shop, "{csv: exposures.csv,", "{table: exposures,")
    applied(shop)

    taken = register(KEY, asked(shop))

    assert taken.notes == (
        "exposures were not counted: table 'exposures' is in a database; name it with --database",
    )
    assert object_of(sealed(shop)[0].facts)["exposures"] is None


def test_everything_that_keeps_a_plan_from_being_sealed_is_told_at_once(shop: Path) -> None:
    edited(shop, "units_per_day: 400", "units_per_day: 4")
    applied(shop)
    put(shop, Kind.POLICY, "shop", {"methods": ["sequential"]})

    with pytest.raises(SpecError) as caught:
        register(KEY, asked(shop))

    said = [str(one) for one in caught.value.mistakes]
    assert len(said) == 2
    assert said[0].startswith(f"experiments/{KEY}: duration: not testable: bought: ")
    assert said[1].startswith(f"experiments/{KEY}: analysis.method: policy `methods`: method fixed is not")


def test_a_waiver_with_its_reason_lets_a_plan_pass_and_stands_in_it(shop: Path) -> None:
    edited(shop, "units_per_day: 400", "units_per_day: 4")
    edited(shop, "duration: {enrol: 14d}\n", "duration: {enrol: 14d}\nwaivers: {underpowered: a pilot}\n")
    applied(shop)

    register(KEY, asked(shop))

    assert reopened(sealed(shop)[0].body).waivers == {"underpowered": "a pilot"}


@pytest.mark.requirement("R83")
def test_old_baselines_keep_a_plan_from_being_sealed_until_units_are_dealt_by_it(shop: Path) -> None:
    edited(shop, "environments:", "policy: {baselines: {max_age: 30d}}\nenvironments:", "splitrun.yaml")
    edited(shop, "baselines: {", "baselines: {until: 2026-01-15, ")
    applied(shop)
    with pytest.raises(SpecError, match="policy `stale_baselines`: the baselines are of a history"):
        register(KEY, asked(shop))
    waived = "waivers: {stale_baselines: a quiet year}\n"
    edited(shop, "duration: {enrol: 14d}\n", f"duration: {{enrol: 14d}}\n{waived}")
    applied(shop)
    register(KEY, asked(shop))
    edited(shop, waived, "")
    with pytest.raises(SpecError, match="stale_baselines"):
        amend(KEY, asked(shop))

    move(Verb.START, KEY, asked(shop))

    assert amend(KEY, asked(shop)).state == "running"


def test_who_is_not_there_is_told_with_what_is(shop: Path) -> None:
    with pytest.raises(
        SpecError, match=r"the registry holds no experiment 'one-pag'.*did you mean 'one-page'"
    ):
        register("one-pag", asked(shop))
    with pytest.raises(SpecError, match=r"there is no environment 'stagin'.*did you mean 'staging'"):
        register(KEY, asked(shop, environment="stagin"))


def test_a_registry_nobody_applied_to_says_so(tmp_path: Path) -> None:
    laid(tmp_path)

    with pytest.raises(SpecError, match=r"the registry holds nothing of project 'shop' yet"):
        register(KEY, asked(tmp_path))


def test_a_repeated_step_writes_nothing(shop: Path) -> None:
    first = register(KEY, asked(shop, "ready"))

    again = register(KEY, asked(shop, "ready"))

    assert (again.repeated, again.plan, again.entry) == (True, first.plan, None)
    assert len(sealed(shop)) == 1
    assert refused(lambda: register(KEY, asked(shop, "ready", "bob"))).startswith(
        f"open: {KEY} is registered"
    )


def test_environments_share_what_is_sealed_to_the_letter(shop: Path) -> None:
    staging = register(KEY, asked(shop, environment="staging"))
    production = register(KEY, asked(shop))

    assert (staging.plan, staging.version) == (production.plan, production.version)
    assert len(sealed(shop)) == 1


def test_what_differs_from_another_environment_is_the_next_version(shop: Path) -> None:
    register(KEY, asked(shop, environment="staging"))
    edited(shop, "mei: 10pp", "mei: 12pp")
    amend(KEY, asked(shop, environment="staging"))

    taken = register(KEY, asked(shop))

    assert [(one.version, one.amendment) for one in sealed(shop)] == [(1, 0), (1, 1), (2, 0)]
    assert taken.version == reopened(sealed(shop)[-1].body).delivery.version == 2


@pytest.mark.requirement("R62")
def test_a_restart_seals_a_linked_version_that_deals_afresh(shop: Path) -> None:
    register(KEY, asked(shop))
    move(Verb.START, KEY, asked(shop))
    edited(shop, "one: {serve: one}}\nexp", "one: {serve: one, weight: 3}}\nexp")

    taken = restart(KEY, asked(shop, "more for the treatment"))

    plan = reopened(sealed(shop)[-1].body)
    assert (taken.state, taken.version, taken.ruleset) == ("registered", 2, 2)
    assert (plan.delivery.version, plan.delivery.follows) == (2, 1)
    assert [variant.weight for variant in plan.variants] == [1, 3]
    assert object_of(sealed(shop)[-1].facts)["follows"] == 1
    assert restart(KEY, asked(shop, "more for the treatment")).repeated
    started = move(Verb.START, KEY, asked(shop))
    assert (started.version, started.phase, started.ruleset) == (2, 1, 3)


def test_a_plan_that_is_no_longer_there_is_told(shop: Path) -> None:
    register(KEY, asked(shop))
    database = home(shop).url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
        ]
        for name in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM plans")

    with pytest.raises(StoreError, match="is not among the sealed ones; run `splitrun audit verify`"):
        move(Verb.START, KEY, asked(shop))
