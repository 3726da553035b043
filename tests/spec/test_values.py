"""Specs that are built in Python out of other specs, and bounds that a file shows only in odd cases."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from splitrun.spec.experiment import Metrics, Weighted
from splitrun.spec.metric import Count, Ratio, Total
from splitrun.spec.model import Direction
from splitrun.spec.source import MeanSums, MomentsTable, RatioSums, Source


def test_parts_of_a_ratio_may_be_handed_over_as_values() -> None:
    over, under = Total(source="orders", value="amount"), Count(source="orders", count="rows")

    ratio = Ratio(kind="ratio", better=Direction.HIGHER, over=over, under=under)

    assert (ratio.over, ratio.under) == (over, under)


def test_weighted_primaries_may_be_handed_over_as_values() -> None:
    revenue = Weighted(metric="revenue", weight=2)

    assert Metrics(primary=("conversion", revenue)).primary == ("conversion", revenue)


def test_sums_may_be_handed_over_as_values() -> None:
    sums = RatioSums(sum_num="a", sum_den="b", sumsq_num="c", sumsq_den="d", sum_num_den="e")
    table = MomentsTable(
        table="t", variant="v", n="n", metrics={"basket": sums, "spent": MeanSums(sum="s", sumsq="q")}
    )

    assert table.metrics["basket"] == sums
    assert (table.form, table.where) == ("table", "t")


@pytest.mark.parametrize(
    "rows",
    [
        {"csv": " "},
        {"csv": "a\0"},
        {"csv": "s3://x/y"},
        {"query": " "},
        {"table": "a b"},
        {"table": "1a"},
        {"frame": "A"},
    ],
)
def test_rows_that_lie_nowhere_are_refused(rows: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(rows)
