from __future__ import annotations

import subprocess
import sys

import pytest

from splitrun.terms.parse import parse
from splitrun.terms.tree import Call, Column, Comparison, Function, Number, Text, columns


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1 = 1", ()),
        ("country = 'country'", ("country",)),
        ("b + a > c or a is null", ("b", "a", "c")),
        ('not x and y in (z, 1) and "My Column" between l and h', ("x", "y", "z", "My Column", "l", "h")),
        ("lower(t) like p and -n = 1 and f is true", ("t", "p", "n", "f")),
        ("coalesce(semver(v), semver('1.0.0')) = semver(w)", ("v", "w")),
    ],
)
def test_columns_are_named_once_in_the_order_they_appear(text: str, names: tuple[str, ...]) -> None:
    assert columns(parse(text)) == names


def test_equal_trees_are_equal_and_hash_alike() -> None:
    first, second = parse("lower( a )='x'"), parse("LOWER(a) = 'x'")

    assert first == second
    assert hash(first) == hash(second)
    assert first == Comparison("=", Call(Function.LOWER, (Column("a"),)), Text("x"))


def test_whole_numbers_stay_whole() -> None:
    assert parse("9007199254740992") == Number(9007199254740992)
    assert parse("0000000000000000000000012") == Number(12)


def test_the_tree_loads_neither_sqlglot_nor_the_parser() -> None:
    asks = "import sys, splitrun.terms.tree; print({'sqlglot', 'splitrun.terms.parse'} & set(sys.modules))"

    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"
