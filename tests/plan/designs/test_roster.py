from __future__ import annotations

import hashlib

import pytest

from splitrun.errors import DataError
from splitrun.plan.designs.roster import roster
from tests.plan.designs.people import crowd, dealing


def test_shuffled_rows_give_every_unit_the_same_variant_and_the_same_digest() -> None:
    ids = [f"u{index}" for index in range(50)]
    ages = [float(index % 7) for index in range(50)]

    there = dealing(roster(ids, {}, {"age": list(ages)}), covariates=["age"])
    back = dealing(roster(ids[::-1], {}, {"age": ages[::-1]}), covariates=["age"])

    assert there.roster.digest == back.roster.digest
    assert there.roster.units == back.roster.units
    assert there.split.tolist() == back.split.tolist()
    assert there.differences == back.differences


def test_the_digest_is_that_of_rows_of_json() -> None:
    found = roster(["b", "a"], {"plan": ["x", None]}, {"age": [float("nan"), 2.5]})

    rows = b'["age", "plan"]["a", 2.5, null]\n["b", null, "x"]\n'
    assert found.digest == f"sha256:{hashlib.sha256(rows).hexdigest()}"


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([], "the frame has no rows"),
        (["a", "b", "a", "a", "b"], r"2 of 2 units stand in more than one row \('a', 'b'\); keep one row"),
        (["a", ""], "row 2 has no id"),
        (["a", None], "row 2 has no id"),
        (["NULL"], r"row 1: the unit id 'NULL' stands for a missing one"),
        (["a\0b"], "row 1: .* has a NUL"),
    ],
)
def test_ids_that_name_no_unit_are_refused(ids: list[str | None], says: str) -> None:
    with pytest.raises(DataError, match=says):
        roster(ids, {}, {})


def test_a_number_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="the column 'age' holds inf in row 2"):
        roster(["a", "b"], {}, {"age": [1.0, float("inf")]})


def test_a_crowd_has_a_level_for_what_is_missing() -> None:
    assert crowd().labels["country"].levels == ("DE", "FR", "US", "(missing)")
