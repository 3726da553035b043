from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from splitrun.conduct.registry.keys import make_key
from splitrun.conduct.registry.log import log
from splitrun.conduct.registry.place import URL
from splitrun.conduct.serving.access import access_keys, access_of, make_access_key, revoke_access_key
from splitrun.errors import SpecError, StoreError
from tests.postgres import Server

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(params=["sqlite", "postgresql"])
def database(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """An empty one, which programs that are started use too."""
    monkeypatch.delenv(URL, raising=False)
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        monkeypatch.setenv(URL, server.database())


def ran(program: str, folder: Path, kills: int, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.conduct.lifecycle.{program}", str(folder), str(kills), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.requirement("R08")
@pytest.mark.usefixtures("database")
def test_every_step_that_is_killed_in_the_middle_can_be_repeated(tmp_path: Path) -> None:
    done = ran("walker", tmp_path, 4)

    assert done == [
        *("register", "approve", "sign-off", "start", "pause", "resume", "amend", "observe", "stop"),
        *("decide", "restart", "archive", "invalidate"),
    ]


@pytest.mark.requirement("R08")
@pytest.mark.usefixtures("database")
def test_every_verb_around_a_life_that_is_killed_in_the_middle_can_be_repeated(tmp_path: Path) -> None:
    done = ran("chores", tmp_path, 4)

    assert done == [
        *("migrate", "apply", "keys new", "keys retire", "api-keys new", "api-keys revoke"),
        *("kill", "unkill", "restore"),
    ]


@pytest.mark.requirement("R08")
@pytest.mark.usefixtures("database")
def test_apply_that_is_killed_on_an_empty_database_can_be_repeated(tmp_path: Path) -> None:
    done = ran("chores", tmp_path, 2, "straight")

    assert done[0] == "apply"


def test_a_key_that_the_chain_cannot_tell_of_opens_nothing(anywhere: Path) -> None:
    make_key("second", anywhere, "rotation")
    for file in (anywhere / "state" / "keys").glob("*.pem"):
        file.unlink()

    with pytest.raises(StoreError):
        make_access_key("web", ["sdk"], anywhere)

    assert access_keys(anywhere) == ()


def test_a_key_that_was_revoked_without_a_word_is_told_when_it_is_revoked_again(anywhere: Path) -> None:
    made = make_access_key("web", ["sdk"], anywhere).key
    access_of(anywhere).revoke(made.id, "2026-11-22T08:00:00+00:00")

    revoke_access_key("web", anywhere, "it leaked")

    assert log(anywhere).entries[-1].subject == f"api-key/{made.id}"
    with pytest.raises(SpecError, match="no key 'web' in use"):
        revoke_access_key("web", anywhere, "it leaked")
