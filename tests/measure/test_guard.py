from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from splitrun.errors import EngineError
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.engines.guard import checked
from splitrun.spec.source import Rows

HERE = Path(__file__).parent
ATTACKS = [
    line for line in (HERE / "attacks.txt").read_text().splitlines() if line and not line.startswith("#")
]
HONEST = [
    "SELECT * FROM orders",
    "select user_id, sum(amount) as total from orders group by user_id",
    "SELECT o.user_id, u.country FROM orders o JOIN users u ON o.user_id = u.user_id",
    "SELECT o.user_id FROM orders o LEFT JOIN users u USING (user_id) WHERE u.user_id IS NULL",
    "WITH big AS (SELECT * FROM orders WHERE amount > 10) SELECT count(*) FROM big",
    "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
    "SELECT user_id, row_number() OVER (PARTITION BY user_id ORDER BY ts) AS nth FROM orders",
    "SELECT user_id, lag(amount) OVER (ORDER BY ts) FROM orders",
    "SELECT * FROM orders QUALIFY rank() OVER (PARTITION BY user_id ORDER BY amount DESC) = 1",
    "SELECT user_id FROM orders UNION ALL SELECT user_id FROM users",
    "SELECT user_id FROM orders INTERSECT SELECT user_id FROM users",
    "SELECT user_id FROM users EXCEPT SELECT user_id FROM orders",
    "SELECT CAST(amount AS INTEGER), amount::DOUBLE, try_cast(name AS DATE) FROM orders",
    "SELECT date_trunc('day', ts) AS day, count(*) FROM orders GROUP BY 1 ORDER BY 1",
    "SELECT date_diff('day', ts, ts + INTERVAL 3 DAY), extract(hour FROM ts) FROM orders",
    "SELECT strftime(ts, '%Y-%m'), epoch_ms(ts) FROM orders",
    "SELECT ts AT TIME ZONE 'Europe/Berlin' FROM orders",
    "SELECT avg(amount), median(amount), quantile_cont(amount, 0.9), stddev_samp(amount) FROM orders",
    "SELECT count(*) FILTER (WHERE amount > 1), count(DISTINCT user_id) FROM orders",
    "SELECT coalesce(amount, 0), nullif(amount, 0), greatest(amount, 1) FROM orders",
    "SELECT CASE WHEN amount > 10 THEN 'big' ELSE 'small' END, count(*) FROM orders GROUP BY ALL",
    "SELECT lower(name), trim(name), substring(name, 1, 3), name LIKE 'a%' FROM orders",
    "SELECT regexp_extract(name, '([a-z]+)', 1), regexp_matches(name, 'a') FROM orders",
    "SELECT * FROM (SELECT user_id, max(amount) AS top FROM orders GROUP BY user_id) WHERE top > 3",
    "SELECT * FROM orders WHERE user_id IN (SELECT user_id FROM users WHERE country = 'DE')",
    "SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.user_id = o.user_id)",
    "SELECT unnest([1, 2, 3]) AS x, sqrt(2), round(1.234, 1)",
    "SELECT * FROM range(3) r(i)",
    "FROM orders SELECT user_id",
    "SELECT * EXCLUDE (name) FROM orders",
    "SELECT arg_max(name, ts), list(name), string_agg(name, ',') FROM orders",
    "SELECT sha256(user_id::VARCHAR) < '8' AS half FROM orders",
    "SELECT user_id, sum(amount) FROM orders GROUP BY ROLLUP (user_id)",
]
ROWS = (
    "SELECT 1 AS user_id, 2.5 AS amount, 'ab' AS name, TIMESTAMP '2026-01-02 03:04:05' AS ts, 'DE' AS country"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB(limits=Limits(seconds=0.5, memory="500MB")) as locked:
        locked.load({"orders": Rows(query=ROWS), "users": Rows(query=ROWS)})
        yield locked


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_passes_the_first_wall(attack: str) -> None:
    with pytest.raises(EngineError):
        checked(attack.replace("{file}", __file__), dialect="duckdb", tables={"orders", "users"})


@pytest.mark.parametrize("query", HONEST)
def test_an_honest_query_passes_before_the_tables_are_known(query: str) -> None:
    assert checked(query, dialect="duckdb", tables=None).sql()


def test_only_attacks_by_the_name_of_a_table_pass_before_the_tables_are_known() -> None:
    known = {"orders", "users"}
    passed = []
    for attack in ATTACKS:
        with contextlib.suppress(EngineError):
            passed.append(checked(attack.replace("{file}", __file__), dialect="duckdb", tables=None))

    named = [
        {".".join(part.name for part in table.parts) for table in query.find_all(exp.Table)}
        for query in passed
    ]
    assert all(names - known for names in named)
    assert len(passed) < 30


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(set(ATTACKS)) >= 200


@pytest.mark.parametrize("query", HONEST)
def test_an_honest_query_is_let_through_and_runs(query: str, engine: DuckDB) -> None:
    checked(query, dialect="duckdb", tables={"orders", "users"})

    assert engine.run(query).num_columns > 0


OUTSIDE = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    f"SELECT * FROM read_csv('{__file__}')",  # noqa: S608  # an attack
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM parquet_scan('/etc/passwd')",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "COPY (SELECT 1) TO '/tmp/splitrun-stolen.csv'",
    "EXPORT DATABASE '/tmp/splitrun-stolen'",
    "ATTACH '/tmp/splitrun-stolen.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '/tmp/evil.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET allowed_directories = ['/']",
    "RESET enable_external_access",
    "SELECT getenv('HOME')",
    "SELECT * FROM local_frame",
    "CREATE PERSISTENT SECRET s (TYPE S3)",
]


@pytest.mark.parametrize("attack", OUTSIDE)
def test_the_second_wall_stands_without_the_first(attack: str, engine: DuckDB) -> None:
    local_frame = engine.run("SELECT 1 AS x")

    with pytest.raises(duckdb.Error):
        engine._connection.execute(attack)  # noqa: SLF001  # around the first wall, on purpose

    assert local_frame.num_rows == 1


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range % 7 = b.range % 5",
    ],
)
def test_a_query_that_never_ends_is_stopped(query: str, engine: DuckDB) -> None:
    with pytest.raises(EngineError, match=r"took longer than 0.5 s and was stopped; simplify it"):
        engine.run(query)


def test_a_query_that_wants_too_much_memory_is_stopped() -> None:
    with DuckDB(limits=Limits(memory="50MB")) as engine:
        engine.load({})

        with pytest.raises(EngineError, match="more than 50MB of memory; read fewer columns or allow more"):
            engine.run("SELECT list(md5(range::VARCHAR)) AS l FROM range(5000000)")


@pytest.mark.parametrize(
    ("limits", "query", "says"),
    [
        (
            Limits(seconds=0.5),
            "SELECT a.i * b.i AS x FROM range(100000) a(i), range(100000) b(i)",
            "longer than 0.5",
        ),
        (Limits(memory="30MB"), "SELECT list(i) AS x FROM range(30000000) t(i)", "more than 30MB of memory"),
        (
            Limits(),
            "SELECT CAST('a' || i AS INTEGER) AS x FROM range(9) t(i)",
            "by DuckDB: Conversion",
        ),
    ],
)
def test_rows_that_break_off_say_why(limits: Limits, query: str, says: str) -> None:
    with DuckDB(limits=limits) as engine:
        engine.load({})

        with pytest.raises(EngineError, match=says):
            for _ in engine.rows(query):
                pass


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DROP TABLE orders", "begin with SELECT or WITH"),
        ("SELECT 1; SELECT 2", "2 statements; write exactly one"),
        ("SELECT * FROM ordres", "the table 'ordres'; did you mean 'orders'?"),
        ("SELECT * FROM qqq", "the tables to select from are: orders, users"),
        ("SELECT * FROM read_csv('x')", "the table function read_csv; declare the rows as a source"),
        ("SELECT getenv('HOME')", "the function getenv; use functions of the rows alone"),
        ("WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d", "Delete; write a SELECT"),
        ("SELECT ((", "cannot be read"),
        ("VALUES (1)", "Values; write a SELECT"),
        ("SELECT * FROM $1", "as a table; select from a source by its name"),
        ("", "holds nothing; begin with SELECT"),
        ("SELECT " + "1 + " * 40_000 + "1", "characters; write it in at most 100,000"),
        ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "more than 200 brackets within each other; nest it"),
        ("SELECT * FROM " + "(SELECT * FROM " * 5_000 + "orders" + ")" * 5_000, "more than 200 brackets"),
        ("FROM " * 19_000 + "orders", "more than 1,000 times FROM; split it"),
        ("SELECT x ->", "cannot be read"),
        ("SELECT " + "NOT " * 24_000 + "true", "cannot be read"),
    ],
)
def test_a_refusal_says_what_and_what_instead(query: str, says: str) -> None:
    with pytest.raises(EngineError) as refused:
        checked(query, dialect="duckdb", tables={"orders", "users"})

    assert says in str(refused.value)
