"""Units of a population, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.population.counted import Counted, Population, counted
from splitrun.spec.source import Source
from splitrun.terms.parse import parse

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def count(rows: dict[str, list[object]], *by: str, audience: str | None = None, **source: str) -> Counted:
    told = Source.model_validate({"frame": "people", **source})
    asked = Population("users", told, source.get("unit"), by, None if audience is None else parse(audience))
    with DuckDB(frames={"people": pd.DataFrame(rows)}) as engine:
        return counted(engine, asked, "UTC", NOW)


def told(found: Counted, name: str) -> list[tuple[str, int, int, int]]:
    return [(one.label, one.levels, one.population, one.frame) for one in found.by[name]]


@pytest.mark.requirement("R10")
def test_a_unit_counts_once_by_its_latest_row_that_is_no_later_than_now() -> None:
    found = count(
        {
            "id": ["a", "a", "b", "b", None, "c"],
            "at": ["2026-01-01", "2026-02-01", "2026-02-01", "2026-04-01", "2026-02-01", "2026-02-01"],
            "device": ["mobile", "tablet", "mobile", "tablet", "tablet", "mobile"],
        },
        "device",
        audience="device <> 'tablet'",
        unit="id",
        time="at",
    )

    # a went over to a tablet in February; b will in April; nobody knows whose the fifth row is
    assert (found.units, found.inside) == (3, 2)
    assert told(found, "device") == [("mobile", 1, 2, 2), ("tablet", 1, 1, 0)]


def test_what_is_not_known_of_a_unit_takes_it_into_no_audience() -> None:
    found = count(
        {"id": [1, 2, 3], "country": ["DE", None, ""]}, "country", audience="country = 'DE'", unit="id"
    )

    assert (found.units, found.inside) == (3, 1)
    assert told(found, "country") == [("(missing)", 1, 2, 0), ("DE", 1, 1, 1)]


def test_each_row_is_a_unit_where_no_column_names_one() -> None:
    found = count({"country": ["DE", "DE", "FR"]}, "country")

    assert (found.units, found.inside) == (3, 3)
    assert told(found, "country") == [("DE", 1, 2, 2), ("FR", 1, 1, 1)]


@pytest.mark.requirement("R10")
def test_small_levels_are_counted_together_and_missed_ones_apart() -> None:
    # twenty levels of two units; six of one, two of which the audience leaves out
    large = [f"l{place:02}" for place in range(20)] * 2
    small = [f"s{place}" for place in range(6)]

    found = count({"city": [*large, *small]}, "city", audience="not (city in ('s0', 's1', 'l03'))")

    levels = told(found, "city")
    assert (found.units, found.inside) == (46, 42)
    assert levels[:4] == [("l00", 1, 2, 2), ("l01", 1, 2, 2), ("l02", 1, 2, 2), ("l03", 1, 2, 0)]
    assert [each[1:] for each in levels[20:]] == [(4, 4, 4), (2, 2, 0)]


def test_one_small_level_keeps_its_name() -> None:
    found = count({"city": [*(f"l{place:02}" for place in range(20)), "l00", "zz"]}, "city")

    assert told(found, "city")[-1] == ("zz", 1, 1, 1)


@pytest.mark.parametrize(
    ("by", "audience", "says"),
    [
        ("device", None, "there is no column 'device', which frame.by names"),
        ("id", "device = 'tablet'", "there is no column 'device', which the audience names"),
    ],
)
def test_columns_that_are_not_there_are_named(by: str, audience: str | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        count({"id": [1, 2]}, by, audience=audience, unit="id")


def test_a_population_of_nobody_is_refused() -> None:
    with pytest.raises(DataError, match="users: no row names a unit"):
        count({"id": [None], "x": ["a"]}, "x", unit="id")
