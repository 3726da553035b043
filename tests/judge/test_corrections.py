"""Several primaries and treatments: what decides, and the p that belongs to it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]  # ships no types

from splitrun.infer.estimate import Unknown
from splitrun.judge.readout import Comparison, Verdict
from splitrun.moments import Moments
from splitrun.spec.analysis import Method, Multiplicity
from splitrun.spec.metric import Mean, Metric
from splitrun.spec.model import Direction
from tests.check.worlds import measured, ones, plan, primary, secondary, started
from tests.judge.test_looks import looking
from tests.judge.test_reading import known, read, spread
from tests.judge.test_references import sums

CASES = Path(__file__).parents[1] / "cases" / "stat_cases.json"
CONVERSIONS = (430, 462, 448, 405, 470, 412)
SUMSQ: Metric = Mean(kind="mean", source="exposures", value="v", better=Direction.HIGHER)


def six(chosen: Multiplicity) -> tuple[Comparison, ...]:
    """Three primaries and two treatments, some of which differ from control."""
    of = plan([primary(key) for key in "abc"], weights={"control": 1, "x": 1, "y": 1}, multiplicity=chosen)
    world = measured(
        {
            key: [ones(400, 1000), ones(CONVERSIONS[2 * place], 1000), ones(CONVERSIONS[2 * place + 1], 1000)]
            for place, key in enumerate("abc")
        },
        variants=("control", "x", "y"),
    )
    return read(of, world).comparisons


@pytest.mark.parametrize(
    ("chosen", "theirs"),
    [
        (Multiplicity.BONFERRONI, "bonferroni"),
        (Multiplicity.HOLM, "holm"),
        (Multiplicity.BH, "fdr_bh"),
        (Multiplicity.BY, "fdr_by"),
    ],
)
@pytest.mark.requirement("R38")
def test_p_is_adjusted_as_statsmodels_does(chosen: Multiplicity, theirs: str) -> None:
    found = six(chosen)

    expected = multipletests([each.p for each in found], method=theirs)[1]
    assert [each.p_adjusted for each in found] == pytest.approx(expected)
    assert {each.p_adjustment for each in found} == {chosen}


@pytest.mark.parametrize("chosen", [Multiplicity.BONFERRONI, Multiplicity.BH, Multiplicity.BY])
@pytest.mark.requirement("R38")
def test_an_interval_leaves_zero_out_exactly_where_its_adjusted_p_is_below_alpha(
    chosen: Multiplicity,
) -> None:
    for each in six(chosen):
        absolute = known(each.absolute)
        assert absolute.low is not None
        assert absolute.high is not None
        assert each.p_adjusted is not None
        assert (absolute.low > 0 or absolute.high < 0) is (each.p_adjusted <= 0.05)


@pytest.mark.parametrize("days", [20, 21])
@pytest.mark.parametrize(
    "chosen", [Multiplicity.BONFERRONI, Multiplicity.BH, Multiplicity.BY, Multiplicity.NONE]
)
@pytest.mark.requirement("R38")
def test_hybrid_s_p_is_below_alpha_exactly_where_the_interval_leaves_zero_out(
    chosen: Multiplicity, days: int
) -> None:
    of = looking(
        (primary("a"), primary("b"), secondary("c")),
        method=Method.HYBRID,
        looks=(timedelta(weeks=3),),
        planned_units=2000,
        multiplicity=chosen,
    )
    outcomes = set()
    for moved in range(0, 120, 4):
        pair = [ones(400, 1000), ones(400 + moved, 1000)]
        world = measured({"a": pair, "b": [ones(400, 1000), ones(470, 1000)], "c": pair})

        found = read(of, started(world, days=days)).comparisons

        for each in found:
            absolute = known(each.absolute)
            p = each.p if each.p_adjusted is None else each.p_adjusted
            assert absolute.low is not None
            assert absolute.high is not None
            assert p is not None
            outcomes.add(p < 0.05)
            if each.metric != "c":  # a secondary's interval is not adjusted
                assert (absolute.low > 0 or absolute.high < 0) is (p < 0.05)
            assert each.p is not None
            assert each.p <= p
    assert outcomes == {True, False}


def test_hybrid_s_p_is_that_of_its_part_of_alpha() -> None:
    of = looking(method=Method.HYBRID, looks=(timedelta(weeks=3),))
    world = measured({"fetched": [ones(400, 1000), ones(440, 1000)]})

    running, ended = (read(of, started(world, days=days)).comparisons[0] for days in (20, 21))

    # the same data under a plan of one reading, and under an always-valid one: Bonferroni over 0.1 and 0.9
    once = read(plan(), world).comparisons[0].p
    any_time = read(looking(method=Method.SEQUENTIAL), started(world, days=20)).comparisons[0].p
    assert once is not None
    assert any_time is not None
    assert ended.p == pytest.approx(once / 0.9)
    assert running.p == pytest.approx(min(1.0, any_time / 0.1))


def test_discoveries_have_the_level_of_their_number() -> None:
    found = six(Multiplicity.BH)

    # Benjamini and Yekutieli 2005: 1 - R q / m
    discovered = sum(each.p_adjusted is not None and each.p_adjusted <= 0.05 for each in found)
    assert discovered == 2
    assert known(found[0].absolute).level == pytest.approx(1 - 2 * 0.05 / 6)


@pytest.mark.requirement("R38")
def test_an_interval_decides_where_holm_s_p_alone_is_below_alpha_and_it_is_said() -> None:
    # by hand, 0.047 over sqrt(0.24 + 0.247) / sqrt(999) is z = 2.13, p = 0.033: Holm's second is the p
    # itself, Bonferroni's is twice that
    of = plan([primary("a"), primary("b")], multiplicity=Multiplicity.HOLM)
    world = measured({"a": [ones(400, 1000), ones(460, 1000)], "b": [ones(400, 1000), ones(447, 1000)]})

    a, b = read(of, world).comparisons

    low = known(b.absolute).low
    assert low is not None
    assert (b.verdict, low < 0, b.p_adjusted == b.p) == (Verdict.INCONCLUSIVE, True, True)
    assert b.says.endswith(
        "the interval holds 0; Holm's p of 0.033 is below 0.05, but intervals decide, and this one has "
        "Bonferroni's part of alpha, because Holm has no interval of its own"
    )
    assert a.verdict is Verdict.BETTER
    assert "Holm" not in a.says


def test_uncorrected_primaries_have_no_adjusted_p() -> None:
    found = six(Multiplicity.NONE)

    assert {(each.p_adjusted, each.p_adjustment) for each in found} == {(None, None)}


@pytest.mark.requirement("R38")
def test_dunnett_agrees_with_multcomp() -> None:
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    case = next(each for each in cases if each["id"] == "multiplicity.dunnett.synth.sessions")
    of = plan(
        [primary("sessions", metric=SUMSQ)],
        weights={"control": 2, "t1": 2, "t2": 1},
        multiplicity=Multiplicity.DUNNETT,
    )
    given = case["inputs"]
    sides = [given["control"], given["treatments"]["t1"], given["treatments"]["t2"]]
    world = measured({"sessions": [np.ones(2)] * 3}, variants=("control", "t1", "t2"))
    stacked = Moments.stacked([sums(side["n"], side["sum"], side["sumsq"]) for side in sides])
    object.__setattr__(world.columns["sessions"], "moments", stacked)

    found = read(of, world).comparisons

    # multcomp's integrals are good to three digits
    says = case["expected"]
    assert [known(each.absolute).low for each in found] == pytest.approx(says["ci_low"], rel=2e-3)
    assert [known(each.absolute).high for each in found] == pytest.approx(says["ci_high"], rel=2e-3)
    assert [each.p_adjusted for each in found] == pytest.approx(says["p_single_step"], abs=1e-3)
    assert {each.p_adjustment for each in found} == {Multiplicity.DUNNETT}


def test_dunnett_leaves_out_what_has_no_number() -> None:
    of = plan(
        [primary("a"), primary("b")],
        weights={"control": 1, "x": 1, "y": 1},
        multiplicity=Multiplicity.DUNNETT,
    )
    same = [np.ones(50)] * 3
    world = measured(
        {"a": [ones(40, 100), ones(60, 100), ones(0, 0)], "b": same}, variants=("control", "x", "y")
    )

    shown, empty, *constant = read(of, world).comparisons

    # one treatment left of the first primary: half of alpha, as alone
    assert known(shown.absolute).level == pytest.approx(0.975)
    assert shown.p_adjusted == pytest.approx(2 * (shown.p or 0))
    assert isinstance(empty.absolute, Unknown)
    assert {each.p_adjusted for each in (empty, *constant)} == {None}


def test_secondaries_keep_their_intervals_and_have_p_by_discoveries() -> None:
    of = plan([primary(), secondary("u"), secondary("v"), secondary("w")])
    values = {
        key: [spread(10, 100), spread(10 + move, 100)] for key, move in (("u", 0.3), ("v", 0.4), ("w", 0))
    }
    world = measured({"fetched": [ones(40, 100), ones(60, 100)], **values})

    fetched, *found = read(of, world).comparisons

    expected = multipletests([each.p for each in found], method="fdr_bh")[1]
    assert [each.p_adjusted for each in found] == pytest.approx(expected)
    assert {each.p_adjustment for each in found} == {Multiplicity.BH}
    assert fetched.p_adjustment is Multiplicity.BONFERRONI
    assert {known(each.absolute).level for each in found} == {0.95}


def test_a_plan_without_primaries_is_read_all_the_same() -> None:
    of = plan([secondary("u")], multiplicity=Multiplicity.BH)

    (found,) = read(of, measured({"u": [spread(10, 100), spread(11, 100)]})).comparisons

    assert found.p_adjusted == found.p
