"""Rulesets as files: written whole, followed, never over what is none; ids from the project alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.assign.evaluation import Detail
from splitrun.assign.transmission import opened
from splitrun.conduct.begin import begin_project
from splitrun.conduct.explain import explain
from splitrun.conduct.lint import lint
from splitrun.conduct.rulesets import publish, ruleset_at
from splitrun.errors import RulesetError, SpecError
from tests.plan.shop import TEXTS


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in TEXTS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*paths: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        lint(list(paths))
    return str(caught.value).splitlines()


@pytest.mark.requirement("R17")
def test_a_project_gives_the_same_file_every_time(project: Path) -> None:
    one, two = publish(project, out=project / "a.json"), publish(project / "flags", out=project / "b.json")

    assert (project / "a.json").read_bytes() == (project / "b.json").read_bytes() == one.document
    assert (one.file, one.new, two.digest) == ("a.json", True, one.digest)
    assert opened(one.document) == ruleset_at(project / "a.json") == ruleset_at(project)


def test_a_file_that_is_there_is_followed(project: Path) -> None:
    out = project / "r.json"
    publish(project, out=out)
    first = out.read_bytes()

    again = publish(project, out=out)
    assert (again.new, again.ruleset.version, out.read_bytes()) == (False, 1, first)

    checkout = project / "experiments" / "checkout.yaml"
    checkout.write_text(checkout.read_text().replace("coverage: 50%", "coverage: 60%"))
    after = publish(project, out=out)
    assert (after.new, after.ruleset.version) == (True, 2)
    assert opened(out.read_bytes()).experiments["one-page-checkout"].phase == 2


def test_a_file_of_another_kind_is_left_alone(project: Path) -> None:
    mine = project / "mine.json"
    mine.write_text("{}")

    with pytest.raises(SpecError) as caught:
        publish(project, out=mine)

    assert str(caught.value).startswith("mine.json:1:1: this file is there already and is no ruleset (")
    assert mine.read_text() == "{}"


def test_a_folder_that_is_not_there_is_told(project: Path) -> None:
    with pytest.raises(SpecError) as caught:
        publish(project, out=project / "none" / "r.json")

    assert str(caught.value) == (
        "none/r.json:1:1: no ruleset can be written here (No such file or directory); "
        "choose a folder that is there and can be written"
    )


def test_an_environment_has_a_ruleset_of_its_own(project: Path) -> None:
    assert publish(project, "staging").ruleset.environment == "staging"
    assert not ruleset_at(project, "staging").flags["new-cart"].on


def test_mistakes_of_the_project_come_first(project: Path) -> None:
    flags = project / "flags" / "shop.yaml"
    flags.write_text(flags.read_text().replace("three-page: three-page", "three-page: 3"))

    with pytest.raises(SpecError) as caught:
        publish(project, out=project / "r.json")

    assert str(caught.value).startswith("flags/shop.yaml:7:")
    assert not (project / "r.json").exists()


def test_a_file_that_is_no_ruleset_is_told(project: Path) -> None:
    with pytest.raises(RulesetError):
        ruleset_at(project / "splitrun.yaml")
    with pytest.raises(SpecError) as missing:
        ruleset_at(project / "none.json")
    assert str(missing.value) == (
        "none.json:1:1: there is no such file; "
        "name a file that `splitrun ruleset --out` wrote, or a project's folder"
    )


def test_a_name_too_long_for_a_file_is_told(project: Path) -> None:
    with pytest.raises(SpecError) as caught:
        ruleset_at(project / ("x" * 300))

    assert "the file cannot be read (File name too long)" in str(caught.value)


def test_lint_tells_mistakes_of_flags_and_lists_from_where_one_stands(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "lists" / "beta.txt").write_text("u1\n u2\n")
    monkeypatch.chdir(project.parent)

    assert said(project) == [
        f"{project.name}/lists/beta.txt:2:1: the id begins or ends with a blank; take the blank out"
    ]


def test_flags_that_cannot_be_read_are_told_by_lint_and_by_publish(project: Path) -> None:
    (project / "flags" / "shop.yaml").write_text("flags: 3\n")

    assert said(project) == [
        (
            "flags/shop.yaml:1:8: flags: 3 stands where a mapping of keys to values belongs; "
            "write a mapping of keys to values"
        )
    ]


@pytest.mark.parametrize("name", ["../ids.txt", "/etc/hostname", "link.txt", "lists"])
def test_a_list_reads_no_file_outside_the_project(project: Path, name: str) -> None:
    (project.parent / "ids.txt").write_text("u1\n")
    (project / "link.txt").symlink_to(project.parent / "ids.txt")
    flags = project / "flags" / "shop.yaml"
    flags.write_text(flags.read_text().replace("lists/beta.txt", name))

    assert said(project) == [
        (
            f"flags/shop.yaml:26:16: lists.beta.file: there is no file {name!r} in the project; "
            "write a file with an id on each line, and its path from splitrun.yaml"
        )
    ]


def test_a_huge_file_of_ids_is_refused_by_its_size(project: Path) -> None:
    with (project / "lists" / "beta.txt").open("wb") as file:
        file.truncate(3_000_000)

    assert any("the file has 3,000,000 bytes; at most 2,500,000 are read" in line for line in said(project))


def test_a_new_project_compiles_and_explains(tmp_path: Path) -> None:
    begin_project(tmp_path)

    staff = explain("checkout-flow", "u001", {}, place=tmp_path)
    out = explain("checkout-flow", "u9", {}, place=tmp_path, opted_out=True)

    assert (staff.evaluation.value, staff.evaluation.detail) == ("one-page", Detail.OVERRIDE)
    assert out.evaluation.detail is Detail.OPTED_OUT


def test_a_flag_nobody_knows_is_told_with_a_suggestion(project: Path) -> None:
    with pytest.raises(SpecError) as caught:
        explain("chekout-flow", "u1", {}, place=project)

    assert str(caught.value) == "there is no flag 'chekout-flow'; did you mean 'checkout-flow'?"
