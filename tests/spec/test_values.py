"""Specs that are built in Python out of other specs, and bounds that a file shows only in odd cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from splitrun.spec.analysis import Method, Rhythm
from splitrun.spec.experiment import Metrics, Rules, Weighted
from splitrun.spec.metric import Cap, Count, Mean, Per, Quantile, Ratio, Retention, Total
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


def test_a_retention_is_read_and_written_with_the_words_of_the_file() -> None:
    said = {"kind": "retention", "source": "visits", "from": "7d", "to": "8d", "better": "higher"}

    retention = Retention.model_validate(said)

    assert (retention.since, retention.to, retention.matures) == (
        timedelta(days=7), timedelta(days=8), timedelta(days=8),
    )  # fmt: skip
    assert retention.model_dump(mode="json", exclude_none=True) == said


def test_a_metric_matures_when_its_window_has_passed_or_never() -> None:
    spent = Mean(kind="mean", source="orders", better=Direction.HIGHER, cap=Cap(quantile=0.999))

    assert spent.matures is None
    assert spent.model_copy(update={"window": timedelta(days=7)}).matures == timedelta(days=7)


def test_a_quantile_says_what_it_is_taken_over() -> None:
    slow = Quantile(
        kind="quantile", source="pages", at=0.95, per=Per.EVENT, value="ms", better=Direction.LOWER
    )

    assert slow.model_dump(mode="json")["per"] == "event"


@pytest.mark.parametrize(
    ("written", "read"),
    [("daily", Rhythm.DAILY), (6, 6), (["7d", "2w"], (timedelta(days=7), timedelta(days=14)))],
)
def test_looks_are_a_rhythm_a_number_or_moments(written: object, read: object) -> None:
    looks = tuple(written) if type(written) is list else written

    rules = Rules.model_validate({"method": "group_sequential", "looks": looks})

    assert (rules.method, rules.looks) == (Method.GROUP_SEQUENTIAL, read)


@pytest.mark.parametrize("looks", [True, "often", 0, 15, 1.5, (), ("7",), {"every": "7d"}])
def test_looks_of_any_other_form_are_refused(looks: object) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate({"looks": looks})
