from __future__ import annotations

import pytest

from splitrun.errors import SpecError
from splitrun.plan.seal import sealed
from splitrun.spec.amount import Size
from splitrun.spec.plan import PlannedTemplate
from splitrun.spec.reading import read_experiment
from tests.spec.texts import GOOD, plan_of, shop

LATER = """\
key: later
extends: checkout
hypothesis: {expect: {mei: 2pp}}
analysis: {alpha: 0.01}
"""


def test_an_experiment_takes_from_another_what_it_does_not_say() -> None:
    others = {"checkout": read_experiment(GOOD, "checkout.yaml")}

    plan = plan_of(LATER, others)

    assert plan.key == "later"
    assert plan.hypothesis.change == "one page instead of three"
    assert plan.hypothesis.expect.mei == Size(value=0.02, relative=False)
    assert plan.analysis.alpha == 0.01
    assert plan.analysis.method == "fixed"
    assert plan.treatments == ("one-page",)


def test_a_circle_of_experiments_is_shown() -> None:
    drafts = {
        key: read_experiment(f"key: {key}\nextends: {other}\n", f"{key}.yaml")
        for key, other in (("a", "b"), ("b", "c"), ("c", "a"))
    }

    with pytest.raises(SpecError) as raised:
        sealed(drafts["a"], shop(), None, drafts)

    assert str(raised.value) == (
        "a.yaml:2:10: extends: experiments extend each other in a circle: a -> b -> c -> a; "
        "let one of them stand by itself"
    )


def test_a_mistake_in_what_was_taken_over_points_at_the_file_it_stands_in() -> None:
    others = {"checkout": read_experiment(GOOD.replace("revenue", "revenu"), "checkout.yaml")}

    with pytest.raises(SpecError) as raised:
        plan_of(LATER, others)

    assert str(raised.value).startswith(
        "checkout.yaml:19:15: metrics.secondary[0]: there is no metric 'revenu'"
    )


def test_a_template_fills_what_is_not_said() -> None:
    text = GOOD.replace("unit: user\n", "template: revenue\n").replace("duration: {enrol: 14d}\n", "")
    text = text.replace(
        '[{key: bought, kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}]',
        "[revenue]",
    ).replace("metric: bought, direction: higher, mei: 1pp", "mei: 1%")

    plan = plan_of(text.replace("  secondary: [revenue]\n", ""))

    assert plan.unit == "user"
    assert plan.hypothesis.expect.metric == "revenue"
    assert plan.duration is not None
    assert plan.duration.enrol.days == 28
    assert plan.analysis.multiplicity == "bonferroni"


def test_a_template_writes_the_method_that_needs_no_size() -> None:
    plan = plan_of(GOOD.replace("unit: user\n", "template: conversion\n").replace("method: fixed, ", ""))

    assert plan.analysis.method == "fixed"
    assert plan.templates == (PlannedTemplate(name="conversion", version=1),)
