"""What stands behind a readout, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitrun.report.record import data_sheets, plan_sheets, statements, told, units_sheet
from splitrun.spec.plan import PlannedSource
from splitrun.spec.source import MomentsTable
from tests.report.readouts import rich


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (0.1, "0.1"),
        (200_000, "200,000"),
        ({"value": 0.02, "relative": True}, "2 % of control"),
        ({"value": 0.5, "relative": False}, "0.5"),
        ({"at": 500.0, "quantile": None}, "at: 500"),
        (["a", 2], "a, 2"),
        ([], "none"),
        ("7d", "7d"),
    ],
)
def test_a_value_of_a_spec_is_told_in_words(value: object, words: str) -> None:
    assert told(value) == words


def test_a_plan_over_moments_names_their_table() -> None:
    calm = rich()
    table = MomentsTable.model_validate(
        {"csv": "sums.csv", "variant": "arm", "n": "n", "metrics": {"fetched": {"sum": "s", "sumsq": "q"}}}
    )
    plan = calm.plan.model_copy(update={"exposures": None, "moments": table})

    sheets = {shown.title: shown.rows for shown in plan_sheets(replace(calm, plan=plan))}

    assert sheets["Sources"][0][0] == "moments"
    assert "csv sums.csv" in sheets["Sources"][0][1]


def test_sources_of_events_are_told() -> None:
    calm = rich()
    clicks = PlannedSource.model_validate(
        {"key": "clicks", "source": {"csv": "c.csv", "unit": "u", "time": "t"}}
    )
    plan = calm.plan.model_copy(update={"sources": (clicks,)})

    sheets = {shown.title: shown.rows for shown in plan_sheets(replace(calm, plan=plan))}

    assert ("clicks", "csv c.csv; unit u; time t") in sheets["Sources"]


def test_a_sheet_without_rows_is_left_out() -> None:
    titles = [shown.title for shown in plan_sheets(rich())]

    assert "Assumptions" not in titles
    assert titles[:3] == ["Hypothesis", "Metrics", "Analysis"]


def test_units_and_data_are_counted() -> None:
    assert units_sheet(rich()).rows[0] == ("control", "unknown", "623", "623")
    assert data_sheets(rich())[0].rows[0][3].replace(",", "").isdigit()


def test_sql_keeps_its_lines_and_loses_what_terminals_obey() -> None:
    calm = rich()
    ran = replace(calm.lineage.sql[0], sql="SELECT 1,\r\n\t2\x1b[31m")

    assert (
        statements(replace(calm, lineage=replace(calm.lineage, sql=(ran,))))[0][1] == "SELECT 1,\n 2\\x1b[31m"
    )
