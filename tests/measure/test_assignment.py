from __future__ import annotations

import random
from itertools import product

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp

from splitrun.assign.slots import edge, sha256, slot
from splitrun.measure.assignment import WHOLE, below, digits, slot_hex

UNIT = exp.column("unit", quoted=True)
SALT = "variant:one-page-checkout:1"

SCRIPTS = (
    "abcXYZ019-_", "äöüßéñÅ", "абвгдЖЯ", "日本語テスト", "مرحبا", "שלום", "한국어", "e\u0301n\u0303",
    "😀🎉👩\u200d👩\u200d👧🇩🇪", "\u200b\u202e\ufeff\u00a0", "\x01\x7f\u0080\uffff\U0010ffff",
)  # fmt: skip


def ids() -> list[str]:
    """A million ids: numbers, digits with zeros, signs and exponents, scripts, emoji, very long ones."""
    dice = random.Random(20260101)  # noqa: S311  # the same ids every time
    plain = [str(place) for place in range(400_000)]
    padded = [f"{place:012d}" for place in range(200_000)]
    signed = [
        f"{sign}{place}{end}" for sign, end in product("+-", ("", ".0", "e3")) for place in range(20_000)
    ]
    prefixed = [f"user-{place}@example.org" for place in range(200_000)]
    scripts = [
        "".join(dice.choices(script, k=12)) + str(place) for script in SCRIPTS for place in range(10_000)
    ]
    long = [letter * 1_000 + str(place) for letter in ("x", "é", "😀") for place in range(400)]
    return [*plain, *padded, *signed, *prefixed, *scripts, *long]


@pytest.mark.requirement("R15")
def test_a_million_ids_have_the_same_slots_in_python_and_in_duckdb() -> None:

    units = ids()
    assert len(set(units)) >= 1_000_000
    half, table = edge(2**31), pa.table({"unit": units})
    hashed = slot_hex(SALT, UNIT)
    slots = exp.func("left", hashed, exp.Literal.number(8))
    query = exp.select(slots.as_("slot"), below(hashed, 2**31).as_("first")).from_("table")

    with duckdb.connect(config={"threads": 1}) as engine:
        engine.register("table", table)
        slots_there, first_there = zip(
            *engine.execute(query.sql("duckdb", identify=True)).fetchall(), strict=True
        )

    prefix = f"{SALT}:".encode()
    digests = [sha256(prefix + unit.encode()).digest() for unit in units]
    assert list(slots_there) == [digest[:4].hex() for digest in digests]
    assert list(first_there) == [digest < half for digest in digests]
    for place in range(0, len(units), 9_973):
        assert slot(SALT, units[place]) == int(digests[place].hex()[:8], 16)


@pytest.mark.parametrize("threshold", [0, 1, 255, 2**28, 2**31, WHOLE - 1, WHOLE])
def test_a_threshold_cuts_in_sql_where_it_cuts_in_python(threshold: int) -> None:
    units = [str(place) for place in range(2_000)]
    asked = below(slot_hex(SALT, UNIT), threshold).sql("duckdb")

    with duckdb.connect() as engine:
        query = f"SELECT {asked} FROM (SELECT unnest(?) AS unit)"  # noqa: S608  # our own expression
        found = [row[0] for row in engine.execute(query, [units]).fetchall()]

    assert found == [slot(SALT, unit) < threshold for unit in units]


def test_the_slot_of_no_id_is_null() -> None:
    with duckdb.connect() as engine:
        asked = below(slot_hex(SALT, exp.Cast(this=exp.Null(), to=exp.DataType.build("TEXT"))), WHOLE)
        row = engine.execute(f"SELECT {asked.sql('duckdb')}").fetchone()  # our own expression

    assert row == (None,)


def test_thresholds_have_one_width_so_that_they_sort_as_numbers() -> None:
    written = [digits(threshold) for threshold in (0, 9, 255, 4096, 2**31, WHOLE - 1, WHOLE)]

    assert written == sorted(written)
    assert {len(text) for text in written[:-1]} == {8}


def test_the_expression_is_spark_s_too() -> None:
    written = below(slot_hex(SALT, UNIT), 2**31).sql("spark")

    assert written == "SHA2('variant:one-page-checkout:1:' || `unit`, 256) < '80000000'"
