from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.begin import begin_experiment, begin_project, show_template, told_templates
from splitrun.conduct.definitions.kept import opened, written
from splitrun.plan.difference.side import Side
from splitrun.plan.difference.uses import used
from splitrun.store.registry.documents import Kind

SHOPS = """\
pack: shops
version: 3
extends: revenue@1
describe: as our shops test
duration: {enrol: 7d}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    begin_project(Path())
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "shops.yaml").write_text(SHOPS)
    return tmp_path


def test_templates_of_a_project_are_kept_and_read_back(project: Path) -> None:
    begin_experiment("new", "shops")

    bodies = written(project)
    says = opened(bodies)

    assert (Kind.TEMPLATE, "shops") in bodies
    assert says.library.templates["shops"].label == "shops@3"
    assert (Kind.TEMPLATE.value, "shops") in used(Side(says, {}), "new")


@pytest.mark.usefixtures("project")
def test_templates_are_listed_and_shown() -> None:
    names = [each.name for each in told_templates()]
    told = show_template("shops")

    assert names[0] == "conversion"
    assert names[-1] == "shops"
    assert told.extends == ("revenue@1", "conversion@1")
    assert told.text.startswith("# template shops@3, over revenue@1, conversion@1\n# as our shops test\n")
    assert "duration: {enrol: 7d, whole_weeks: true}" in told.text
