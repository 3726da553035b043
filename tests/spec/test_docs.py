"""Every example of docs/files.md is read the way a project's folder is."""

from __future__ import annotations

import re
from pathlib import Path

from splitrun.plan.folder import lint
from splitrun.plan.seal import sealed
from splitrun.spec.reading import read_experiment

PAGE = Path(__file__).parents[2] / "docs" / "files.md"


def examples() -> dict[str, str]:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(blocks)


def test_every_block_of_yaml_names_its_file() -> None:
    assert PAGE.read_text(encoding="utf-8").count("```yaml") == len(examples()) == 8


def test_the_examples_of_a_project_have_no_mistakes() -> None:
    assert lint(examples()) == ()


def test_the_examples_that_stand_alone_can_be_sealed() -> None:
    for name in ("incentive.yaml", "sums.yaml"):
        assert sealed(read_experiment(examples()[name], name)).treatments
