from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.analyze import analyze
from splitrun.conduct.begin import begin_experiment, begin_flag, begin_project
from splitrun.conduct.explain import explain
from splitrun.conduct.lint import lint
from splitrun.errors import SpecError
from splitrun.spec.templates.starting import PLACEHOLDERS


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    begin_project(Path())
    return tmp_path


def test_a_new_project_lints_and_gives_a_readout(project: Path) -> None:
    files = lint([]).files

    readout = analyze(project / "experiments" / "first.yaml")

    assert files == ("splitrun.yaml", "metrics/shop.yaml", "flags/shop.yaml", "experiments/first.yaml")
    assert readout.comparisons[0].metric == "conversion"


@pytest.mark.requirement("R81")
@pytest.mark.parametrize("template", ["conversion", "latency", "experience"])
def test_a_new_experiment_that_says_its_objective_lints_and_names_its_schema(
    project: Path, template: str
) -> None:
    name = begin_experiment("buy-button", template)
    with pytest.raises(
        SpecError, match=r"hypothesis\.change: it still says what the template wrote; say what is"
    ):
        lint([Path(name)])
    text = Path(name).read_text()
    for key, said in PLACEHOLDERS.items():
        text = text.replace(f"{key}: {said}", f"{key}: the button is green")
    Path(name).write_text(text)

    files = lint([Path(name)]).files

    assert files == ("experiments/buy-button.yaml",)
    modeline = Path(name).read_text().splitlines()[0]
    assert modeline == "# yaml-language-server: $schema=../.splitrun/experiment.schema.json"
    assert (project / ".splitrun" / "experiment.schema.json").is_file()


def test_a_new_flag_lints_and_serves_its_default_as_it_stands(project: Path) -> None:
    name = begin_flag("dark-mode")

    assert name == "flags/dark-mode.yaml"
    assert lint([]).files[-2:] == ("flags/shop.yaml", "experiments/first.yaml")
    assert explain("dark-mode", "u1", {}, place=project).evaluation.value is False
    assert (
        Path(name)
        .read_text()
        .startswith("# yaml-language-server: $schema=../.splitrun/flags.schema.json\nflags:\n  dark-mode:\n")
    )
    with pytest.raises(SpecError, match=r"flag 'checkout-flow' stands in flags/shop\.yaml already"):
        begin_flag("checkout-flow")
    with pytest.raises(SpecError, match="is no name"):
        begin_flag("../x")


def test_a_new_flag_outside_a_project_stands_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert begin_flag("alone") == "alone.yaml"
    assert "$schema=.splitrun/flags.schema.json" in Path("alone.yaml").read_text()
    with pytest.raises(SpecError, match="this file is there already"):
        begin_flag("alone")


def test_a_new_experiment_outside_a_project_stands_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert begin_experiment("alone", "conversion") == "alone.yaml"
    assert "$schema=.splitrun/experiment.schema.json" in Path("alone.yaml").read_text()


def test_nothing_is_written_over_a_file_that_is_there(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    with pytest.raises(SpecError) as caught:
        begin_project(Path())

    assert str(caught.value).splitlines()[0] == (
        "splitrun.yaml:1:1: this file is there already; nothing was written; "
        "move it away, or choose another folder or key"
    )
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(SpecError, match="nothing can be written here"):
        begin_project(tmp_path / "taken")


@pytest.mark.parametrize(
    ("key", "template", "says"),
    [
        ("../../etc/passwd", "conversion", "is no name"),
        ("fine", "conversoin", "did you mean .conversion."),
    ],
)
def test_a_key_or_template_that_is_none_is_refused(project: Path, key: str, template: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        begin_experiment(key, template)

    assert sorted(path.name for path in (project / "experiments").iterdir()) == ["first.yaml"]
