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


def test_the_order_of_metrics_is_told_and_nothing_rests_on_it() -> None:
    one, two = plan([primary(), secondary("b")]), plan([secondary("b"), primary()])

    assert deviations(one, two) == (
        Deviation("metrics", '["fetched","b"]', '["b","fetched"]', confirmatory=False),
    )


def test_the_order_of_variants_names_control_and_matters() -> None:
    one = plan(weights={"control": 1, "voucher": 1, "letter": 1})
    two = plan(weights={"control": 1, "letter": 1, "voucher": 1})

    (found,) = deviations(one, two)

    assert (found.field, found.confirmatory) == ("variants", True)


def test_long_values_are_cut_to_what_differs() -> None:
    before, after = (
        secondary("b").metric.model_copy(update={"where": f"{'a + ' * 90}{x} > 0"}) for x in "xy"
    )
    one, two = (plan([primary(), secondary("b").model_copy(update={"metric": m})]) for m in (before, after))

    (found,) = deviations(one, two)

    assert found.field == "metrics.b.where"
    assert found.sealed != found.now
    assert len(found.sealed) <= 122
    assert found.sealed.startswith("…")


def test_words_about_a_metric_are_told_and_nothing_rests_on_them() -> None:
    described = secondary("b").metric.model_copy(update={"describe": "money"})
    now = plan([primary(), secondary("b").model_copy(update={"metric": described})])

    (found,) = deviations(plan([primary(), secondary("b")]), now)

    assert found == Deviation("metrics.b.describe", "", '"money"', confirmatory=False)
