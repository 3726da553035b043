"""From what was measured to verdicts that are defended with numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from splitrun.check.evidence import Finding, Severity
from splitrun.infer.estimate import Estimate, Side, Unknown
from splitrun.judge.reading import readout
from splitrun.judge.readout import Comparison, GuardrailOutcome, Readout, Verdict
from splitrun.measure.measured import Measured
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Mode, Multiplicity
from splitrun.spec.metric import Mean, Metric
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan
from tests.check.worlds import guardrail, measured, ones, plan, primary, ratio, secondary, two_shares

MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIVE_POINTS = Size(value=0.05, relative=False)
TEN_PER_CENT = Size(value=0.1, relative=True)


def read(of: Plan, world: Measured, *findings: Finding) -> Readout:
    return readout(of, world, findings, made_at=MADE_AT, versions={"splitrun": "0", "numpy": "2"})


def only(of: Plan, world: Measured) -> Comparison:
    (comparison,) = read(of, world).comparisons
    return comparison


def share(control: tuple[int, int], voucher: tuple[int, int], mei: Size = FIVE_POINTS) -> Comparison:
    return only(plan([primary(mei=mei)]), two_shares(control, voucher))


def spread(mean: float, units: int, sd: float = 1.0) -> np.typing.NDArray[np.float64]:
    """Values with this mean and this standard deviation, evenly spread."""
    shape = np.linspace(-1, 1, units)
    return np.asarray(mean + sd * shape / shape.std(ddof=1))


def known(reading: Estimate | Unknown) -> Estimate:
    match reading:
        case Estimate():
            return reading
        case Unknown():
            raise AssertionError(reading.says)


@pytest.mark.requirement("R27")
def test_thorntons_incentives_are_better_beyond_the_minimum_of_interest() -> None:
    # Thornton 2008: 0.338684 of 623 and 0.789236 of 2,211 fetched their result
    comparison = share((211, 623), (1745, 2211))

    assert comparison.control.mean == pytest.approx(0.338684, abs=1e-6)
    assert comparison.treatment.mean == pytest.approx(0.789236, abs=1e-6)
    assert (comparison.control.units, comparison.treatment.units) == (623, 2211)
    assert comparison.verdict is Verdict.BETTER
    assert comparison.says == (
        "fetched rose by 45.1 pp, from 33.87 % to 78.92 % (95 % interval 41.0 to 49.2 pp): "
        "better than control by more than the minimum of interest of 5 pp"
    )


@pytest.mark.requirement("R26")
def test_the_interval_and_p_are_those_of_welch() -> None:
    control, voucher = ones(211, 623), ones(1745, 2211)

    comparison = share((211, 623), (1745, 2211))

    expected = ttest_ind(voucher, control, equal_var=False)
    low, high = expected.confidence_interval(0.95)
    absolute = known(comparison.absolute)
    assert absolute.low == pytest.approx(low, rel=1e-12)
    assert absolute.high == pytest.approx(high, rel=1e-12)
    assert comparison.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert comparison.p_adjusted == comparison.p


OPEN = "than control; whether it reaches the minimum of interest of 5 pp is open"


@pytest.mark.parametrize(
    ("control", "voucher", "verdict", "says"),
    [
        ((5000, 10000), (5010, 10000), Verdict.EQUIVALENT, ": smaller than the minimum of interest of 5 pp"),
        ((5000, 10000), (5200, 10000), Verdict.EQUIVALENT, ": clearly not 0, yet smaller than the minimum"),
        ((5000, 10000), (5450, 10000), Verdict.BETTER, f": better {OPEN}"),
        ((5000, 10000), (4550, 10000), Verdict.WORSE, f": worse {OPEN}"),
        ((5000, 10000), (4000, 10000), Verdict.WORSE, ": worse than control by more than the minimum"),
        ((50, 100), (52, 100), Verdict.INCONCLUSIVE, ": the interval holds 0, and effects as large as the"),
    ],
)
@pytest.mark.requirement("R29")
def test_a_verdict_rests_on_interval_and_minimum_of_interest(
    control: tuple[int, int], voucher: tuple[int, int], verdict: Verdict, says: str
) -> None:
    comparison = share(control, voucher)

    assert comparison.verdict is verdict
    assert says in comparison.says


def test_where_lower_is_better_a_rise_is_worse() -> None:
    slower: Metric = Mean(kind="mean", source="exposures", value="v", better=Direction.LOWER)
    of = plan([primary("load", metric=slower)])

    risen = only(of, measured({"load": [spread(10, 400), spread(11, 400)]}))
    fallen = only(of, measured({"load": [spread(10, 400), spread(9, 400)]}))

    assert (risen.verdict, fallen.verdict) == (Verdict.WORSE, Verdict.BETTER)
    assert (
        fallen.says
        == "load fell by 1.00, from 10.00 to 9.000 (95 % interval -1.14 to -0.86): better than control"
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_relative_minimum_of_interest_needs_no_division(sign: int) -> None:
    revenue: Metric = Mean(kind="mean", source="exposures", value="v", better=Direction.HIGHER)
    of = plan([primary("revenue", metric=revenue, mei=TEN_PER_CENT)])

    near = only(of, measured({"revenue": [spread(sign * 100, 400), spread(sign * 101, 400)]}))
    far = only(of, measured({"revenue": [spread(sign * 100, 400), spread(sign * 100 + 12, 400)]}))

    assert near.verdict is Verdict.EQUIVALENT
    assert far.verdict is Verdict.BETTER
    assert far.says.endswith("better than control by more than the minimum of interest of 10 % of control")


def test_primaries_and_treatments_share_alpha_by_weight() -> None:
    # alpha 0.05 over weights 1 and 3 and two treatments: 0.00625 and 0.01875 each
    of = plan([primary("a"), primary("b", weight=3)], weights={"control": 1, "x": 1, "y": 1})
    values = [ones(40, 100), ones(60, 100), ones(50, 100)]
    world = measured({"a": values, "b": values}, variants=("control", "x", "y"))

    read_all = read(of, world).comparisons
    uncorrected = read(
        of.model_copy(
            update={"analysis": of.analysis.model_copy(update={"multiplicity": Multiplicity.NONE})}
        ),
        world,
    )

    assert [(c.metric, c.variant) for c in read_all] == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    levels = [known(c.absolute).level for c in read_all]
    assert levels == pytest.approx([0.99375, 0.99375, 0.98125, 0.98125])
    assert [known(c.absolute).level for c in uncorrected.comparisons] == pytest.approx([0.95] * 4)


def test_holms_p_stands_beside_that_of_every_primary() -> None:
    of = plan([primary("a")], weights={"control": 1, "x": 1, "y": 1}, multiplicity=Multiplicity.HOLM)
    world = measured({"a": [ones(40, 100), ones(60, 100), ones(50, 100)]}, variants=("control", "x", "y"))

    first, second = read(of, world).comparisons

    # Holm 1979 for two: the smaller p twice, the larger one once
    assert first.p is not None
    assert first.p_adjusted == pytest.approx(2 * first.p)
    assert second.p_adjusted == second.p


MARGIN = Size(value=0.5, relative=False)


@pytest.mark.parametrize(
    ("mean", "mode", "outcome", "verdict"),
    [
        (9.0, Mode.PROVE, GuardrailOutcome.HOLDS, Verdict.BETTER),
        (10.1, Mode.PROVE, GuardrailOutcome.HOLDS, Verdict.EQUIVALENT),
        (10.45, Mode.PROVE, GuardrailOutcome.UNPROVEN, Verdict.INCONCLUSIVE),
        (11.0, Mode.PROVE, GuardrailOutcome.BREACHED, Verdict.WORSE),
        (11.0, Mode.WATCH, GuardrailOutcome.BREACHED, Verdict.WORSE),
        (10.45, Mode.WATCH, GuardrailOutcome.NO_HARM_SEEN, Verdict.INCONCLUSIVE),
        (9.0, Mode.WATCH, GuardrailOutcome.NO_HARM_SEEN, Verdict.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("better", list(Direction))
def test_a_guardrail_is_judged_one_sided_by_its_margin(
    mean: float, mode: Mode, outcome: GuardrailOutcome, verdict: Verdict, better: Direction
) -> None:
    away = mean - 10 if better is Direction.LOWER else 10 - mean
    world = measured({"load": [spread(10, 400), spread(10 + away, 400)]})

    comparison = only(plan([guardrail("load", MARGIN, better=better, mode=mode)]), world)

    assert (comparison.guardrail, comparison.verdict) == (outcome, verdict)
    absolute = known(comparison.absolute)
    assert absolute.level == pytest.approx(0.975)
    bounded_above = (better is Direction.LOWER) is (mode is Mode.PROVE)
    assert absolute.side is (Side.UPPER if bounded_above else Side.LOWER)
    assert (absolute.low is None) is bounded_above
    assert "its margin of 0.5" in comparison.says
    assert comparison.p_adjusted is None


@pytest.mark.requirement("R26")
def test_the_p_of_a_guardrail_is_that_of_its_margin() -> None:
    control, treatment = spread(10, 400), spread(10.3, 300, sd=2.0)

    comparison = only(plan([guardrail("load", MARGIN)]), measured({"load": [control, treatment]}))

    # one-sided Welch test of the treatment less the margin, scipy
    expected = ttest_ind(treatment - 0.5, control, equal_var=False, alternative="less").pvalue
    assert comparison.p == pytest.approx(expected, rel=1e-9)


def test_a_relative_margin_is_a_part_of_control() -> None:
    world = measured({"load": [spread(100, 400), spread(103, 400)]})

    held = only(plan([guardrail("load", Size(value=0.05, relative=True))]), world)
    broken = only(plan([guardrail("load", Size(value=0.01, relative=True))]), world)

    assert held.guardrail is GuardrailOutcome.HOLDS
    assert broken.guardrail is GuardrailOutcome.BREACHED
    assert held.says.endswith("not worse by more than its margin of 5 % of control")


def test_an_effect_that_cannot_be_told_says_why_and_has_no_p() -> None:
    of = plan([primary(), guardrail("load", MARGIN)])
    world = measured({"fetched": [np.ones(60)] * 2, "load": [np.full(60, 3.0)] * 2})

    fetched, load = read(of, world).comparisons

    assert fetched.absolute == load.absolute
    assert fetched.verdict is load.verdict is Verdict.INCONCLUSIVE
    assert load.guardrail is GuardrailOutcome.UNPROVEN
    assert (fetched.p, fetched.p_adjusted, load.p) == (None, None, None)
    assert (fetched.control.mean, fetched.treatment.mean) == (1.0, 1.0)
    assert fetched.says == (
        "fetched has no effect to show: every unit of both variants has the same value, so there is no "
        "spread to judge by"
    )


def test_an_empty_variant_has_no_mean() -> None:
    comparison = share((20, 50), (0, 0))

    assert comparison.treatment.mean is None
    assert comparison.treatment.units == 0
    assert isinstance(comparison.relative, Unknown)


def test_a_comparison_without_a_p_still_counts_among_the_primaries() -> None:
    of = plan([primary("a"), primary("b")])
    world = measured({"a": [ones(40, 100), ones(60, 100)], "b": [np.ones(100)] * 2})

    first, second = read(of, world).comparisons

    assert first.p is not None
    assert first.p_adjusted == pytest.approx(2 * first.p)
    assert second.p_adjusted is None


@pytest.mark.requirement("R23")
def test_a_stop_finding_makes_every_verdict_invalid() -> None:
    stop = Finding(code="split", severity=Severity.STOP, says="control is short", next="look")
    warn = Finding(code="no_unit", severity=Severity.WARN, says="1 row", next="look")
    of = plan([primary(), guardrail("load", MARGIN)])
    world = measured({"fetched": [ones(40, 100), ones(60, 100)], "load": [spread(1, 100)] * 2})

    stopped, warned = read(of, world, stop, warn), read(of, world, warn)

    assert {c.verdict for c in stopped.comparisons} == {Verdict.INVALID}
    assert {c.guardrail for c in stopped.comparisons} == {None}
    assert {c.says for c in stopped.comparisons} == {
        "no effect may be read while a stop finding stands: split"
    }
    assert Verdict.INVALID not in {c.verdict for c in warned.comparisons}


@pytest.mark.requirement("R37")
def test_levels_of_a_segment_stand_below_the_aggregate_and_share_its_alpha() -> None:
    cells = [ones(40, 100), ones(50, 100), ones(60, 100), ones(55, 100)]
    of = plan([primary(), guardrail("load", MARGIN)], segments=["near"])
    load = [spread(10, 100), spread(10, 100), spread(10, 100), spread(12, 100)]
    world = measured({"fetched": cells, "load": load}, segment="near", levels=("no", "yes"))

    found = read(of, world)

    rows = [(c.metric, c.segment, c.level) for c in found.comparisons]
    cuts = [(None, None), ("near", "no"), ("near", "yes")]
    assert rows == [(metric, *cut) for metric in ("fetched", "load") for cut in cuts]
    whole, no, yes = found.comparisons[:3]
    assert (whole.control.units, no.control.units, yes.control.units) == (200, 100, 100)
    assert [known(c.absolute).level for c in (whole, no, yes)] == pytest.approx([0.95, 0.975, 0.975])
    assert (no.p_adjusted, yes.p_adjusted) == (None, None)
    load_whole, load_no, load_yes = found.comparisons[3:]
    assert [c.guardrail for c in (load_whole, load_no, load_yes)] == [
        GuardrailOutcome.BREACHED,
        GuardrailOutcome.NO_HARM_SEEN,
        GuardrailOutcome.BREACHED,
    ]
    assert known(load_no.absolute).side is Side.LOWER
    assert known(load_no.absolute).level == pytest.approx(0.9875)
    assert load_no.says.endswith("(in segments only harm is looked for)")


@pytest.mark.requirement("R36")
def test_effects_that_differ_between_levels_are_tested() -> None:
    cells = [ones(40, 100), ones(50, 100), ones(60, 100), ones(45, 100)]
    world = measured({"fetched": cells}, segment="near", levels=("no", "yes"))

    (found,) = read(plan(segments=["near"]), world).heterogeneity

    # two levels: Q is the squared z of the difference of both effects
    no, yes = (known(c.absolute) for c in read(plan(segments=["near"]), world).comparisons[1:])
    z = (no.effect - yes.effect) / np.hypot(no.stderr, yes.stderr)
    assert (found.metric, found.variant, found.segment, found.dof) == ("fetched", "voucher", "near", 1)
    assert found.q == pytest.approx(z**2)
    assert found.p == pytest.approx(2 * norm.sf(abs(z)))


@pytest.mark.requirement("R36")
def test_several_tests_of_differing_effects_are_adjusted_together() -> None:
    # two tests: Holm doubles the smaller p, and the larger stays unless that is greater
    fetched = [ones(40, 100), ones(50, 100), ones(60, 100), ones(45, 100)]
    second = [ones(40, 100), ones(50, 100), ones(55, 100), ones(45, 100)]
    world = measured({"fetched": fetched, "second": second}, segment="near", levels=("no", "yes"))

    found = read(plan([primary(), primary("second")], segments=["near"]), world).heterogeneity

    (small, first), (large, other) = sorted((test.p or 0.0, test.p_adjusted) for test in found)
    assert 0 < small < large
    assert first == pytest.approx(2 * small)
    assert other == pytest.approx(max(large, 2 * small))


def test_one_level_has_nothing_to_differ_from() -> None:
    world = measured({"fetched": [ones(40, 100), ones(60, 100)]}, segment="near", levels=("no",))

    assert read(plan(segments=["near"]), world).heterogeneity == ()


def test_a_ratio_is_read_with_normal_quantiles() -> None:
    orders = np.column_stack([spread(20, 400), spread(4, 400)])

    comparison = only(plan([ratio("basket")]), measured({"basket": [orders, orders * [1.1, 1.0]]}))

    assert comparison.control.mean == pytest.approx(5.0)
    assert known(comparison.absolute).dof is None


def test_units_and_lineage_are_kept() -> None:
    of = plan([primary(), secondary("age")])
    world = measured({"fetched": [ones(40, 100), ones(60, 90)], "age": [spread(30, 100), spread(31, 90)]})

    found = read(of, replace(world, exposed=np.array([110, 95])))

    assert [(u.variant, u.weight, u.exposed, u.analysed) for u in found.units] == [
        ("control", 1, 110, 100),
        ("voucher", 1, 95, 90),
    ]
    assert found.lineage.versions == (("numpy", "2"), ("splitrun", "0"))
    assert found.lineage.plan_digest.startswith("sha256:")
    assert found.lineage.plan_digest != read(plan([secondary("age")]), world).lineage.plan_digest
    assert read(of.model_copy(update={"weights_known": False}), world).units[0].weight is None


def test_reading_twice_gives_the_same() -> None:
    world = two_shares((211, 623), (1745, 2211))

    assert read(plan(), world) == read(plan(), world)
