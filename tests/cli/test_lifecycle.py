"""What the verbs of a life print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL
from tests.conduct.lifecycle.shop import applied, edited, exposed, laid, look

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv("SPLITRUN_ACTOR", "ann")
    monkeypatch.chdir(laid(tmp_path))
    edited(tmp_path, "owner: payments\n", "owner: payments\nsignoffs: [bob]\n")
    applied(tmp_path)
    return tmp_path


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_a_step_tells_where_the_experiment_stands_and_what_comes_next(shop: Path, splitrun: Run) -> None:
    assert shop.is_dir()
    code, out, _ = splitrun("register", "one-page", "--reason", "ready")
    lines = out.splitlines()
    plan = lines[1].split()[1]

    assert (code, lines[0]) == (0, "one-page is registered in production: version 1")
    assert plan.startswith("sha256:")
    assert lines[-1] == "next: splitrun start one-page --reason TEXT"
    again = splitrun("register", "one-page", "--reason", "ready")[1]
    assert again.startswith(
        "one-page is registered in production: version 1 (register was done before; nothing was written)"
    )
    assert "entry" not in again
    assert splitrun("approve", "one-page", "--for", "start", "--digest", plan, "--reason", "x")[0] == 7
    splitrun("sign-off", "one-page", "--digest", plan, "--reason", "read", "--actor", "bob")
    out = splitrun("start", "one-page", "--reason", "go")[1]
    assert out.startswith("one-page is running in production: version 1, phase 1\n")
    assert "  ruleset  1 of production is published, signed\n" in out


@pytest.mark.requirement("R67")
def test_status_tells_all_and_one(shop: Path, splitrun: Run) -> None:
    exposed(shop, days=1)
    splitrun("register", "one-page", "--reason", "ready", "--late", "found it so")
    plan = json.loads(splitrun("status", "one-page", "--json")[1])["plans"][0]
    digest = plan["digest"]
    splitrun("sign-off", "one-page", "--digest", digest, "--reason", "read", "--actor", "bob")
    splitrun("start", "one-page", "--reason", "go")
    readout = look(shop)
    edited(shop, "mei: 10pp", "mei: 12pp")
    splitrun("amend", "one-page", "--reason", "more")
    splitrun("stop", "one-page", "--reason", "enough")
    splitrun("decide", "one-page", "--decision", "ship", "--readout", readout, "--reason", "x")
    splitrun("restart", "one-page", "--reason", "again")

    code, out, _ = splitrun("status", "one-page")
    listed = splitrun("status", "--json")

    assert code == 0
    assert out.startswith("one-page · A checkout on one page\n  registered in production since ")
    assert "version 2; owner payments" in out
    assert "  must be signed off by bob\n" in out
    assert "late: found it so" in out
    assert "exploratory where amended" in out
    assert out.count("in force") == 2
    assert plan["facts"]["exposures"] == 24
    assert json.loads(listed[1])["experiments"][0]["state"] == "registered"
    assert [line.split()[:2] for line in splitrun("status")[1].splitlines()[1:]] == [
        ["experiment", "state"],
        ["one-page", "registered"],
        ["ranked", "draft"],
    ]


def test_the_published_ruleset_is_printed_and_written(shop: Path, splitrun: Run) -> None:
    assert splitrun("ruleset", "--published")[0] == 3
    edited(shop, "signoffs: [bob]\n", "")
    applied(shop)
    splitrun("register", "one-page", "--reason", "ready")
    splitrun("start", "one-page", "--reason", "go")

    code, out, _ = splitrun("ruleset", "--published", "--out", "r.json", "--json")

    told = json.loads(out)
    assert (code, told["version"], told["experiments"], told["new"]) == (0, 1, 1, True)
    assert splitrun("ruleset", "--published")[1].strip() == (shop / "r.json").read_text()
