from __future__ import annotations

import pytest

from splitrun.govern.people import illegible, person


@pytest.mark.parametrize(
    "other", ["Ann", " ann", "ann\u200b", "a\u00adnn", "ann\u2060", "\uff41nn", "ann  "], ids=ascii
)
def test_one_person_is_told_however_the_name_is_written(other: str) -> None:
    assert person(other) == person("ann")


@pytest.mark.parametrize("named", ["ann\u200b", "ann\x07", "\u0430nn", "a\u00adnn", "ann\n"], ids=ascii)
def test_a_name_that_looks_like_another_is_illegible(named: str) -> None:
    assert illegible(named)


@pytest.mark.parametrize(
    "named", ["ann", "Zoë O'Neill", "анна", "api-key/ci", "张伟", "a.b@example.org"], ids=ascii
)
def test_names_as_people_write_them_are_legible(named: str) -> None:
    assert not illegible(named)
