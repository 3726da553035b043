from __future__ import annotations

import pytest

from splitrun.errors import SpecError
from splitrun.spec.templates.pack import TEMPLATES
from splitrun.spec.templates.starting import new_project
from tests.spec.templates.fresh import fresh


def test_files_point_editors_at_their_schema() -> None:
    assert fresh("conversion", "a").startswith(
        "# yaml-language-server: $schema=../.splitrun/experiment.schema.json\nkey: a\n"
    )
    for path, text in new_project().items():
        assert path.endswith(".csv") or text.startswith("# yaml-language-server: $schema=")


def test_made_up_data_says_so() -> None:
    assert "synthetic" in new_project()["metrics/shop.yaml"]
    assert "synthetic" in new_project()["experiments/first.yaml"]


@pytest.mark.requirement("R81")
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_experiment_takes_under_ten_lines(template: str) -> None:
    lines = [line for line in fresh(template).splitlines() if not line.startswith("#")]

    assert len(lines) < 10


def test_what_a_template_says_of_the_hypothesis_is_not_asked_again() -> None:
    assert "change:" not in fresh("aa")
    assert "expect: {mei: 1pp}" in fresh("aa")
    assert "because:" not in fresh("rollout-only")
    assert "expect:" not in fresh("rollout-only")


@pytest.mark.parametrize("key", ["../a", "a: b", "A", "", "a\n", "x" * 129])
def test_a_key_that_is_no_name_is_told(key: str) -> None:
    with pytest.raises(SpecError, match="is no name; start with"):
        fresh("conversion", key)
