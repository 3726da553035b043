from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pytest

from splitrun.cli.app import EXITS, run
from splitrun.conduct.collecting.assembled import spool_of
from splitrun.conduct.doctor import room
from splitrun.errors import DataError, SpecError, SplitrunError
from splitrun.store.spool.counts import Note
from splitrun.store.spool.parcel import Origin, Parcel

ROOT = Path(__file__).parents[2]
BANDIT = str(ROOT / "examples" / "open-bandit" / "bandit.yaml")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_analyze_prints_the_readout(splitrun: Run) -> None:
    code, out, err = splitrun("analyze", BANDIT)

    assert code == 0
    assert "clicked rose by 0.23 pp" in out
    assert err == ""
    assert "\x1b" not in out


def test_analyze_prints_documented_json(splitrun: Run) -> None:
    code, out, _ = splitrun("analyze", BANDIT, "--json")

    assert code == 0
    assert json.loads(out)["form"] == "splitrun.readout/1"


def test_analyze_prints_the_sql_that_was_run(splitrun: Run) -> None:
    code, out, _ = splitrun("analyze", BANDIT, "--sql")

    assert code == 0
    assert "\n-- " in out
    assert "SELECT" in out


def test_analyze_writes_the_readout_as_page_and_markdown(splitrun: Run, tmp_path: Path) -> None:
    html, text = tmp_path / "readout.html", tmp_path / "readout.md"

    code, out, err = splitrun("analyze", BANDIT, "--html", str(html), "--markdown", str(text))

    assert (code, err) == (0, "")
    assert "clicked rose by 0.23 pp" in out
    assert out.endswith(f"\nwritten: {html}, {text}\n")
    assert "clicked rose by 0.23\xa0pp" in html.read_text(encoding="utf-8")
    assert "clicked rose by 0.23 pp" in text.read_text(encoding="utf-8")


def test_json_stays_json_when_a_page_is_written(splitrun: Run, tmp_path: Path) -> None:
    _, out, _ = splitrun("analyze", BANDIT, "--json", "--html", str(tmp_path / "readout.html"))

    assert json.loads(out)["form"] == "splitrun.readout/1"
    assert (tmp_path / "readout.html").exists()


def test_analyze_writes_over_no_file_of_another_kind(splitrun: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("mine")

    code, out, err = splitrun("analyze", BANDIT, "--html", str(mine))

    assert (code, out) == (3, "")
    assert "is no report of splitrun" in err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(("option", "value"), [("--memory", "10XB"), ("--timeout", "700000")])
def test_a_limit_that_cannot_be_kept_is_the_callers_mistake(splitrun: Run, option: str, value: str) -> None:
    code, _, err = splitrun("analyze", BANDIT, option, value)

    assert code == EXITS[SpecError]
    assert "is no" in err
    assert "fault of splitrun" not in err


def test_a_mistake_is_told_on_standard_error_and_by_the_exit_code(splitrun: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("kee: x\n")

    code, out, err = splitrun("analyze", str(broken))

    assert code == EXITS[SpecError] == 3
    assert out == ""
    assert f"{broken}:1:1: kee: " in err
    assert "did you mean `key`" in err.replace("'", "`")


def test_a_mistake_is_told_in_json_when_json_is_asked_for(splitrun: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("kee: x\n")

    code, out, _ = splitrun("lint", str(broken), "--json")

    told = json.loads(out)
    assert code == 3
    assert told["form"] == "splitrun.error/1"
    assert told["error"] == "SpecError"
    assert told["mistakes"][0]["place"] == {"file": str(broken), "line": 1, "column": 1}


def test_missing_data_has_an_exit_code_of_its_own(splitrun: Run, tmp_path: Path) -> None:
    lone = tmp_path / "lone.yaml"
    lone.write_text(Path(BANDIT).read_text())

    code, _, err = splitrun("analyze", str(lone))

    assert code == EXITS[DataError] == 4
    assert "there is no file 'impressions.csv'" in err
    told = json.loads(splitrun("analyze", str(lone), "--json")[1])
    assert (told["error"], told["mistakes"]) == ("DataError", [])
    assert told["says"] in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["analyse"], "No such command 'analyse'"),
        (["analyze", "--jsn"], "No such option"),
        (["analyze"], "Missing argument"),
        (["analyze", BANDIT, "--threads", "many"], "Invalid value for '--threads'"),
    ],
)
def test_wrong_words_are_told_with_the_usage(splitrun: Run, words: list[str], says: str) -> None:
    code, _, err = splitrun(*words)

    assert code == 2
    assert says in err
    assert "Usage:" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["analyse", "--json"], "Did you mean 'analyze'"),
        (["analyze", "--as_of", "--json"], "Possible options: --as-of"),
        (["lint", "--jsn", "--json"], "Possible options: --json"),
        (["analyze", "--json"], "Missing argument"),
    ],
)
def test_wrong_words_are_told_in_json_when_json_is_asked_for(
    splitrun: Run, words: list[str], says: str
) -> None:
    code, out, err = splitrun(*words)

    told = json.loads(out)
    assert (code, told["form"], told["error"]) == (2, "splitrun.error/1", "UsageError")
    assert says in told["says"]
    assert told["mistakes"][0]["next"] == "see what the verb takes: splitrun VERB --help"
    assert says in err


def test_every_error_has_an_exit_code() -> None:
    ours = {one for one in SplitrunError.__subclasses__() if one.__module__.startswith("splitrun.")}

    assert ours == set(EXITS)
    ours = {one for one in SplitrunError.__subclasses__() if one.__module__.startswith("splitrun.")}

    assert ours == set(EXITS)


def test_a_fault_of_ours_is_told_as_ours(splitrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splitrun.conduct.lint.lint", lambda _paths: 1 / 0)

    code, _, err = splitrun("lint")

    assert code == 1
    assert "this is a fault of splitrun" in err
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err
    assert json.loads(splitrun("lint", "--json")[1])["error"] == "Fault"


def test_a_fault_of_ours_shows_where_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPLITRUN_DEBUG", "1")
    monkeypatch.setattr("splitrun.conduct.lint.lint", lambda _paths: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run(["lint"])


def test_init_lint_new_and_schema_work_in_an_empty_folder(
    splitrun: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert splitrun("init")[0] == 0
    assert splitrun("lint")[1] == "4 files checked, no mistakes\n"
    assert splitrun("lint", "experiments/first.yaml")[1] == "1 file checked, no mistakes\n"
    assert splitrun("new", "buy-button", "--template", "revenue")[1].startswith(
        "wrote experiments/buy-button.yaml"
    )
    assert json.loads(splitrun("new", "other", "--json")[1])["files"] == ["experiments/other.yaml"]
    assert splitrun("new", "--flag", "dark-mode")[1].startswith(
        "wrote flags/dark-mode.yaml\n\nnext: say in it"
    )
    assert "keep one of them" in splitrun("new", "--flag", "x", "-t", "revenue")[2]
    told = json.loads(splitrun("lint", "--json")[1])["mistakes"]
    assert {mistake["path"] for mistake in told} == {"hypothesis.change", "hypothesis.because"}
    assert json.loads(splitrun("schema")[1])["title"] == "splitrun experiment"
    assert "wrote .splitrun/metrics.schema.json" in splitrun("schema", "--write", ".")[1]
    assert splitrun("schema", "--json")[1] == splitrun("schema")[1]
    told = json.loads(splitrun("schema", "--write", ".", "--json")[1])
    assert (told["form"], len(told["files"])) == ("splitrun.files/1", 5)
    assert splitrun("schema", "nonsense")[0] == 3
    assert json.loads(splitrun("schema", "ruleset")[1])["title"] == "splitrun ruleset"


def test_init_says_how_to_go_on_from_another_folder(
    splitrun: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "cd shop && splitrun lint" in splitrun("init", "shop")[1]
    assert "shop/splitrun.yaml" in json.loads(splitrun("init", "other", "--json")[1])["files"][0].replace(
        "other", "shop"
    )


def test_version_and_help_are_there(splitrun: Run) -> None:
    assert splitrun("--version")[1].startswith("splitrun ")
    for verb in ("analyze", "lint", "init", "new", "schema", "doctor"):
        code, out, _ = splitrun(verb, "--help")
        assert code == 0
        assert "Usage:" in out


def test_doctor_answers_in_words_and_json(splitrun: Run) -> None:
    code, out, _ = splitrun("doctor")
    told = json.loads(splitrun("doctor", "--json")[1])

    assert code == 0
    assert "DuckDB runs locked down" in out
    assert {one["name"] for one in told["examinations"]} >= {"python", "engine", "numpy"}


def test_doctor_looks_whether_the_disk_has_room(splitrun: Run, tmp_path: Path) -> None:
    code, out, _ = splitrun("doctor", "--folder", str(tmp_path / "nowhere"))

    assert room(tmp_path, least=0).fine
    full = room(tmp_path, least=2**80)
    assert (full.fine, "make room there" in full.says) == (False, True)
    assert (code, "cannot be looked at" in out) == (1, True)


def test_doctor_in_a_project_tells_what_became_of_events(splitrun: Run, tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    now = datetime.now(UTC)
    spool = spool_of(tmp_path)
    note = Note("shop", "production", "test/1", "rejected: unit", 7, time.time_ns(), "the unit's id is empty")
    with spool.connection() as write:
        spool.keep(
            write, [Parcel(Origin("shop", "production", "web", time.time_ns()), 0, b"", notes=(note,))]
        )

    code, out, _ = splitrun("doctor", "--folder", str(tmp_path))
    told = json.loads(splitrun("doctor", "--folder", str(tmp_path), "--json")[1])

    assert code == 0
    assert re.search(r"ok +events +since \S+: 7 rejected\n", out)
    assert f"warning: 7 rejected: unit in production, {now:%Y-%m-%d}" in out
    assert "  the unit's id is empty\n  next: leave events out where there is no unit" in out
    assert told["quality"]["warnings"][0]["events"] == 7
    assert {one["name"] for one in told["examinations"]} >= {"events", "freshness", "spool", "heartbeats"}


def test_a_terminal_of_eighty_columns_is_not_overrun() -> None:
    # progress goes to standard error, which may be a terminal too; here it is not the one looked at
    quiet = f"{sys.executable} -m splitrun analyze {BANDIT} 2>/dev/null"
    child = pexpect.spawn("/bin/sh", ["-c", quiet], dimensions=(50, 80), encoding="utf-8", timeout=60)
    child.expect(pexpect.EOF)
    # progress, shown on a slow machine, draws over its own line; each drawing counts as a line
    drawn = re.split(r"\n|\x1b\[2K", str(child.before).replace("\r", ""))
    lines = [re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", line) for line in drawn]

    assert any("clicked rose by" in line for line in lines)
    assert max(len(line) for line in lines) <= 80


def test_a_terminal_that_knows_only_ascii_gets_a_readout() -> None:
    seen = subprocess.run(
        [sys.executable, "-m", "splitrun", "analyze", BANDIT],
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
    )

    assert b"clicked rose by" in seen.stdout
    seen.stdout.decode("ascii")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "splitrun", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()

        assert writer.stderr.read() == b""


def test_a_step_is_shown_when_work_takes_longer_than_a_second() -> None:
    program = (
        "import time, splitrun.cli.waiting as console; console.PATIENCE = 0.05\n"
        "with console.desk() as desk: desk.progress('measuring'); time.sleep(0.5); desk.progress('judging')\n"
    )
    child = pexpect.spawn(sys.executable, ["-c", program], encoding="utf-8", timeout=60)
    child.expect("measuring")
    child.expect(pexpect.EOF)

    child.close()
    assert child.exitstatus == 0


def test_nothing_spins_without_a_terminal() -> None:
    program = (
        "import time, splitrun.cli.waiting as console; console.PATIENCE = 0.05\n"
        "with console.desk() as desk: desk.progress('measuring'); time.sleep(0.3)\n"
    )

    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert seen.stdout == seen.stderr == ""
