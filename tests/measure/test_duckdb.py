from __future__ import annotations

import gzip
import os
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import duckdb
import ibis  # type: ignore[import-untyped,unused-ignore]  # it ships no types
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from splitrun.errors import DataError, EngineError
from splitrun.measure.engine import Loaded
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measurement import measure
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Rows, Source
from tests.measure.plans import exposures, framed, mean, means, over, plan, share

ROWS = "user,variant,x\n1,control,1\n2,control,3\n3,treatment,5\n"
FOUND = [[2, 2], [1, 5]]


def loaded(folder: Path, content: bytes, name: str = "a.csv") -> tuple[Loaded, list[dict[str, str]]]:
    (folder / name).write_bytes(content)
    with DuckDB(roots=[folder]) as engine:
        found = engine.load({"a": Rows(csv=name)})["a"]
        return found, engine.run('SELECT * FROM "a"').to_pylist()


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        (b"a;b\n1,5;2\n", [{"a": "1,5", "b": "2"}]),
        (b"a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
        (b"a|b\n1|2\n", [{"a": "1", "b": "2"}]),
        (b"a\n1\n", [{"a": "1"}]),
        (b'"a,b","c ""d"""\n"x\ny","q""z"\n', [{"a,b": "x\ny", 'c "d"': 'q"z'}]),
        (b'a,b\n"",\n', [{"a": None, "b": None}]),
        (b"a,b\n=cmd(),@x\n", [{"a": "=cmd()", "b": "@x"}]),
        (b"a,b\n1,2", [{"a": "1", "b": "2"}]),
        (b"a,b\n1,2\n\n\n3,4\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("a,ü\n1,é\n".encode(), [{"a": "1", "ü": "é"}]),
    ],
)
def test_a_csv_is_read_as_it_is_written(tmp_path: Path, content: bytes, rows: list[dict[str, str]]) -> None:
    found, read = loaded(tmp_path, content)

    assert read == rows
    assert (found.rows, found.quarantined, found.typed) == (len(rows), 0, False)


def test_rows_that_cannot_be_read_are_quarantined_with_their_lines(tmp_path: Path) -> None:
    found, read = loaded(tmp_path, b'a,b\n1,2\n1\n1,2,3\n\xff\xfe,1\n"x"y,1\n3,4\n')

    assert [row["a"] for row in read] == ["1", "3"]
    assert (found.quarantined, found.lines) == (4, (3, 4, 5, 6))


def test_rows_swallowed_by_an_open_quote_are_counted(tmp_path: Path) -> None:
    found, read = loaded(tmp_path, b'a,b\n1,2\n"open,3\n4,5\n6,7\n')

    assert len(read) == 1
    assert found.quarantined == 3


def test_a_quote_inside_a_cell_loses_nothing(tmp_path: Path) -> None:
    found, read = loaded(tmp_path, b'a,b\n5" screen,2\n"x\ny",3\n\n4,5\n')

    assert len(read) == 3
    assert found.quarantined == 0


def test_quarantined_rows_reach_the_readout(tmp_path: Path) -> None:
    measured = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=ROWS + "broken\n")

    assert measured.dirt.quarantined == {"exposures": (1, (5,))}
    assert means(measured, "m") == FOUND


def test_a_compressed_csv_is_read(tmp_path: Path) -> None:
    _, read = loaded(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.csv.gz")

    assert read == [{"a": "1", "b": "2"}]


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    # printf 'a\n1\n' | sha256sum
    found, _ = loaded(tmp_path, b"a\n1\n")

    assert found.digest == "sha256:309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "a.csv is empty; it needs a header and at least one row"),
        (b"\xef\xbb\xbf\n", "a.csv is empty"),
        (b"a,b\n", "a.csv has a header and no rows"),
        (b"a,b,A\n1,2,3\n", r"columns of the same name \(A, a\); give each a name of its own"),
        ("a,b\n1,2\n".encode("utf-16"), "is written in UTF-16; save it as UTF-8"),
        ("ä,b\n1,2\n".encode("latin-1"), "the header of a.csv is not UTF-8; save the file as UTF-8"),
        (b"a,b\n1,2\r\n3,4\n", "reading a.csv: .*; check the file"),
    ],
)
def test_a_csv_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        loaded(tmp_path, content)


def test_a_broken_archive_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a.csv.gz cannot be read \(Not a gzipped file"):
        loaded(tmp_path, b"a,b\n1,2\n", "a.csv.gz")


@pytest.mark.parametrize(
    ("named", "error", "says"),
    [
        ("gone.csv", DataError, r"there is no file 'gone.csv' in .*; check the name"),
        ("../outside.csv", EngineError, "lies outside .*; move the file there or allow its folder"),
        ("/etc/passwd", EngineError, "lies outside"),
        ("link.csv", EngineError, "lies outside"),
        ("folder/../../outside.csv", EngineError, "lies outside"),
        ("links/outside.csv", EngineError, "lies outside"),
        ("folder", DataError, "is a folder; name a file"),
        ("/dev/stdin", EngineError, "lies outside"),
        ("../gone.csv", EngineError, "lies outside"),
    ],
)
def test_files_outside_the_folder_are_out_of_reach(
    tmp_path: Path, named: str, error: type[Exception], says: str
) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside.csv").write_text(ROWS)
    (root / "link.csv").symlink_to(tmp_path / "outside.csv")
    (root / "links").symlink_to(tmp_path)

    with DuckDB(roots=[root]) as engine, pytest.raises(error, match=says):
        engine.load({"a": Rows(csv=named)})


@pytest.mark.parametrize("pattern", ["../*.parquet", "/etc/*"])
def test_patterns_lead_nowhere_outside(tmp_path: Path, pattern: str) -> None:
    with (
        DuckDB(roots=[tmp_path]) as engine,
        pytest.raises(EngineError, match=r"the pattern .* leads outside"),
    ):
        engine.load({"a": Rows(parquet=pattern)})


def test_a_link_that_a_pattern_matches_leads_nowhere_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "secret.parquet")
    (root / "x.parquet").symlink_to(tmp_path / "secret.parquet")

    with DuckDB(roots=[root]) as engine, pytest.raises(EngineError, match="lies outside"):
        engine.load({"a": Rows(parquet="*.parquet")})


def test_without_a_folder_no_file_can_be_read() -> None:
    with DuckDB() as engine, pytest.raises(EngineError, match=r"no folder may be read"):
        engine.load({"a": Rows(csv="a.csv")})


def test_names_with_wildcards_in_them_are_names(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("a\nwrong\n")

    assert loaded(tmp_path, b"a\nright\n", "a[1].csv")[1] == [{"a": "right"}]


def test_a_source_can_be_many_parquet_files(tmp_path: Path) -> None:
    for part, (users, variants) in enumerate([([1, 2], ["control"] * 2), ([3], ["treatment"])]):
        pq.write_table(
            pa.table({"user": users, "variant": variants, "x": [float(i) for i in users]}),
            tmp_path / f"{part}.parquet",
        )
    planned = plan({"m": mean("x")}, Exposures(parquet="*.parquet", unit="user", variant="variant"))

    with DuckDB(roots=[tmp_path]) as engine:
        found = engine.load({"exposures": Rows(parquet="*.parquet")})["exposures"]
    measured = over(tmp_path, planned)

    assert found.rows == 3
    assert found.typed
    assert means(measured, "m") == [[2, 1.5], [1, 3]]


def test_a_parquet_file_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")

    with (
        DuckDB(roots=[tmp_path]) as engine,
        pytest.raises(DataError, match=r"reading a.parquet: .*; check the file"),
    ):
        engine.load({"a": Rows(parquet="a.parquet")})


def frames() -> dict[str, object]:
    table = pa.table(
        {"user": [1, 2, 3], "variant": ["control", "control", "treatment"], "x": [1.0, 3.0, 5.0]}
    )
    return {
        "arrow": table,
        "batches": pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        "batch": table.to_batches()[0],
        "pandas": table.to_pandas(),
        "categories": table.to_pandas().astype({"variant": "category"}),
        "polars": pl.from_arrow(table),
        "lazy": pl.LazyFrame(
            {"user": [1, 2, 3], "variant": ["control", "control", "treatment"], "x": [1.0, 3.0, 5.0]}
        ),
        "relation": duckdb.sql(
            "SELECT * FROM (VALUES (1, 'control', 1.0), (2, 'control', 3.0), (3, 'treatment', 5.0)) "
            't("user", variant, x)'
        ),
        "ibis": ibis.memtable(table.to_pandas()),
    }


@pytest.mark.parametrize(
    "kind", ["arrow", "batches", "batch", "pandas", "categories", "polars", "lazy", "relation", "ibis"]
)
def test_every_kind_of_frame_gives_the_same_moments(kind: str) -> None:
    planned = plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that made the frame
        measured = framed(planned, rows=frames()[kind])

    assert means(measured, "m") == FOUND


@pytest.mark.parametrize(
    ("name", "frame", "says"),
    [
        ("rowz", pa.table({"a": [1]}), r"there is no data frame 'rows'; did you mean 'rowz'\?"),
        ("other", pa.table({"a": [1]}), r"hand it over by that name \(handed over: other\)"),
        ("rows", 42, "the data frame 'rows' cannot be read"),
        ("rows", pd.DataFrame({"a": [1, "x", object()]}), "the data frame 'rows' cannot be read"),
        (
            "rows",
            pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]),
            "has columns of the same name .a.",
        ),
    ],
)
def test_a_frame_that_is_none_says_so(name: str, frame: object, says: str) -> None:
    with DuckDB(frames={name: frame}) as engine, pytest.raises(DataError, match=says):
        engine.load({"a": Rows(frame="rows")})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE SCHEMA shop; CREATE TABLE shop.seen (id INT, variant VARCHAR, moment TIMESTAMPTZ)"
        )
        connection.execute(
            "INSERT INTO shop.seen VALUES "
            "(1, 'control', '2026-01-01 00:00:00Z'), (2, 'treatment', '2026-01-01 00:00:00Z')"
        )
        connection.execute(
            "CREATE TABLE orders AS SELECT 1 AS id, DATE '2026-01-02' AS day, 5 AS x, true AS ok, [1] AS l"
        )
        connection.execute("CREATE VIEW big AS SELECT * FROM orders")
    return path


def test_tables_and_queries_of_a_database_are_read(database: Path) -> None:
    planned = plan(
        {"m": mean("x", "ok", source="o"), "n": mean("x", source="q")},
        Exposures(table="shop.seen", unit="id", variant="variant", time="moment"),
        sources={
            "o": Source(table="big", unit="id", time="day"),
            "q": Source(
                query="SELECT id, day, x * 2 AS x FROM orders JOIN exposures USING (id)",
                unit="id",
                time="day",
            ),
        },
    )
    with DuckDB(database=database) as engine:
        measured = measure(planned, engine)

    assert means(measured, "m") == [[1, 5], [1, 0]]
    assert means(measured, "n") == [[1, 10], [1, 0]]
    assert measured.as_of == datetime(2026, 1, 2, tzinfo=UTC)
    assert measured.dirt.zoned == {"exposures": 2}
    assert measured.dirt.zoneless == {"o": 1, "q": 1}
    assert [each.digest for each in measured.sources] == [None] * 3


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (Rows(table="shop.sen"), EngineError, "did you mean 'shop.seen'?"),
        (Rows(query="SELECT * FROM nowhere"), EngineError, "the table 'nowhere'"),
        (Rows(query="SELECT nothing FROM orders"), EngineError, "the source a was refused by DuckDB"),
        (
            Rows(query="SELECT * FROM information_schema.tables"),
            EngineError,
            "the table 'information_schema.tables'",
        ),
        (Rows(lake="events"), EngineError, "a: no lake was handed over"),
    ],
)
def test_what_a_database_does_not_hold_is_refused(
    database: Path, rows: Rows, error: type[Exception], says: str
) -> None:
    with DuckDB(database=database) as engine, pytest.raises(error) as refused:
        engine.load({"a": rows})

    assert says in str(refused.value)


def test_a_database_is_only_read(database: Path) -> None:
    before = database.read_bytes()

    with DuckDB(database=database) as engine:
        engine.load({"a": Rows(table="orders")})
        with pytest.raises(duckdb.Error):
            engine._connection.execute("DELETE FROM attached_store.main.orders")  # noqa: SLF001  # around the guard, on purpose

    assert database.read_bytes() == before


def test_a_database_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no database .*; check its name"):
        DuckDB(database=tmp_path / "no.db")
    with DuckDB() as engine, pytest.raises(DataError, match="no database is attached"):
        engine.load({"a": Rows(table="orders")})


def test_one_engine_serves_one_readout() -> None:
    with DuckDB() as engine:
        engine.load({})

        with pytest.raises(EngineError, match="serves one readout"):
            engine.load({})


def test_more_rows_than_memory_are_spilled_to_scratch_and_nothing_stays(tmp_path: Path) -> None:
    with DuckDB(limits=Limits(memory="60MB", scratch=tmp_path)) as engine:
        engine.load({})
        engine.keep("_t", "SELECT range AS i, md5(range::VARCHAR) AS s FROM range(1500000)")
        assert engine.run('SELECT count(*) AS n FROM "_t"').to_pylist() == [{"n": 1_500_000}]
        assert list(tmp_path.iterdir())

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("cells", "mean_of_x", "strays"),
    [
        ("1,2,3", 2, 0),
        (" 1 ,+2,3e0", 2, 0),
        ("1,2,,NA,3", 2, 0),
        ("1,oops,3", 2, 1),
        (",".join(["2"] * 30) + ",n/a?", 2, 1),
        ("1,1_000,0x1f,3", 2, 2),
        ("true,false,true", 2 / 3, 0),
        ("01,03", 2, 0),
        ("-1e15,1e15,6", 2, 0),
        ("1e-300,1e-300", 1e-300, 0),
    ],
)
def test_text_in_a_numeric_column_is_missing_and_named(
    tmp_path: Path, cells: str, mean_of_x: float, strays: int
) -> None:
    rows = "user,variant,x\n" + "".join(f"{i},control,{cell}\n" for i, cell in enumerate(cells.split(",")))

    measured = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=rows)

    assert measured.by_variant("m")[1][0].mean[0, 0] == pytest.approx(mean_of_x)
    assert sum(each.rows for each in measured.dirt.text_in_number) == strays
    assert all(each.examples and each.column == "x" for each in measured.dirt.text_in_number)


def test_a_text_column_of_a_frame_is_read_as_numbers_where_it_is_a_value() -> None:
    rows = pa.table(
        {
            "user": [1, 2, 3],
            "variant": ["control"] * 3,
            "x": ["1", "3", "?"],
            "d": pa.array([b"1", b"2", b"3"]),
        }
    )
    planned = plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant"))

    measured = framed(planned, rows=rows)

    assert means(measured, "m")[0] == [2, 2]
    assert [(each.rows, each.examples) for each in measured.dirt.text_in_number] == [(1, ("?",))]


def test_a_date_is_no_number_and_a_decimal_is_one() -> None:
    rows = pl.DataFrame(
        {
            "user": ["a", "b"],
            "variant": ["control", "treatment"],
            "day": [datetime(2026, 1, 1, tzinfo=UTC).date()] * 2,
            "price": pl.Series(["1.10", "2.20"]).cast(pl.Decimal(10, 2)),
        }
    )
    planned = plan(
        {"p": mean("price")},
        Exposures(frame="rows", unit="user", variant="variant"),
        segments={"p": Segment(values="price"), "d": Segment(when="day < date('2026-01-02')")},
    )

    measured = framed(planned, rows=rows)

    with pytest.raises(DataError, match="'day' gives a time for each row; write a number"):
        framed(planned.model_copy(update={"metrics": plan({"d": mean("day")}).metrics}), rows=rows)
    assert means(measured, "p") == [[1, 1.1], [1, 2.2]]
    assert sorted(measured.cells.segments["p"].labels) == ["1.1", "2.2"]
    assert measured.cells.segments["d"].labels == ("true",)


def test_formulas_stay_text(tmp_path: Path) -> None:
    measured = over(
        tmp_path,
        plan({"m": share()}, exposures(), segments={"c": Segment(values="c")}),
        exposures="user,variant,c\n1,control,=cmd()\n2,treatment,+SUM(A1)\n",
    )

    assert sorted(measured.cells.segments["c"].labels) == ["+SUM(A1)", "=cmd()"]


def test_an_empty_frame_is_refused() -> None:
    planned = plan({"m": share()}, Exposures(frame="rows", unit="user", variant="variant"))

    with pytest.raises(DataError, match="exposures: there are no rows in frame 'rows'"):
        framed(
            planned, rows=pa.table({"user": pa.array([], pa.int64()), "variant": pa.array([], pa.string())})
        )


ODD, EVEN = 9_007_199_254_740_993, 9_007_199_254_740_992
"""Neighbours that a 64-bit float cannot tell apart."""


@pytest.mark.parametrize("kind", [pa.uint64(), pa.decimal128(20, 0), pa.decimal128(24, 2)])
@pytest.mark.parametrize("other", [pa.int64(), pa.uint64(), pa.string(), pa.decimal128(30, 0)])
def test_large_whole_ids_are_exact(kind: pa.DataType, other: pa.DataType) -> None:
    rows = pa.table({"user": pa.array([EVEN, ODD], pa.int64()).cast(kind) if kind != pa.decimal128(24, 2)
                     else pa.array([Decimal(EVEN), Decimal(ODD)], kind),
                     "variant": ["control", "treatment"]})  # fmt: skip
    events = pa.table({"user": pa.array([ODD], pa.int64()).cast(other)})
    planned = plan(
        {"m": share(source="o")},
        Exposures(frame="rows", unit="user", variant="variant"),
        sources={"o": Source(frame="events", unit="user")},
    )

    measured = framed(planned, rows=rows, events=events)

    assert means(measured, "m") == [[1, 0], [1, 1]]


def test_ids_beyond_64_bits_are_exact() -> None:
    ids = pa.array([2**64 - 1, 2**64 - 2], pa.uint64())
    rows = pa.table({"user": ids, "variant": ["control", "treatment"], "x": pa.array([3, 4], pa.uint64())})

    measured = framed(
        plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant")), rows=rows
    )

    assert means(measured, "m") == [[1, 3], [1, 4]]


@pytest.mark.parametrize("beside", ["", "x\n", "x\ny\nz\nw\n", "007\n"])
def test_whole_numbers_as_ids_are_written_alike_whatever_stands_beside_them(
    tmp_path: Path, beside: str
) -> None:
    exposed = "user,variant\n" + "".join(f"{n},control\n" for n in range(30)) + "99,treatment\n"
    rows = "user\n" + "".join(f"{n}.0\n" for n in range(0, 30, 3)) + beside
    planned = plan({"m": share(source="o")}, exposures(), sources={"o": Source(csv="o.csv", unit="user")})

    measured = over(tmp_path, planned, exposures=exposed, o=rows)

    assert float(measured.by_variant("m")[1][0].mean[0, 0]) == pytest.approx(1 / 3)
    assert measured.dirt.strangers == {}


def test_a_source_of_strangers_is_told_by_the_form_of_its_ids(tmp_path: Path) -> None:
    planned = plan({"m": share(source="o")}, exposures(), sources={"o": Source(csv="o.csv", unit="user")})

    measured = over(tmp_path, planned, exposures="user,variant\n12,control\n", o="user\nU-34\n")

    assert measured.dirt.strangers == {"o": ("99", "a-99")}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_with_a_zone_are_read_at_every_precision(unit: Literal["s", "ms", "us", "ns"]) -> None:
    at = pd.DatetimeIndex(["2026-01-01T00:00:00Z"] * 2).as_unit(unit)
    rows = pd.DataFrame({"user": [1, 2], "variant": ["control", "treatment"], "at": at, "x": [1.0, 2.0]})
    planned = plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant", time="at"))

    measured = framed(planned, rows=rows)

    assert measured.first_exposure == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (pa.array([[1], [2]]), "lists"),
        (pa.array([{"a": 1}, {"a": 2}]), "structures"),
        (pa.array([b"a", b"b"]), "bytes"),
        (pa.array([1, 2], pa.time64("us")), "times of day"),
        (pa.array([1, 2], pa.duration("us")), "durations"),
    ],
)
def test_a_column_of_no_use_is_told_by_what_it_holds(
    cells: pa.Array[pa.Scalar[pa.DataType]], says: str
) -> None:
    rows = pa.table({"user": [1, 2], "variant": ["control", "treatment"], "x": cells})
    planned = plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant"))

    with pytest.raises(DataError, match=f"the column 'x', which `value` of metric 'm' names, holds {says}"):
        framed(planned, rows=rows)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "exposures.csv")

    with (
        DuckDB(roots=[tmp_path]) as engine,
        pytest.raises(DataError, match=r"'exposures.csv' is not a regular file; save its rows"),
    ):
        measure(plan({"m": mean("x")}, exposures()), engine)


def test_a_broken_database_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_bytes(b"no database at all" * 1000)

    with pytest.raises(DataError, match=r"the database '.*shop.duckdb' cannot be opened \(.*not a valid"):
        DuckDB(database=tmp_path / "shop.duckdb")


def test_a_frame_of_mixed_types_is_told_by_its_column() -> None:
    rows = pd.DataFrame({"user": [1, 2], "variant": ["control", "treatment"], "x": [1, "y"]})
    planned = plan({"m": mean("x")}, Exposures(frame="rows", unit="user", variant="variant"))

    with pytest.raises(DataError) as error:
        framed(planned, rows=rows)

    assert "column x" in str(error.value)
    assert "((" not in str(error.value)
    assert '("' not in str(error.value)
    assert "one type per column" in str(error.value)
