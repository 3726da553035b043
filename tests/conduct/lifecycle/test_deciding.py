from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.deciding import decide
from splitrun.conduct.lifecycle.details import details_of
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.standing import history, lives
from splitrun.conduct.registry.place import home
from splitrun.errors import RefusedError, SpecError, StoreError
from splitrun.govern.lifecycle.table import Verb
from splitrun.store.chain.entry import Entry
from splitrun.store.registry.documents import Life, State
from tests.conduct.lifecycle.shop import KEY, NOON, asked, edited, look


def refused(step: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        step()
    return str(caught.value)


def last(folder: Path) -> Entry:
    with home(folder).registry() as registry:
        found = registry.last()
    assert found is not None
    return found


@pytest.fixture
def stopped(shop: Path) -> Path:
    register(KEY, asked(shop))
    move(Verb.START, KEY, asked(shop))
    look(shop, decision="abandon")
    move(Verb.STOP, KEY, asked(shop))
    return shop


@pytest.fixture
def readout(stopped: Path) -> str:
    with home(stopped).registry() as registry:
        found = [one for one in registry.entries() if one.verb == "look"][-1]
    return found.content.split('"readout":"')[1].split('"')[0]


@pytest.mark.requirement("R08")
def test_a_decision_by_the_rule_is_recorded_with_its_readout(stopped: Path, readout: str) -> None:
    taken = decide(KEY, "abandon", readout, asked(stopped, "no win to expect"))

    assert (taken.state, taken.notes) == ("decided", ("decided: abandon",))
    entry = last(stopped)
    assert (entry.verb, entry.reason) == ("decide", "no win to expect")
    assert f'"readout":"{readout}"' in entry.content
    assert '"rule":"abandon"' in entry.content
    assert decide(KEY, "abandon", readout, asked(stopped, "no win to expect")).repeated


@pytest.mark.requirement("R08")
def test_a_decision_against_the_rule_is_an_override(stopped: Path, readout: str) -> None:
    taken = decide(KEY, "ship", readout, asked(stopped, "the law wants it"))

    assert last(stopped).verb == "override"
    assert taken.notes == ("decided: ship against the sealed rule",)
    assert decide(KEY, "abandon", readout, asked(stopped, "on second thoughts")).state == "decided"
    assert last(stopped).verb == "decide"


def test_a_decision_on_a_readout_that_judged_nothing_is_told_as_one_without_a_verdict(stopped: Path) -> None:
    blinded = look(stopped, effects=False)

    taken = decide(KEY, "ship", blinded, asked(stopped, "the law wants it"))

    says = "decided: ship, without a verdict: its readout judged no primary metric"
    assert taken.notes == (says,)
    assert '"judged":false' in last(stopped).content
    assert history(KEY, stopped).stands.concluded == says
    assert decide(KEY, "ship", look(stopped), asked(stopped, "it was read")).notes == ("decided: ship",)


def test_a_decision_rests_on_a_look_at_this_version(stopped: Path, readout: str) -> None:
    other = "sha256:" + "f" * 64

    assert refused(lambda: decide(KEY, "ship", other, asked(stopped))) == (
        f"looked: '{other}' is the digest of no readout of {KEY}, version 1; the newest is {readout}; or "
        f"take a look: splitrun readout {KEY}"
    )


def test_a_segment_is_named_where_one_is_shipped_to(stopped: Path, readout: str) -> None:
    with pytest.raises(SpecError, match="ship_to_segment names no segment"):
        decide(KEY, "ship_to_segment", readout, asked(stopped))
    with pytest.raises(SpecError, match="ship takes no segment"):
        decide(KEY, "ship", readout, asked(stopped), segment="country")
    with pytest.raises(SpecError, match="'countr' is no segment of the sealed plan; did you mean 'country'"):
        decide(KEY, "ship_to_segment", readout, asked(stopped), segment="countr")
    with pytest.raises(SpecError, match="'shipp' is no decision; did you mean 'ship'"):
        decide(KEY, "shipp", readout, asked(stopped))

    taken = decide(KEY, "ship_to_segment", readout, asked(stopped), segment="country")

    assert taken.notes == ("decided: ship_to_segment to segment country against the sealed rule",)


@pytest.mark.requirement("R67")
def test_every_experiment_is_told_with_owner_state_and_next_step(stopped: Path) -> None:
    (stopped / "experiments" / "ranked.yaml").unlink()

    found = lives(stopped)

    assert (found.project, found.environment) == ("shop", "production")
    told = [(one.experiment, one.state, one.owner, one.version, one.phase) for one in found.experiments]
    assert told == [(KEY, "stopped", "payments", 1, 1), ("ranked", "draft", None, 1, 0)]
    assert found.experiments[0].next == (
        f"splitrun decide {KEY} --decision CALL --readout DIGEST --reason TEXT",
    )
    assert found.experiments[0].since is not None
    assert found.experiments[1].since is None
    assert [one.state for one in lives(stopped, "staging").experiments] == ["draft", "draft"]


@pytest.mark.requirement("R67", "R08")
def test_one_experiment_is_told_with_every_step_and_plan(stopped: Path, readout: str) -> None:
    decide(KEY, "iterate", readout, asked(stopped, "once more"))
    move(Verb.ARCHIVE, KEY, asked(stopped, "done"))

    found = history(KEY, stopped)

    assert [(one.verb, one.state, one.actor) for one in found.moves] == [
        ("register", "registered", "ann"),
        ("start", "running", "ann"),
        ("stop", "stopped", "ann"),
        ("decide", "decided", "ann"),
        ("archive", "archived", "ann"),
    ]
    assert [(one.version, one.amendment, one.in_force) for one in found.plans] == [(1, 0, True)]
    assert (found.stands.decision, found.stands.next) == ("iterate", ())
    with pytest.raises(SpecError, match="the registry holds no experiment 'one'"):
        history("one", stopped)


def test_an_experiment_that_is_taken_out_keeps_its_history(stopped: Path, readout: str) -> None:
    decide(KEY, "iterate", readout, asked(stopped))
    move(Verb.ARCHIVE, KEY, asked(stopped))
    (stopped / "experiments" / "one-page.yaml").unlink()
    edited(stopped, "rules: [{experiment: one-page}]", "rules: []", "flags/shop.yaml")

    assert history(KEY, stopped).stands.state == "archived"


def test_what_is_kept_beside_a_state_and_cannot_be_read_is_told() -> None:
    life = Life(
        *("shop", "production", KEY, 1, State.RUNNING, 1, 1, None, None, None, None),
        details='{"verb":5}',
        at=NOON,
        actor="ann",
    )

    with pytest.raises(StoreError, match="what is kept beside the state of 'one-page' cannot be read"):
        details_of(life)
