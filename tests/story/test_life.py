"""One experiment from its files to the archive, through the command line, on each database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL, home
from splitrun.sdk.client import Client
from tests.conduct.lifecycle.shop import edited, exposed, laid
from tests.postgres import Server

Run = Callable[..., tuple[int, str]]

REFUSED = 7
"""The exit code of a step that a rule does not allow."""


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The files of a project, and a registry nobody wrote to."""
    monkeypatch.delenv(URL, raising=False)
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        monkeypatch.setenv(URL, server.database())
    monkeypatch.setenv("SPLITRUN_ACTOR", "ann")
    laid(tmp_path)
    edited(tmp_path, "owner: payments\n", "owner: payments\nsignoffs: [bob]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out if not left.value.code else seen.out + seen.err

    return called


def told(splitrun: Run, *words: str) -> dict[str, object]:
    """What a verb answers in JSON."""
    code, out = splitrun(*words, "--json")
    assert code == 0, out
    found: dict[str, object] = json.loads(out)
    return found


def because(reason: str) -> tuple[str, str]:
    return "--reason", reason


@pytest.mark.requirement("R08", "R12", "R55", "R56", "R62", "R67")
def test_an_experiment_lives_from_its_files_to_the_archive(shop: Path, splitrun: Run) -> None:
    write_and_apply(splitrun)
    plan = register(splitrun)
    start(shop, splitrun, plan)
    amend(shop, splitrun)
    readout = look(shop, splitrun)
    stop_and_decide(splitrun, readout)
    archive(splitrun)


def write_and_apply(splitrun: Run) -> None:
    """Files, lint, diff, apply; nothing can be registered before it is applied."""
    assert splitrun("migrate")[0] == 0
    code, said = splitrun("register", "one-page", *because("ready"))
    assert (code, said) == (
        3,
        "the registry holds nothing of project 'shop' yet; run `splitrun apply` first\n",
    )
    assert splitrun("lint")[0] == 0
    code, said = splitrun("diff", "--check")
    assert code == 8
    assert "+ experiment one-page" in said
    code, said = splitrun("apply", "--yes", *because("the first experiments"))
    assert code == 0, said
    assert splitrun("diff", "--check")[0] == 0
    first = told(splitrun, "status")["experiments"]
    assert isinstance(first, list)
    assert [one["state"] for one in first] == ["draft", "draft"]


def register(splitrun: Run) -> str:
    """Plan shows what will be sealed; register seals it; the steps before and after are refused."""
    code, said = splitrun("plan", "one-page")
    assert code == 0, said
    code, said = splitrun("start", "one-page", *because("go"))
    assert (code, said) == (
        REFUSED,
        (
            "open: one-page is draft, and start is not open to it; register it first: splitrun register "
            "one-page --reason TEXT\n"
        ),
    )
    code, said = splitrun("register", "one-page", *because(" "))
    assert code == REFUSED
    assert said.startswith("reason: no reason is given to register; say why with --reason")
    sealed = told(splitrun, "register", "one-page", *because("reviewed on monday"))
    assert (sealed["state"], sealed["version"]) == ("registered", 1)
    assert f"{sealed['plan']}"[:19] in splitrun("plan", "one-page")[1]
    return f"{sealed['plan']}"


def start(shop: Path, splitrun: Run, plan: str) -> None:
    """Bob must sign off what ann sealed; then clients take a signed ruleset."""
    code, said = splitrun("start", "one-page", *because("go"))
    assert code == REFUSED
    assert said.startswith(
        f"signed_off: the plan {plan} of one-page is not signed off by bob; have them run:"
    )
    code, said = splitrun("sign-off", "one-page", "--digest", plan, *because("i wrote it"))
    assert code == REFUSED
    assert said.startswith("named: ann is not asked to sign off one-page; asked is bob")
    told(splitrun, "sign-off", "one-page", "--digest", plan, "--actor", "bob", *because("read it"))
    begun = told(splitrun, "start", "one-page", *because("the release is out"))
    assert (begun["state"], begun["phase"], begun["ruleset"]) == ("running", 1, 1)
    code, document = splitrun("ruleset", "--published")
    assert code == 0
    keys = {one.name: one.public for one in home(shop).keys.listed()}
    with Client(ruleset=document.strip().encode(), verify=keys) as client:
        assert client.evaluate("checkout", "u1", {"country": "DE"}).ruleset == 1


def amend(shop: Path, splitrun: Run) -> None:
    """What runs is not changed by applying; an amendment changes it, but never who gets what."""
    edited(shop, "one: {serve: one}}\nexp", "one: {serve: one, weight: 3}}\nexp")
    assert splitrun("diff", "--check")[0] == 7
    code, said = splitrun("amend", "one-page", *because("more of it"))
    assert code == REFUSED
    assert said.startswith("fixed: experiment 'one-page' is running in production: ")
    assert said.endswith("then `splitrun restart one-page`\n")
    edited(shop, "one: {serve: one, weight: 3}}\nexp", "one: {serve: one}}\nexp")
    edited(shop, "coverage: 50%", "coverage: 80%")
    code, said = splitrun("apply", "--yes")
    assert (code, "splitrun amend one-page" in said) == (REFUSED, True)
    amended = told(splitrun, "amend", "one-page", *because("the first day was quiet"))
    assert (amended["phase"], amended["ruleset"]) == (2, 2)
    assert amended["notes"] == [
        "amends delivery.coverage",
        "what was planned stays confirmatory: nothing it changes had been seen",
    ]
    assert splitrun("diff", "--check")[0] == 0
    assert told(splitrun, "pause", "one-page", *because("an incident"))["phase"] == 3
    code, said = splitrun("observe", "one-page", "--environment", "stagin", *because("full"))
    assert (code, "did you mean 'staging'" in said) == (3, True)
    assert told(splitrun, "resume", "one-page", *because("mended"))["phase"] == 4
    assert told(splitrun, "observe", "one-page", *because("enough units"))["state"] == "observing"


def look(shop: Path, splitrun: Run) -> str:
    """Exposures have come in; the look is recorded, and what is amended after it is exploratory."""
    exposed(shop)
    code, said = splitrun("readout", "one-page")
    assert code == 0, said
    code, said = splitrun("audit", "log", "--json")
    entries = [one["entry"] for one in json.loads(said)["entries"]]
    looks = [one for one in entries if one["verb"] == "look"]
    assert len(looks) == 1
    edited(shop, "mei: 10pp", "mei: 11pp")
    moved = told(splitrun, "amend", "one-page", *because("finance asked"))
    assert "effects had been seen" in str(moved["notes"])
    found = re.search(r"sha256:[0-9a-f]{64}", str(looks[0]["content"]["readout"]))
    assert found is not None
    return found[0]


def stop_and_decide(splitrun: Run, readout: str) -> None:
    """It is stopped before it is decided, and decided before it is put away."""
    decision = ("decide", "one-page", "--decision", "ship", "--readout")
    code, said = splitrun(*decision, readout, *because("a clear win"))
    assert (code, said) == (
        REFUSED,
        (
            "open: one-page is observing, and decide is not open to it; stop it first: splitrun stop "
            "one-page --reason TEXT\n"
        ),
    )
    assert told(splitrun, "stop", "one-page", *because("all windows passed"))["ruleset"] is not None
    code, said = splitrun("archive", "one-page", *because("done"))
    assert code == REFUSED
    assert said.startswith("open: one-page is stopped, and archive is not open to it; decide it first:")
    code, said = splitrun(*decision, "sha256:0", *because("a clear win"))
    assert code == REFUSED
    assert said.startswith("looked: 'sha256:0' is the digest of no readout of one-page, version 1;")
    assert told(splitrun, *decision, readout, *because("a clear win"))["notes"] == ["decided: ship"]


def archive(splitrun: Run) -> None:
    """It is put away for good, its whole life is told, and the chain verifies."""
    assert told(splitrun, "archive", "one-page", *because("shipped"))["state"] == "archived"
    code, said = splitrun("restart", "one-page", *because("again"))
    assert (code, said) == (
        REFUSED,
        (
            "open: one-page is archived, and cannot restart any more; that is for good; write a new "
            "experiment that says `extends: one-page`\n"
        ),
    )
    code, said = splitrun("status", "one-page")
    assert code == 0
    assert [line.split()[2] for line in said.split("steps\n")[1].split("\n\n")[0].splitlines()] == [
        *("register", "sign-off", "start", "amend", "pause", "resume", "observe", "amend", "stop"),
        *("decide", "archive"),
    ]
    assert "version 1, amendment 2" in said
    assert "decided: ship" in said
    assert "one-page    archived" in splitrun("status")[1]
    code, said = splitrun("audit", "verify")
    assert code == 0, said


def test_a_refusal_is_told_to_programs_with_its_rule(shop: Path, splitrun: Run) -> None:
    assert shop.is_dir()
    splitrun("migrate")
    splitrun("apply", "--yes")

    code, said = splitrun("stop", "one-page", "--reason", "x", "--json")

    error, _ = json.JSONDecoder().raw_decode(said)
    assert (code, error["error"]) == (REFUSED, "RefusedError")
    assert error["mistakes"][0]["path"] == "open"
    assert error["mistakes"][0]["next"] == "register it first: splitrun register one-page --reason TEXT"
