from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.serving import served
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.serving.published import delivery
from splitrun.errors import SpecError
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.conftest import anywhere
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited

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
