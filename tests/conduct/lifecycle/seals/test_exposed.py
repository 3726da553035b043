from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from splitrun.conduct.experiment import plan_of
from splitrun.conduct.lifecycle.seals.exposed import Exposed, exposed
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.errors import DataError, EngineError, RefusedError
from splitrun.spec.plan import Plan
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited
from tests.conduct.lifecycle.shop import exposed as laid_out


def planned(folder: Path, rows: str) -> Plan:
    """The plan, with its exposures named otherwise."""
    edited(folder, "csv: exposures.csv", rows)
    return plan_of(folder / "experiments" / "one-page.yaml")


def test_rows_of_a_file_are_counted_where_it_is(shop: Path) -> None:
    plan = plan_of(shop / "experiments" / "one-page.yaml")
    assert exposed(plan, shop) == Exposed(0)

    laid_out(shop, days=2)
    assert exposed(plan, shop) == Exposed(48)

    (shop / "exposures.csv").rename(shop / "experiments" / "exposures.csv")
    assert exposed(plan, shop) == Exposed(48)


def test_a_header_alone_is_no_exposure(shop: Path) -> None:
    plan = plan_of(shop / "experiments" / "one-page.yaml")
    (shop / "exposures.csv").write_text("user_id,variant,country,at\n\n")
    assert exposed(plan, shop) == Exposed(0)

    (shop / "exposures.csv").write_text("user_id,variant,country,at\n\nu1,one,DE,2026-03-03T12:00:00Z\n")
    assert exposed(plan, shop) == Exposed(1)


def test_a_plan_that_names_no_rows_has_none(shop: Path) -> None:
    path = shop / "experiments" / "ranked.yaml"

    assert exposed(plan_of(path, awaited=True), shop) == Exposed(0)


def test_a_file_that_is_broken_or_elsewhere_is_told_and_not_counted_as_none(shop: Path) -> None:
    (shop / "exposures.csv").write_bytes(b"")
    with pytest.raises(DataError):
        exposed(plan_of(shop / "experiments" / "one-page.yaml"), shop)

    plan = plan_of(shop / "experiments" / "one-page.yaml")
    assert plan.exposures is not None
    outside = plan.exposures.model_copy(update={"csv": "../exposures.csv"})
    with pytest.raises(EngineError, match="lies outside"):
        exposed(plan.model_copy(update={"exposures": outside}), shop)


def test_rows_of_a_pattern_are_counted(shop: Path) -> None:
    plan = planned(shop, "parquet: 'seen/*.parquet'")
    assert exposed(plan, shop) == Exposed(0)

    (shop / "seen").mkdir()
    with duckdb.connect() as connection:
        connection.execute("COPY (SELECT 'u1' AS user_id, 'one' AS variant) TO 'seen/a.parquet'")
    assert exposed(plan, shop) == Exposed(1)


def test_a_frame_cannot_be_looked_at_beforehand(shop: Path) -> None:
    found = exposed(planned(shop, "frame: seen"), shop)

    assert found.rows is None
    assert found.why.startswith("a data frame that is handed over from Python")


def test_a_table_is_counted_in_the_database_that_is_named(shop: Path) -> None:
    edited(shop, "csv: exposures.csv", "table: seen")
    applied(shop)
    with duckdb.connect(str(shop / "lake.duckdb")) as connection:
        connection.execute("CREATE TABLE seen AS SELECT 'u1' AS user_id, 'one' AS variant FROM range(3)")

    with pytest.raises(RefusedError, match="3 exposures are there before the plan of one-page is sealed"):
        register(KEY, asked(shop), database=shop / "lake.duckdb")

    plan = plan_of(shop / "experiments" / "one-page.yaml")
    assert exposed(plan, shop).rows is None
    assert exposed(plan, shop, shop / "none.duckdb") == Exposed(
        None, f"there is no database '{shop / 'none.duckdb'}'; check its name"
    )


def test_a_query_is_run(shop: Path) -> None:
    plan = planned(shop, "query: \"SELECT 'u1' AS user_id, 'one' AS variant\"")

    assert exposed(plan, shop) == Exposed(1)
