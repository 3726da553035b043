"""The server's verbs: keys for its clients, flags that are killed, and how it begins and ends."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
import urllib3

from splitrun.cli.app import run
from splitrun.conduct.serving.access import access_of, first_access_keys, make_access_key
from splitrun.conduct.serving.settings import project_at
from splitrun.errors import SpecError
from tests.conduct.lifecycle.shop import laid
from tests.sdk.shop import eventually

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A project of which nothing was ever applied."""
    laid(tmp_path)
    return tmp_path


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], bare: Path) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run([*words, "--folder", str(bare)])
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_the_command_line_makes_lists_and_revokes_keys(splitrun: Run) -> None:
    assert "no API keys" in splitrun("api-keys", "list")[1]
    code, secret, _ = splitrun("api-keys", "new", "pages", "--scope", "evaluate")
    told = json.loads(splitrun("api-keys", "new", "shop", "--scope", "sdk", "--json")[1])
    assert (code, secret.startswith("sr_"), told["scopes"]) == (0, True, ["sdk"])
    listed = json.loads(splitrun("api-keys", "list", "--json")[1])["keys"]
    assert [one["name"] for one in listed] == ["pages", "shop"]
    assert secret.strip() not in json.dumps(listed)

    code, out, _ = splitrun("api-keys", "revoke", "pages", "--reason", "it leaked")

    assert (code, "(pages)" in out) == (0, True)
    assert "revoked" in splitrun("api-keys", "list")[1].splitlines()[0]
    assert (
        json.loads(splitrun("api-keys", "revoke", "shop", "--reason", "so too", "--json")[1])["revoked"]
        is not None
    )
    assert splitrun("api-keys", "revoke", "shop", "--reason", "twice")[0] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--scope", "sdc"), "sdk"),
        (("--scope", "sdk", "--environment", "prod"), "there is no environment 'prod'"),
    ],
)
def test_a_key_that_cannot_be_is_told(splitrun: Run, words: tuple[str, ...], says: str) -> None:
    code, _, err = splitrun("api-keys", "new", "pages", *words)

    assert code == 3
    assert says in err


def test_the_command_line_kills_and_tells_what_the_chain_does_not_know(splitrun: Run, bare: Path) -> None:
    code, out, _ = splitrun("kill", "checkout", "--reason", "it burns")
    assert (code, "everybody is served its default" in out) == (0, True)
    assert "was switched off before" in splitrun("kill", "checkout", "--reason", "it burns")[1]
    (bare / "state" / "registry.db").write_bytes(b"torn")

    told = json.loads(splitrun("unkill", "checkout", "--reason", "mended", "--json")[1])
    out = splitrun("kill", "search", "--reason", "it too")[1]

    assert (told["verb"], told["untold"] != "") == ("unkill", True)
    assert "the audit chain will be told later" in out


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        number: int = found.getsockname()[1]
    return number


@pytest.mark.parametrize("json_", [(), ("--json",)])
def test_the_command_line_serves_until_it_is_told_to_end(
    splitrun: Run, port: int, json_: tuple[str, ...]
) -> None:
    thread = Thread(target=ended, args=(port,))
    thread.start()
    code, out, _ = splitrun("serve", "--port", str(port), "--only", "web", *json_)
    thread.join()

    assert code == 0
    assert f"http://127.0.0.1:{port}" in out
    assert "sr_" in out


def test_keys_of_the_first_start_are_made_once_and_a_key_has_a_scope(bare: Path) -> None:
    assert [one.key.scopes for one in first_access_keys(bare)] == [("sdk", "ingest")]
    assert first_access_keys(bare) == ()
    assert len(access_of(bare).listed()) == 1
    with pytest.raises(SpecError, match="the key has no scope"):
        make_access_key("nothing", (), bare)


def test_the_first_key_is_told_in_the_form_of_any_other(splitrun: Run, bare: Path, port: int) -> None:
    thread = Thread(target=ended, args=(port,))
    thread.start()
    told = [*documents(splitrun("serve", "--port", str(port), "--only", "web", "--json")[1])]
    thread.join()

    (made,) = access_of(bare).listed()
    assert [one["form"] for one in told] == ["splitrun.api-key/1", "splitrun.serving/1"]
    assert (told[0]["id"], told[0]["scopes"]) == (made.id, ["sdk", "ingest"])
    listed = json.loads(splitrun("api-keys", "list", "--json")[1])["keys"][0]
    assert told[0].keys() - {"form", "key"} == listed.keys() - {"form"}


def documents(text: str) -> Iterator[dict[str, object]]:
    """Each JSON document of several, one after the other."""
    while text := text.lstrip():
        found, end = json.JSONDecoder().raw_decode(text)
        yield found
        text = text[end:]


def test_a_code_that_no_dead_letter_has_is_told(splitrun: Run) -> None:
    code, _, err = splitrun("replay", "--code", "lately")

    assert code == 3
    assert "did you mean 'late'?" in err


def ended(port: int) -> None:
    """End the server of this process once it answers."""
    address = f"http://127.0.0.1:{port}/livez"
    assert eventually(lambda: answered(address), 60.0)
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"there is no splitrun\.yaml"):
        project_at(tmp_path / "elsewhere")


def test_two_that_kill_at_once_tell_the_chain_one_after_the_other(splitrun: Run, bare: Path) -> None:
    (bare / "state").mkdir(exist_ok=True)
    with (bare / "state" / "kills.told").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        told = json.loads(splitrun("kill", "checkout", "--reason", "it burns", "--json")[1])

    assert told["untold"] == "another process is telling it"


def test_replay_says_that_there_is_nothing_to_send(splitrun: Run) -> None:
    assert splitrun("replay")[:2] == (0, "there are no dead letters\n")
    assert json.loads(splitrun("replay", "--look", "--json")[1]) == {
        "form": "splitrun.replay/1",
        "sent": {},
        "left": {},
    }


def answered(address: str) -> bool:
    try:
        return urllib3.request("GET", address, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
