"""A backup that is older than what clients have, put back, and gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.lifecycle.serving import served
from splitrun.conduct.registry.log import log, verify_log
from splitrun.conduct.registry.place import URL
from splitrun.conduct.registry.upkeep import back_up, restore
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited
from tests.postgres import Server


def emptied(folder: Path, request: pytest.FixtureRequest, patched: pytest.MonkeyPatch) -> None:
    """Lose the database."""
    for file in (folder / "state").glob("registry.db*"):
        file.unlink()
    if "postgresql" in request.node.name:
        server: Server = request.getfixturevalue("postgres")
        patched.setenv(URL, server.database())


@pytest.mark.parametrize("headless", [False, True])
def test_what_is_done_after_a_restore_reaches_clients_that_had_seen_more(
    anywhere: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, *, headless: bool
) -> None:
    register(KEY, asked(anywhere))
    move(Verb.START, KEY, asked(anywhere))
    then = served(anywhere).ruleset
    back_up(anywhere / "backup", anywhere)
    for before, after in (("off", "on"), ("on", "off"), ("off", "on")):
        edited(anywhere, f"default: {before}", f"default: {after}", "flags/shop.yaml")
        applied(anywhere)
    newest = served(anywhere).ruleset
    emptied(anywhere, request, monkeypatch)
    if headless:  # as on a new machine: nobody knows what was lost
        (anywhere / "state" / "head.json").unlink()

    done = restore(anywhere / "backup", anywhere, "the disk died")
    back = served(anywhere).ruleset
    move(Verb.STOP, KEY, asked(anywhere))
    stopped = served(anywhere).ruleset

    assert done.lost == (0 if headless else 3)
    assert (then.version, newest.version) == (1, 4)
    assert newest.version < back.version < stopped.version
    assert (back.flags, back.experiments) == (then.flags, then.experiments)
    assert KEY not in stopped.experiments
    assert [one.verb for one in log(anywhere).entries][-2:] == ["restored", "stop"]
    assert verify_log(anywhere).fine
