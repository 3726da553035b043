"""What people may ask for, at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli import verbs
from splitrun.cli.app import run
from splitrun.conduct.data.proving import Kept, Proof
from tests.conduct.people.shop import event, exposure, found, project, send, stored

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project(tmp_path / "shop")
    stored(tmp_path / "shop", send([event(1, "canary-1"), event(2, "other"), exposure(3, "canary-1")]))
    return tmp_path / "shop"


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], root: Path) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run([*words, "--folder", str(root)])
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


@pytest.mark.requirement("R79")
def test_a_unit_opts_out_and_in_again(splitrun: Run) -> None:
    code, says, _ = splitrun("opt-out", "canary-1")
    assert (code, says) == (0, "1 of 1 opted out; the others were out before\n")
    told = json.loads(splitrun("opt-out", "canary-1", "--undo", "--json")[1])
    assert told == {"form": "splitrun.opted/1", "units": 1, "changed": 1, "state": "in"}
    assert splitrun("opt-out")[0] == 3


@pytest.mark.requirement("R78")
def test_a_unit_is_forgotten_and_everything_of_it_was_given_before(splitrun: Run, root: Path) -> None:
    file = root.parent / "canary.json"
    code, says, _ = splitrun("subject-export", "canary-1", "--reason", "request 6", "--out", str(file))
    assert (code, says) == (0, f"wrote {file}, readable for its owner only\n")
    assert file.stat().st_mode & 0o077 == 0
    kept = json.loads(file.read_text())
    assert (len(kept["events"]), len(kept["exposures"])) == (1, 1)
    assert (
        json.loads(splitrun("subject-export", "canary-1", "--reason", "again")[1])["unit"]["id"] == "canary-1"
    )
    assert splitrun("subject-export", "canary-1", "--reason", "more", "--out", str(file))[0] == 5

    names = root.parent / "names.txt"
    names.write_text("canary-1\n")
    code, says, _ = splitrun("forget", "--file", str(names), "--reason", "request 7", "--backups", "7")
    assert code == 0
    assert "forgot 1 unit: 2 rows of the lake, 0 events that waited for it, 0 dead letters" in says
    assert "the certificate is entry" in says
    assert found(root, ["canary-1"]) == []
    told = json.loads(splitrun("forget", "canary-1", "--reason", "request 7", "--json")[1])
    assert told["form"] == "splitrun.forgotten/1"
    assert splitrun("opt-out", "canary-1", "--undo")[0] == 7
    assert splitrun("forget", "canary-1", "--reason", "canary-1 asked")[0] == 3


def test_the_type_of_a_unit_is_asked_for_where_there_are_several(splitrun: Run, root: Path) -> None:
    project(root, "units: {user: {}, device: {}}\n")

    assert "the project has several types of units" in splitrun("opt-out", "a")[2]
    assert "there is no type of unit 'devise'" in splitrun("opt-out", "a", "--type", "devise")[2]
    assert splitrun("opt-out", "a", "--type", "device")[0] == 0
    (root.parent / "latin.txt").write_bytes(b"Andr\xe9\n")
    assert "write one id a line, in UTF-8" in splitrun("opt-out", "--file", str(root.parent / "latin.txt"))[2]


@pytest.mark.parametrize(("older", "code"), [(0, 0), (2, 1)])
def test_what_is_kept_too_long_is_told_with_what_to_do(
    splitrun: Run, monkeypatch: pytest.MonkeyPatch, older: int, code: int
) -> None:
    kept = Kept("lake/events", "production", "3 days", 4, "2026-11-20T08:00:00+00:00", older)
    monkeypatch.setattr(verbs, "proved", lambda *_: Proof("2026-11-24", (kept,), 0), raising=False)

    left, says, _ = splitrun("retention")

    assert left == code
    assert ("next: keep `splitrun serve`" in says) == bool(older)


def test_lists_and_units_that_nothing_is_kept_of_are_told(splitrun: Run) -> None:
    assert "byte for byte?" in splitrun("forget", "nobody", "--reason", "request 9")[1]
    assert "byte for byte?" not in splitrun("forget", "canary-1", "--reason", "request 9")[1]
