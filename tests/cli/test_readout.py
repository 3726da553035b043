"""`splitrun readout`, and `splitrun analyze` beside a sealed plan, as people call them (fault S18)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, looks, project, seal

Run = Callable[..., tuple[int, str, str]]

AS_OF = AFTER.isoformat()
ALPHA = ("planned_units: 400", "planned_units: 400, alpha: 0.1")
SQL = ('where: "amount > 0"', 'where: "amount > 1"')
WINDOW = ('where: "amount > 0", window: 1d', 'where: "amount > 0", window: 2d')
MARGIN = ("margin: 5pp", "margin: 9pp")
SEGMENT = ("{country: {values: country}}", "{country: {values: country}, old: {when: tenure > 45}}")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv("SPLITRUN_ACTOR", "ann")
    return found


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_a_readout_is_printed_kept_and_logged(file: Path, splitrun: Run, tmp_path: Path) -> None:
    seal(file)

    words = (
        "--as-of",
        AS_OF,
        "--reason",
        "review",
        "--html",
        "r.html",
        "--markdown",
        "r.md",
        "--actor",
        "bob",
    )
    code, out, _ = splitrun("readout", "checkout", *words)

    assert code == 0
    assert "Registered 2026-11-02 by ann" in out
    for name in ("r.html", "r.md"):
        assert "Registered 2026-11-02 by ann" in (tmp_path / name).read_text()
    assert [(entry.actor, entry.reason) for entry in looks(file)] == [("bob", "review")]


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        (ALPHA, "analysis.alpha"),
        (SQL, "metrics.bought.where"),
        (WINDOW, "metrics.bought.window"),
        (MARGIN, "metrics.refunds.guardrail.margin.value"),
        (SEGMENT, "segments.old"),
    ],
    ids=["alpha", "sql", "window", "margin", "segment"],
)
def test_a_file_that_deviates_from_what_was_sealed_is_marked(
    file: Path, splitrun: Run, change: tuple[str, str], field: str
) -> None:
    seal(file)
    file.write_text(EXPERIMENT.replace(*change))

    code, out, _ = splitrun("analyze", str(file), "--as-of", AS_OF, "--json")

    said = json.loads(out)
    assert code == 0
    assert field in [one["field"] for one in said["registration"]["deviations"]]
    assert field in [name for one in said["estimates"] for name in one["exploratory"]]
    assert any(field in sentence for sentence in said["post_hoc"])


def test_an_unknown_experiment_leaves_with_the_code_of_a_file_to_mend(file: Path, splitrun: Run) -> None:
    seal(file)

    code, out, err = splitrun("readout", "nobody", "--json")

    assert code == 3
    assert json.loads(out)["error"] == "SpecError"
    assert "splitrun register nobody" in err
