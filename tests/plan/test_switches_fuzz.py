"""Whatever stands in a file of flags: it is compiled, or refused with mistakes; nothing else comes out."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from splitrun.assign.evaluator import Evaluator
from splitrun.errors import SpecError
from splitrun.plan.folder import lint
from tests.plan.shop import FLAGS, TEXTS, compiled_shop

TREE = YAML(typ="safe", pure=True).load(FLAGS)

few = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

scalars = (
    st.none() | st.booleans() | st.integers(-9, 2**60) | st.floats(allow_nan=False, allow_infinity=False)
)
words = st.sampled_from(
    ["on", "one-page", "staff", "dach", "search", "user", "40%", "u1", "a and b", "", "é", "plan = 'x'"]
)
values = st.recursive(
    scalars | words,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(words.filter(bool), parts, max_size=3),
    max_leaves=6,
)


def paths(tree: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    if isinstance(tree, dict):
        found += [one for key, part in tree.items() for one in paths(part, (*path, key))]
    if isinstance(tree, list):
        found += [one for index, part in enumerate(tree) for one in paths(part, (*path, index))]
    return found


def replaced(tree: object, path: tuple[object, ...], value: object) -> object:
    if not path:
        return value
    if isinstance(tree, dict):
        return {
            key: replaced(part, path[1:], value) if key == path[0] else part for key, part in tree.items()
        }
    assert isinstance(tree, list)
    return [replaced(part, path[1:], value) if index == path[0] else part for index, part in enumerate(tree)]


def survives(flags: str) -> None:
    texts = {**TEXTS, "flags/shop.yaml": flags}
    told = lint(texts)
    if told:
        assert all(mistake.says and mistake.next for mistake in told)
        return
    try:
        Evaluator(compiled_shop(texts))
    except SpecError as error:
        raise AssertionError("lint said nothing") from error


@few
@given(st.sampled_from(paths(TREE)), values)
def test_any_value_in_place_of_a_good_one_is_compiled_or_refused(
    path: tuple[object, ...], value: object
) -> None:
    survives(json.dumps(replaced(TREE, path, value), ensure_ascii=False))


@few
@given(st.integers(0, len(FLAGS)), st.integers(1, 60))
def test_a_file_with_a_hole_is_compiled_or_refused(start: int, size: int) -> None:
    survives(FLAGS[:start] + FLAGS[start + size :])
