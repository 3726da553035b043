from __future__ import annotations

import pytest

from splitrun.plan.folder import folder, lint
from splitrun.spec.templates.pack import TEMPLATES
from splitrun.spec.templates.starting import FIRST, PLACEHOLDERS, new_project
from tests.spec.templates.fresh import fresh
from tests.spec.texts import GOOD, SHOP


def test_a_new_project_has_no_mistakes() -> None:
    assert lint(new_project()) == ()
    assert list(folder(new_project()).experiments) == ["first"]
    assert FIRST in new_project()


def told(text: str) -> str:
    """A new experiment in which somebody has said what is tried and why."""
    for key, said in PLACEHOLDERS.items():
        text = text.replace(f"{key}: {said}", f"{key}: one page instead of three")
    return text


@pytest.mark.requirement("R01")
@pytest.mark.parametrize("template", [name for name in TEMPLATES if name not in {"aa", "rollout-only"}])
def test_a_new_experiment_has_no_objective_until_somebody_says_it(template: str) -> None:
    texts = new_project() | {"experiments/new.yaml": fresh(template)}

    change, because = (str(mistake) for mistake in lint(texts))

    assert change == (
        "experiments/new.yaml:6:11: hypothesis.change: it still says what the template wrote; "
        "say what is different for treated units"
    )
    assert because == (
        "experiments/new.yaml:7:12: hypothesis.because: it still says what the template wrote; "
        "say what you have seen that makes it worth trying"
    )


@pytest.mark.requirement("R01")
@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ("", "`change` is missing"),
        ("hypothesis: {}\n", "missing"),
        ("hypothesis:\n", "hypothesis"),
        ('hypothesis: {change: "", because: " ", expect: {metric: conversion, mei: 1pp}}\n', "change"),
    ],
)
def test_an_experiment_without_an_objective_is_refused(objective: str, says: str) -> None:
    text = new_project()["experiments/first.yaml"]
    start = text.index("hypothesis:")
    end = text.index("exposures:", start)
    bare = text[:start] + objective + text[end:]

    mistakes = lint(new_project() | {"experiments/first.yaml": bare})

    assert any("hypothesis" in str(mistake) and says in str(mistake) for mistake in mistakes)


@pytest.mark.requirement("R09")
def test_a_hypothesis_in_free_text_alone_is_refused() -> None:
    text = new_project()["experiments/first.yaml"]
    start, end = text.index("hypothesis:"), text.index("exposures:")
    free = text[:start] + "hypothesis: one page sells more\n" + text[end:]

    (mistake, *_) = lint(new_project() | {"experiments/first.yaml": free})

    assert mistake.path == "hypothesis"


def test_a_new_experiment_of_each_template_has_no_other_mistakes() -> None:
    for template in TEMPLATES:
        texts = new_project() | {"experiments/new.yaml": told(fresh(template))}

        assert lint(texts) == ()
        assert set(folder(texts).experiments) == {"first", "new"}


RUNNING = {
    "flags/checkout.yaml": """
flags:
  checkout:
    type: boolean
    default: off
    rules: [{experiment: one-page}]
layers:
  list: {unit: user, slots: {one-page: [0%, 50%]}}
holdouts:
  q4: {unit: user, share: 5%, experiments: [one-page]}
""",
}


def test_an_experiment_that_cannot_be_read_is_told_and_nothing_that_only_names_it() -> None:
    texts = new_project() | RUNNING

    (broken,) = lint(texts | {"experiments/one-page.yaml": "key: one-page\nflag: [\n"})
    absent = lint(texts)

    assert str(broken).startswith("experiments/one-page.yaml:3:1: the text ends too early; ")
    assert [mistake.says for mistake in absent] == ["there is no experiment 'one-page'"] * 3


def test_a_variant_that_serves_nothing_is_told_once_by_the_experiment_itself() -> None:
    first = new_project()["experiments/first.yaml"].replace("key: first", "key: second\nflag: checkout-flow")
    flags = new_project()["flags/shop.yaml"].replace("# - {experiment: KEY}", "- {experiment: second}")

    mistakes = lint(new_project() | {"flags/shop.yaml": flags, "experiments/second.yaml": first})

    assert [(mistake.path, mistake.says) for mistake in mistakes] == [
        ("variants.control", "variant 'control' does not say what flag 'checkout-flow' serves"),
        ("variants.one-page", "variant 'one-page' does not say what flag 'checkout-flow' serves"),
    ]


def test_mistakes_of_all_files_are_told_together() -> None:
    texts = {
        "splitrun.yaml": "project: Shop\n",
        "metrics/shop.yaml": "metrics: {a: {kind: survival}}\n",
        "flags/a.yaml": "flags: [\n",
        "annotations.yaml": "- {at: soon, kind: party, says: x}\n",
        "experiments/a.yaml": "key: a\nkey: b\n",
    }

    said = [str(mistake) for mistake in lint(texts)]

    assert said == [
        (
            "splitrun.yaml:1:10: project: 'Shop' is no name; start with a lower-case letter or digit, "
            "then letters, digits, dot, dash or underscore, at most 128"
        ),
        (
            "metrics/shop.yaml:1:21: metrics.a.kind: survival is specified but not built yet; "
            "write share, mean, ratio, distinct, retention, quantile or active_days"
        ),
        "experiments/a.yaml:2:1: `key` stands here again; it was written in line 1; keep one of the two",
        "flags/a.yaml:2:1: the text ends too early; close the quote or bracket that is still open",
        (
            "annotations.yaml:1:8: [0].at: 'soon' is no day or time; write it like 2026-11-27 or "
            "2026-11-27T08:00+01:00"
        ),
        (
            "annotations.yaml:1:20: [0].kind: 'party' is not one of deploy, release, incident, campaign, "
            "holiday, policy, outage; write deploy or release or incident or campaign or holiday or policy "
            "or outage"
        ),
    ]


def test_definitions_that_do_not_fit_together_are_told() -> None:
    texts = {
        "metrics/a.yaml": SHOP,
        "metrics/b.yaml": (
            "sources: {moments: {csv: a.csv}}\n"
            "metrics:\n"
            "  revenue: {kind: mean, source: orders, better: higher}\n"
            "  money: {kind: mean, source: ordrs, better: higher}\n"
            "groups: {all: [revenu, basket]}\n"
        ),
    }

    assert [str(mistake) for mistake in lint(texts)] == [
        (
            "metrics/b.yaml:3:3: metrics.revenue: 'revenue' is defined here again; "
            "it stands in metrics/a.yaml already; rename or drop one of them"
        ),
        (
            "metrics/b.yaml:1:20: sources.moments: `moments` is the name of an experiment's own rows; "
            "choose another name"
        ),
        "metrics/a.yaml:15:10: groups.money: 'money' is a metric as well as a group; rename one of them",
        "metrics/b.yaml:4:31: metrics.money.source: there is no source 'ordrs'; did you mean 'orders'?",
        "metrics/b.yaml:5:16: groups.all[0]: there is no metric 'revenu'; did you mean 'revenue'?",
    ]


def test_settings_that_name_what_is_not_there_are_told() -> None:
    texts = {
        "splitrun.yaml": (
            "project: shop\ntimezone: Mars/Base\nengine: spark://x\npolicy: {guardrails: [errors]}\n"
        ),
    }

    assert [str(mistake) for mistake in lint(texts)] == [
        "splitrun.yaml:3:9: engine: spark://x is specified but not built yet; write duckdb",
    ]
    texts["splitrun.yaml"] = texts["splitrun.yaml"].replace("engine: spark://x\n", "")
    assert [str(mistake) for mistake in lint(texts)] == [
        (
            "splitrun.yaml:2:11: timezone: there is no timezone 'Mars/Base'; "
            "write an IANA name like Europe/Berlin"
        ),
        (
            "splitrun.yaml:3:23: policy.guardrails[0]: there is no metric 'errors'; "
            "none is known here; define it first"
        ),
    ]


def test_two_experiments_may_not_share_a_key() -> None:
    texts = {"metrics/a.yaml": SHOP, "experiments/a.yaml": GOOD, "experiments/b.yaml": GOOD}

    assert [str(mistake) for mistake in lint(texts)] == [
        "experiments/b.yaml:1:6: key: 'checkout' is the key of experiments/a.yaml already; choose another key"
    ]
