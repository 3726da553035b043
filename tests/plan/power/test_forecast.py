"""What a plan can see, when, and what its promises cost."""

from __future__ import annotations

from math import ceil, prod

import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower  # type: ignore[import-untyped]  # it ships no types

from splitrun.plan.power.forecast import Forecast
from splitrun.plan.power.setting import Aim
from splitrun.spec.analysis import Method
from tests.plan.power.plans import KNOWN, PROVING, RULES, answered, forecast_of, need

P, Q = 0.12, 0.13


def each_variant(power: float, alpha: float = 0.05) -> float:
    """Units of each of two variants for 12 % against 13 %, unpooled, from the normal quantiles."""
    z = stats.norm.isf(alpha / 2) + stats.norm.ppf(power)
    return float(z**2 * (P * (1 - P) + Q * (1 - Q)) / 0.01**2)


def codes(found: Forecast) -> list[str]:
    return [advice.code for advice in found.advice]


@pytest.mark.requirement("R06")
def test_a_question_is_answered_with_units_and_whole_weeks() -> None:
    found = answered(units_per_day=4_000, window="7d")

    due = ceil(each_variant(0.8))
    assert found.units == 2 * due
    assert [split.units for split in found.by_variant] == [due, due]
    assert 4_000 * 7 < 2 * due <= 4_000 * 14
    assert (found.enrolment, found.days) == (14, 21)


def test_days_are_counted_one_by_one_where_weeks_need_not_be_whole() -> None:
    found = answered(units_per_day=4_000, coverage="50%", whole_weeks=False)

    assert found.days == ceil(2 * each_variant(0.8) / 2_000)


@pytest.mark.requirement("R11")
def test_alpha_is_shared_over_treatments_and_primaries() -> None:
    found = answered(weights=[1, 1, 1], primaries=2)

    assert found.needs[0].alpha == pytest.approx(0.05 / 4)
    assert found.units == 3 * ceil(each_variant(0.8, alpha=0.05 / 4))


def test_the_smallest_treatment_decides() -> None:
    found = answered(baseline={"mean": 8, "sd": 20}, mei=0.5, weights=[2, 1, 3], alpha=0.1)

    theirs = NormalIndPower().solve_power(
        effect_size=0.5 / 20, power=0.8, alpha=0.025, ratio=0.5, alternative="larger"
    )
    assert [split.units for split in found.by_variant] == pytest.approx(
        [theirs, theirs / 2, theirs * 1.5], abs=1
    )


@pytest.mark.parametrize("guardrails", [1, 3, 5])
def test_beta_is_split_over_guardrails_and_the_primary(guardrails: int) -> None:
    found = answered(guardrails=guardrails)

    assert found.each == pytest.approx(1 - 0.2 / (guardrails + 1))
    assert found.units == 2 * ceil(each_variant(1 - 0.2 / (guardrails + 1)))


def test_units_at_hand_are_answered_with_power_and_what_they_detect() -> None:
    found = answered(units=20_000)

    seen = found.needs[0]
    drift = 0.01 / ((P * (1 - P) + Q * (1 - Q)) / 10_000) ** 0.5
    assert seen.reached == pytest.approx(stats.norm.cdf(drift - stats.norm.isf(0.025)))
    assert found.planned == 20_000
    assert seen.detectable is not None
    assert answered(mei=seen.detectable, units=20_000).needs[0].reached == pytest.approx(0.8)
    assert codes(found) == ["underpowered"]
    assert found.together == seen.reached


def test_what_units_detect_needs_no_minimum_effect() -> None:
    found = answered(mei=None, units=20_000)

    assert found.units is None
    assert found.needs[0].detectable is not None
    assert found.together is None
    assert found.advice == ()


def test_a_relative_effect_is_the_same_effect() -> None:
    points, part = answered(mei="1.2pp"), answered(mei="10%")

    assert points.units == part.units
    assert part.needs[0].size == pytest.approx(0.012)
    assert part.needs[0].relative == pytest.approx(0.1)


def test_a_lower_share_is_sought_below() -> None:
    # 12 % against 11 %
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    due = z**2 * (P * (1 - P) + 0.11 * 0.89) / 0.01**2
    assert answered(better="lower").units == 2 * ceil(due)


def test_adjusting_and_clusters_change_the_units_by_their_factor() -> None:
    whole = {"share": "12%", "r2": 0.4, "clusters": {"size": 30, "icc": 0.03}}

    found = answered(baseline=whole)

    # design effect 1 + 29 x 0.03
    assert found.units == 2 * ceil(each_variant(0.8) * 0.6 * 1.87)


def test_a_margin_is_tested_one_sided_and_never_shared() -> None:
    found = answered(mei=None, margin="1pp", better="lower", weights=[1, 1, 1], primaries=2)

    seen = found.needs[0]
    assert (seen.aim, seen.alpha, seen.sides) == (Aim.MARGIN, 0.025, 1)
    z = stats.norm.isf(0.025) + stats.norm.ppf(1 - 0.2 / 2)
    assert found.units == 3 * ceil(z**2 * 2 * P * (1 - P) / 0.01**2)
    assert found.prices == ()


def test_methods_and_looks_have_their_price() -> None:
    found = answered(method="group_sequential", looks=5)
    by_name = {(price.method, price.looks): price for price in found.prices}

    # 1.025 for five looks; 1.71 for daily looks with always-valid intervals, both simulated
    five = by_name[Method.GROUP_SEQUENTIAL, 5]
    assert five.chosen
    assert five.factor == pytest.approx(1.025, abs=0.0015)
    assert five.units == found.units
    assert by_name[Method.SEQUENTIAL, 28].factor == pytest.approx(1.71, abs=0.02)
    assert by_name[Method.FIXED, 1].units == 2 * ceil(each_variant(0.8))
    # alpha 0.045 at the end
    hybrid = (stats.norm.isf(0.0225) + stats.norm.ppf(0.8)) ** 2 / (2.801585) ** 2
    assert by_name[Method.HYBRID, 1].factor == pytest.approx(hybrid, rel=1e-5)
    factors = [price.factor for price in found.prices if price.method is Method.GROUP_SEQUENTIAL][1:]
    assert factors == sorted(factors)


def test_futility_has_its_price_and_ends_sooner_where_there_is_nothing() -> None:
    found = answered(method="group_sequential", looks=5, futility=True)

    own = next(price for price in found.prices if price.chosen)
    assert own.futility
    # inflation 1.155 with futility
    assert own.factor == pytest.approx(1.155, abs=5e-4)
    assert own.without < 0.6
    assert found.units == own.units


def test_the_curve_rises_and_passes_the_power_where_it_should() -> None:
    found = answered(units_per_day=4_000)

    powers = [point.power for point in found.curve if point.power is not None]
    assert powers == sorted(powers)
    due = next(point for point in found.curve if point.units == found.units)
    assert due.power == pytest.approx(0.8, abs=1e-4)
    assert due.detectable == pytest.approx(0.01, rel=1e-4)


def test_an_experiment_is_forecast_in_every_role() -> None:
    found = forecast_of(PROVING)

    assert [(each.metric, each.must) for each in found.needs] == [
        ("bought", True),
        ("refunds", True),
        ("delays", True),
        ("revenue", False),
        ("basket", False),
    ]
    assert found.each == pytest.approx(1 - 0.2 / 3)
    assert found.planned == 56_000
    assert found.planned_days == 21
    assert found.units == max(each.units or 0 for each in found.needs)
    reached = [each.reached for each in found.needs if each.reached is not None]
    assert found.independent == pytest.approx(prod(reached))
    assert found.together == pytest.approx(1 - sum(1 - part for part in reached))
    # 4 (z_0.975 + z_0.8)^2 / 56,000 of the variance, for alpha 0.05 and the split power
    z = stats.norm.isf(0.025) + stats.norm.ppf(1 - 0.2 / 3)
    assert need(found, "revenue").detectable == pytest.approx(z * 20 * (4 / 56_000) ** 0.5)
    assert need(found, "refunds").sides == 1


def test_every_proved_guardrail_has_its_cost() -> None:
    found = forecast_of(PROVING)

    by_name = {cost.metric: cost for cost in found.costs}
    # margin 5 % of 3 is 0.15; contrast mu_t - 1.05 mu_c with variances 25, at the plan's whole power
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    alone = z**2 * 25 * (1 + 1.05**2) / 0.15**2
    assert by_name["delays"].units_alone == 2 * ceil(alone)
    # without it beta is split over refunds and the primary, which needs most
    assert by_name["delays"].units_without == 2 * ceil(each_variant(0.9))
    assert by_name["delays"].factor == pytest.approx((found.units or 0) / (2 * each_variant(0.9)), rel=1e-4)
    assert [cost.metric for cost in found.costs] == ["refunds", "delays"]


def test_a_watched_guardrail_costs_nothing() -> None:
    found = forecast_of(PROVING.replace("margin: 5%\n      mode: prove", "margin: 5%\n      mode: watch"))

    assert found.each == pytest.approx(0.9)
    assert [cost.metric for cost in found.costs] == ["refunds"]
    assert not need(found, "delays").must


def test_looks_of_an_experiment_are_those_of_its_plan() -> None:
    text = PROVING.replace(RULES, "analysis: {planned_units: 56000, looks: 3}\nduration: {enrol: 14d}")

    found = forecast_of(text)

    own = next(price for price in found.prices if price.chosen)
    assert (own.method, own.looks) == (Method.GROUP_SEQUENTIAL, 3)


def test_an_always_valid_plan_is_tuned_to_what_it_seals() -> None:
    text = PROVING.replace(
        RULES, "analysis: {method: sequential, planned_units: 560}\nduration: {enrol: 14d}"
    )

    far, near = forecast_of(text), forecast_of(text.replace("planned_units: 560", "planned_units: 56000"))

    assert (need(far, "bought").reached or 1) < (need(near, "bought").reached or 0)
    assert "planned_units" in codes(far)
    assert "planned_units" not in codes(near)


def test_every_way_out_of_too_little_power_is_enough() -> None:
    text = PROVING.replace("mei: 1pp", "mei: 0.9pp").replace(
        "duration: {enrol: 14d}", "coverage: 60%\nduration: {enrol: 14d}"
    )
    found = forecast_of(text)

    advice = next(each for each in found.advice if each.says.startswith("bought"))
    assert advice.code == "underpowered"
    assert "ask for 1.26pp or more" in advice.next
    better = forecast_of(text.replace("mei: 0.9pp", "mei: 1.26pp"))
    assert (need(better, "bought").reached or 0) >= found.each
    assert "enrol for 28 days" in advice.next
    longer = forecast_of(text.replace("enrol: 14d", "enrol: 28d"))
    assert (need(longer, "bought").reached or 0) >= found.each
    explained = int(advice.next.split("explains ")[1].split("%")[0]) / 100
    adjusting = text.replace("alpha: 0.05}", "alpha: 0.05, adjust: {covariates: [pre_period]}}")
    known = KNOWN.replace("{share: 12%}", f"{{share: 12%, r2: {explained}}}")
    assert (need(forecast_of(adjusting, known), "bought").reached or 0) >= found.each


def test_coverage_is_raised_where_that_is_enough() -> None:
    text = PROVING.replace("duration: {enrol: 14d}", "coverage: 50%\nduration: {enrol: 21d}")
    found = forecast_of(text)

    advice = next(each for each in found.advice if each.says.startswith("bought"))
    assert "raise coverage from 50% to " in advice.next
    wider = advice.next.split("50% to ")[1].split("%")[0]
    assert (need(forecast_of(text.replace("50%\n", f"{wider}%\n")), "bought").reached or 0) >= found.each


def test_a_margin_that_nothing_proves_says_so() -> None:
    found = forecast_of(PROVING, KNOWN.replace("{mean: 3, sd: 5}", "{mean: -3, sd: 5}"))

    assert found.units is None
    assert "unprovable" in codes(found)


def test_few_units_rare_outcomes_and_long_enrolments_are_said() -> None:
    assert "few_units" in codes(answered(baseline="40%", mei="30pp"))
    assert "rare" in codes(answered(baseline={"share": "100ppm"}, mei="0.5pp"))
    assert "slow" in codes(answered(units_per_day=100))
    assert codes(answered(units_per_day=10_000)) == []


def test_what_is_known_and_not_used_is_said_and_the_other_way_round() -> None:
    adjusting = PROVING.replace("alpha: 0.05}", "alpha: 0.05, adjust: {covariates: [pre_period]}}")
    clustered = PROVING.replace("  variant: arm\n", "  variant: arm\n  cluster: village\n")
    explained = KNOWN.replace("{share: 12%}", "{share: 12%, r2: 0.3}")

    assert "not_adjusted" in codes(forecast_of(PROVING, explained))
    assert "r2_unknown" in codes(forecast_of(adjusting))
    assert "clusters_unknown" in codes(forecast_of(clustered))
    alike = KNOWN.replace("{share: 12%}", "{share: 12%, clusters: {size: 20, icc: 0.05}}")
    plain, wide = need(forecast_of(clustered), "bought"), need(forecast_of(clustered, alike), "bought")
    assert (wide.units or 0) == pytest.approx(1.95 * (plain.units or 0), rel=1e-3)


def test_unknown_weights_are_said() -> None:
    text = PROVING.replace("variants: {control", "weights: unknown\nvariants: {control")

    assert "weights_unknown" in codes(forecast_of(text))
