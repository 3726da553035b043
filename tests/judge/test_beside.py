"""What stands beside an effect: adjustment, caps, clusters, the parts of a ratio, quantiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.levels.bounds import bounds
from splitrun.measure.measured import CapOrigin, Capping, Clusters, ClusterSums, Codes, Measured, Quantiles
from splitrun.moments import FloatArray, Moments
from splitrun.spec.analysis import Adjust
from splitrun.spec.metric import Mean, Metric, Per, Quantile
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan
from tests.check.worlds import measured, moments, ones, plan, primary, ratio
from tests.judge.test_reading import known, only, read, spread

CASES = json.loads((Path(__file__).parents[1] / "cases" / "stat_cases.json").read_text(encoding="utf-8"))
SPEND: Metric = Mean(kind="mean", source="exposures", value="v", better=Direction.HIGHER)


def case(name: str) -> tuple[dict[str, dict[str, list[list[float]]]], dict[str, float]]:
    """Inputs and expected values of a reference case."""
    found = next(each for each in CASES["cases"] if each["id"] == name)
    return found["inputs"], found["expected"]


def with_moments(world: Measured, key: str, held: Moments, covariates: tuple[str, ...] = ()) -> Measured:
    column = replace(world.columns[key], moments=held, covariates=covariates)
    return replace(world, columns={**world.columns, key: column})


def adjusting(*, covariates: tuple[str, ...] = (), strata: tuple[str, ...] = ()) -> Plan:
    rules = Adjust(covariates=covariates, strata=strata)
    return plan([primary("spend", metric=SPEND)], segments=strata, adjust=rules)


def gram(side: Mapping[str, list[list[float]]]) -> Moments:
    """Moments from the products of (1, y, x)."""
    g = np.array(side["gram"])
    return Moments.from_sums(g[:1, 0], g[None, 0, 1:], g[None, 1:, 1:])


@pytest.mark.requirement("R26")
def test_an_adjusted_effect_is_that_of_lin_in_r_with_the_plain_one_beside_it() -> None:
    given, says = case("cuped.hillstrom.womens.spend.history")
    world = measured({"spend": [np.ones(2), np.ones(2)]})
    held = Moments.stacked([gram(given["control"]), gram(given["treatment"])])

    found = only(adjusting(covariates=("history",)), with_moments(world, "spend", held, ("history",)))

    absolute = known(found.absolute)
    assert absolute.effect == pytest.approx(says["lin_diff"], rel=1e-9)
    assert absolute.stderr == pytest.approx(says["lin_gram_se_superpop"], rel=1e-7)
    assert found.adjusted is not None
    assert found.adjusted.covariates == ("history",)
    before = known(found.adjusted.unadjusted.absolute)
    assert before.effect == pytest.approx(says["unadjusted_diff"], rel=1e-9)
    assert before.stderr == pytest.approx(says["unadjusted_se"], rel=1e-9)
    assert found.adjusted.reduction == pytest.approx(1 - (absolute.stderr / before.stderr) ** 2)
    assert found.control.mean != found.adjusted.unadjusted.control


def test_poststratification_is_that_of_r() -> None:
    name = "poststrat.synth.t2.sessions.country"
    strata = next(each for each in CASES["cases"] if each["id"] == name)["inputs"]["strata"]
    _, says = case(name)
    sides = [stratum[side] for side in ("control", "treatment") for stratum in strata]
    n, total, squares = (np.array([float(side[of]) for side in sides]) for of in ("n", "sum", "sumsq"))
    levels = tuple(stratum["stratum"] for stratum in strata)
    world = measured({"spend": [np.ones(2)] * 8}, segment="country", levels=levels)
    held = Moments.from_sums(n, total[:, None], squares[:, None, None])

    whole, *apart = read(adjusting(strata=("country",)), with_moments(world, "spend", held)).comparisons

    absolute = known(whole.absolute)
    assert absolute.effect == pytest.approx(says["ps_diff"], rel=1e-8)
    # one residual variance per variant and not per stratum
    assert absolute.stderr == pytest.approx(says["superpop_se"], rel=2e-3)
    assert whole.adjusted is not None
    assert whole.adjusted.covariates == ("country",)
    # within a stratum there is nothing left to stratify by
    assert [each.adjusted for each in apart] == [None] * 4


def test_adjustment_works_in_the_levels_of_a_segment() -> None:
    rng = np.random.default_rng(20260101)
    x = rng.normal(size=(4, 300))
    cells = [np.stack([2 * row + rng.normal(size=300), row], axis=1) for row in x]
    of = adjusting(covariates=("x",)).model_copy(update={"segments": plan(segments=["near"]).segments})
    world = measured({"spend": cells}, segment="near", levels=("no", "yes"))

    found = read(of, with_moments(world, "spend", moments(cells), ("x",))).comparisons

    # the covariate explains 4 of 5 parts of the variance
    assert len(found) == 3
    for each in found:
        assert each.adjusted is not None
        assert each.adjusted.reduction == pytest.approx(0.8, abs=0.06)


def test_a_level_with_too_few_units_for_its_covariates_keeps_its_own_means() -> None:
    cells = [np.array([[1.0, 2.0], [2.0, 1.0], [4.0, 3.0]])] * 2
    world = with_moments(measured({"spend": cells}), "spend", moments(cells), ("x",))

    assert only(adjusting(covariates=("x",)), world).adjusted is None


def test_strata_that_do_not_occur_take_no_place() -> None:
    cells = [spread(1, 60), spread(3, 60), spread(1.5, 60), spread(3.5, 60)]
    world = measured({"spend": cells}, segment="near", levels=("no", "yes"))
    far = Codes(tuple("abcdefgh"), world.cells.segments["near"].code + 3)
    cut = replace(world.cells, segments={**world.cells.segments, "far": far})

    found = read(adjusting(strata=("near", "far")), replace(world, cells=cut)).comparisons[0]

    # within strata the variance is 1, between two of equal size that lie 2 apart it is 1 as well
    assert found.adjusted is not None
    assert found.adjusted.reduction == pytest.approx(0.5, abs=0.01)


def test_an_effect_with_a_cap_has_the_one_without_beside_it() -> None:
    control, treatment = np.random.default_rng(3).lognormal(3, 2, size=(2, 400))
    world = measured({"spend": [np.minimum(values, 100.0) for values in (control, treatment)]})
    column = replace(
        world.columns["spend"],
        zeros=np.array([7, 9]),
        capping=Capping(
            at=(100.0,),
            origin=CapOrigin.BASELINE,
            capped=np.array([80, 90]),
            uncapped=moments([control, treatment]),
        ),
    )

    found = only(plan([primary("spend", metric=SPEND)]), replace(world, columns={"spend": column}))

    assert found.capped is not None
    assert (found.capped.at, found.capped.origin) == ((100.0,), CapOrigin.BASELINE)
    assert found.capped.uncapped is not None
    low, high = ttest_ind(treatment, control, equal_var=False).confidence_interval(0.95)
    assert known(found.capped.uncapped.absolute).low == pytest.approx(low, rel=1e-9)
    assert known(found.capped.uncapped.absolute).high == pytest.approx(high, rel=1e-9)
    assert (found.control.zeros, found.control.capped) == (7, 80)
    assert (found.treatment.zeros, found.treatment.capped) == (9, 90)


def clustered(world: Measured, code: list[int], cell: list[int], sums: ClusterSums, key: str) -> Measured:
    return replace(world, clusters=Clusters(np.array(code), np.array(cell), {key: sums}, lost=0))


def totals(groups: list[FloatArray]) -> ClusterSums:
    """Sums of clusters from their units' values, one column or two."""
    tables = [group[:, None] if group.ndim == 1 else group for group in groups]
    return ClusterSums(
        units=np.array([float(len(table)) for table in tables]),
        totals=np.array([table.sum(axis=0) for table in tables]),
        squares=np.array([float(table[:, 0] @ table[:, 0]) for table in tables]),
    )


def test_clusters_of_one_variant_are_read_as_a_ratio_of_totals() -> None:
    rng = np.random.default_rng(5)
    groups = [rng.normal(10 + rng.normal(), 1, size=size) for size in rng.integers(5, 30, size=40)]
    sides = [np.concatenate(groups[:20]), np.concatenate(groups[20:])]
    cell = [0] * 20 + [1] * 20
    world = clustered(measured({"spend": sides}), list(range(40)), cell, totals(groups), "spend")

    found = only(plan([primary("spend", metric=SPEND)]), world)

    # the delta method by hand: residuals of the totals over mean cluster size (Deng, Knoblich, Lu 2018)
    variances = []
    for part in (groups[:20], groups[20:]):
        s, k = np.array([each.sum() for each in part]), np.array([len(each) for each in part])
        variances.append(float(np.var(s - s.sum() / k.sum() * k, ddof=1) / 20 / k.mean() ** 2))
    absolute = known(found.absolute)
    assert absolute.effect == pytest.approx(sides[1].mean() - sides[0].mean())
    assert absolute.stderr == pytest.approx(np.sqrt(sum(variances)))
    plain = sum(float(np.var(side, ddof=1)) / len(side) for side in sides)
    assert found.design_effect == pytest.approx(sum(variances) / plain)
    assert (found.control.clusters, found.treatment.clusters) == (20, 20)
    assert (found.control.units, found.treatment.units) == (len(sides[0]), len(sides[1]))


def test_clusters_that_hold_both_variants_are_compared_within_them() -> None:
    # pairs of twins, one in each variant, who are alike: their difference is what counts
    rng = np.random.default_rng(11)
    twins = rng.normal(size=200)
    control, treatment = twins + rng.normal(0, 0.1, 200), twins + 1 + rng.normal(0, 0.1, 200)
    both = totals([np.array([value]) for value in (*control, *treatment)])
    cell = [0] * 200 + [1] * 200
    world = clustered(
        measured({"spend": [control, treatment]}), [*range(200), *range(200)], cell, both, "spend"
    )

    found = only(plan([primary("spend", metric=SPEND)]), world)

    paired = np.std(treatment - control, ddof=1) / np.sqrt(200)
    assert known(found.absolute).stderr == pytest.approx(paired, rel=1e-9)
    assert found.design_effect is not None
    assert found.design_effect < 0.02


@pytest.mark.parametrize("crossing", [False, True])
def test_clusters_of_single_units_change_hardly_anything_in_a_segment(crossing: bool) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    cells = [ones(40, 100), ones(50, 100), ones(60, 100), ones(70, 100)]
    world = measured({"fetched": cells}, segment="near", levels=("no", "yes"))
    values, of = np.concatenate(cells), plan(segments=["near"])
    each = ClusterSums(np.ones(400), values[:, None], values)
    code = list(range(400))
    if crossing:
        # one cluster with a unit in both variants makes all of them crossed
        code[200] = 0
    alone = read(of, world).comparisons

    clusters = clustered(world, code, list(np.repeat([0, 1, 2, 3], 100)), each, "fetched")
    found = read(of, clusters).comparisons

    for ours, theirs in zip(found, alone, strict=True):
        assert known(ours.absolute).effect == pytest.approx(known(theirs.absolute).effect)
        assert known(ours.absolute).stderr == pytest.approx(known(theirs.absolute).stderr, rel=0.01)
        assert ours.design_effect == pytest.approx(1.0, abs=0.02)


def test_the_uncapped_effect_is_left_out_where_clusters_were_added_up_with_the_cap_only() -> None:
    values = [spread(10, 20), spread(11, 20)]
    world = clustered(measured({"spend": values}), [0, 1], [0, 1], totals(values), "spend")
    column = world.columns["spend"]
    cap = Capping((12.0,), CapOrigin.WRITTEN, np.array([1, 2]), column.moments)
    world = replace(world, columns={"spend": replace(column, capping=cap)})

    found = only(plan([primary("spend", metric=SPEND)]), world)

    assert found.capped is not None
    assert found.capped.uncapped is None


def test_a_ratio_shows_what_moved_its_numerator_and_its_denominator() -> None:
    orders = np.column_stack([spread(20, 400), spread(4, 400)])
    more = np.column_stack([spread(30, 400), spread(5, 400, sd=2.0)])

    found = only(plan([ratio("basket")]), measured({"basket": [orders, more]}))

    assert found.parts is not None
    assert found.parts.numerator is not None
    over, under = known(found.parts.numerator.absolute), known(found.parts.denominator.absolute)
    theirs = ttest_ind(more[:, 1], orders[:, 1], equal_var=False).confidence_interval(0.95)
    assert under.effect == pytest.approx(1.0)
    assert under.low == pytest.approx(theirs.low)
    assert over.effect == pytest.approx(10.0)
    assert (found.parts.denominator.control, found.parts.denominator.treatment) == pytest.approx((4.0, 5.0))


def test_a_ratio_over_clusters_has_totals_over_totals() -> None:
    rng = np.random.default_rng(8)
    groups = [np.stack([rng.normal(20, 5, size=9), rng.normal(4, 1, size=9)], axis=1) for _ in range(40)]
    sides = [np.concatenate(groups[:20]), np.concatenate(groups[20:])]
    cell = [0] * 20 + [1] * 20
    world = clustered(measured({"basket": sides}), list(range(40)), cell, totals(groups), "basket")

    found = only(plan([ratio("basket")]), world)

    levels = [side[:, 0].sum() / side[:, 1].sum() for side in sides]
    assert (found.control.mean, found.treatment.mean) == pytest.approx(tuple(levels))
    assert found.parts is not None
    assert found.parts.denominator.control == pytest.approx(sides[0][:, 1].mean())


def latencies(at: float) -> tuple[Plan, Measured]:
    """Response times of users with eight requests each, and the bounds that the second pass reads."""
    rng = np.random.default_rng(21)
    users = [[rng.lognormal(5 + rng.normal(0, 0.3), 0.5, size=8) for _ in range(300)] for _ in range(2)]
    events = [np.concatenate(each) for each in users]
    q = [float(np.quantile(each, at, method="inverted_cdf")) for each in events]
    inside = tuple(
        Moments.of(np.array([[np.sum(user <= top), len(user)] for user in each], dtype=np.float64))
        for each, top in zip(users, q, strict=True)
    )
    metric = Quantile(
        kind="quantile", source="requests", at=at, per=Per.EVENT, value="ms", better=Direction.LOWER
    )
    of = plan([primary("latency", metric=metric)])
    world = with_moments(measured({"latency": [np.ones((300, 2))] * 2}), "latency", Moments.stacked(inside))
    none = np.full((2, 1), np.nan)
    held = Quantiles(value=np.array(q)[:, None], inside=inside, low=none, high=none, tied=np.zeros((2, 1)))
    world = replace(world, quantiles={("latency", None): held})
    (asked,) = bounds(of, world).values()
    low, high = (
        np.array([[inverted(each, p)] for each, p in zip(events, side[:, 0], strict=True)]) for side in asked
    )
    return of, replace(world, quantiles={("latency", None): replace(held, low=low, high=high)})


def inverted(values: FloatArray, share: float) -> float:
    return float(np.quantile(values, share, method="inverted_cdf")) if np.isfinite(share) else np.nan


def test_a_quantile_of_events_has_an_interval_over_units_and_its_events_beside_it() -> None:
    of, world = latencies(0.9)

    found = only(of, world)

    held, absolute = world.quantiles["latency", None], known(found.absolute)
    assert absolute.effect == pytest.approx(held.value[1, 0] - held.value[0, 0])
    # Woodruff 1952: a standard error is the width of the bounds over 2 z
    widths = (held.high - held.low)[:, 0] / (2 * 1.959963984540054)
    assert absolute.stderr == pytest.approx(np.hypot(*widths))
    assert found.parts is not None
    assert found.parts.numerator is None
    assert found.parts.denominator.control == pytest.approx(8.0)


def test_a_quantile_without_values_beyond_it_says_so() -> None:
    found = only(*latencies(0.9999))

    assert isinstance(found.absolute, Unknown)
    assert "beyond the quantile" in found.says


def test_a_quantile_on_a_tie_says_how_many_values_share_it() -> None:
    of, world = latencies(0.9)
    held = world.quantiles["latency", None]
    tied = replace(held, low=held.value, high=held.value, tied=np.array([[0.125], [0.3]]))

    found = only(of, replace(world, quantiles={("latency", None): tied}))

    assert found.absolute == Unknown(Why.TIED)
    assert "(12.5 % in control and 30 % in the treatment equal it)" in found.says
