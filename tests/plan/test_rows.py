from __future__ import annotations

from tests.spec.texts import GOOD, mistakes, plan_of

TRIGGER = "unit: user\ntrigger: {source: clicks, where: \"name = 'cart'\"}\n"
EVENTS = "{csv: clicks.csv, unit: user_id, time: at}"


def test_a_trigger_brings_its_source_into_the_plan() -> None:
    plan = plan_of(GOOD.replace("unit: user\n", TRIGGER, 1))

    assert plan.trigger is not None
    assert [source.key for source in plan.sources] == ["orders", "clicks"]


def test_a_trigger_needs_moments_of_its_events() -> None:
    text = GOOD.replace("unit: user\n", TRIGGER, 1).replace(EVENTS, "{csv: clicks.csv, unit: user_id}")

    assert mistakes(text) == [
        (
            "checkout.yaml:16:11: sources.clicks: the trigger needs moments, and source 'clicks' "
            "has no `time`; name the column with the moment of the event"
        )
    ]


def test_a_trigger_needs_the_moment_of_exposure() -> None:
    text = (
        GOOD.replace("unit: user\n", TRIGGER, 1).replace("  time: seen_at\n", "").replace(", window: 7d", "")
    )
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert mistakes(bare) == [
        "checkout.yaml:3:10: trigger: a trigger needs the moment of exposure; write `time` in `exposures`"
    ]


def test_exposures_without_time_need_no_written_method() -> None:
    text = GOOD.replace("  time: seen_at\n", "").replace(", window: 7d", "").replace("method: fixed, ", "")
    bare = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n  secondary: [revenue]\n", "")

    assert plan_of(bare).analysis.method == "fixed"


def test_a_segment_may_use_what_was_known_before_exposure() -> None:
    plan = plan_of(GOOD.replace("segments: [country]", "segments: {de: {when: \"country = 'DE'\"}}"))

    assert [segment.key for segment in plan.segments] == ["de"]


def test_a_named_cluster_is_kept() -> None:
    plan = plan_of(GOOD.replace("  variant: arm\n", "  variant: arm\n  cluster: village\n"))

    assert plan.exposures is not None
    assert plan.exposures.cluster == "village"


def test_a_value_of_no_simple_kind_is_one_mistake_and_not_four() -> None:
    assert mistakes(GOOD.replace("one-page: {}", "one-page: {serve: [1]}")) == [
        (
            "checkout.yaml:13:43: variants.one-page.serve: a list stands where text, a number, "
            "true or false belongs; write one of these"
        )
    ]
    assert len(mistakes(GOOD.replace("  variant: arm\n", "  variant: arm\n  variants: {~: control}\n"))) == 1


def test_text_without_end_is_refused() -> None:
    assert mistakes(GOOD.replace("carts are dropped on the way", "x" * 2001)) == [
        "checkout.yaml:5:12: hypothesis.because: the text has 2,001 characters; write at most 2,000"
    ]


def test_a_fault_in_folded_text_names_the_character() -> None:
    text = GOOD.replace("unit: user\n", "unit: user\naudience: >-\n  country in\n  ('DE'\n", 1)

    assert [line.split("; ")[0] for line in mistakes(text)] == [
        "checkout.yaml:3:11: audience: the list is not closed (character 17 of the text)"
    ]
