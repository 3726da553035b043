from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL, actor_of, home

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPLITRUN_ACTOR", "ann")
    monkeypatch.delenv(URL, raising=False)
    return tmp_path


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], project: Path) -> Run:
    assert project.exists()

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_keys_are_made_listed_shown_and_retired(splitrun: Run) -> None:
    assert splitrun("keys", "list") == (
        0,
        "no keys; the first one is made with the first change, or by `splitrun keys new`\n",
        "",
    )
    assert splitrun("keys", "new", "one", "--reason", "begin")[0] == 0
    code, out, _ = splitrun("keys", "new", "two", "--json")
    made = json.loads(out)["keys"][0]
    assert (code, made["name"], made["announced"]) == (0, "two", True)
    assert splitrun("keys", "show", "two")[1].strip() == made["public"]
    assert json.loads(splitrun("keys", "show", "two", "--json")[1])["keys"][0]["public"] == made["public"]
    code, out, _ = splitrun("keys", "show", "none", "--json")
    assert (code, json.loads(out)["form"]) == (3, "splitrun.error/1")
    assert splitrun("keys", "retire", "nono", "--reason", "x")[0] == 3

    code, out, _ = splitrun("keys", "retire", "two", "--reason", "lost", "--actor", "bob")

    assert (code, "retired" in out) == (0, True)
    log = json.loads(splitrun("audit", "log", "--json")[1])
    said = [(one["entry"]["actor"], one["entry"]["verb"], one["entry"]["reason"]) for one in log["entries"]]
    assert said == [
        ("ann", "announce-key", "begin"),
        ("ann", "announce-key", "a new key"),
        ("bob", "retire-key", "lost"),
    ]
    assert splitrun("keys", "retire", "one", "--reason", "x")[0] == 5
    assert "announced" in splitrun("keys", "list")[1]


@pytest.mark.requirement("R77")
def test_the_log_is_read_verified_and_exported(splitrun: Run, project: Path) -> None:
    for name in ("one", "two", "three"):
        splitrun("keys", "new", name, "--reason", f"because {name}")

    code, out, _ = splitrun("audit", "log", "--limit", "2")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["2", "3"])
    assert [
        line.split()[0] for line in splitrun("audit", "log", "--since", "1", "--limit", "1")[1].splitlines()
    ] == ["2"]
    assert splitrun("audit", "log", "--project", "bank") == (0, "no entries\n", "")
    assert splitrun("audit", "verify")[1] == "3 entries and 3 rows verified, nothing was tampered with\n"
    assert splitrun("audit", "export")[1].count("\n") == 4
    assert json.loads(splitrun("audit", "export", "--out", "log.jsonl", "--json")[1])["files"] == [
        "log.jsonl"
    ]
    assert "wrote" in splitrun("audit", "export", "--out", "log.jsonl")[1]
    assert splitrun("audit", "export", "--out", "none/log.jsonl")[0] == 5
    lines = (project / "log.jsonl").read_text().splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == ["entry", "entry", "entry", "head"]


def test_a_log_that_was_tampered_with_ends_with_exit_code_4(splitrun: Run, project: Path) -> None:
    splitrun("keys", "new", "one")
    with closing(sqlite3.connect(project / "state" / "registry.db")) as connection:
        connection.executescript("DROP TRIGGER entries_no_update; UPDATE entries SET actor = 'eve'")

    code, out, _ = splitrun("audit", "verify")
    told = json.loads(splitrun("audit", "verify", "--json")[1])

    assert (code, told["fine"], told["faults"][0]["entry"]) == (4, False, 1)
    assert "entry 1: edited: 'announce-key' of 'key/one' by 'eve' is not what was written" in out


def test_a_new_machine_adopts_a_head_and_a_witness_keeps_one(splitrun: Run, project: Path) -> None:
    splitrun("keys", "new", "one")
    shutil.copy(project / "state" / "head.json", project / "witness.json")
    splitrun("keys", "new", "two")
    (project / "state" / "head.json").unlink()

    assert splitrun("audit", "verify")[0] == 4
    assert splitrun("keys", "new", "three")[0] == 5
    assert splitrun("audit", "verify", "--head", "witness.json")[0] == 0
    assert splitrun("audit", "verify", "--head", "nowhere.json")[0] == 5
    assert splitrun("audit", "verify", "--adopt")[0] == 0
    assert splitrun("keys", "new", "three")[0] == 0
    shutil.copy(project / "witness.json", project / "state" / "head.json")
    assert "the head was 2 entries behind" in splitrun("audit", "verify")[1]
    assert "behind" not in splitrun("audit", "verify")[1]


def test_a_registry_is_migrated_backed_up_and_restored(splitrun: Run, project: Path) -> None:
    assert splitrun("audit", "log")[0] == 5
    assert splitrun("migrate")[1] == "migrated the registry from nothing to 0002\n"
    assert json.loads(splitrun("migrate", "--json")[1])["after"] == "0002"
    assert "nothing to do" in splitrun("migrate")[1]
    assert splitrun("migrate", "--to", "0009")[0] == 5
    splitrun("keys", "new", "one")

    assert "everything up to entry 1" in splitrun("backup", "copy")[1]
    assert json.loads(splitrun("backup", "other", "--json")[1])["mark"] == 1
    assert splitrun("backup", "copy")[0] == 5
    splitrun("keys", "new", "two")
    for file in (project / "state").glob("registry.db*"):
        file.unlink()
    code, out, _ = splitrun("restore", "copy", "--reason", "the disk died")

    assert code == 0
    assert "restored 1 entries up to 1" in out
    assert "1 entries after the mark were known" in out
    assert splitrun("restore", "copy", "--reason", "again", "--json")[0] == 5
    assert splitrun("audit", "verify")[0] == 0
    assert "restored registry: the disk died" in splitrun("audit", "log")[1]


def test_the_registry_is_where_the_project_or_the_environment_says(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home(project).url == f"sqlite:///{project}/state/registry.db"
    (project / "splitrun.yaml").write_text("project: shop\nregistry: sqlite:///data/r.db\n")
    assert home(project).url == f"sqlite:///{project}/data/r.db"
    monkeypatch.setenv(URL, "postgresql://ann:very-secret@db/shop")
    assert home(project).url == "postgresql://ann:very-secret@db/shop"
    monkeypatch.setenv(URL, "no url")
    assert home(project).url == "no url"
    assert (actor_of("bob"), actor_of(None)) == ("bob", "ann")


def test_a_password_is_never_printed(splitrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "postgresql://ann:very-secret@127.0.0.1:1/shop?password=very-secret")
    for words in (
        ("audit", "verify"),
        ("keys", "new", "x"),
        ("migrate",),
        ("backup", "b"),
        ("audit", "log", "--json"),
    ):
        code, out, err = splitrun(*words)

        assert code == 5
        assert "very-secret" not in out + err


def test_a_folder_without_a_project_and_settings_with_mistakes_are_told(splitrun: Run, project: Path) -> None:
    (project / "splitrun.yaml").write_text("projekt: shop\n")
    assert splitrun("audit", "verify")[0] == 3
    (project / "splitrun.yaml").unlink()

    code, _, err = splitrun("audit", "verify")

    assert code == 3
    assert "there is no splitrun.yaml here or above" in err


@pytest.mark.requirement("R77")
def test_a_registry_whose_keys_are_gone_is_read_and_no_longer_written_to(
    splitrun: Run, project: Path
) -> None:
    splitrun("keys", "new", "second")
    kept = project / "kept"
    (project / "state" / "keys").rename(kept)

    code, _, says = splitrun("api-keys", "new", "web", "--scope", "sdk")
    other, _, _ = splitrun("keys", "new", "third")

    assert (code, "so nothing is written; put the key files back" in says) == (5, True)
    assert other == 5
    shutil.rmtree(project / "state" / "keys", ignore_errors=True)
    kept.rename(project / "state" / "keys")
    assert splitrun("audit", "verify")[0] == 0
