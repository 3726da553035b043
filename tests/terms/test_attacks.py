from __future__ import annotations

from itertools import product

import duckdb
import pytest
from sqlglot import exp

from splitrun.errors import ExpressionError
from splitrun.terms.parse import parse
from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import Column, Comparison, Kind, Number
from tests.terms.vectors import Attribute, answer

BOUND = {"t": Bound(exp.column("t", quoted=True), Kind.TEXT)}

INJECTIONS = [
    "1; DROP TABLE units",
    "1 = 1; --",
    "1 = 1 -- comment",
    "1 = 1 /* comment */",
    "1 = 1 /*! union */",
    "1 = 1 # comment",
    "' OR '1'='1",
    "' OR 1 = 1 --",
    "'; DROP TABLE units; --",
    "country = '' OR ''='' UNION SELECT 1",
    "1 = 1 UNION ALL SELECT password FROM accounts",
    "(SELECT 1)",
    "1 = (SELECT count(*) FROM units)",
    "country IN (SELECT country FROM units)",
    "EXISTS (SELECT 1)",
    "WITH x AS (DELETE FROM units RETURNING *) SELECT 1",
    "read_csv('/etc/passwd')",
    "read_text('/etc/passwd') = 'x'",
    "read_parquet('s3://bucket/key')",
    "getenv('HOME') = 'x'",
    "pg_sleep(10)",
    "query('drop table units')",
    "current_setting('memory_limit') = '1'",
    "version() = 'x'",
    "COPY units TO 'x.csv'",
    "ATTACH 'x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET threads = 1",
    "CALL pragma_version()",
    "EXECUTE x",
    "1 = 1) OR (1 = 1",
    "1) UNION SELECT (1",
    "lower((SELECT 'x'))",
    "coalesce(t, (SELECT max(x) FROM s))",
    "t::INT = 1",
    "CAST(t AS INT) = 1",
    "t || '; DROP TABLE units'",
    "$$x$$ = t",
    "E'\\x27' = t",
    "U&'\\0027' = t",
    "X'27' = t",
    "t = ?",
    "t = $1",
    "t = :name",
    "units.t = 'x'",
    "t.field = 1",
    "COLUMNS('.*') = 1",
    "* EXCLUDE (t) = 1",
    "list_transform([1], x -> x)",
    "t = ANY (ARRAY['x'])",
    "sum(n) OVER () > 1",
    "n = 1 LIMIT 1",
    "n = 1 ORDER BY n",
    "n = 1 GROUP BY n",
    "{{ config }}",
    "${jndi:ldap://x}",
    "=cmd|' /C calc'!A0",
    "t = 'x\x00'",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_attack_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


HARMLESS = [
    "'; DROP TABLE units; --",
    "' OR '1'='1",
    "\\'; DROP TABLE units; --",
    "x' || (SELECT 1) || '",
    "/* */",
    "%' --",
    "${x}",
    "{{x}}",
    '"',
    "'",
    "''",
    "\\",
    "\\\\'",
    "$$",
    "?",
    "$1",
    ":a",
]


PLACES = ["t = {}", "t in ({})", "t in (lower({}), {})"]


@pytest.mark.parametrize(("hostile", "place"), list(product(HARMLESS, PLACES)))
def test_a_hostile_text_in_quotes_is_a_text_and_nothing_else(
    engine: duckdb.DuckDBPyConnection, hostile: str, place: str
) -> None:
    quoted = "'" + hostile.replace("'", "''") + "'"
    tree = parse(place.format(quoted, quoted))

    assert answer(engine, tree, {"t": Attribute(Kind.TEXT, hostile)}) is True
    assert len(duckdb.extract_statements(f"SELECT {rendered(tree, BOUND).sql('duckdb')}")) == 1


@pytest.mark.parametrize("hostile", [*HARMLESS, 'n" = 1 OR 1=1 --', "a.b", "select"])
def test_a_hostile_column_name_reaches_no_sql_unless_the_caller_binds_it(
    engine: duckdb.DuckDBPyConnection, hostile: str
) -> None:
    tree = Comparison("=", Column(hostile), Number(1))

    with pytest.raises(ExpressionError, match="unknown column"):
        rendered(tree, BOUND)

    assert answer(engine, tree, {hostile: Attribute(Kind.NUMBER, 1)}) is True
