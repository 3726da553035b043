"""How often effects may be read."""

from __future__ import annotations

import pytest

from splitrun.plan.seal import sealed
from splitrun.spec.analysis import Method, Multiplicity, Spending
from splitrun.spec.reading import read_experiment
from tests.spec.texts import GOOD, mistakes, plan_of, shop

BARE = (
    GOOD.replace("  time: seen_at\n", "")
    .replace(", window: 7d", "")
    .replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")
)
"""The good experiment without times."""


@pytest.mark.requirement("R11")
def test_exposures_with_times_are_read_group_sequentially_unless_the_plan_says_otherwise() -> None:
    plan = plan_of(GOOD.replace("method: fixed", "planned_units: 4000"))

    assert plan.analysis.method is Method.GROUP_SEQUENTIAL
    assert plan.analysis.spending is Spending.OBRIEN_FLEMING
    assert plan.analysis.planned_units == 4000
    assert plan.analysis.futility is False


@pytest.mark.parametrize("method", ["group_sequential", "sequential", "hybrid"])
def test_exposures_without_times_are_read_once_and_nothing_else(method: str) -> None:
    assert mistakes(BARE.replace("method: fixed", f"method: {method}, planned_units: 4000")) == [
        (
            f"checkout.yaml:18:20: analysis.method: {method} reads effects more than once, "
            "and exposures without `time` are read once; write method: fixed"
        )
    ]


def test_sums_made_elsewhere_are_read_once_and_nothing_else() -> None:
    exposures = GOOD[GOOD.index("exposures:") : GOOD.index("variants:")]
    sums = "moments: {table: t, variant: v, n: n, metrics: {bought: {sum: s, sumsq: q}}}\n"
    text = GOOD.replace(exposures, sums).replace("method: fixed", "method: hybrid")
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert mistakes(bare.replace("segments: [country]\n", "")) == [
        (
            "checkout.yaml:13:20: analysis.method: hybrid reads effects more than once, "
            "and sums made elsewhere are read once; write method: fixed"
        )
    ]


def test_a_primary_of_the_exposure_rows_needs_no_window_to_be_read_often() -> None:
    own = '{key: bought, kind: share, source: exposures, where: "paid = 1", better: higher}'
    start = GOOD.index("{key: bought")
    text = GOOD.replace(GOOD[start : GOOD.index("]", start)], own)

    plan = plan_of(text.replace("method: fixed", "method: sequential, planned_units: 4000"))

    assert plan.analysis.method is Method.SEQUENTIAL


def test_secondary_metrics_need_no_window_to_be_read_often() -> None:
    text = GOOD.replace("secondary: [revenue]", "secondary: [basket]")

    plan = plan_of(text.replace("method: fixed", "method: group_sequential, planned_units: 4000"))

    assert [metric.key for metric in plan.metrics] == ["bought", "refunds", "basket"]


def test_a_retention_is_read_often_without_a_window_of_its_own() -> None:
    start = GOOD.index("{key: bought")
    back = "{key: bought, kind: retention, source: orders, from: 7d, to: 9d, better: higher}"
    text = GOOD.replace(GOOD[start : GOOD.index("]", start)], back)

    plan = plan_of(text.replace("method: fixed", "planned_units: 4000"))

    assert plan.observation.days == 9
    assert plan.analysis.looks[-1].days == 14 + 9


@pytest.mark.parametrize(
    ("written", "shape", "parameter"),
    [
        ("spending: pocock", Spending.POCOCK, None),
        ("spending: power, spending_parameter: 3", Spending.POWER, 3.0),
        ("spending: hsd, spending_parameter: -4", Spending.HSD, -4.0),
    ],
)
def test_the_spending_function_may_be_chosen(written: str, shape: Spending, parameter: float | None) -> None:
    plan = plan_of(GOOD.replace("method: fixed", f"planned_units: 4000, {written}"))

    assert (plan.analysis.spending, plan.analysis.spending_parameter) == (shape, parameter)


@pytest.mark.parametrize("written", ["holm", "bh", "by", "none"])
def test_every_correction_without_weights_may_be_chosen(written: str) -> None:
    plan = plan_of(GOOD.replace("method: fixed", f"method: fixed, multiplicity: {written}"))

    assert plan.analysis.multiplicity is Multiplicity(written)


def test_dunnett_compares_several_treatments() -> None:
    text = GOOD.replace("one-page: {}}", "one-page: {}, two-page: {}}")

    plan = plan_of(text.replace("method: fixed", "method: fixed, multiplicity: dunnett"))

    assert plan.analysis.multiplicity is Multiplicity.DUNNETT
    assert plan.treatments == ("one-page", "two-page")


def test_what_was_taken_over_may_be_taken_back_with_nothing() -> None:
    base = GOOD.replace("method: fixed", "planned_units: 4000, looks: 3, spending: pocock")
    others = {"checkout": read_experiment(base, "checkout.yaml")}
    later = "key: later\nextends: checkout\nanalysis: {method: fixed, looks: null, spending: null}\n"

    plan = sealed(read_experiment(later, "later.yaml"), shop(), None, others)

    assert plan.analysis.method is Method.FIXED
    assert plan.analysis.planned_units == 4000


def test_a_mistake_in_the_method_does_not_raise_others_about_its_default() -> None:
    text = GOOD.replace("secondary: [revenue]", "secondary: [basket]").replace(
        "metric: refunds, margin: 1pp", "metric: basket, margin: 1%"
    )

    said = mistakes(text.replace("secondary: [basket]", "secondary: []").replace("fixed", "fixd"))

    assert len(said) == 1
    assert "analysis.method: 'fixd' is not one of" in said[0]
