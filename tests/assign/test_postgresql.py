from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from splitrun.assign.slots import slot
from tests.assign.vectors import VECTORS
from tests.measure.test_assignment import SALT, ids
from tests.postgres import absent, server

PAGE = Path(__file__).parents[2] / "docs" / "assignment.md"

pytestmark = pytest.mark.skipif(absent() is not None, reason=absent() or "")


@pytest.fixture(scope="module")
def postgres() -> Iterator[psycopg.Connection]:
    with server() as running, psycopg.connect(running.database()) as connection:
        yield connection


def words() -> str:
    """The words for PostgreSQL as the page has them, for one salt and half of the slots."""
    (found,) = re.findall(r"^PostgreSQL +(.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return str(found)


def fill(postgres: psycopg.Connection, table: str, rows: Iterable[tuple[int | str, ...]]) -> None:
    """Copy rows into a table."""
    copied = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    with postgres.cursor().copy(copied) as copy:
        for row in rows:
            copy.write_row(row)


def asked(postgres: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    """Ask in the words of our own page."""
    return postgres.execute(query.encode()).fetchall()


@pytest.mark.requirement("R15")
def test_every_slot_of_the_vectors_is_that_of_postgresql(postgres: psycopg.Connection) -> None:
    said = words().replace(f"'{SALT}:'", "salt || ':'")
    digits, half = said.split(" < ", 1)
    postgres.execute("CREATE TABLE slots (place int, salt text, unit text)")
    fill(postgres, "slots", ((place, salt, unit) for place, (salt, unit, _) in enumerate(VECTORS.slots)))

    found = asked(postgres, f"SELECT left({digits}, 8), {digits} < {half} FROM slots ORDER BY place")  # noqa: S608 - our own page

    assert "salt" in digits
    assert len(found) >= 1_000
    assert found == [(f"{expected:08x}", expected < 2**31) for _, _, expected in VECTORS.slots]


@pytest.mark.requirement("R15")
def test_ids_of_every_script_fall_where_python_says_in_postgresql(postgres: psycopg.Connection) -> None:
    units = ids()[::10]
    postgres.execute("CREATE TABLE units (place int, unit text)")
    fill(postgres, "units", enumerate(units))

    found = asked(postgres, f"SELECT place FROM units WHERE {words()} ORDER BY place")  # noqa: S608 - our own page

    assert len(units) >= 100_000
    assert found == [(place,) for place, unit in enumerate(units) if slot(SALT, unit) < 2**31]
