from __future__ import annotations

import math
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from itertools import product

import duckdb
import pytest
from hypothesis import given, settings
from sqlglot import exp

from splitrun.errors import RulesetError
from splitrun.terms.closures import DEEPEST, Closure, compiled, condition, measured
from splitrun.terms.parse import parse
from splitrun.terms.patterns import Patterns
from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import And, Call, Column, Comparison, Function, In, Kind, Not, Number, Or, Text, Tree
from tests.terms.test_truth import COLUMNS, ROWS, trees
from tests.terms.vectors import TABLE, Attribute, Case, answer, bound

Value = bool | float | str | None


def kinds(attributes: Mapping[str, Attribute]) -> dict[str, Kind]:
    return {name: of.kind for name, of in attributes.items()}


def given_values(attributes: Mapping[str, Attribute]) -> dict[str, object]:
    """What the table writes as a text, as the value that a product would give."""
    return {name: given_value(of.kind, of.value) for name, of in attributes.items()}


def given_value(kind: Kind, value: Value) -> object:
    match kind:
        case Kind.TIME if isinstance(value, str):
            return datetime.fromisoformat(value)
        case Kind.NUMBER if value is not None:
            return float(value)
        case _:
            return value


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(("group", "case"), TABLE, ids=[f"{group}: {case.text!r}" for group, case in TABLE])
def test_an_expression_means_in_process_what_the_table_says_and_duckdb_answers(
    group: str, case: Case, engine: duckdb.DuckDBPyConnection
) -> None:
    tree, values = parse(case.text), given_values(case.attributes)

    found = compiled(tree, kinds=kinds(case.attributes))(values)

    assert found == case.result == answer(engine, tree, case.attributes), group
    assert isinstance(found, bool) == isinstance(case.result, bool)
    assert condition(tree)(values) is (case.result is True)


@pytest.mark.requirement("R03")
@given(tree=trees(Kind.BOOLEAN, 4) | trees(Kind.NUMBER, 4), row=ROWS)
@settings(max_examples=300, deadline=None)
def test_duckdb_and_closures_give_the_same_answer(
    engine: duckdb.DuckDBPyConnection, tree: Tree, row: dict[str, Value]
) -> None:
    expected = answer(engine, tree, {name: Attribute(COLUMNS[name], value) for name, value in row.items()})

    declared, undeclared = compiled(tree, kinds=COLUMNS)(row), compiled(tree)(row)

    assert declared == undeclared == expected
    assert isinstance(declared, bool) == isinstance(expected, bool)
    assert condition(tree)(row) is (expected is True)


def over(engine: duckdb.DuckDBPyConnection, tree: Tree, rows: list[str]) -> list[Value]:
    """Ask DuckDB over a column `v` of texts."""
    sql = rendered(tree, {"v": Bound(rendered_column(), Kind.TEXT)}).sql("duckdb")
    query = f"SELECT {sql} FROM (SELECT unnest(?::VARCHAR[]) AS v)"  # noqa: S608  # the table is ours
    return [row[0] for row in engine.execute(query, [rows]).fetchall()]


def rendered_column() -> exp.Expression:
    return bound({"v": Attribute(Kind.TEXT, None)})["v"].sql


def texts(alphabet: str, longest: int, count: int) -> list[str]:
    dice = random.Random(20260101)  # noqa: S311  # the same texts every time
    return ["".join(dice.choices(alphabet, k=dice.randint(0, longest))) for _ in range(count)]


CORES = (
    "1.0.0", "1.0.10", "1.0.9", "0.0.0", "01.0.0", "1.0", "1.0.0.0", f"1.0.{'9' * 20}", f"1.0.{'9' * 21}",
)  # fmt: skip
SUFFIXES = (
    "", "-", "-a", "-a.b", "-a.1", "-1", "-10", "-9", "-01", "-0a", "+b", "-rc.1+b", "-a..b", " ", "\n",
)  # fmt: skip
VERSIONS = [core + suffix for core in CORES for suffix in SUFFIXES] + texts("0129.-+ab", 9, 1_000)

DATES = (
    "2026-01-31", "2026-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2026-13-01",
    "2026-1-1", "26-01-01", "٢٠٢٦-01-01",
)  # fmt: skip
HOURS = (
    "", " 00:00", "T23:59:59", " 24:00", " 23:60", " 23:59:60", " 1:00", " ", "Z", " 10:00+01:00", "\n",
)  # fmt: skip
DAYS = [day + hour for day in DATES for hour in HOURS]

ODD = [
    "", "a", "A", "é", "É", "ß", "İ", "a\nb", "a%b", "a_b", "👩‍👩‍👧", "null", "x" * 300,
    "\x7f", "ab", "aab", "a\0b",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("semver(v) < semver('1.0.0')", VERSIONS),
        ("semver(v) >= semver('1.0.0-a.1')", VERSIONS),
        ("semver(v) between semver('0.9.0') and semver('1.0.10-rc.1')", VERSIONS),
        ("semver(v) is null", VERSIONS),
        ("date(v) >= date('2026-01-31')", DAYS),
        ("date(v) is null", DAYS),
        ("lower(v) = 'a'", ODD),
        ("upper(v) = 'É'", ODD),
        ("length(v)", ODD),
        ("v like 'a_b'", ODD),
        ("v like '%a%b%'", ODD),
        ("v not like '_'", ODD),
        ("regexp_matches(v, 'a.b')", ODD),
        ("regexp_matches(v, '^.$')", ODD),
        ("regexp_matches(v, '(?i)^a+b?$')", ODD),
        (r"regexp_matches(v, '\w\b')", ODD),
        (r"regexp_matches(v, '\pL')", ODD),
        ("not regexp_matches(v, '[^a-z]')", ODD),
        ("v < 'a'", ODD),
        ("v > 'é'", ODD),
    ],
)
def test_texts_of_every_kind_are_read_as_duckdb_reads_them(
    engine: duckdb.DuckDBPyConnection, text: str, rows: list[str]
) -> None:
    tree = parse(text)

    found = [compiled(tree)({"v": row}) for row in rows]

    assert found == over(engine, tree, rows)


@pytest.mark.parametrize(
    "pattern", ["", "%", "_", "%%", "a%", "%a", "a%a", "%a_%b%", "_%_", "a_", "%_a", "ab%ba"]
)
def test_like_is_that_of_duckdb_on_every_short_text(engine: duckdb.DuckDBPyConnection, pattern: str) -> None:
    rows = texts("ab%é", 6, 400)
    tree = parse(f"v like '{pattern}'")

    assert [compiled(tree)({"v": row}) for row in rows] == over(engine, tree, rows)


def test_a_pattern_that_makes_others_stall_is_answered_at_once() -> None:
    tree = parse(f"v like '{'%a' * 200}%b'")
    begun = time.perf_counter()

    found = compiled(tree)({"v": "a" * 10_000})

    assert found is False
    assert time.perf_counter() - begun < 0.5


STALLING = [
    "(a+)+$", "(a|a)+$", "(a|aa)+$", "([a-zA-Z]+)*$", "(.*)*$", "(.*a){20}$", "^(a?){30}a{30}$", "(x+x+)+y",
    r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(\w+\s?)*$", "((a*)*)*b", "(a+){10}b", "^(.+)+$", r"^(\d+)*[a]$",
    "(?i)(a|A|aa)+z", "^((ab)*)+$", "(([^/])+/?)+$", r"^([\w.]+)+@$", "(a*)*c", "(a|b|ab)*c",
    "((a{1,9}){1,9})b",
    "^(a+)*b", "(aa|aab?)*$", "(.+.+)+x", r"(\S+)*\s$", r"^([^\"]+)*\"$", "(0|0.0)+$", "(-+)+!", "(_|__)+!",
    "^(([a-z0-9])+)+$", r"^(\s*\w+\s*)+;", "(a?b?c?)*d", "((.)*)*z", "([ab]|[bc]|[ca])+z", "(a.?)+z",
    "^(?:(a+)b?)+c", "(ab?)+z", "(ba?|b)+z", "(x|y|xy)*z", "(foo|fo|o)+!", "(1|11|111)+2", "(\\.+)+x",
    "(a+b+)+c", "(a*b*)*c", "^(a*)*b*c", "(.|..)+!", "([^x]|y)+x{2}", "(aaa*|aa)+b", "((a|b)+c?)+d",
    "(a+|b+)+c",
    "(a{2}|a{3})+b",
]  # fmt: skip


@pytest.mark.parametrize("pattern", STALLING)
def test_no_regular_expression_stalls(pattern: str) -> None:
    """B9: classics of catastrophic backtracking, on 10 kB."""
    match = compiled(Call(Function.REGEXP_MATCHES, (Column("v"), Text(pattern))))
    value = {"v": "a" * 10_000 + "!"}
    match(value)  # the states are built at the first

    taken = []
    for _ in range(5):
        begun = time.thread_time()
        match(value)
        taken.append(time.thread_time() - begun)

    assert min(taken) < 0.02


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?=shop)", "is not one of RE2"),
        (r"(a)\1", "is not one of RE2"),
        ("(", "is not one of RE2"),
        ("((a{100}){100}){100}", "is not one of RE2"),
        (r"\pL{900}", "is not one of RE2"),
        ("a" * 1_001, "1,001 characters and may have 1,000"),
        ("\ud800", "is not one of RE2"),
    ],
)
def test_a_regular_expression_that_re2_refuses_is_refused_with_the_ruleset(pattern: str, says: str) -> None:
    with pytest.raises(RulesetError, match=says):
        compiled(Call(Function.REGEXP_MATCHES, (Column("v"), Text(pattern))))


def test_the_regular_expressions_of_a_ruleset_share_a_budget() -> None:
    patterns = Patterns()

    for place in range(150):
        patterns.found_in(f"{place}[a-z]{{900}}")

    with pytest.raises(RulesetError, match=r"need more than 150,000 steps"):
        all(patterns.found_in(f"{place}[a-z]{{900}}") for place in range(150, 200))


def test_a_regular_expression_is_compiled_once_for_a_ruleset() -> None:
    patterns = Patterns()

    assert patterns.found_in("^a") is patterns.found_in("^a")


def test_without_re2_a_rule_that_needs_it_names_the_package() -> None:
    program = """
import sys
sys.modules["re2"] = None
from splitrun.errors import RulesetError
from splitrun.terms.closures import compiled
from splitrun.terms.tree import Call, Column, Function, Text
assert compiled(Call(Function.CONTAINS, (Column("v"), Text("a"))))({"v": "cab"}) is True
try:
    compiled(Call(Function.REGEXP_MATCHES, (Column("v"), Text("^a"))))
except RulesetError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert "google-re2 is not installed; install splitrun[re2]" in said


def test_a_missing_package_is_named_where_it_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)

    with pytest.raises(RulesetError, match=r"install splitrun\[re2\]"):
        Patterns().found_in("^a")


def test_two_lists_beside_each_other_are_asked_as_one() -> None:
    joined = condition(parse("c in ('DE', 'AT') and p = 'pro' and d = 'x'"))
    rows = [
        {"c": c, "p": p, "d": "x"} for c in ("DE", "US", None, 3) for p in (Plan.PRO, "pro", "free", ["pro"])
    ]

    found = [joined(row) for row in rows]

    assert found == [row["c"] == "DE" and row["p"] == "pro" for row in rows]


OF_ALL_KINDS: tuple[object, ...] = (
    "DE",
    "CH",
    "",
    18,
    17,
    18.0,
    17.5,
    True,
    None,
    10**400,
    -(10**400),
    math.nan,
    math.inf,
    Decimal(20),
    b"DE",
)


@pytest.mark.parametrize(
    "parts",
    [
        ("country in ('DE', 'AT')", "age >= 18"),
        ("age < 18", "country = 'DE'"),
        ("country in ('DE', 'AT')", "age >= 18", "plan = 'pro'"),
        ("age <> 18", "country = 'DE'", "plan = 'pro'"),
        ("age > 17.5", "country = 'DE'", "age <= 18", "plan = 'pro'"),
        ("age >= 18", "age <= 20", "country in ('DE', 'AT')"),
    ],
)
def test_texts_and_numbers_asked_as_one_mean_what_each_means(parts: tuple[str, ...]) -> None:
    joined = condition(parse(" and ".join(parts)))
    alone = [compiled(parse(part)) for part in parts]

    for country, age, plan in product(OF_ALL_KINDS, OF_ALL_KINDS, ("pro", "free", None, 1)):
        given = {"country": country, "age": age, "plan": plan}
        assert joined(given) is all(one(given) is True for one in alone), given
    assert joined({}) is False


def test_closures_load_neither_sqlglot_nor_re2() -> None:
    program = "import sys, splitrun.terms.closures; print({'re2', 'sqlglot', 'zoneinfo'} & set(sys.modules))"

    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert said.strip() == "set()"


BERLIN = timezone(timedelta(hours=1))


class Plan(StrEnum):
    PRO = "pro"


class Loud(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = str.__hash__


class Whole(int):
    pass


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("v = 'pro'", Plan.PRO, True),
        ("v = 'pro'", Loud("pro"), True),
        ("v in ('pro', 'free')", Plan.PRO, True),
        ("v in ('pro', 'free')", ["pro"], None),
        ("v not in ('pro', 'free')", ["pro"], None),
        ("v not in ('pro', 'free')", "team", True),
        ("v <> 'pro'", 3, None),
        ("v = 1", True, None),
        ("v = 1", 1.0, True),
        ("v >= 1", Whole(1), True),
        ("v >= 1", True, None),
        ("v >= 18", math.nan, None),
        ("v >= 18", math.inf, None),
        ("v < 18", -math.inf, None),
        ("v <> 18", math.nan, None),
        ("v <> 18", 17, True),
        ("v > 0", 5e-324, True),
        ("v > 0", 10**400, None),
        ("v < 18", 17.999999999999996, True),
        ("v <= 2.5", 2, True),
        ("v > 2.5", 2, False),
        ("v = 9007199254740992", 2**53 + 1, True),  # no double lies between
        ("v > 9007199254740992", 2**53 + 1, False),
        ("v + 0 = 9007199254740992", 2**53 + 1, True),
        ("v = true", True, True),
        ("v = true", 1, None),
        ("v", True, True),
        ("v", 1, 1.0),
        ("v", b"bytes", None),
        ("v", {"a": 1}, None),
        ("v", object(), None),
        ("v is null", b"bytes", True),
        ("v = date('2026-01-31')", date(2026, 1, 31), True),
        ("v = date('2026-01-31')", datetime(2026, 1, 31), True),  # noqa: DTZ001  # a moment of the plan's zone
        ("v = date('2026-01-31')", "2026-01-31", None),
        ("date(v) = date('2026-01-31')", datetime(2026, 1, 31, 23, tzinfo=UTC), True),
        (
            "v = date('2026-01-31 22:00')",
            datetime(2026, 1, 31, 23, tzinfo=timezone(timedelta(hours=1))),
            True,
        ),
        ("v is null", datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), True),
    ],
)
def test_what_a_product_gives_is_taken_by_its_kind(text: str, value: object, expected: Value) -> None:
    found = compiled(parse(text))({"v": value})

    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)
    assert condition(parse(text))({"v": value}) is (expected is True)


def test_moments_with_a_zone_are_read_in_the_zone_of_the_plan() -> None:
    given_at = {"v": datetime(2026, 1, 31, 23, 30, tzinfo=UTC)}
    tree = parse("date(v) = date('2026-02-01')")

    assert compiled(tree, zone=BERLIN)(given_at) is True
    assert compiled(tree)(given_at) is False


def test_a_missing_attribute_is_null() -> None:
    assert compiled(parse("age >= 18"))({}) is None
    assert compiled(parse("not (age >= 18)"))({}) is None
    assert compiled(parse("coalesce(age, 20) >= 18"))({}) is True


def test_a_value_of_another_kind_than_declared_is_null() -> None:
    declared = compiled(parse("v"), kinds={"v": Kind.NUMBER})

    assert (declared({"v": "3"}), declared({"v": 3})) == (None, 3.0)


def deep(levels: int) -> Tree:
    tree: Tree = Column("p")
    for _ in range(levels):
        tree = Not(tree)
    return tree


def test_the_deepest_text_compiles_and_a_deeper_tree_is_refused() -> None:
    brackets = parse(f"{'not (' * 50}p{')' * 50}")

    assert compiled(brackets)({"p": True}) is True
    assert compiled(deep(DEEPEST - 1))({"p": True}) is False
    with pytest.raises(RulesetError, match="nested deeper than 250 levels"):
        compiled(deep(100_000))


def test_a_tree_is_measured_in_nodes() -> None:
    assert measured(parse("a = 1 and b in (1, 2)")) == 8


@pytest.mark.parametrize("function", list(Function))
def test_a_function_without_arguments_is_refused(function: Function) -> None:
    with pytest.raises(RulesetError, match=f"{function} takes"):
        compiled(Call(function, ()))


def test_a_regular_expression_must_be_written_out() -> None:
    with pytest.raises(RulesetError, match="not written out"):
        compiled(Call(Function.REGEXP_MATCHES, (Column("v"), Column("w"))))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("joint", [And, Or])
def test_any_number_of_conditions_joins(count: int, joint: type[And | Or]) -> None:
    tree = joint(tuple(Comparison("=", Column(f"c{place}"), Number(1)) for place in range(count)))
    rows = [{f"c{place}": 1 for place in range(count) if place != left_out} for left_out in range(count + 1)]

    found = [condition(tree)(row) for row in rows]

    assert found == [compiled(tree)(row) is True for row in rows]
    assert found[-1] is True


def test_membership_of_nothing_is_false() -> None:
    nothing: Closure = compiled(In(Column("v"), ()))

    assert nothing({"v": 1}) is False
