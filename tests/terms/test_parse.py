from __future__ import annotations

import sys

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitrun.errors import ExpressionError
from splitrun.terms.parse import parse
from splitrun.terms.tree import Column, Function, Or, columns
from tests.terms.vectors import TABLE, answer

WORDS = "'' not and or in between like is null true 1 2.5 'x' '1.0.0' '[' -- lower( coalesce( semver( date("
PIECES = st.sampled_from([*"abt()(),-+*/%=<> é😀\x00\"'", *WORDS.split(), "regexp_matches("])
LISTS = st.lists(PIECES, max_size=60)


@given(st.one_of(st.text(max_size=200), LISTS.map(" ".join), LISTS.map("".join)))
@example("a" * 10_001)
@settings(max_examples=600, deadline=500)
def test_any_text_is_a_tree_or_an_expression_error_at_a_place_in_it(text: str) -> None:
    at, says, names = read(text)

    assert 0 <= at <= len(text)
    assert bool(says) or all(names)


def read(text: str) -> tuple[int, str, tuple[str, ...]]:
    try:
        return 0, "", columns(parse(text))
    except ExpressionError as refused:
        return refused.at, refused.says and refused.remedy, ()


@pytest.mark.parametrize(
    "opening",
    [
        "(",
        "not ",
        "- ",
        "lower(",
        "not (",
        "a + (",
        "a in (",
        "coalesce(a, ",
        "-(",
        "a = (",
        "a between 1 and (",
    ],
)
def test_endless_nesting_is_refused_and_never_runs_out_of_stack(opening: str) -> None:
    text = (opening * 5_000)[:9_990]

    with pytest.raises(ExpressionError, match=r"nested deeper than 100|do not chain|ends too early"):
        parse(text)


@pytest.mark.parametrize(
    ("opening", "closing"), [("(", ")"), ("not ", ""), ("- ", ""), ("lower(", ")"), ("coalesce(", ")")]
)
def test_a_hundred_levels_are_read_and_one_more_is_not(opening: str, closing: str) -> None:
    assert parse(opening * 100 + "a" + closing * 100) is not None

    with pytest.raises(ExpressionError) as caught:
        parse(opening * 101 + "a" + closing * 101)

    assert caught.value.says == "brackets and operators are nested deeper than 100"
    assert caught.value.at == len(opening) * 101


def test_a_hundred_operators_in_a_row_are_read_and_one_more_is_not() -> None:
    assert parse("a" + " + a" * 100) is not None

    with pytest.raises(ExpressionError) as caught:
        parse("a" + " + a" * 101)

    # the last plus: 'a' and a hundred times ' + a' stand before ' +'
    assert caught.value.at == 1 + 4 * 100 + 1


def test_long_chains_of_conditions_are_flat_and_have_no_such_limit() -> None:
    tree = parse(" or ".join(["a = 1"] * 1_100))

    match tree:
        case Or(of=parts):
            assert len(parts) == 1_100
        case _:
            pytest.fail("not a chain of or")


def test_a_deep_caller_changes_nothing() -> None:
    def deeper(levels: int) -> bool:
        return deeper(levels - 1) if levels else parse("(" * 100 + "a" + ")" * 100) == Column("a")

    assert deeper(sys.getrecursionlimit() - 700)


@pytest.mark.parametrize(
    "text",
    [
        "'" * 9_999,
        "a " * 4_999,
        "(" * 9_999,
        "1" * 9_999,
        "a=1 or " * 1_400,
        "é" * 9_999 + "!",
        "''" * 4_999 + "'",
        "1e" * 4_999,
    ],
)
def test_long_texts_are_read_or_refused_in_words(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_a_long_text_is_shown_around_the_place_only() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("a = 1 or " * 500 + "b == 2" + " or a = 1" * 500)

    assert "b == 2" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_unknown_function_names_its_neighbour() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("country = 'DE' and star_with(name, 'x')")

    assert caught.value.remedy == "did you mean starts_with?"
    assert str(caught.value) == (
        "there is no function star_with at character 20 of "
        "\"country = 'DE' and star_with(name, 'x')\"; did you mean starts_with?"
    )


def test_a_pattern_that_re2_cannot_read_is_refused_where_it_stands() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("regexp_matches(a, '(b')")

    assert caught.value.says == "the pattern has missing ): (b"
    assert caught.value.at == 19


def test_a_pattern_is_left_to_the_engine_where_re2_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splitrun.terms.literals.find_spec", lambda _: None)

    assert parse("regexp_matches(a, '(b')") is not None
    with pytest.raises(ExpressionError, match="look-around"):
        parse("regexp_matches(a, '(?=b)')")


def test_an_escaped_backslash_before_a_digit_is_no_backreference() -> None:
    assert parse(r"regexp_matches(a, '\\1')") is not None
    assert parse(r"regexp_matches(a, '\(?=')") is not None


@st.composite
def sums(draw: st.DrawFn, depth: int = 4) -> str:
    """Whole numbers joined by + - * and signs, in brackets at random."""
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 9)))
    op = draw(st.sampled_from(["+", "-", "*"]))
    text = f"{draw(sums(depth - 1))} {op} {draw(st.sampled_from(['', '- ']))}{draw(sums(depth - 1))}"
    return f"({text})" if draw(st.booleans()) else text


@st.composite
def conditions(draw: st.DrawFn, depth: int = 4) -> str:
    """Comparisons of sums joined by and, or, not, in brackets at random."""
    if depth == 0 or draw(st.booleans()):
        leaf = st.sampled_from(["true", "false", "null"])
        compared = st.builds(" ".join, st.tuples(sums(1), st.sampled_from(["=", "<>", "<", ">="]), sums(1)))
        ranged = st.builds(
            "{} {}between {} and {}".format, sums(1), st.sampled_from(["", "not "]), sums(1), sums(1)
        )
        listed = st.builds("{} {}in ({}, null)".format, sums(1), st.sampled_from(["", "not "]), sums(1))
        return draw(st.one_of(leaf, compared, ranged, listed))
    before, joint = draw(st.sampled_from(["", "", "not "])), draw(st.sampled_from(["and", "or"]))
    text = f"{before}{draw(conditions(depth - 1))} {joint} {draw(conditions(depth - 1))}"
    return f"({text})" if draw(st.booleans()) else text


@given(text=st.one_of(sums(), conditions()))
@settings(max_examples=150, deadline=None)
def test_duckdb_reads_the_same_text_alike(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    theirs = engine.execute(f"SELECT {text}").fetchall()[0][0]

    assert answer(engine, parse(text), {}) == theirs


def test_the_table_has_cases_for_every_function() -> None:
    texts = " ".join(case.text.lower() for _, case in TABLE)

    assert all(f"{function}(" in texts for function in Function)
