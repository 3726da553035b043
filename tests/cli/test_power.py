"""`splitrun power` and `splitrun.power`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import splitrun as front
from splitrun.cli.app import run
from splitrun.errors import SpecError
from splitrun.report.forecast.shown import ShownForecast
from splitrun.report.printable import columns
from tests.plan.power.plans import KNOWN, PROVING, known
from tests.spec.texts import SHOP

Run = Callable[..., tuple[int, str, str]]
PAGE = (Path(__file__).parents[2] / "docs" / "power.md").read_text(encoding="utf-8")
ASKED = ("--kind", "share", "--baseline", "12%", "--mei", "1pp", "--units-per-day", "4000")


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(["power", *words])
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with the experiment of `PROVING`, and its baselines beside it."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "splitrun.yaml").write_text("project: shop\nunits: {user: {key: user_id}, device: {}}\n")
    (tmp_path / "metrics" / "shop.yaml").write_text(SHOP)
    (tmp_path / "experiments" / "checkout.yaml").write_text(PROVING)
    (tmp_path / "known.yaml").write_text(KNOWN)
    return tmp_path


@pytest.mark.requirement("R06")
def test_a_quick_question_is_answered_in_a_few_lines(splitrun: Run) -> None:
    code, out, err = splitrun(*ASKED)

    assert (code, err) == (0, "")
    # 2 x (1.959964 + 0.841621)^2 (0.12 x 0.88 + 0.13 x 0.87) / 0.01^2 = 34,331.6, rounded up in each variant
    assert out.startswith("needs 34,332 units in all: control 17,166, treatment 17,166\ntakes 14 days\n")
    assert "* fixed" in out
    assert "█" in out
    assert all(columns(line) <= 100 for line in out.splitlines())


def test_json_has_its_documented_form(splitrun: Run) -> None:
    code, out, _ = splitrun(*ASKED, "--json", "--treatments", "2", "--guardrails", "1")

    found = json.loads(out)
    assert code == 0
    assert found["form"] == "splitrun.power/1"
    assert found["power_each"] == 0.9
    assert sum(found["needed"]["by_variant"].values()) == found["needed"]["units"]
    names = {*found, *found["needed"], *found["planned"], *found["metrics"][0], *found["methods"][0]}
    assert not [name for name in {*names, *found["curve"][0]} if f"`{name}`" not in PAGE]


def test_every_option_reaches_the_question(splitrun: Run) -> None:
    code, out, _ = splitrun(
        "--over", "8,20", "--under", "2,3", "--correlation", "0.5", "--mei", "0.3", "--weights", "2:1",
        "--alpha", "0.1", "--power", "0.9", "--one-sided", "--primaries", "2", "--method",
        "group_sequential", "--looks", "3", "--spending", "hsd", "--spending-parameter", "-4", "--futility",
        "--units-per-day", "900", "--coverage", "50%", "--window", "7d", "--any-days", "--adjust-r2", "0.2",
        "--clusters", "4,0.05,0.3", "--better", "lower", "--json",
    )  # fmt: skip
    asked = json.loads(out)

    python = front.power(
        baseline={
            "over": {"mean": 8, "sd": 20}, "under": {"mean": 2, "sd": 3}, "correlation": 0.5, "r2": 0.2,
            "clusters": {"size": 4, "icc": 0.05, "spread": 0.3},
        },
        mei=0.3, weights=(2, 1), alpha=0.1, power=0.9, one_sided=True, primaries=2,
        method="group_sequential", looks=3, spending="hsd", spending_parameter=-4.0, futility=True,
        units_per_day=900, coverage="50%", window="7d", whole_weeks=False, better="lower",
    )  # fmt: skip
    assert code == 0
    assert asked == python.to_dict()
    assert asked["metrics"][0]["sides"] == 1
    assert asked["metrics"][0]["alpha"] == 0.05


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--kind share needs --baseline; add --baseline 12% of a share"),
        (("--baseline", "12"), "--kind mean needs --sd; add --sd 20"),
        (("--kind", "shre", "--baseline", "12%"), "--kind shre is not known; write share, mean or ratio"),
        (("--baseline", "12%", "--sd", "3"), "--sd does not belong to --kind share"),
        (("--baseline", "120%", "--mei", "1pp"), "120% is no share of units"),
        (("--kind", "share", "--baseline", "12", "--mei", "1pp"), "12 is no baseline of a share"),
        (("--baseline", "12%", "--mei", "1pp", "--weights", "1:0"), "--weights 1:0 are no weights"),
        (("--baseline", "12%", "--mei", "1pp", "--weights", "1"), "--weights 1 are no weights"),
        (("--baseline", "12%", "--weights", "1:1", "--treatments", "2"), "both say how many treatments"),
        (("--baseline", "12%", "--mei", "90pp"), "12% moved by 90pp would be 102%"),
        (("--baseline", "12%", "--mei", "1pp", "--clusters", "a,b"), "--clusters a,b cannot be read"),
        (("--over", "8", "--under", "2,3", "--correlation", "0"), "--over 8 cannot be read"),
        (("--baseline", "12%", "--mei", "x"), "'x' is no amount"),
        (("--baseline", "12%", "--mei", "1pp", "--method", "fixd"), "did you mean fixed"),
        (("--baseline", "12%", "--mei", "1pp", "--power", "0.01"), "power 0.01 with an error of 0.025"),
        (("nowhere.yaml",), "there is no such file"),
        (("nowhere.yaml", "--mei", "1pp"), "`mei` and an experiment were handed over"),
        (("--baseline", "12%", "--mei", "1pp", "--baselines", "known.yaml"), "without an experiment"),
    ],
)
def test_words_that_have_no_answer_are_told_with_a_remedy(
    splitrun: Run, words: tuple[str, ...], says: str
) -> None:
    code, out, err = splitrun(*words)

    assert code == 3
    assert out == ""
    assert says in err


@pytest.mark.requirement("R06", "R55")
def test_an_experiment_is_forecast_with_its_baselines(splitrun: Run, shop: Path) -> None:
    experiment = str(shop / "experiments" / "checkout.yaml")
    (shop / "known.yaml").write_text(KNOWN.replace("4000", "3000"))

    code, out, _ = splitrun(experiment, "--baselines", str(shop / "known.yaml"))

    assert code == 0
    assert "planned end after 21 days: 42,000 units, all shown together" in out
    assert "proved guardrail" in out
    assert "! underpowered: delays:" in out
    assert "watch this guardrail instead of proving it" in " ".join(out.split())


def test_baselines_in_the_experiment_are_enough_and_those_handed_over_win(shop: Path) -> None:
    experiment = shop / "experiments" / "checkout.yaml"
    inside = "baselines:\n" + "".join(f"  {line}\n" for line in KNOWN.splitlines())
    experiment.write_text(PROVING + inside)

    own = front.power(experiment)
    other = front.power(experiment, baselines={"metrics": {"bought": {"share": "30%"}}})

    assert own.needs[0].baseline == 0.12
    assert other.needs[0].baseline == 0.3
    assert other.planned == own.planned == 56_000


def test_what_is_missing_is_asked_for_where_it_belongs(shop: Path) -> None:
    experiment = shop / "experiments" / "checkout.yaml"

    with pytest.raises(
        SpecError, match=r"checkout\.yaml:1:1: baselines\.metrics\.bought: there is no"
    ) as told:
        front.power(experiment)
    assert len(told.value.mistakes) == 3
    with pytest.raises(SpecError, match=r"^metrics\.refunds: there is no baseline"):
        front.power(experiment, baselines={"metrics": {"bought": {"share": 0.1}}})
    with pytest.raises(SpecError, match="3 holds no baselines"):
        front.power(experiment, baselines=3)  # type: ignore[arg-type]  # what a caller may hand over


COMMANDS = re.findall(r"^\$ splitrun power (--[^#\n]*)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_runs(splitrun: Run, command: str) -> None:
    code, out, err = splitrun(*command.split())

    assert (code, err) == (0, "")
    assert out


def test_the_examples_of_the_page_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (baselines,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    said: dict[str, ShownForecast] = {}

    exec(program, said)  # noqa: S102 - the page's own program

    assert (said["found"].units, said["found"].days) == (34_332, 21)
    assert "needs 34,332 units" in capsys.readouterr().out
    assert len(known(baselines).metrics) == 4


def test_a_forecast_shows_itself(splitrun: Run) -> None:
    found = front.power(baseline="12%", mei="1pp", units_per_day=4_000)

    assert repr(found).rstrip() == splitrun(*ASKED)[1].rstrip()
    assert json.loads(found.to_json()) == found.to_dict()


def test_a_metric_without_an_answer_has_no_number(splitrun: Run) -> None:
    code, out, _ = splitrun("--baseline", "-3", "--sd", "2", "--margin", "5%")
    detects = splitrun("--baseline", "99%", "--units", "100")[1]

    assert code == 0
    assert "no number of units is enough" in out
    assert "! unprovable" in out
    assert detects.splitlines()[-1].split()[-1] == "-"


def test_futility_and_a_single_day_are_told_in_words(splitrun: Run) -> None:
    _, out, _ = splitrun(
        "--baseline", "12%", "--mei", "5pp", "--method", "group_sequential", "--futility",
        "--units-per-day", "9000", "--any-days",
    )  # fmt: skip

    assert "takes 1 day\n" in out
    assert "group_sequential, 5 looks, futility" in out
