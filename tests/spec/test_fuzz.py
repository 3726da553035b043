"""Whatever is written, the answer is a plan or a list of mistakes, and never another exception."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from splitrun.errors import Mistake, SpecError
from splitrun.plan.folder import lint
from splitrun.plan.seal import sealed
from splitrun.spec.reading import Draft, read_experiment, read_experiment_mapping
from tests.spec.texts import GOOD, shop

WORDS = st.sampled_from(
    [
        "key",
        "metrics",
        "primary",
        "kind",
        "share",
        "1%",
        "7d",
        "control",
        "metric",
        "exposures",
        "csv",
        "experience",
        "looks",
        "adjust",
        "covariates",
        "pre_period",
        "retention",
        "group_sequential",
        "a > 0",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(WORDS, parts, max_size=3),
    max_leaves=8,
)
GOOD_TREE: dict[str, Any] = YAML(typ="safe", pure=True).load(GOOD)
CALM = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@CALM
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@#,?\n\t <~0.\\\ufeff\u2028"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    lint(
        {"splitrun.yaml": text, "metrics/a.yaml": text, "annotations.yaml": text, "experiments/a.yaml": text}
    )


def judged(draft: Draft) -> tuple[Mistake, ...]:
    """Give the mistakes that sealing finds; none where there is a plan."""
    try:
        sealed(draft, shop())
    except SpecError as error:
        return error.mistakes
    return ()


@CALM
@given(st.sampled_from(sorted(GOOD_TREE)), TREES)
def test_any_value_in_place_of_a_good_one_is_sealed_or_refused(key: str, tree: object) -> None:
    try:
        draft = read_experiment_mapping(GOOD_TREE | {key: tree})
    except SpecError:
        return

    assert all(mistake.says and mistake.next for mistake in judged(draft))


@CALM
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 12))
def test_a_file_with_a_hole_is_sealed_or_refused(start: int, size: int) -> None:
    try:
        draft = read_experiment(GOOD[:start] + GOOD[start + size :], "f.yaml")
    except SpecError:
        return

    assert all(mistake.says and mistake.next and mistake.place for mistake in judged(draft))
