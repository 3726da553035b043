from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitrun.assign.slots import slot
from tests.assign.postgres import BINARIES, Server, server
from tests.assign.vectors import VECTORS
from tests.measure.test_assignment import SALT, ids

PAGE = Path(__file__).parents[2] / "docs" / "assignment.md"

pytestmark = pytest.mark.skipif(
    BINARIES is None, reason="no PostgreSQL server in /usr/lib/postgresql: its words of SQL are not run"
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


def words() -> str:
    """The words for PostgreSQL as the page has them, for one salt and half of the slots."""
    (found,) = re.findall(r"^PostgreSQL +(.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return str(found)


@pytest.mark.requirement("R15")
def test_every_slot_of_the_vectors_is_that_of_postgresql(postgres: Server) -> None:
    said = words().replace(f"'{SALT}:'", "salt || ':'")
    digits, half = said.split(" < ", 1)
    postgres.psql("CREATE TABLE slots (place int, salt text, unit text)")
    postgres.fill("slots", [(str(n), salt, unit) for n, (salt, unit, _) in enumerate(VECTORS.slots)])

    found = postgres.psql(f"SELECT left({digits}, 8), ({digits} < {half})::int FROM slots ORDER BY place")  # noqa: S608 - our own page

    assert "salt" in digits
    assert len(found) >= 1_000
    assert found == [f"{expected:08x}|{int(expected < 2**31)}" for _, _, expected in VECTORS.slots]


@pytest.mark.requirement("R15")
def test_ids_of_every_script_fall_where_python_says_in_postgresql(postgres: Server) -> None:
    units = ids()[::10]
    postgres.psql("CREATE TABLE units (place int, unit text)")
    postgres.fill("units", [(str(place), unit) for place, unit in enumerate(units)])

    found = postgres.psql(f"SELECT place FROM units WHERE {words()} ORDER BY place")  # noqa: S608 - our own page

    assert len(units) >= 100_000
    assert found == [str(place) for place, unit in enumerate(units) if slot(SALT, unit) < 2**31]
