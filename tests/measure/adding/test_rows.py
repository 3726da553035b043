"""Rows added up in this process: the same as the engine says, and never at the cost of a bad row."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from splitrun.measure.adding.cells import Digit, added_up
from splitrun.measure.adding.sums import UNITS, Of, Sum, Term
from splitrun.measure.adding.trust import apart
from splitrun.measure.engine import ROWS
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.spec.plan import Plan
from tests.measure.plans import framed
from tests.measure.test_in_place import assert_alike, statements, table, trial

BY_ROWS, BY_SQL, LOOKED_AT = "units with their cells", "cells", "exposures looked at"


class Afar(DuckDB):
    """The same database, taken for one that hands over no rows."""

    capabilities = DuckDB.capabilities - {ROWS}


def afar(of: Plan, rows: pl.DataFrame) -> Measured:
    with Afar(frames={"seen": rows}) as engine:
        return measure(of, engine)


def clean() -> pl.DataFrame:
    """A row for each unit, with all its numbers, none of them far from 0."""
    rows = table().with_columns(
        pl.col("spent").fill_null(1.5), pl.col("age").fill_null(40.0), pl.col("weight") - 1e6 + 3
    )
    return rows.with_columns(pl.col("spent") - 0.25)


def assert_same(rows: pl.DataFrame, of: Plan) -> Measured:
    """Both ways find the same, and count the same."""
    here, there = framed(of, seen=rows), afar(of, rows)
    assert_alike(here, there)
    assert_alike(there, here)
    assert here.exposed.tolist() == there.exposed.tolist()
    assert here.dirt == there.dirt
    for key, ours in here.columns.items():
        theirs = there.columns[key]
        np.testing.assert_array_equal(ours.missing, theirs.missing)
        np.testing.assert_array_equal(ours.zeros, theirs.zeros)
        for a, b in ((ours.moments.m3, theirs.moments.m3), (ours.moments.mixed, theirs.moments.mixed)):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                assert np.isclose(a.sum(), b.sum(), rtol=1e-9)
    assert BY_ROWS not in statements(there)
    return here


def test_a_table_without_fault_is_read_once_and_says_what_the_engine_says() -> None:
    found = assert_same(clean(), trial())

    assert BY_ROWS in statements(found)
    assert not {BY_SQL, LOOKED_AT} & statements(found)


@pytest.mark.parametrize("unit", ["row", "name"])
def test_units_that_are_rows_or_have_names(unit: str) -> None:
    rows = clean().with_columns(pl.format("u{}", "user").alias("name"))

    found = assert_same(rows, trial(unit))

    assert BY_ROWS in statements(found)
    assert (LOOKED_AT in statements(found)) == (unit == "name")


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "a unit that stands twice": lambda rows: pl.concat([rows, rows.slice(7, 1)]),
    "a unit in two variants": lambda rows: pl.concat(
        [rows, rows.slice(7, 1).with_columns(variant=pl.lit("control")), rows.slice(7, 1).with_columns(
            variant=pl.lit("treatment"))]
    ),
    "a row without a unit": lambda rows: rows.with_columns(user=at(rows, "user", 3, None)),
    "a row without a variant": lambda rows: rows.with_columns(variant=at(rows, "variant", 3, None)),
    "a row of a variant unknown": lambda rows: rows.with_columns(variant=at(rows, "variant", 3, "blue")),
    "a number that is missing": lambda rows: rows.with_columns(orders=at(rows, "orders", 3, None)),
    "a covariate that is missing": lambda rows: rows.with_columns(age=at(rows, "age", 3, None)),
    "a number that is none": lambda rows: rows.with_columns(orders=at(rows, "orders", 3, math.nan)),
    "a number without end": lambda rows: rows.with_columns(orders=at(rows, "orders", 3, -math.inf)),
    "a number too large to square": lambda rows: rows.with_columns(orders=at(rows, "orders", 3, 2e100)),
    "a covariate that is no number": lambda rows: rows.with_columns(age=at(rows, "age", 3, math.nan)),
}  # fmt: skip


def at(rows: pl.DataFrame, name: str, place: int, value: object) -> pl.Series:
    values = rows[name].to_list()
    values[place] = value
    return pl.Series(name, values, dtype=rows[name].dtype)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_that_is_not_what_it_is_taken_for_is_found_and_counted(fault: str) -> None:
    rows = FAULTS[fault](clean())

    found = assert_same(rows, trial())

    assert LOOKED_AT in statements(found)
    assert [each.name for each in found.sql].count(BY_ROWS) == 1


def test_where_plain_sums_say_too_little_the_engine_adds_up() -> None:
    rows = clean().with_columns(pl.col("weight") + 1e6)

    found = assert_same(rows, trial())

    assert {BY_ROWS, BY_SQL, "moments"} <= statements(found)


def batches(values: np.ndarray, code: np.ndarray, size: int) -> list[pa.RecordBatch]:
    table = pa.table({"cell": pa.array(code, pa.int32()), "x": pa.array(values)})
    return table.to_batches(max_chunksize=size)


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_sums_are_right_to_the_last_digits_however_they_are_cut(size: int) -> None:
    rng = np.random.default_rng(5)
    many = 20_000 if size > 1 else 500
    values = rng.lognormal(0, 4, many) * rng.choice([-1.0, 1.0], many)
    code = rng.choice([0, 2, 3], many).astype(np.int32)
    x = Term(Of.PRODUCT, ("x",))
    named = {"n": Sum(UNITS), "s": Sum(x, whole=False), "q": Sum(Term(Of.PRODUCT, ("x", "x")), whole=False)}

    cell, found = added_up(batches(values, code, size), [Digit("cell", 5)], named)

    assert cell.tolist() == [0, 2, 3]
    for place, each in enumerate(cell):
        mine = values[code == each]
        assert found["n"][place] == len(mine)
        assert found["q"][place] == pytest.approx(math.fsum(mine * mine), rel=1e-14)
        # the error of a sum is measured against the sum of absolute values
        assert abs(found["s"][place] - math.fsum(mine)) <= 1e-14 * math.fsum(abs(mine))


def test_what_stands_under_a_null_is_never_added_up() -> None:
    held = pa.array([1.0, math.nan, 0.0, 5.0], mask=np.array([False, True, False, True]))
    batch = pa.RecordBatch.from_arrays([pa.array([0, 0, 0, 1], pa.int32()), held], ["cell", "x"])
    x = ("x",)
    named = {
        "n": Sum(Term(Of.THERE, x)), "z": Sum(Term(Of.ZERO, x)), "s": Sum(Term(Of.PRODUCT, x), whole=False),
    }  # fmt: skip

    _, found = added_up([batch.slice(0, 2), batch.slice(2)], [Digit("cell", 2)], named)

    assert {name: each.tolist() for name, each in found.items()} == {
        "n": [2, 0],
        "z": [1, 0],
        "s": [1.0, 0.0],
    }


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(100_000),
        np.arange(100_000) << 44,
        -np.arange(100_000),
        np.random.default_rng(3).integers(0, 2**62, 100_000),
        # all hash alike: multiples of 2**58 have nothing left but their last bits
        np.arange(32, dtype=np.int64) << 58,
    ],
    ids=["in a row", "far apart", "negative", "drawn", "alike"],
)
def test_ids_are_told_apart_and_one_that_stands_twice_is_found(ids: np.ndarray) -> None:
    ids = np.random.default_rng(4).permutation(ids.astype(np.int64))
    assert apart(ids)
    for one, other in ((0, -1), (len(ids) // 2, 3)):
        twice = ids.copy()
        twice[one] = twice[other]
        assert not apart(twice)
    assert apart(ids[:0])
    assert apart(ids[:1])
