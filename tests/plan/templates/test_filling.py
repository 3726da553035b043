from __future__ import annotations

from dataclasses import replace

import pytest

from splitrun.errors import SpecError
from splitrun.plan.seal import sealed
from splitrun.plan.templates.filling import composed, templates
from splitrun.spec.amount import Size
from splitrun.spec.plan import Plan, PlannedTemplate
from splitrun.spec.reading import read_experiment
from splitrun.spec.templates.pack import TEMPLATES, Pack, read_pack
from tests.spec.texts import GOOD, mistakes, plan_of, shop

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


def packs(**texts: str) -> dict[str, Pack]:
    known, wrong = templates(read_pack(text, f"templates/{name}.yaml") for name, text in texts.items())
    assert wrong == []
    return known


def plan_with(text: str, known: dict[str, Pack] | None = None) -> Plan:
    draft = read_experiment(text, "checkout.yaml")
    return sealed(draft, replace(shop(), templates=known or {}))


GUARDED = GOOD.replace("sources:\n", "sources:\n  events: {csv: events.csv, unit: user_id, time: at}\n")


@pytest.mark.requirement("R81")
def test_the_name_of_a_template_among_the_guardrails_stands_for_its_guardrails() -> None:
    plan = plan_with(GUARDED.replace("margin: 1pp}]", "margin: 1pp}, experience]"))

    guarded = [each.key for each in plan.metrics if each.role == "guardrail"]
    assert guarded == ["refunds", "errors", "crashes", "load_p99", "support_contacts", "satisfaction"]
    assert plan.templates == (PlannedTemplate(name="experience", version=1),)
    errors = next(each for each in plan.metrics if each.key == "errors")
    assert errors.guardrail is not None
    assert errors.guardrail.margin == Size(value=0.005, relative=False)


def test_a_guardrail_of_ones_own_wins_over_that_of_the_template() -> None:
    text = GUARDED.replace("margin: 1pp}]", "margin: 1pp}, experience, {metric: errors, margin: 3pp}]")

    plan = plan_with(text)

    found = [each.guardrail.margin.value for each in plan.metrics if each.key == "errors" and each.guardrail]
    assert found == [0.03]


def test_a_mistake_in_what_a_template_guards_points_at_its_name() -> None:
    said = mistakes(GOOD.replace("margin: 1pp}]", "margin: 1pp}, experience]"))

    assert said
    assert any(each.startswith("template experience:") and "no source 'events'" in each for each in said)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "conversion",
            "checkout.yaml:18:48: metrics.guardrails[1]: template 'conversion' has no guardrails",
        ),
        (
            "experience@2",
            "checkout.yaml:18:48: metrics.guardrails[1]: template 'experience' is at version 1",
        ),
    ],
)
def test_a_template_that_cannot_guard_is_told(name: str, says: str) -> None:
    (said,) = mistakes(GOOD.replace("margin: 1pp}]", f"margin: 1pp}}, {name}]"))

    assert said.startswith(says)


def test_a_template_may_be_named_with_its_version_and_no_other() -> None:
    named = GOOD.replace("unit: user\n", "template: conversion@1\n")

    assert plan_of(named).templates[0].version == 1
    assert mistakes(named.replace("@1", "@2")) == [
        (
            "checkout.yaml:2:11: template: template 'conversion' is at version 1, and version 2 is named; "
            "see what it fills with `splitrun new --show conversion`, then write conversion@1"
        )
    ]


SHOPS = """\
pack: shops
version: 3
extends: revenue@1
describe: as our shops test
definitions:
  metrics: {returned: {kind: share, source: orders, where: "amount < 0", window: 7d, better: lower}}
metrics:
  guardrails: [{metric: returned, margin: 1pp}]
duration: {enrol: 7d}
reviewers: [ada]
"""


@pytest.mark.requirement("R81")
def test_a_template_of_the_project_extends_one_that_ships() -> None:
    text = GOOD.replace("unit: user\n", "template: shops@3\n").replace("duration: {enrol: 14d}\n", "")
    text = text.replace("  guardrails: [{metric: refunds, margin: 1pp}]\n", "")

    plan = plan_with(text, packs(shops=SHOPS))

    assert [(each.name, each.version) for each in plan.templates] == [
        ("shops", 3),
        ("revenue", 1),
        ("conversion", 1),
    ]
    assert plan.duration is not None
    assert plan.duration.enrol.days == 7
    assert plan.reviewers == ("ada",)
    assert [each.key for each in plan.metrics if each.role == "guardrail"] == ["returned"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            SHOPS.replace("shops", "aa"),
            "templates/x.yaml:1:7: pack: template 'aa' ships with Splitrun",
        ),
        (SHOPS.replace("revenue@1", "sales"), "templates/x.yaml:3:10: extends: there is no template 'sales'"),
        (SHOPS.replace("revenue@1", "shops"), "templates/x.yaml:3:10: extends: templates extend each other"),
        (SHOPS + "zzz: 1\n", "templates/x.yaml:11:1: zzz: this key is not known here"),
        (
            SHOPS.replace("enrol: 7d", "enrol: soon"),
            "templates/x.yaml:9:19: duration.enrol: 'soon' is no",
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_told(text: str, says: str) -> None:
    _, wrong = templates([read_pack(text, "templates/x.yaml")])

    assert [str(each)[: len(says)] for each in wrong] == [says]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SHOPS.replace("version: 3\n", ""), "`version` is missing"),
        (SHOPS + "key: a\n", "`key` belongs to one experiment; take it out of the template"),
        ("- a\n", "a template is a mapping of keys to values"),
        (SHOPS.replace("kind: share", "kind: funnel"), "funnel is specified but not built yet"),
    ],
)
def test_what_is_no_template_is_told(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        read_pack(text, "templates/x.yaml")


def test_two_templates_of_one_name_are_told() -> None:
    _, wrong = templates([read_pack(SHOPS, "templates/x.yaml"), read_pack(SHOPS, "templates/y.yaml")])

    assert [str(each) for each in wrong] == [
        "templates/y.yaml:1:7: pack: 'shops' is the name of templates/x.yaml already; choose another name"
    ]


def test_a_template_that_guards_with_itself_is_told() -> None:
    text = SHOPS.replace("[{metric: returned, margin: 1pp}]", "[shops]")

    _, (wrong,) = templates([read_pack(text, "templates/x.yaml")])

    assert "names itself among its guardrails" in str(wrong)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_that_ships_can_be_composed(name: str) -> None:
    made = composed(name, {})

    assert made.packs[0].header.version == 1
    assert made.document.at(("unit",)) in {"user", "period"}
