from __future__ import annotations

import duckdb
import msgspec
import pytest

from splitrun.errors import ExpressionError
from splitrun.terms.parse import parse
from splitrun.terms.tree import Tree
from tests.terms.vectors import REFUSED, TABLE, WHOLE, Case, Refused, answer


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(("group", "case"), TABLE, ids=[f"{group}: {case.text!r}" for group, case in TABLE])
def test_an_expression_means_in_sql_what_the_table_says(
    group: str, case: Case, engine: duckdb.DuckDBPyConnection
) -> None:
    found = answer(engine, parse(case.text), case.attributes)

    assert found == case.result, group
    assert isinstance(found, bool) == isinstance(case.result, bool)


@pytest.mark.parametrize("case", REFUSED, ids=[ascii(case.text) for case in REFUSED])
def test_what_is_outside_the_language_is_refused_at_its_character(case: Refused) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(case.text)

    assert (caught.value.at, caught.value.says) == (case.at, case.says)
    assert caught.value.text == case.text
    assert caught.value.remedy
    assert f"at character {case.at + 1} of" in str(caught.value)


def test_a_tree_is_the_same_after_a_trip_through_json() -> None:
    trees = [parse(case.text) for _, case in TABLE]

    assert msgspec.json.decode(msgspec.json.encode(trees), type=list[Tree]) == trees


def test_every_group_of_the_table_names_its_source() -> None:
    assert all(group.source and group.cases for group in WHOLE.groups)
    assert len(TABLE) >= 150
