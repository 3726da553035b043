from __future__ import annotations

import time
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from splitrun.errors import ExpressionError
from splitrun.terms.literals import version_key
from splitrun.terms.parse import parse
from splitrun.terms.rendering import Bound, kind_of, rendered
from splitrun.terms.tree import Kind
from tests.terms.vectors import Attribute, answer

COLUMNS = {
    "n": Kind.NUMBER,
    "m": Kind.NUMBER,
    "t": Kind.TEXT,
    "u": Kind.TEXT,
    "p": Kind.BOOLEAN,
    "at": Kind.TIME,
}
BOUND = {name: Bound(exp.column(name, quoted=True), kind) for name, kind in COLUMNS.items()}

IDENTIFIERS = st.from_regex(r"\A(0|[1-9][0-9]{0,3}|[0-9a-zA-Z-]{0,3}[a-zA-Z-])\Z")
VERSIONS = st.builds(
    lambda core, suffix, build: (
        ".".join(map(str, core)) + "".join(f"-{'.'.join(suffix)}" for _ in suffix[:1]) + build
    ),
    st.tuples(*[st.integers(0, 12)] * 3),
    st.lists(IDENTIFIERS, max_size=3),
    st.sampled_from(["", "+5", "+b-1.x"]),
)


def precedence(version: str) -> tuple[object, ...]:
    """SemVer 2.0.0, rule 11, read word for word."""
    core, _, suffix = version.split("+", maxsplit=1)[0].partition("-")
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in suffix.split(".")]
    return (*map(int, core.split(".")), not suffix, parts if suffix else [])


@given(one=VERSIONS, other=VERSIONS)
@settings(max_examples=60, deadline=None)
def test_versions_stand_in_the_order_of_rule_eleven(
    engine: duckdb.DuckDBPyConnection, one: str, other: str
) -> None:
    row = {"v": Attribute(Kind.TEXT, one), "w": Attribute(Kind.TEXT, other)}

    below = answer(engine, parse("semver(v) < semver(w)"), row)
    same = answer(engine, parse("semver(v) = semver(w)"), row)
    written = answer(engine, parse(f"semver(v) < semver('{other}')"), row)

    assert below is written is (precedence(one) < precedence(other))
    assert same is (precedence(one) == precedence(other))


@pytest.mark.parametrize(
    ("text", "none"),
    [
        (f"1.0.0-{'a' * 250}", False),
        (f"1.0.0-{'a' * 251}", True),
        (f"1.0.0+{'0' * 250}", False),
        (f"1.0.0+{'0' * 251}", True),
        (f"1.0.0{'-a.b' * 100_000}", True),
    ],
)
def test_a_version_has_at_most_256_characters(
    engine: duckdb.DuckDBPyConnection,
    text: str,
    none: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert (version_key(text) is None) is none
    assert answer(engine, parse("semver(v) is null"), {"v": Attribute(Kind.TEXT, text)}) is none


def test_a_long_text_costs_a_version_no_time() -> None:
    long = f"1.0.0-{'a.' * 500_000}a"

    begun = time.thread_time()
    for _ in range(1_000):
        assert version_key(long) is None

    # reading it whole takes 0.1 s or more, every time
    assert time.thread_time() - begun < 0.1


def test_keys_of_versions_follow_the_chain_of_the_specification() -> None:
    # https://semver.org, rule 11.4.4
    chain = (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
    )
    keys = [version_key(version) or "" for version in chain.split()]

    assert all(one < other for one, other in pairwise(keys))


def test_an_unknown_column_names_its_neighbour_and_all_that_are_known() -> None:
    bound = {"country": BOUND["t"], "age": BOUND["n"]}

    with pytest.raises(ExpressionError) as near:
        rendered(parse("contry = 'DE'"), bound)
    with pytest.raises(ExpressionError) as far:
        rendered(parse("zzz = 1"), bound)
    with pytest.raises(ExpressionError) as none:
        rendered(parse("zzz = 1"), {})

    assert near.value.says == "unknown column 'contry'"
    assert near.value.remedy == "did you mean country? known are age, country"
    assert far.value.remedy == "known are age, country"
    assert none.value.remedy == "no columns are known"


def test_a_version_cannot_leave_the_expression() -> None:
    with pytest.raises(ExpressionError, match="compare it with another"):
        rendered(parse("semver(t)"), BOUND)


def test_names_are_exact_and_bound_expressions_are_taken_whole(engine: duckdb.DuckDBPyConnection) -> None:
    bound = {"n": Bound(exp.Add(this=exp.Literal.number(1), expression=exp.Literal.number(2)), Kind.NUMBER)}

    sql = rendered(parse("n * 2 = 6"), bound).sql("duckdb")

    assert engine.execute(f"SELECT {sql}").fetchall() == [(True,)]
    with pytest.raises(ExpressionError, match="did you mean n"):
        rendered(parse("nn = 1"), bound)


def test_rendering_changes_nothing_it_was_given() -> None:
    before = BOUND["t"].sql.sql("duckdb")

    first = rendered(parse("t = 'x' and t <> 'y'"), BOUND)
    second = rendered(parse("t = 'x' and t <> 'y'"), BOUND)

    assert first == second
    assert BOUND["t"].sql.parent is None
    assert BOUND["t"].sql.sql("duckdb") == before


@pytest.mark.parametrize(
    "text",
    [
        "not " * 99 + "p",
        "- " * 99 + "n",
        "n" + " / n" * 100,
        "1 - (" * 49 + "n" + ")" * 49,
        "abs(" * 99 + "n" + ")" * 99,
        "(" * 99 + "n = 1" + ") = true" * 99,
        "n % (7 + " * 4 + "n" + ")" * 4,
        "n = 1 or " * 1_000 + "p",
    ],
    ids=lambda text: text[:12],
)
def test_the_deepest_expressions_become_sql_and_run(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    row = {"n": Attribute(Kind.NUMBER, 1), "p": Attribute(Kind.BOOLEAN, value=True)}

    assert answer(engine, parse(text), row) is not None


@pytest.mark.parametrize(
    "text",
    [
        "1 / (" * 49 + "n" + ")" * 49,
        "(" * 99 + "p" + " not in (true))" * 99,
        " or ".join(["1/(1/(1/(1/(1/(1/(1/n)))))) > 1"] * 280),
    ],
    ids=lambda text: text[:12],
)
def test_what_would_be_too_deep_or_long_as_sql_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested too deeply to be written as SQL"):
        rendered(parse(text), BOUND)


def test_a_zone_is_read_in_the_time_zone_of_the_session() -> None:
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("SET TimeZone = 'Europe/Berlin'")
        sql = rendered(parse("at >= date('2026-11-27')"), BOUND).sql("duckdb")

        found = engine.execute(
            f'SELECT {sql} FROM (SELECT unnest([?, ?])::TIMESTAMPTZ AS "at")',  # noqa: S608 (our own)
            ["2026-11-26 23:00:00+00", "2026-11-26 22:59:59+00"],
        ).fetchall()

    # Berlin is an hour ahead of UTC in November
    assert found == [(True,), (False,)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("n + 1", Kind.NUMBER),
        ("-n", Kind.NUMBER),
        ("length(t)", Kind.NUMBER),
        ("lower(t)", Kind.TEXT),
        ("t", Kind.TEXT),
        ("'x'", Kind.TEXT),
        ("at", Kind.TIME),
        ("date(t)", Kind.TIME),
        ("n = 1", Kind.BOOLEAN),
        ("not p", Kind.BOOLEAN),
        ("true", Kind.BOOLEAN),
        ("p and p", Kind.BOOLEAN),
        ("contains(t, 'x')", Kind.BOOLEAN),
        ("coalesce(null, n, 0)", Kind.NUMBER),
        ("coalesce(null)", None),
        ("null", None),
        ("semver(t)", None),
        ("strange", None),
    ],
)
def test_every_expression_has_a_kind(text: str, kind: Kind | None) -> None:
    assert kind_of(parse(text), BOUND) == kind
