"""`splitrun baseline` and `splitrun plan`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL
from splitrun.report.printable import columns
from splitrun.spec.power.baselines import read_baselines
from tests.conduct.planning.worlds import EXPERIMENT, PAST, SETTINGS, project

Run = Callable[..., tuple[int, str, str]]
PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
LOOK = ("baseline", "checkout", "--units", "visits", "--from", "2026-02-01", "--until", "2026-02-15")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(URL, raising=False)
    project(tmp_path)
    return tmp_path


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], shop: Path) -> Run:
    assert shop.exists()

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


@pytest.mark.requirement("R06")
def test_history_is_told_and_kept_for_power_and_plan(splitrun: Run, shop: Path) -> None:
    code, out, _ = splitrun(*LOOK)

    file = shop / "baselines" / "checkout.yaml"
    kept = read_baselines(file.read_text(), "checkout.yaml").value
    assert code == 0
    assert "units of visits from 2026-02-01 until 2026-02-15 (14 days)" in out
    assert "! p90 is not known" in out
    assert "written: baselines/checkout.yaml" in out
    assert all(columns(line) <= 100 for line in out.splitlines())
    assert set(kept.metrics) == {"bought", "revenue", "basket"}
    assert kept.until == "2026-02-15"
    assert "planned end after 21 days" in splitrun("power", "experiments/checkout.yaml")[1]
    assert "old_baselines" in splitrun("power", "experiments/checkout.yaml")[1]


def test_what_is_kept_is_what_was_measured_to_six_digits(splitrun: Run, shop: Path) -> None:
    whole = json.loads(splitrun(*LOOK, "--json")[1])

    kept = read_baselines((shop / "baselines" / "checkout.yaml").read_text(), "checkout.yaml").value
    assert whole["file"] == "baselines/checkout.yaml"
    assert whole["form"] == "splitrun.baselines/1"
    assert kept.units_per_day == pytest.approx(whole["units_per_day"], rel=1e-5)
    for key, known in kept.metrics.items():
        assert known.r2 == pytest.approx(whole["metrics"][key]["r2"], rel=1e-5)
    assert not [name for name in (*whole, *whole["unknown"][0]) if f"`{name}`" not in PAGE]


def test_nothing_is_written_where_nobody_wants_it(splitrun: Run, shop: Path) -> None:
    code, out, _ = splitrun(*LOOK, "--no-write")

    assert code == 0
    assert "written" not in out
    assert not (shop / "baselines").exists()


def test_a_past_experiment_is_measured_by_its_control(splitrun: Run, shop: Path) -> None:
    rows = [
        f"{user},{'green' if user % 4 else 'control'},{user % 7},1,2026-01-1{2 + user % 7}T08:00:00Z"
        for user in range(900)
    ]
    (shop / "data" / "spring.csv").write_text("\n".join(["user_id,arm,city,tenure,at", *rows]) + "\n")
    (shop / "experiments" / "spring.yaml").write_text(PAST)

    code, out, _ = splitrun("baseline", "checkout", "--past", "experiments/spring.yaml")

    assert code == 0
    assert out.startswith("900 units of experiment spring from 2026-01-12 until 2026-01-19 (7 days)")
    assert "metrics are those of its control, 225 units" in out
    assert "icc" in out


def test_an_experiment_is_named_by_file_or_key(splitrun: Run) -> None:
    code, _, err = splitrun("plan", "chekout")
    assert (code, "did you mean 'checkout'" in err) == (3, True)

    code, _, err = splitrun("plan", "experiments/none.yaml")
    assert (code, "there is no such file" in err) == (3, True)


@pytest.mark.requirement("R01")
@pytest.mark.requirement("R05")
def test_a_plan_is_shown_in_words_before_it_is_sealed(splitrun: Run) -> None:
    splitrun(*LOOK)

    code, out, _ = splitrun("plan", "checkout", "--start", "2026-03-02")

    told = " ".join(out.split())
    assert code == 0
    assert out.startswith("One-page checkout: one-page against control\ncan be registered\n")
    assert all(columns(line) <= 128 for line in out.splitlines())
    for words in (
        "changes the checkout is one page instead of three",
        "reviewers Ada",
        "sign-offs Cleo",
        "expected bought higher by at least 9 pp",
        "effects are read at 2 planned looks, the last at the planned end, 21d after the first exposure",
        "revenue is watched: harm beyond 40 % of control: roll back",
        "2 21d 2026-03-23 100%",
        "eligible units each day",
        "digest sha256:",
    ):
        assert words in told


@pytest.mark.requirement("R07")
def test_a_plan_that_cannot_be_sealed_says_why_first_and_what_to_do(splitrun: Run, shop: Path) -> None:
    (shop / "splitrun.yaml").write_text(SETTINGS + "policy: {duration: {min: 28d}, approvals: {start: 9}}\n")

    code, out, _ = splitrun("plan", "checkout")

    lines = out.splitlines()
    assert code == 0
    assert lines[1] == "cannot be registered yet: 3 things stand in the way"
    assert "! baselines: nothing is known of 'bought'" in out
    assert "! duration.enrol (minimum_duration): 14d is shorter than 28d" in out
    assert "too little is known to say how many units and days it takes" in out
    assert "nothing; measure history with `splitrun baseline`" in out


@pytest.mark.requirement("R05")
def test_json_has_its_documented_form_and_the_plan_that_would_be_sealed(splitrun: Run, shop: Path) -> None:
    (shop / "experiments" / "checkout.yaml").write_text(EXPERIMENT + "waivers: {underpowered: a pilot}\n")
    splitrun(*LOOK)

    found = json.loads(splitrun("plan", "checkout", "--json", "--start", "2026-03-02")[1])

    assert (found["form"], found["ready"]) == ("splitrun.plan-view/1", True)
    assert found["plan"]["form"] == "splitrun.plan/1"
    assert found["plan"]["baselines"]["until"] == "2026-02-15"
    assert found["waivers"] == {"underpowered": "a pilot"}
    assert found["looks"][-1] == {"look": 2, "after": "21d", "on": "2026-03-23"}
    assert found["signoffs"] == ["Cleo"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["digest"])
    assert found["forecast"]["form"] == "splitrun.power/1"
    assert not [name for name in (*found, *found["looks"][0], *found["baselines"]) if f"`{name}`" not in PAGE]


@pytest.mark.requirement("R05")
def test_a_plan_is_kept_as_a_page_and_as_markdown(splitrun: Run, shop: Path) -> None:
    splitrun(*LOOK)

    code, out, _ = splitrun("plan", "checkout", "--html", "plan.html", "--markdown", "plan.md")

    page, paper = (shop / "plan.html").read_text(), (shop / "plan.md").read_text()
    assert (code, "written: plan.html, plan.md" in out) == (0, True)
    assert "Expected power" in page
    assert "<polyline" in page
    assert "Table: power by size" in page
    assert paper.startswith("<!-- splitrun plan -->\n\n# Plan: One-page checkout")
    for text in (page, paper):
        assert "Ada" in text
        assert "Cleo" in text
        assert "can be registered" in text
    # written over by a newer one, and over nothing else
    assert splitrun("plan", "checkout", "--html", "plan.html")[0] == 0
    assert splitrun("plan", "checkout", "--html", "plan.md")[0] == 3
