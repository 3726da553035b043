from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.terms.tree import (
    And,
    Arithmetic,
    Between,
    Boolean,
    Call,
    Column,
    Comparison,
    Function,
    In,
    IsBoolean,
    IsNull,
    Kind,
    Like,
    Negative,
    Not,
    Null,
    Number,
    Or,
    Text,
    Tree,
)
from tests.terms.truth import truth
from tests.terms.vectors import Attribute, answer

COLUMNS = {"n": Kind.NUMBER, "m": Kind.NUMBER, "t": Kind.TEXT, "u": Kind.TEXT, "p": Kind.BOOLEAN}
PLAIN = (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN)

TEXTS = st.text("aB%_é\\'", max_size=3)
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.5, 3.0, 1e308, -7.0])
ODD = st.sampled_from([float("nan"), float("inf"), float("-inf")])

ROWS = st.fixed_dictionaries(
    {
        "n": st.none() | NUMBERS | ODD,
        "m": st.none() | NUMBERS,
        "t": st.none() | TEXTS,
        "u": st.none() | TEXTS,
        "p": st.none() | st.booleans(),
    }
)

LEAVES = {
    Kind.TEXT: st.builds(Text, TEXTS) | st.builds(Column, st.sampled_from("tu")),
    Kind.NUMBER: st.builds(Number, NUMBERS) | st.builds(Column, st.sampled_from("nm")),
    Kind.BOOLEAN: st.builds(Boolean, st.booleans()) | st.builds(Column, st.just("p")),
}

ONE_TEXT = (Function.STARTS_WITH, Function.ENDS_WITH, Function.CONTAINS)


@st.composite
def trees(draw: st.DrawFn, kind: Kind, depth: int) -> Tree:
    """Mostly of the kind asked for; now and then null, or of another kind."""
    dice = draw(st.integers(0, 19))
    if dice == 0:
        return Null()
    wanted = draw(st.sampled_from(PLAIN)) if dice == 1 else kind
    if depth == 0 or dice < 6:
        return draw(LEAVES[wanted])
    if wanted is Kind.TEXT:
        return draw(texts(depth - 1))
    return draw(numbers(depth - 1) if wanted is Kind.NUMBER else booleans(depth - 1))


@st.composite
def texts(draw: st.DrawFn, depth: int) -> Tree:
    function = draw(st.sampled_from([Function.LOWER, Function.UPPER, Function.COALESCE]))
    parts = [draw(trees(Kind.TEXT, depth))]
    if function is Function.COALESCE:
        # kinds are kept apart here: what another kind does in coalesce is in the table
        parts = [Column("t"), *draw(st.lists(LEAVES[Kind.TEXT], max_size=2))]
    return Call(function, tuple(parts))


@st.composite
def numbers(draw: st.DrawFn, depth: int) -> Tree:
    match draw(st.integers(0, 5)):
        case 0:
            return Negative(draw(trees(Kind.NUMBER, depth)))
        case 1:
            return Call(Function.ABS, (draw(trees(Kind.NUMBER, depth)),))
        case 2:
            return Call(Function.LENGTH, (draw(trees(Kind.TEXT, depth)),))
        case _:
            op = st.sampled_from(["+", "-", "*", "/", "%"])
            return draw(st.builds(Arithmetic, op, trees(Kind.NUMBER, depth), trees(Kind.NUMBER, depth)))


@st.composite
def booleans(draw: st.DrawFn, depth: int) -> Tree:
    condition, kind = trees(Kind.BOOLEAN, depth), draw(st.sampled_from(PLAIN))
    part, flag = trees(kind, depth), st.booleans()
    two_or_three = st.lists(condition, min_size=2, max_size=3).map(tuple)
    op = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    text = trees(Kind.TEXT, depth)
    tree: Tree = draw(
        st.one_of(
            st.builds(Not, condition),
            st.builds(And, two_or_three),
            st.builds(Or, two_or_three),
            st.builds(Comparison, op, part, part),
            st.builds(In, part, st.lists(part, min_size=1, max_size=3).map(tuple), flag),
            st.builds(Between, part, part, part, flag),
            st.builds(Like, text, text, flag),
            st.builds(IsNull, part, flag),
            st.builds(IsBoolean, condition, flag, flag),
            st.builds(Call, st.sampled_from(ONE_TEXT), st.tuples(text, text)),
        )
    )
    return tree


@given(
    tree=st.sampled_from([Kind.BOOLEAN, Kind.BOOLEAN, Kind.NUMBER]).flatmap(lambda k: trees(k, 4)), row=ROWS
)
@settings(max_examples=200, deadline=None)
def test_duckdb_and_plain_three_valued_logic_give_the_same_answer(
    engine: duckdb.DuckDBPyConnection, tree: Tree, row: dict[str, bool | float | str | None]
) -> None:
    found = answer(engine, tree, {name: Attribute(COLUMNS[name], value) for name, value in row.items()})

    expected = truth(tree, row)

    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)
