"""What effects are adjusted by."""

from __future__ import annotations

from datetime import timedelta

from splitrun.spec.analysis import Adjust
from tests.spec.texts import GOOD, mistakes, plan_of

RULES = "analysis: {method: fixed, alpha: 0.05}"


def adjusted(written: str, text: str = GOOD) -> str:
    return text.replace(RULES, f"analysis: {{method: fixed, adjust: {{{written}}}}}")


def test_a_pre_period_begins_two_weeks_before_exposure_unless_the_plan_says_otherwise() -> None:
    usual, longer = (
        plan_of(adjusted("covariates: [pre_period]")).analysis.adjust,
        plan_of(adjusted("lookback: 4w, covariates: [pre_period]")).analysis.adjust,
    )

    assert usual == Adjust(lookback=timedelta(days=14), covariates=("pre_period",))
    assert longer == Adjust(lookback=timedelta(days=28), covariates=("pre_period",))


def test_covariates_from_before_and_strata_need_no_lookback() -> None:
    plan = plan_of(adjusted("covariates: [country], strata: [country]"))

    assert plan.analysis.adjust == Adjust(covariates=("country",), strata=("country",))


def test_a_column_may_not_be_named_like_the_pre_period() -> None:
    text = GOOD.replace("pre_exposure: [country]", "pre_exposure: [country, pre_period]")

    assert mistakes(adjusted("covariates: [pre_period]", text)) == [
        (
            "checkout.yaml:21:49: analysis.adjust.covariates[0]: `pre_period` is each metric's own value "
            "before exposure, and a column has the same name; rename the column"
        )
    ]


def test_a_pre_period_needs_the_moment_of_exposure() -> None:
    text = GOOD.replace("  time: seen_at\n", "").replace(", window: 7d", "")
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert mistakes(adjusted("covariates: [pre_period]", bare)) == [
        (
            "checkout.yaml:18:49: analysis.adjust.covariates[0]: `pre_period` is what came before "
            "exposure, and the exposures have no `time`; name the column with the moment of exposure, "
            "or take it out"
        )
    ]


def test_a_pre_period_needs_the_moments_of_events() -> None:
    text = GOOD.replace(
        "secondary: [revenue]", "secondary: [{key: taps, kind: mean, source: clicks, better: higher}]"
    )
    timeless = text.replace("unit: user_id, time: at", "unit: user_id")

    assert mistakes(adjusted("covariates: [pre_period]", timeless)) == [
        (
            "checkout.yaml:15:11: sources.clicks: `pre_period` needs moments, and source 'clicks' "
            "has no `time`; name the column with the moment of the event"
        )
    ]


def test_a_pre_period_needs_a_metric_made_of_events() -> None:
    start = GOOD.index("{key: bought")
    own = "{key: bought, kind: share, source: exposures, better: higher}"
    text = GOOD.replace(GOOD[start : GOOD.index("]", start)], own)
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert mistakes(adjusted("covariates: [pre_period]", bare)) == [
        (
            "checkout.yaml:19:49: analysis.adjust.covariates[0]: `pre_period` is a metric's value "
            "before exposure, and no metric here is made of events; take it out, "
            "or name columns of pre_exposure"
        )
    ]


def test_sums_made_elsewhere_cannot_be_adjusted() -> None:
    exposures = GOOD[GOOD.index("exposures:") : GOOD.index("variants:")]
    sums = "moments: {table: t, variant: v, n: n, metrics: {bought: {sum: s, sumsq: q}}}\n"
    text = GOOD.replace(exposures, sums).replace("segments: [country]\n", "")
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert mistakes(adjusted("covariates: [pre_period]", bare)) == [
        (
            "checkout.yaml:13:35: analysis.adjust: sums are made already, "
            "and nothing more is known of their units; take it out"
        )
    ]


def test_effects_over_clusters_may_be_adjusted_and_be_quantiles() -> None:
    clustered = GOOD.replace("pre_exposure: [country]", "pre_exposure: [country]\n  cluster: village")

    assert mistakes(adjusted("covariates: [pre_period]", clustered)) == []
