"""Readings before the end: at planned looks, at any time, and both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.estimate import Estimate, Kind, Side, Unknown, Why
from splitrun.judge.readout import Comparison, GuardrailOutcome, Look, Readout, Verdict
from splitrun.measure.measured import Clusters, ClusterSums, Measured
from splitrun.moments import Moments
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Method, Mode, Spending
from splitrun.spec.metric import Mean
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan, PlannedMetric
from tests.check.worlds import (
    START,
    guardrail,
    measured,
    ones,
    plan,
    primary,
    ratio,
    secondary,
    started,
    two_shares,
)
from tests.judge.test_reading import known, read, spread

CASES = json.loads((Path(__file__).parents[1] / "cases" / "sequential.json").read_text(encoding="utf-8"))
WEEKS = tuple(timedelta(weeks=week) for week in (1, 2, 3))
MARGIN = Size(value=0.5, relative=False)


def expected(case: str) -> dict[str, list[float]]:
    """What the reference says of a case."""
    found: dict[str, list[float]] = next(each["expected"] for each in CASES["cases"] if each["id"] == case)
    return found


def looking(metrics: tuple[PlannedMetric, ...] = (primary(),), **rules: object) -> Plan:
    """Three weekly looks at 3,000 planned units, or what `rules` say."""
    of = plan(metrics)
    update = {"method": Method.GROUP_SEQUENTIAL, "looks": WEEKS, "planned_units": 3000, **rules}
    return of.model_copy(update={"analysis": of.analysis.model_copy(update=update)})


def first(found: Readout) -> Comparison:
    return found.comparisons[0]


def at(days: float, looks: list[int] | None, world: Measured, of: Plan | None = None) -> Readout:
    return read(looking() if of is None else of, started(world, days=days, looks=looks))


def reach(estimate: Estimate) -> float:
    """How many standard errors the interval reaches."""
    assert estimate.high is not None
    return (estimate.high - estimate.effect) / estimate.stderr


@pytest.mark.parametrize(("look", "looks"), [(1, [1000]), (2, [1000, 2000]), (3, [1000, 2000, 3000])])
@pytest.mark.requirement("R26")
def test_a_look_s_interval_reaches_as_far_as_gsdesign_s_bound(look: int, looks: list[int]) -> None:
    # so many units that the t quantile is a normal one
    world = measured({"fetched": [ones(100_000, 300_000), ones(101_000, 300_000)]})

    found = at(7 * look, looks, world)

    absolute = known(first(found).absolute)
    assert reach(absolute) == pytest.approx(expected("gs.bounds.obf.3")["z_upper"][look - 1], abs=2e-4)
    assert absolute.kind is Kind.GROUP_SEQUENTIAL
    assert absolute.level == pytest.approx(0.95)
    assert found.look == Look(
        number=look,
        planned=3,
        at=START + timedelta(weeks=look),
        following=START + timedelta(weeks=look + 1) if look < 3 else None,
    )


def test_a_guardrail_s_bound_is_that_of_a_one_sided_plan() -> None:
    fortnight = tuple(timedelta(weeks=week) for week in (1, 2, 3, 4))
    of = looking((guardrail("load", MARGIN),), looks=fortnight, planned_units=4000)
    world = measured({"load": [spread(10, 100_000), spread(10, 100_000)]})

    absolute = known(first(at(14, [1000, 2000], world, of)).absolute)

    assert absolute.side is Side.UPPER
    assert absolute.level == pytest.approx(0.975)
    assert reach(absolute) == pytest.approx(expected("gs.bounds.obf.onesided.4")["z_upper"][1], abs=2e-4)


@pytest.mark.parametrize(
    ("spending", "parameter", "case", "looks"),
    [
        (Spending.POCOCK, None, "gs.bounds.pocock.5", 5),
        (Spending.POWER, 3.0, "gs.bounds.kd3.5", 5),
        (Spending.POWER, 1.0, "gs.bounds.kd1.4", 4),
    ],
)
def test_alpha_is_spent_as_planned(
    spending: Spending, parameter: float | None, case: str, looks: int
) -> None:
    weeks = tuple(timedelta(weeks=week + 1) for week in range(looks))
    of = looking(looks=weeks, planned_units=1000 * looks, spending=spending, spending_parameter=parameter)
    world = measured({"fetched": [ones(100_000, 300_000), ones(101_000, 300_000)]})

    absolute = known(first(at(14, [1000, 2000], world, of)).absolute)

    assert reach(absolute) == pytest.approx(expected(case)["z_upper"][1], abs=2e-4)


def test_the_planned_end_spends_what_is_left_whatever_the_size() -> None:
    world = two_shares((400, 1000), (440, 1000))

    short = known(first(at(21, [500, 1000, 2000], world)).absolute)
    running = known(first(at(20, [500, 2000], world)).absolute)

    assert 1.96 < reach(short) < 2.02
    assert reach(running) > 2.4


def test_p_is_below_alpha_exactly_where_the_interval_leaves_zero_out() -> None:
    for conversions in range(400, 520, 4):
        found = first(at(14, [1000, 2000], two_shares((400, 1000), (conversions, 1000))))

        absolute = known(found.absolute)
        assert absolute.low is not None
        assert found.p is not None
        assert (found.p < 0.05) is (absolute.low > 0)


def test_primaries_with_other_weights_have_other_bounds() -> None:
    of = looking((primary("a"), primary("b", weight=3)))
    values = [ones(40_000, 100_000), ones(41_000, 100_000)]

    a, b = at(14, [1000, 2000], measured({"a": values, "b": values}), of).comparisons

    assert reach(known(a.absolute)) > reach(known(b.absolute)) > 2.51
    assert known(a.absolute).level == pytest.approx(1 - 0.05 / 4)


def test_before_the_first_look_no_effect_is_shown() -> None:
    watched = guardrail("load", MARGIN, mode=Mode.WATCH)
    of = looking((primary(mei=Size(value=0.05, relative=False)), watched, secondary("age")))
    values = [spread(10, 1000), spread(11, 1000)]
    world = measured({"fetched": [ones(400, 1000), ones(600, 1000)], "load": values, "age": values})

    found = at(6, [], world, of)

    fetched, load, age = found.comparisons
    for blind in (fetched, age):
        assert blind.absolute == blind.relative == Unknown(Why.NO_ALPHA)
        assert (blind.control.mean, blind.treatment.mean, blind.p) == (None, None, None)
        assert blind.verdict is Verdict.INCONCLUSIVE
        assert "no alpha may be spent now" in blind.says
        assert blind.control.units == 1000
    # harm is watched at every moment
    assert known(load.absolute).kind is Kind.ALWAYS_VALID
    assert load.guardrail is GuardrailOutcome.BREACHED
    assert found.look == Look(number=0, planned=3, at=None, following=START + timedelta(weeks=1))


def test_a_metric_whose_units_have_not_matured_by_the_look_waits() -> None:
    assert first(at(8, [0], two_shares((400, 1000), (600, 1000)))).absolute == Unknown(Why.NO_ALPHA)
    assert first(at(8, None, two_shares((400, 1000), (600, 1000)))).absolute == Unknown(Why.NO_ALPHA)


def test_an_empty_variant_is_said_before_the_look_that_has_not_come() -> None:
    assert first(at(3, [], two_shares((400, 1000), (0, 0)))).absolute == Unknown(Why.NO_UNITS)


def test_units_that_come_faster_than_planned_leave_alpha_for_the_planned_end() -> None:
    world = two_shares((400, 1000), (440, 1000))

    early = known(first(at(14, [3000, 4000], world)).absolute)
    ended = known(first(at(21, [3000, 4000, 6000], world)).absolute)

    # two thirds of the planned time has passed: no more is spent than gsDesign's second of three looks spends
    assert reach(early) >= expected("gs.bounds.obf.3")["z_upper"][1] - 0.01
    assert 1.96 < reach(ended) < 2.05


def test_looks_at_the_same_units_have_a_number_each() -> None:
    world = two_shares((400, 1000), (440, 1000))

    bounds = [
        reach(known(first(at(7 * len(looks), looks, world)).absolute))
        for looks in ([2000], [2000, 2000], [2000, 2000, 2000])
    ]

    # what the looks before have spent is gone, so the last bound is a little wider than that of one look
    assert bounds[0] > bounds[1] > bounds[2] > 1.96


def test_the_readout_says_which_look_it_counts_as() -> None:
    found = at(16, [1000, 2000], two_shares((400, 1000), (600, 1000)))

    assert (
        "this reading counts as look 2 of 3, planned for 2026-11-16 09:00+00:00: intervals hold over one "
        "reading at each look, and not for a second one before the next"
    ) in found.limitations


def test_levels_of_a_segment_have_the_look_s_bound_at_their_part_of_alpha() -> None:
    cells = [ones(400, 1000), ones(500, 1000), ones(600, 1000), ones(550, 1000)]
    world = measured({"fetched": cells}, segment="near", levels=("no", "yes"))
    of = looking().model_copy(update={"segments": plan(segments=["near"]).segments})

    whole, no, yes = at(14, [1000, 2000], world, of).comparisons

    assert reach(known(no.absolute)) == pytest.approx(reach(known(yes.absolute)), rel=1e-3)
    assert reach(known(no.absolute)) > reach(known(whole.absolute))
    assert known(no.absolute).level == pytest.approx(0.975)


def open_ended(key: str) -> PlannedMetric:
    metric = Mean(kind="mean", source="orders", value="amount", better=Direction.HIGHER)
    return secondary(key).model_copy(update={"metric": metric})


@pytest.mark.parametrize("method", [Method.GROUP_SEQUENTIAL, Method.SEQUENTIAL, Method.HYBRID])
def test_totals_without_an_end_only_describe(method: Method) -> None:
    of = looking((primary(), open_ended("revenue")), method=method)
    world = measured({"fetched": [ones(400, 1000)] * 2, "revenue": [spread(10, 1000), spread(11, 1000)]})

    found = at(14, [1000, 2000], world, of)

    revenue = found.comparisons[1]
    assert known(revenue.absolute).kind is Kind.FIXED
    assert revenue.verdict is Verdict.INCONCLUSIVE
    assert revenue.says.endswith(
        "its totals have no end and grow between looks, so its interval only describes"
    )
    assert "revenue have no window, so their intervals only describe this moment" in found.limitations


@pytest.mark.requirement("R26")
def test_an_always_valid_interval_is_that_of_the_reference() -> None:
    of = looking(method=Method.SEQUENTIAL, planned_units=5000)
    world = two_shares((8502, 44700), (8279, 45489))

    found = first(at(3, None, world, of))

    # gbstats 0.8.0 on Cookie Cats, tuned at 5,000
    says = expected("gb.sequential.abs.t5000.cookie_cats.retention_7")
    absolute = known(found.absolute)
    assert absolute.kind is Kind.ALWAYS_VALID
    assert absolute.level == pytest.approx(0.95)
    assert absolute.low == pytest.approx(says["ci_low"], rel=1e-7)
    assert absolute.high == pytest.approx(says["ci_high"], rel=1e-6)
    assert found.p == pytest.approx(says["p_value"], rel=1e-6)
    assert found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("control", "voucher", "why"),
    [
        ((200, 499), (300, 500), "fewer than 500 units in one of the variants"),
        ((29, 600), (90, 600), "fewer than 30 units that are not zero in one of the variants"),
        ((600, 20_000), (60, 600), "the skewness of the effect is beyond 0.1"),
    ],
)
def test_too_early_a_verdict_is_kept_back_with_the_reason(
    control: tuple[int, int], voucher: tuple[int, int], why: str
) -> None:
    of = looking((primary(), guardrail("load", MARGIN)), method=Method.SEQUENTIAL)
    values = [ones(*control), ones(*voucher)]
    world = measured({"fetched": values, "load": values})
    zeros = np.array([units - rare for rare, units in (control, voucher)])
    columns = {**world.columns, "load": replace(world.columns["load"], zeros=zeros)}

    fetched, load = at(3, None, replace(world, columns=columns), of).comparisons

    assert fetched.verdict is load.verdict is Verdict.INCONCLUSIVE
    assert load.guardrail is GuardrailOutcome.UNPROVEN
    assert f"too early for a verdict: {why}" in fetched.says
    assert known(fetched.absolute).kind is Kind.ALWAYS_VALID


def test_where_zeros_are_counted_they_are_no_conversions() -> None:
    of = looking((secondary("revenue"),), method=Method.SEQUENTIAL)
    world = measured({"revenue": [spread(10, 1000), spread(13, 1000)]})
    mostly = replace(world.columns["revenue"], zeros=np.array([980, 400]))

    few = first(at(3, None, replace(world, columns={"revenue": mostly}), of))
    enough = first(at(3, None, world, of))

    assert "fewer than 30 units that are not zero" in few.says
    assert enough.verdict is Verdict.BETTER


def test_a_lift_that_is_always_valid_has_the_p_of_its_difference() -> None:
    of = looking(method=Method.SEQUENTIAL)

    found = first(at(3, None, two_shares((400, 1000), (480, 1000)), of))

    lift, absolute = known(found.relative), known(found.absolute)
    assert lift.p == absolute.p
    assert lift.low is not None
    assert absolute.low is not None
    assert (lift.low > 0) is (absolute.low > 0) is (absolute.p < 0.05)


def test_a_hybrid_plan_spends_a_tenth_while_it_runs_and_the_rest_at_the_end() -> None:
    of = looking(method=Method.HYBRID, looks=(timedelta(weeks=3),))
    world = two_shares((400, 1000), (480, 1000))

    running, ended = (known(first(at(days, None, world, of)).absolute) for days in (20, 21))

    assert running.kind is Kind.ALWAYS_VALID
    assert running.level == pytest.approx(0.995)
    assert ended.kind is Kind.FIXED
    assert ended.level == pytest.approx(0.955)


@pytest.mark.parametrize("method", [Method.GROUP_SEQUENTIAL, Method.SEQUENTIAL, Method.HYBRID])
def test_watched_guardrails_share_one_per_cent_at_every_moment(method: Method) -> None:
    watched = [guardrail(key, MARGIN, mode=Mode.WATCH) for key in ("load", "errors")]
    cells = [spread(10, 1000), spread(10, 1000), spread(10, 1000), spread(12, 1000)]
    world = measured({"load": cells, "errors": cells}, segment="near", levels=("no", "yes"))
    of = looking(tuple(watched), method=method)
    of = of.model_copy(update={"segments": plan(segments=["near"]).segments})

    whole, no, yes = at(14, [1000, 2000], world, of).comparisons[:3]

    absolute = known(whole.absolute)
    assert (absolute.kind, absolute.side) == (Kind.ALWAYS_VALID, Side.LOWER)
    assert absolute.level == pytest.approx(1 - 0.01 / 2)
    assert known(no.absolute).level == pytest.approx(1 - 0.01 / 4)
    assert (no.guardrail, yes.guardrail) == (GuardrailOutcome.NO_HARM_SEEN, GuardrailOutcome.BREACHED)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (Method.SEQUENTIAL, "intervals hold at every moment, and are wider than those of one look for it"),
        (
            Method.HYBRID,
            "intervals hold at every moment with a tenth of alpha, and once at the planned end with the rest",
        ),
    ],
)
def test_what_the_intervals_promise_is_said(method: Method, says: str) -> None:
    assert says in at(3, None, two_shares((400, 1000), (480, 1000)), looking(method=method)).limitations


def clustered(world: Measured, units: int) -> Measured:
    """The same world, its units in clusters of so many, each of one variant."""
    variants, sizes = world.cells.variant.code, world.cells.units // units
    cell = np.repeat(np.arange(len(variants)), sizes)
    code = np.arange(len(cell))
    moments = world.columns["fetched"].moments
    rng = np.random.default_rng(5)
    noise = rng.normal(size=len(cell))
    totals = units * (moments.mean[cell, 0] + 0.01 * noise)
    sums = ClusterSums(np.full(len(cell), float(units)), totals[:, None], totals**2 / units)
    return replace(world, clusters=Clusters(code, cell, {"fetched": sums}, lost=0))


def test_where_units_are_alike_clusters_are_counted_before_a_verdict() -> None:
    of = looking(method=Method.SEQUENTIAL)
    world = two_shares((4000, 10_000), (4400, 10_000))

    few, enough = (first(at(3, None, clustered(world, units), of)) for units in (25, 10))

    assert few.verdict is Verdict.INCONCLUSIVE
    assert "too early for a verdict: fewer than 500 clusters in one of the variants" in few.says
    assert enough.verdict is Verdict.BETTER


def test_a_ratio_of_skewed_residuals_under_uneven_weights_waits() -> None:
    rng = np.random.default_rng(1)
    spent = [
        np.stack([rng.lognormal(1, 1.5, units), 1.0 + rng.poisson(2, units)], axis=1) for units in (9000, 600)
    ]
    of = looking((ratio("basket"),), method=Method.SEQUENTIAL)
    metric = of.metrics[0].metric.model_copy(update={"window": timedelta(days=7)})
    of = of.model_copy(update={"metrics": (of.metrics[0].model_copy(update={"metric": metric}),)})
    world = measured({"basket": spent})
    whole = Moments.stacked([Moments.of(values) for values in spent])
    known_thirds = replace(world.columns["basket"], moments=whole)

    found = first(at(8, None, replace(world, columns={"basket": known_thirds}), of))

    # scipy on the residuals of both variants
    residuals = [values[:, 0] - values[:, 0].sum() / values[:, 1].sum() * values[:, 1] for values in spent]
    skew = stats.skew(np.concatenate(residuals))
    assert skew * (1 / 600 - 1 / 9000) / np.sqrt(1 / 600 + 1 / 9000) > 0.1
    assert "too early for a verdict: the skewness of the effect is beyond 0.1" in found.says
