"""The verbs ruleset, explain and audit-assignment, as a person meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from splitrun.assign.transmission import opened
from splitrun.cli.app import run
from splitrun.cli.assignment import attributes
from tests.plan.shop import FLAGS, TEXTS

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    texts = {**TEXTS, "flags/shop.yaml": FLAGS.replace("default: off,", "default: on,")}
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


def test_ruleset_prints_what_clients_take(splitrun: Run) -> None:
    code, out, err = splitrun("ruleset", "--environment", "staging")

    assert (code, err) == (0, "")
    assert opened(out.strip().encode()).environment == "staging"


def test_ruleset_writes_a_file_and_says_what_is_in_it(splitrun: Run) -> None:
    _, first, _ = splitrun("ruleset", "--out", "r.json")
    _, again, _ = splitrun("ruleset", "--out", "r.json")
    _, told, _ = splitrun("ruleset", "--out", "r.json", "--json")

    assert first.startswith("wrote r.json: ruleset 1 of shop, production\n2 flags, 2 experiments, 2,")
    assert again.startswith("nothing changed in r.json: ruleset 1 of shop, production\n")
    read = json.loads(told)
    assert read["form"] == "splitrun.published/1"
    assert (read["file"], read["new"], read["version"], read["flags"]) == ("r.json", False, 1, 2)
    assert read["digest"] in first
    assert read["bytes"] == Path("r.json").stat().st_size


def test_explain_shows_the_path_as_a_tree(splitrun: Run) -> None:
    code, out, _ = splitrun("explain", "checkout-flow", "u12", "-c", "country=DE", "-c", "app_version=5.3.0")

    assert code == 0
    # slots by sha256sum: `printf holdout:q4:u12 | sha256sum` begins with d908ab20 = 3641192911 - 15
    assert out.splitlines()[:3] == [
        "checkout-flow for 'u12'",
        "├── no   list staff: the unit is not on it",
        "├── yes  flag new-cart: it serves 'on', and 'on' is required",
    ]
    assert "│   ├── yes  audience of one-page-checkout: true  (country = 'DE', app_version = '5.3.0')" in out
    assert "(salt = 'layer:checkout')" in out
    assert out.endswith(
        "serves variant 'three-page', value 'three-page'\nbecause DEFAULT, coverage; ruleset 1\n"
    )


def test_explain_names_the_experiment_that_answered(splitrun: Run) -> None:
    found = [
        splitrun("explain", "checkout-flow", f"u{number}", "-c", "country=DE", "-c", "app_version=5.3.0")[1]
        for number in range(20, 40)
    ]

    ends = {out.splitlines()[-1] for out in found}
    assert "because SPLIT, variant; ruleset 1; experiment one-page-checkout, version 1, phase 1" in ends


def test_explain_answers_in_json_and_from_a_file(splitrun: Run) -> None:
    splitrun("ruleset", "--out", "r.json")

    code, out, _ = splitrun("explain", "checkout-flow", "u1", "--ruleset", "r.json", "--json")

    assert code == 0
    read = json.loads(out)
    assert read["form"] == "splitrun.explanation/1"
    assert read["evaluation"]["detail"] == "override"
    assert read["steps"] == [
        {"asks": "list staff", "found": "the unit is on it", "taken": True, "values": {}, "steps": []}
    ]


def test_explain_takes_an_opt_out(splitrun: Run) -> None:
    _, out, _ = splitrun("explain", "checkout-flow", "u12", "--opted-out")

    assert "because DEFAULT, opted_out" in out


def test_explain_says_what_is_wrong_with_an_id_and_leaves_with_4(splitrun: Run) -> None:
    code, out, _ = splitrun("explain", "checkout-flow", "null")

    assert code == 4
    assert out.endswith("INVALID_CONTEXT: the unit id 'null' stands for a missing one; give the id itself\n")


def test_explain_suggests_a_flag(splitrun: Run) -> None:
    code, out, err = splitrun("explain", "chekout-flow", "u1", "--json")

    assert code == 3
    assert "there is no flag 'chekout-flow'; did you mean 'checkout-flow'?" in err
    assert json.loads(out)["mistakes"][0]["next"] == "did you mean 'checkout-flow'?"


def test_a_file_that_is_no_ruleset_leaves_with_3(splitrun: Run) -> None:
    code, _, err = splitrun("explain", "checkout-flow", "u1", "--ruleset", "splitrun.yaml")

    assert code == 3
    assert "the document is no ruleset" in err


def test_context_is_typed_as_it_is_written() -> None:
    words = [
        "age=30",
        "share=-0.5e3",
        "plan=pro",
        "beta=true",
        'zip="0123"',
        "id=0123",
        "gone=null",
        "eq=a=b",
        "e=",
    ]

    assert attributes([*words, 'odd="\\"']) == {
        "age": 30,
        "share": -500.0,
        "plan": "pro",
        "beta": True,
        "zip": "0123",
        "id": "0123",
        "gone": None,
        "eq": "a=b",
        "e": "",
        "odd": '"\\"',
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["country"], "'country' is no attribute; write NAME=VALUE, like country=DE"),
        (["=DE"], "'=DE' is no attribute; write NAME=VALUE, like country=DE"),
        (["a=1", "a=2"], "attribute 'a' stands twice; write it once"),
    ],
)
def test_context_that_cannot_be_read_is_a_wrong_word(words: list[str], says: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        attributes(words)

    assert str(caught.value) == says


LOG = "unit,variant\nu1,one-page\nu1,control\nu2,blue\n"


BEFORE = (
    "not recomputed: what stands before the experiment; exposures do not carry '{}', "
    "which flag 'checkout-flow' asks"
)


def test_an_audit_counts_and_shows_no_id_unless_asked(splitrun: Run) -> None:
    Path("log.csv").write_text(LOG)

    code, out, _ = splitrun("audit-assignment", "one-page-checkout", "--exposures", "log.csv")
    _, shown, _ = splitrun("audit-assignment", "one-page-checkout", "--exposures", "log.csv", "--show-ids")

    assert code == 4
    first, *lines = out.splitlines()
    assert first == "one-page-checkout: 3 exposures against ruleset 1"
    assert lines[0].split() == ["!", "unknown", "variant", "1"]
    assert lines[1].startswith("      row 3: logged 'blue', due ")
    assert lines[-5] == "not recomputed: the audience; exposures do not carry country, app_version"
    assert lines[-4:-1] == [BEFORE.format(name) for name in ("plan", "country", "beta")]
    assert lines[-1] == "2 are not explained"
    assert "u2" not in out
    assert "row 3: unit 'u2' logged 'blue'" in shown


def test_an_audit_answers_in_json(splitrun: Run) -> None:
    Path("log.csv").write_text(LOG)

    code, out, _ = splitrun("audit-assignment", "one-page-checkout", "--exposures", "log.csv", "--json")

    assert code == 4
    read = json.loads(out)
    assert read["form"] == "splitrun.audit/1"
    assert (read["exposures"], read["unexplained"], read["rulesets"]) == (3, 2, [1])
    assert read["unchecked"] == ["country", "app_version"]
    by = {one["stands"]: one for one in read["counts"]}
    assert (by["override"]["exposures"], by["override"]["explained"]) == (1, True)
    assert "unit" not in by["override"]["examples"][0]
    assert "SHA256" in "".join(one["sql"] for one in read["sql"]).upper()


def test_an_audit_in_which_everything_is_explained_leaves_with_0(splitrun: Run) -> None:
    Path("log.csv").write_text("unit,variant\nu1,one-page\n")

    code, out, _ = splitrun("audit-assignment", "one-page-checkout", "--exposures", "log.csv", "--sql")

    assert code == 0
    assert "every exposure is explained" in out
    assert "-- how exposures stand" in out
