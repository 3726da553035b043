"""How a plan differs from the one that was sealed."""

from __future__ import annotations

from splitrun.plan.sealing.deviations import Deviation, deviations
from tests.check.worlds import plan, primary, secondary


def test_the_same_plan_does_not_deviate() -> None:
    assert deviations(plan(), plan()) == ()


def test_another_alpha_is_named_with_both_values() -> None:
    assert deviations(plan(), plan(alpha=0.1)) == (
        Deviation("analysis.alpha", "0.05", "0.1", confirmatory=True),
    )


def test_a_metric_that_was_added_is_named_by_its_key() -> None:
    (found,) = deviations(plan(), plan([primary(), secondary("late")]))

    assert (found.field, found.sealed, found.confirmatory) == ("metrics.late", "", True)


def test_a_title_is_named_and_nothing_rests_on_it() -> None:
    titled = plan().model_copy(update={"title": "Vouchers"})

    assert deviations(plan(), titled) == (Deviation("title", "", '"Vouchers"', confirmatory=False),)


def test_methods_are_compared_where_they_were_sealed() -> None:
    older, one, two = plan(), *(plan().model_copy(update={"methods": {"means": each}}) for each in "12")

    assert deviations(older, one) == ()
    assert deviations(one, two) == (Deviation("methods.means", '"1"', '"2"', confirmatory=True),)
