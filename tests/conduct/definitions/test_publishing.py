from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import Wanted, apply, compare
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.serving import rulesets_examined, served
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.published import delivery
from splitrun.errors import RefusedError, SpecError
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.conftest import anywhere
from tests.conduct.lifecycle.shop import KEY, NOON, applied, asked, edited

__all__ = ["anywhere"]

FLAGS = "flags/shop.yaml"


@pytest.fixture
def running(anywhere: Path) -> Path:
    """A project with a running experiment, on each database."""
    register(KEY, asked(anywhere))
    move(Verb.START, KEY, asked(anywhere))
    return anywhere


def test_a_flag_that_was_changed_is_served_once_it_is_applied(running: Path) -> None:
    before = served(running).ruleset
    edited(running, "default: off", "default: on", FLAGS)

    applied(running)

    after = served(running).ruleset
    assert (before.version, after.version) == (1, 2)
    assert after.flags["search"] != before.flags["search"]
    assert after.flags["checkout"] == before.flags["checkout"]
    assert after.experiments == before.experiments
    again = delivery(running)
    assert again.look()
    assert again.newer()["production"].document == served(running).document
    assert verify_log(running).fine


def test_an_audience_that_was_changed_opens_a_phase_for_the_experiments_that_use_it(running: Path) -> None:
    before = served(running).ruleset
    edited(running, "('DE', 'AT')", "('DE', 'AT', 'CH')", FLAGS)

    applied(running)

    after = served(running).ruleset
    assert after.version == before.version + 1
    assert after.experiments[KEY].phase == before.experiments[KEY].phase + 1
    with home(running).registry() as registry:
        life = registry.state("shop", "production", KEY)
    assert life is not None
    assert life.phase == after.experiments[KEY].phase


def test_what_no_client_sees_publishes_nothing(running: Path) -> None:
    edited(
        running,
        "window: 3d, better: higher}",
        "window: 3d, better: higher}\n  paid: {kind: share, source: orders, better: higher}",
        "metrics/shop.yaml",
    )

    applied(running)

    assert served(running).ruleset.version == 1


def test_nothing_is_published_where_nothing_was_published_yet(anywhere: Path) -> None:
    edited(anywhere, "default: off", "default: on", FLAGS)

    applied(anywhere)

    with pytest.raises(SpecError, match="no ruleset of 'shop' was published"):
        served(anywhere)


@pytest.fixture
def unserved(running: Path) -> Path:
    """A flag that was changed beside an amendment that never came: files and registry agree on it."""
    edited(running, "default: off", "default: on", FLAGS)
    apply(running, lambda _: None, lambda: True, Wanted("with it", amending=frozenset({KEY})))
    return running


def test_a_ruleset_that_is_not_what_files_and_registry_say_is_told(unserved: Path) -> None:
    says = "ruleset 1, served in production, is not what the registry gives"

    found = compare(unserved)
    (looked,) = rulesets_examined(unserved, NOON)

    assert (found.difference.steps, found.same) == ((), False)
    assert [(one.says, one.next) for one in found.about.unserved] == [
        (says, "publish what it gives: splitrun apply --reason TEXT")
    ]
    assert (looked.fine, looked.says.startswith(says)) == (False, True)
    assert compare(unserved, "staging").same


def test_what_was_not_served_is_published_by_the_next_apply(unserved: Path) -> None:
    done = apply(unserved, lambda _: None, lambda: True, Wanted("at last"))

    assert dict(done.rulesets) == {"production": 2}
    assert [(one.verb, one.subject) for one in done.receipt.entries] == [("publish", "ruleset")]  # type: ignore[union-attr]  # told above
    assert served(unserved).ruleset.version == 2
    assert compare(unserved).same
    assert [one.fine for one in rulesets_examined(unserved, NOON)] == [True]
    assert apply(unserved, lambda _: None, lambda: True).receipt is None
    assert verify_log(unserved).fine


def test_a_ruleset_that_can_no_longer_be_made_is_told_with_why(running: Path) -> None:
    edited(running, "one: one}", "one: single}", FLAGS)
    announced = Wanted("a new deal", restarting=frozenset({KEY}))
    apply(running, lambda _: None, lambda: True, announced)

    (told,) = compare(running).about.unserved

    assert told.says.startswith("ruleset 1, served in production, is not what the registry gives: ")


def test_a_folder_without_project_or_registry_serves_nothing(tmp_path: Path) -> None:
    assert rulesets_examined(tmp_path, NOON) == ()
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    assert rulesets_examined(tmp_path, NOON) == ()


def test_a_phase_opens_with_a_reason_only(running: Path) -> None:
    edited(running, "('DE', 'AT')", "('DE', 'AT', 'CH')", FLAGS)

    with pytest.raises(RefusedError, match="a phase of one-page in production opens with this, and no"):
        apply(running, lambda _: None, lambda: True, desk=Desk(now=lambda: NOON))
