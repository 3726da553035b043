from __future__ import annotations

import pytest

from splitrun.errors import SpecError
from splitrun.spec.templates.starting import new_experiment, new_project


def test_files_point_editors_at_their_schema() -> None:
    assert new_experiment("conversion", "a").startswith(
        "# yaml-language-server: $schema=../.splitrun/experiment.schema.json\nkey: a\n"
    )
    for path, text in new_project().items():
        assert path.endswith(".csv") or text.startswith("# yaml-language-server: $schema=")


def test_made_up_data_says_so() -> None:
    assert "synthetic" in new_project()["metrics/shop.yaml"]
    assert "synthetic" in new_project()["experiments/first.yaml"]


def test_a_template_that_is_not_there_is_told() -> None:
    with pytest.raises(SpecError, match="there is no template 'sales'; known are conversion, revenue"):
        new_experiment("sales", "a")


@pytest.mark.parametrize("key", ["../a", "a: b", "A", "", "a\n", "x" * 129])
def test_a_key_that_is_no_name_is_told(key: str) -> None:
    with pytest.raises(SpecError, match="is no name; start with"):
        new_experiment("conversion", key)
