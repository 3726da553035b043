from __future__ import annotations

import os
from pathlib import Path

import pytest

from splitrun.conduct.begin import begin_project
from splitrun.conduct.lint import lint
from splitrun.conduct.workspace import LARGEST
from splitrun.errors import SpecError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    begin_project(Path())
    return tmp_path


def mistakes(*paths: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        lint(list(paths))
    return str(caught.value).splitlines()


def test_mistakes_of_all_files_are_told_at_once(project: Path) -> None:
    (project / "metrics" / "more.yaml").write_text("metrics:\n  broken: {kind: mean, sauce: orders}\n")
    (project / "experiments" / "second.yaml").write_text("key: second\nextends: thrid\n")

    told = mistakes()

    assert any(line.startswith("metrics/more.yaml:2:") and "sauce" in line for line in told)
    assert any(line.startswith("experiments/second.yaml:2:") and "thrid" in line for line in told)


def test_a_mistake_names_the_file_from_where_one_stands(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "metrics" / "more.yaml").write_text("metrics: 3\n")
    monkeypatch.chdir(project.parent)

    assert mistakes(project)[0].startswith(f"{project.name}/metrics/more.yaml:1:")


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    assert "there is no splitrun.yaml here or above" in mistakes(tmp_path)[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "there is no such file; name an experiment's YAML file" in mistakes(tmp_path / "none.yaml")[0]


@pytest.mark.requirement("R82")
def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(50_000_000)

    told = mistakes(huge)

    assert f"the file has 50,000,000 bytes; at most {LARGEST:,} are read" in told[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    shut = tmp_path / "shut.yaml"
    shut.write_text("key: x")
    shut.chmod(0)

    assert "cannot be read" in mistakes(shut)[0]
