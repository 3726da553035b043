"""How far what differs from a sealed plan reaches."""

from __future__ import annotations

import pytest

from splitrun.plan.sealing.deviations import differences
from splitrun.plan.sealing.reach import NOTHING, Reach, joined, reach
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Adjust, Trigger
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedSource
from splitrun.spec.source import Source
from tests.check.worlds import guardrail, plan, primary, ratio, secondary

MARGIN = Size(value=0.02, relative=True)


def reached(sealed: Plan, now: Plan) -> Reach:
    return reach(differences(sealed, now), sealed, now)


def with_events(path: str, trigger: Trigger | None = None) -> Plan:
    source = PlannedSource(key="events", source=Source(csv=path, unit="u"))
    update = {"sources": (source,), "trigger": trigger}
    return plan([primary(), ratio("basket")]).model_copy(update=update)


def test_what_does_not_differ_reaches_nothing() -> None:
    assert reached(plan(), plan()) == NOTHING
    assert not NOTHING
    assert NOTHING.of("fetched") == ()


def test_a_title_reaches_nothing() -> None:
    assert not reached(plan(), plan().model_copy(update={"title": "Vouchers"}))


def test_alpha_reaches_everything() -> None:
    found = reached(plan(), plan(alpha=0.1))

    assert found.of("fetched") == found.of("any", "near") == ("analysis.alpha",)


@pytest.mark.requirement("R39")
def test_a_segment_reaches_its_levels_alone() -> None:
    found = reached(plan(segments=["near"]), plan(segments=["near", "old"]))

    assert (found.of("fetched", "old"), found.of("fetched", "near"), found.of("fetched")) == (
        ("segments.old",),
        (),
        (),
    )
    assert found.tests == ()


def test_a_segment_that_was_taken_out_reaches_the_tests_that_were_corrected_for_it() -> None:
    assert reached(plan(segments=["near", "old"]), plan(segments=["near"])).tests == ("segments.old",)


def test_a_segment_within_which_variants_are_compared_reaches_everything() -> None:
    adjust = Adjust(strata=("near",))

    assert reached(plan(adjust=adjust), plan(segments=["near"], adjust=adjust)).whole == ("segments.near",)


def test_a_secondary_that_comes_reaches_itself_and_one_that_goes_the_tests() -> None:
    few, many = plan([primary(), secondary("a")]), plan([primary(), secondary("a"), secondary("b")])

    assert reached(few, many) == Reach(metrics=(("b", "metrics.b"),))
    assert reached(many, few) == Reach(metrics=(("b", "metrics.b"),), tests=("metrics.b",))


def test_a_primary_that_comes_reaches_those_that_share_alpha_with_it() -> None:
    sealed = plan([primary(), secondary("a")])

    found = reached(sealed, plan([primary(), primary("late"), secondary("a")]))

    assert (found.of("fetched"), found.of("a")) == (("metrics.late",), ())


def test_a_guardrail_reaches_guardrails_and_no_primary() -> None:
    found = reached(
        plan([primary(), guardrail("load", MARGIN)]),
        plan([primary(), guardrail("load", MARGIN), guardrail("errors", MARGIN)]),
    )

    assert (found.of("load"), found.of("fetched")) == (("metrics.errors",), ())


def test_another_weight_reaches_all_primaries() -> None:
    found = reached(
        plan([primary(), primary("b")]),
        plan([primary(), primary("b", weight=3)]),
    )

    assert found.of("fetched") == ("metrics.b.weight",)


def test_another_role_reaches_what_it_leaves_and_what_it_joins() -> None:
    moved = secondary("b").model_copy(update={"role": Role.PRIMARY})

    found = reached(plan([primary(), secondary("b")]), plan([primary(), moved]))

    assert found.of("fetched") == ("metrics.b.role",)


def test_a_source_reaches_the_metrics_that_are_made_from_it() -> None:
    found = reached(with_events("a.csv"), with_events("b.csv"))

    assert (found.of("basket"), found.of("fetched")) == (("sources.events.csv",), ())


def test_a_source_that_triggers_reaches_everything() -> None:
    trigger = Trigger(source="events")

    assert reached(with_events("a.csv", trigger), with_events("b.csv", trigger)).of("fetched")


def test_another_minimum_of_interest_in_the_hypothesis_reaches_its_metric() -> None:
    expect = plan().hypothesis.expect.model_copy(update={"mei": MARGIN})
    hypothesis = plan().hypothesis.model_copy(update={"expect": expect})
    now = plan([primary(), primary("b")]).model_copy(update={"hypothesis": hypothesis})

    found = reached(plan([primary(), primary("b")]), now)

    assert found.of("b") == ()
    assert set(found.of("fetched")) == {"hypothesis.expect.mei.relative", "hypothesis.expect.mei.value"}


def test_reaches_are_joined_without_repeats() -> None:
    one = reached(plan(), plan(alpha=0.1))

    assert joined((one, one, NOTHING)) == one
