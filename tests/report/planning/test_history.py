"""Baselines as the file that keeps them."""

from __future__ import annotations

from datetime import date

import pytest

from splitrun.plan.power.history import History
from splitrun.report.planning.history import history_form, history_text, history_yaml
from splitrun.spec.power.baselines import (
    Baselines,
    Clustering,
    MeanBaseline,
    RatioBaseline,
    ShareBaseline,
    Total,
    read_baselines,
)

KNOWN = Baselines(
    units_per_day=1_000_000.0,
    metrics={
        "bought": ShareBaseline(share=0.1234567, r2=0.25, clusters=Clustering(size=20, icc=0.05, spread=0.5)),
        "revenue": MeanBaseline(mean=8.0, variance=400.0),
        "tiny": MeanBaseline(mean=1.5e-7, variance=1e-10),
        "basket": RatioBaseline(
            over=Total(mean=8.0, variance=400.0), under=Total(mean=2.0, variance=9.0), correlation=0.5
        ),
    },
    measured='14 units of "visits"',
    until="2026-02-15",
)
DAYS = (date(2026, 2, 1), date(2026, 2, 15))
FOUND = History(
    "checkout",
    "visits",
    *DAYS,
    "UTC",
    date(2026, 3, 1),
    28,
    14,
    KNOWN,
    (("p90", "it\nvaries"),),
    ("mind it",),
)


def test_the_file_reads_back_to_six_digits() -> None:
    again = read_baselines(history_yaml(FOUND), "checkout.yaml").value

    assert (again.units_per_day, again.measured, again.until) == (1_000_000.0, KNOWN.measured, KNOWN.until)
    bought, revenue, tiny, basket = (again.metrics[key] for key in KNOWN.metrics)
    assert bought == ShareBaseline(
        share=0.123457, r2=0.25, clusters=Clustering(size=20.0, icc=0.05, spread=0.5)
    )
    assert revenue == MeanBaseline(mean=8.0, sd=20.0)
    assert isinstance(tiny, MeanBaseline)
    assert tiny.squared == pytest.approx(1e-10)
    assert isinstance(basket, RatioBaseline)
    assert basket.under.squared == pytest.approx(9.0)


def test_what_is_unknown_stands_on_one_line_of_the_file() -> None:
    assert "# p90 is not known: it varies\n" in history_yaml(FOUND)


def test_people_read_levels_and_what_to_mind() -> None:
    text = history_text(FOUND)

    assert text.startswith(
        "28 units of visits from 2026-02-01 until 2026-02-15 (14 days): 1,000,000 eligible"
    )
    assert "metrics are those of its control, 14 units" in text
    for words in ("12.35%", "25.0%", "20 units each, icc 0.05", "8, sd 20", "4 (8 over 2)", "! mind it"):
        assert words in text


def test_programs_read_full_precision() -> None:
    form = history_form(FOUND, None)

    assert form["file"] is None
    assert form["metrics"]["bought"]["share"] == 0.1234567  # type: ignore[index]  # a mapping of mappings
