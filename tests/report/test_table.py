"""The readout as a flat table, and as notebooks see it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from splitrun.errors import SplitrunError
from splitrun.report.form import form
from splitrun.report.html import html
from splitrun.report.notebook import shown
from splitrun.report.table import COLUMNS, table
from splitrun.report.text import text
from tests.report.readouts import rich

PAGE = Path(__file__).parents[2] / "docs" / "readout.md"


def test_there_is_a_row_per_comparison_in_the_order_of_the_readout() -> None:
    world = rich()

    rows = table(world).to_pylist()

    assert [(row["metric"], row["level"]) for row in rows] == [(c.metric, c.level) for c in world.comparisons]
    first = rows[0]
    assert first["control_mean"] == pytest.approx(211 / 623)
    assert first["effect"] == pytest.approx(1745 / 2211 - 211 / 623)
    assert (first["interval_level"], first["interval_side"]) == (pytest.approx(0.95), "both")


def test_where_there_is_no_number_the_column_beside_says_why() -> None:
    revenue = next(row for row in table(rich()).to_pylist() if row["metric"] == "revenue")

    assert (revenue["lift"], revenue["lift_low"]) == (None, None)
    assert revenue["lift_unknown"].startswith("control's")
    assert revenue["effect_unknown"] is None


def test_every_column_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")

    fields = table(rich()).schema
    assert fields.names == list(COLUMNS)
    assert all(f"| `{name}` | {meaning} |" in page for name, (_, meaning) in COLUMNS.items())
    assert fields.field("effect").metadata == {b"describe": b"treatment less control, in the metric's unit"}


def test_a_readout_shows_itself() -> None:
    world = rich()

    seen = shown(world)

    assert repr(seen) == text(world)
    assert seen._repr_html_() == html(world)
    assert seen.to_dict() == form(world)
    assert json.loads(seen.to_json()) == json.loads(json.dumps(form(world)))
    assert seen.to_arrow() == table(world)
    assert seen == shown(rich())
    assert replace(seen, registered=True).registered


def test_frames_hold_the_same_rows() -> None:
    seen = shown(rich())

    polars, pandas = seen.to_polars(), seen.to_pandas()

    assert isinstance(polars, pl.DataFrame)
    assert isinstance(pandas, pd.DataFrame)
    assert polars["effect"].to_list() == list(pandas["effect"]) == seen.to_arrow()["effect"].to_pylist()


@pytest.mark.parametrize("name", ["polars", "pandas"])
def test_a_library_that_is_absent_is_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = shown(rich())
    monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(SplitrunError, match=f"{name} is not installed.*pip install {name}.*to_arrow"):
        seen.to_polars() if name == "polars" else seen.to_pandas()
