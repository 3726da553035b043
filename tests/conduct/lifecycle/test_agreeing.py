from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.agreeing import approve, sign_off
from splitrun.conduct.lifecycle.deciding import decide
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.amending import amend
from splitrun.conduct.lifecycle.seals.registering import register, restart
from splitrun.conduct.lifecycle.standing import history
from splitrun.errors import RefusedError, SpecError
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, look

POLICY = "units: {user: {key: user_id}}\npolicy: {approvals: {start: 1, amend: 1, decide: 1}}\n"


def refused(step: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        step()
    return str(caught.value)


def digest_in(text: str) -> str:
    found = re.search(r"sha256:[0-9a-f]{64}", text)
    assert found is not None
    return found[0]


@pytest.fixture
def plan(shop: Path) -> str:
    """Registered by ann; bob must sign off, cleo reviews, and one must approve each step."""
    edited(shop, "owner: payments\n", "owner: payments\nsignoffs: [bob]\nreviewers: [cleo]\n")
    edited(shop, "flag: search\n", "flag: search\nreviewers: [cleo]\n", "experiments/ranked.yaml")
    edited(shop, "units: {user: {key: user_id}}\n", POLICY, "splitrun.yaml")
    applied(shop)
    digest = register(KEY, asked(shop)).plan
    assert digest is not None
    return digest


@pytest.mark.requirement("R05")
def test_a_start_waits_for_everybody_who_must_sign_off(shop: Path, plan: str) -> None:
    said = refused(lambda: move(Verb.START, KEY, asked(shop)))
    assert said == (
        f"signed_off: the plan {plan} of {KEY} is not signed off by bob; have them run: "
        f"splitrun sign-off {KEY} --digest {plan} --reason TEXT --actor bob"
    )

    sign_off(KEY, plan, asked(shop, actor="bob"))

    assert move(Verb.START, KEY, asked(shop)).state == "running"
    told = history(KEY, shop)
    assert told.signoffs == ("bob",)
    assert [(one.step, one.actor, one.digest) for one in told.agreed] == [("sign-off", "bob", plan)]


def test_a_sign_off_is_of_one_plan_and_void_once_it_is_amended(shop: Path, plan: str) -> None:
    sign_off(KEY, plan, asked(shop, actor="bob"))
    edited(shop, "coverage: 50%", "coverage: 60%")
    wanted = digest_in(refused(lambda: amend(KEY, asked(shop))))
    approve(KEY, "amend", wanted, asked(shop, actor="cleo"))
    amended = amend(KEY, asked(shop))

    assert amended.plan == wanted
    assert refused(lambda: move(Verb.START, KEY, asked(shop))).startswith(f"signed_off: the plan {wanted}")
    assert refused(lambda: sign_off(KEY, plan, asked(shop, actor="bob"))) == (
        f"this_plan: {plan[:19]}… is not the plan of {KEY} that is in force, which is {wanted}; read that "
        f"one, with splitrun status {KEY}, and agree to it"
    )
    assert history(KEY, shop).agreed[0].step == "amend"


def test_nobody_agrees_to_their_own_work(shop: Path, plan: str) -> None:
    assert refused(lambda: approve(KEY, "start", plan, asked(shop, actor="ann"))) == (
        f"others: ann sealed the plan of {KEY}; have somebody else agree to it"
    )
    assert refused(lambda: sign_off(KEY, plan, asked(shop, actor="dan"))).startswith(
        f"named: dan is not asked to sign off {KEY}; asked is bob, cleo;"
    )
    edited(shop, "signoffs: [bob]", "signoffs: [ann]")
    approve(KEY, "amend", "sha256:" + "0" * 64, asked(shop, actor="ann"))
    wanted = digest_in(refused(lambda: amend(KEY, asked(shop))))
    approve(KEY, "amend", wanted, asked(shop, actor="ann"))
    assert refused(lambda: amend(KEY, asked(shop))).startswith("approved: 0 of 1 others approved to amend")
    approve(KEY, "amend", wanted, asked(shop, actor="cleo"))
    amend(KEY, asked(shop))
    assert refused(lambda: sign_off(KEY, wanted, asked(shop, actor="ann"))).startswith("others: ann sealed")


def test_whoever_starts_or_owns_it_does_not_count_as_one_who_approved(shop: Path, plan: str) -> None:
    edited(shop, "signoffs: [bob]\nreviewers: [cleo]\n", "reviewers: [cleo, payments]\n")
    wanted = digest_in(refused(lambda: amend(KEY, asked(shop))))
    approve(KEY, "amend", wanted, asked(shop, actor="cleo"))
    amend(KEY, asked(shop))
    approve(KEY, "start", wanted, asked(shop, "yes", actor="bob"))
    assert refused(lambda: approve(KEY, "start", wanted, asked(shop, actor="payments"))) == (
        f"others: payments owns {KEY}; have somebody else agree to it"
    )

    assert refused(lambda: move(Verb.START, KEY, asked(shop, actor="bob"))).startswith(
        f"approved: 0 of 1 others approved to start {KEY} with {wanted}; have somebody else run: splitrun "
        f"approve {KEY} --for start --digest {wanted}"
    )
    assert approve(KEY, "start", wanted, asked(shop, "yes again", actor="bob")).repeated
    assert move(Verb.START, KEY, asked(shop, actor="ann")).state == "running"
    assert plan != wanted


@pytest.mark.parametrize("step", ["start", "amend", "decide"])
def test_an_approval_of_the_owner_is_refused_as_it_would_not_count(shop: Path, plan: str, step: str) -> None:
    assert refused(lambda: approve(KEY, step, plan, asked(shop, actor="payments"))) == (
        f"others: payments owns {KEY}; have somebody else agree to it"
    )


def test_a_name_in_other_letters_is_the_same_person(shop: Path, plan: str) -> None:
    assert refused(lambda: approve(KEY, "start", plan, asked(shop, actor="Ann"))).startswith(
        "others: Ann sea"
    )
    assert refused(lambda: approve(KEY, "start", plan, asked(shop, actor="\uff21\uff2e\uff2e"))).startswith(
        "others: "
    )
    assert refused(lambda: approve(KEY, "amend", plan, asked(shop, actor="PayMents"))).startswith(
        "others: Pa"
    )
    approve(KEY, "start", plan, asked(shop, actor="cleo"))
    assert approve(KEY, "start", plan, asked(shop, actor="Cleo")).repeated
    sign_off(KEY, plan, asked(shop, actor="Bob"))
    assert move(Verb.START, KEY, asked(shop, actor="CLEO")).state == "running"


@pytest.mark.requirement("R05")
def test_who_is_bound_by_the_policy_does_not_take_it_off(anywhere: Path) -> None:
    shop = anywhere
    edited(shop, "owner: payments\n", "owner: eve\nreviewers: [bob]\n")
    edited(shop, "flag: search\n", "flag: search\nreviewers: [bob]\n", "experiments/ranked.yaml")
    edited(shop, "units: {user: {key: user_id}}\n", POLICY, "splitrun.yaml")
    applied(shop)
    eve = functools.partial(asked, shop, actor="eve")
    first = register(KEY, eve()).plan
    assert first is not None

    edited(shop, POLICY, "units: {user: {key: user_id}}\n", "splitrun.yaml")
    applied(shop, "eve")
    edited(shop, "coverage: 50%", "coverage: 60%")

    assert refused(lambda: move(Verb.START, KEY, eve())).startswith(
        "approved: 0 of 1 others approved to start"
    )
    wanted = digest_in(refused(lambda: amend(KEY, eve())))
    approve(KEY, "amend", wanted, asked(shop, actor="bob"))
    assert amend(KEY, eve()).plan == wanted
    assert refused(lambda: move(Verb.START, KEY, eve())).startswith(
        f"approved: 0 of 1 others approved to start {KEY} with {wanted}"
    )
    approve(KEY, "start", wanted, asked(shop, actor="bob"))
    move(Verb.START, KEY, eve())
    again = restart(KEY, eve()).plan
    assert refused(lambda: move(Verb.START, KEY, eve())).startswith(
        f"approved: 0 of 1 others approved to start {KEY} with {again}"
    )


def test_a_policy_of_later_binds_what_was_sealed_before(shop: Path) -> None:
    edited(shop, "owner: payments\n", "owner: payments\nreviewers: [cleo]\n")
    edited(shop, "flag: search\n", "flag: search\nreviewers: [cleo]\n", "experiments/ranked.yaml")
    applied(shop)
    register(KEY, asked(shop))
    edited(shop, "units: {user: {key: user_id}}\n", POLICY, "splitrun.yaml")
    applied(shop)

    assert refused(lambda: move(Verb.START, KEY, asked(shop))).startswith("approved: 0 of 1 others")


def test_a_decision_is_approved_by_its_digest(shop: Path, plan: str) -> None:
    sign_off(KEY, plan, asked(shop, actor="bob"))
    move(Verb.START, KEY, asked(shop))
    readout = look(shop)
    move(Verb.STOP, KEY, asked(shop))

    wanted = digest_in(refused(lambda: decide(KEY, "ship", readout, asked(shop))))
    approve(KEY, "decide", wanted, asked(shop, actor="cleo"))

    assert refused(lambda: decide(KEY, "abandon", readout, asked(shop))).startswith("approved: 0 of 1")
    assert decide(KEY, "ship", readout, asked(shop)).state == "decided"


def test_words_that_mean_nothing_are_told(shop: Path, plan: str) -> None:
    assert plan
    with pytest.raises(SpecError, match="'strat' is no step that is approved; did you mean 'start'"):
        approve(KEY, "strat", plan, asked(shop))
    with pytest.raises(SpecError, match="'abc' is no digest; write it whole"):
        sign_off(KEY, "abc", asked(shop))
