"""Looking ahead from a look: futility that binds nobody, what the end is likely to show, and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import norm

from splitrun.infer.looks.futility import Futility, design
from splitrun.judge.ahead.decision import decision
from splitrun.judge.readout import Call, Comparison, Outlook, Readout, Verdict
from splitrun.measure.measured import Measured
from splitrun.plan.power.progress import planned_shares
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Duration, Method, Mode, Spending
from splitrun.spec.metric import Mean
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan
from tests.check.worlds import guardrail, measured, ones, plan, primary, started, two_shares
from tests.judge.test_looks import looking
from tests.judge.test_reading import known, read, spread

FOURTHS = tuple(timedelta(weeks=week) for week in (1, 2, 3, 4))
FIVE_POINTS = Size(value=0.05, relative=False)


def hoping(**rules: object) -> Plan:
    """Four looks evenly spaced over 4,000 planned units, with futility."""
    more = {"looks": FOURTHS, "planned_units": 4000, "futility": True, **rules}
    return looking((primary(mei=FIVE_POINTS),), **more)


def at_look(look: int, world: Measured, of: Plan | None = None) -> Readout:
    counts = [1000 * (passed + 1) for passed in range(look)]
    return read(hoping() if of is None else of, started(world, days=7 * look, looks=counts))


def ahead(found: Readout) -> Outlook:
    outlook = found.comparisons[0].outlook
    assert outlook is not None
    return outlook


@pytest.mark.requirement("R56")
def test_the_futility_bound_of_a_look_is_that_of_the_design() -> None:
    planned = design([0.25, 0.5, 0.75, 1.0], 0.025, power=0.8, futility=Futility(0.2))

    for look in (1, 2, 3):
        outlook = ahead(at_look(look, two_shares((200, 500 * look), (200, 500 * look))))

        assert outlook.futility == pytest.approx(planned.lower[look - 1], abs=1e-8)
        assert outlook.bound == pytest.approx(planned.upper[look - 1], abs=1e-8)


def test_futility_changes_no_interval_and_no_verdict() -> None:
    world = two_shares((400, 1000), (404, 1000))

    heeded, without = (at_look(2, world, hoping(futility=wanted)) for wanted in (True, False))

    a, b = heeded.comparisons[0], without.comparisons[0]
    assert (a.absolute, a.p, a.verdict) == (b.absolute, b.p, b.verdict)
    assert ahead(heeded).futile
    assert ahead(without).futility is None
    assert not ahead(without).futile


def test_a_futile_primary_says_so_and_the_rule_is_to_abandon() -> None:
    found = at_look(3, two_shares((240, 600), (230, 600)))

    (comparison,) = found.comparisons
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "; futile: z is -0.59, below the futility bound of " in comparison.says
    assert "(nobody is bound to stop)" in comparison.says
    assert found.decision is not None
    assert found.decision.value is Call.ABANDON
    assert found.decision.says.startswith("abandon (futile): every primary lies below its futility bound")


def test_where_lower_is_better_futility_faces_the_other_way() -> None:
    metric = Mean(kind="mean", source="exposures", value="v", better=Direction.LOWER)
    of = looking((primary(metric=metric),), looks=FOURTHS, planned_units=4000, futility=True)
    fell, rose = (
        at_look(3, measured({"fetched": [spread(10, 1500), spread(mean, 1500)]}), of)
        for mean in (9.93, 10.07)
    )

    assert ahead(fell).z > 0 > ahead(rose).z
    assert (ahead(fell).futile, ahead(rose).futile) == (False, True)
    assert ahead(fell).better == pytest.approx(ahead(rose).worse)
    assert ahead(rose).low == pytest.approx(-ahead(fell).high)


def test_the_outlook_is_that_of_the_formulas() -> None:
    found = at_look(2, two_shares((400, 1000), (430, 1000)))
    absolute, outlook = known(found.comparisons[0].absolute), ahead(found)

    # half of the information: the final estimate is N(effect, stderr² / 2) under a flat prior, and its bound
    # is gsDesign's last one of four looks (O'Brien-Fleming, 0.025 one-sided): 2.014 to three decimals
    swing = norm.ppf(0.95) * absolute.stderr * np.sqrt(0.5)
    assert (outlook.information, outlook.final) == (0.5, 1.0)
    assert (outlook.low, outlook.high) == pytest.approx((absolute.effect - swing, absolute.effect + swing))
    final = absolute.stderr * np.sqrt(0.5)
    assert outlook.better == pytest.approx(norm.cdf((absolute.effect - 2.0141 * final) / final), abs=2e-3)
    # conditional power at 5 pp: what is still to come is N(drift / 2, 1 / 2) on the scale of the final z
    z = absolute.effect / absolute.stderr
    rest = z * np.sqrt(0.5) + 0.05 / final * 0.5 - 2.0141
    assert outlook.better_with_mei == pytest.approx(norm.cdf(rest / np.sqrt(0.5)), abs=2e-3)


def test_units_that_come_slower_than_planned_lower_the_size_that_is_expected() -> None:
    slow = read(hoping(), started(two_shares((200, 500), (210, 500)), days=14, looks=[500, 1000]))
    fast = read(hoping(), started(two_shares((800, 2500), (830, 2500)), days=14, looks=[2000, 5000]))

    assert (ahead(slow).information, ahead(slow).final) == (0.25, 0.5)
    assert (ahead(fast).information, ahead(fast).final) == (1.25, 2.5)


def test_the_planned_part_of_a_look_knows_windows_and_enrolment() -> None:
    metric = Mean(
        kind="mean",
        source="events",
        value="v",
        window=timedelta(days=7),
        better=Direction.HIGHER,
    )
    of = hoping().model_copy(update={"duration": Duration(enrol=timedelta(days=21))})

    # a week's window: nobody has matured after one week, and a third of three weeks' units after two
    assert planned_shares(of, primary(metric=metric)) == pytest.approx((0, 1 / 3, 2 / 3, 1))
    assert planned_shares(of, primary()) == pytest.approx((1 / 3, 2 / 3, 1, 1))
    assert planned_shares(hoping(), primary()) == pytest.approx((0.25, 0.5, 0.75, 1))


def test_there_is_no_outlook_before_the_first_look_at_the_end_or_with_other_methods() -> None:
    world = two_shares((400, 1000), (430, 1000))

    before = read(hoping(), started(world, days=3, looks=[]))
    ended = at_look(4, world)
    always = read(hoping(method=Method.SEQUENTIAL), started(world, days=14, looks=None))

    assert [found.comparisons[0].outlook for found in (before, ended, always)] == [None, None, None]
    assert [found.decision for found in (before, ended, always)] == [None, None, None]


def test_a_look_whose_first_units_have_just_matured_has_an_outlook_without_a_nan() -> None:
    of = hoping(spending=Spending.POCOCK)

    outlook = ahead(read(of, started(two_shares((2, 10), (3, 10)), days=14, looks=[0, 20])))

    numbers = (outlook.z, outlook.bound, outlook.low, outlook.high, outlook.better, outlook.worse)
    assert np.all(np.isfinite(numbers))


def futile(of: Comparison) -> Comparison:
    assert of.outlook is not None
    return replace(of, outlook=replace(of.outlook, futile=True))


def test_nothing_is_abandoned_while_anything_else_comes_first() -> None:
    watched = guardrail("load", Size(value=0.5, relative=False), mode=Mode.WATCH)
    of = looking((primary(), watched), looks=FOURTHS, planned_units=4000, futility=True)
    shares = [ones(600, 1500), ones(590, 1500)]
    calm, harmed = (
        measured({"fetched": shares, "load": [spread(10, 1500), spread(mean, 1500)]}) for mean in (10, 11)
    )

    assert at_look(3, calm, of).decision is not None
    assert at_look(3, harmed, of).decision is None
    (comparison,) = at_look(2, two_shares((400, 1000), (430, 1000))).comparisons
    assert decision([futile(comparison)]) is not None
    assert decision([comparison]) is None
    assert decision([futile(comparison), comparison]) is None
    for verdict in (Verdict.BETTER, Verdict.WORSE, Verdict.INVALID):
        assert decision([futile(replace(comparison, verdict=verdict))]) is None
    assert decision([]) is None


def test_every_treatment_must_be_futile() -> None:
    of = plan([primary()], weights={"control": 1, "voucher": 1, "letter": 1}, method=Method.GROUP_SEQUENTIAL)
    rules = of.analysis.model_copy(update={"looks": FOURTHS, "planned_units": 6000, "futility": True})
    names = ("control", "voucher", "letter")
    one, all_of_them = (
        measured({"fetched": [ones(600, 1500), ones(590, 1500), ones(third, 1500)]}, variants=names)
        for third in (650, 595)
    )
    of = of.model_copy(update={"analysis": rules})

    found = [read(of, started(world, days=21, looks=[1500, 3000, 4500])) for world in (one, all_of_them)]

    assert [each.decision is not None for each in found] == [False, True]
