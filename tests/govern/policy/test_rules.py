from __future__ import annotations

import pytest

from splitrun.govern.policy.rules import breaches, idle, refusals
from splitrun.plan.folder import folder
from splitrun.plan.seal import resolved, sealed
from splitrun.spec.plan import Plan
from splitrun.spec.project import Project
from splitrun.spec.reading import read_experiment, read_project
from tests.spec.texts import GOOD, mistakes, shop


def project(policy: str, more: str = "") -> Project:
    return read_project(f"project: shop\npolicy: {{{policy}}}\n{more}", "splitrun.yaml").value


def planned(text: str = GOOD, settings: Project | None = None) -> Plan:
    return sealed(read_experiment(text, "checkout.yaml"), shop(), settings)


@pytest.mark.requirement("R83")
@pytest.mark.parametrize(
    ("policy", "rule", "says", "remedy", "path"),
    [
        (
            "units: [device]",
            "unit_types",
            "unit 'user' is not among device, the unit types that splitrun.yaml allows",
            "known are device",
            "unit",
        ),
        (
            "methods: [group_sequential, hybrid]",
            "methods",
            "method fixed is not among group_sequential, hybrid, the methods that splitrun.yaml allows",
            "write method: group_sequential",
            "analysis.method",
        ),
        (
            "alpha: {max: 0.01}",
            "alpha",
            "alpha 0.05 is above 0.01, the most that splitrun.yaml allows",
            "write at most 0.01",
            "analysis.alpha",
        ),
        (
            "duration: {min: 21d}",
            "minimum_duration",
            "14d is shorter than 21d, the least that splitrun.yaml allows",
            "write at least 21d",
            "duration.enrol",
        ),
        (
            "guardrails: [revenue]",
            "required_guardrails",
            "splitrun.yaml wants every experiment to guard 'revenue'",
            "add {metric: revenue, margin: ...} to `guardrails`",
            "metrics.guardrails",
        ),
        (
            "certified: [guardrail]",
            "certified_metrics",
            "guardrail 'refunds' is not certified, and splitrun.yaml wants it to be",
            "have its definition certified: certified: {by: NAME, at: DAY}, or take a certified metric",
            "metrics.guardrails",
        ),
        (
            "approvals: {start: 1}",
            "approvals",
            ("splitrun.yaml wants 1 person besides the owner to agree to start, and nobody is named"),
            "name them in `signoffs` or `reviewers`",
            "signoffs",
        ),
        (
            "retention: {exposures: 20d}",
            "retention",
            (
                "exposures are needed for 21d, from the first to the last unit's end, and policy.retention "
                "in splitrun.yaml keeps them for 20d"
            ),
            "enrol for a shorter time, or measure in shorter windows",
            "duration.enrol",
        ),
    ],
)
def test_a_rule_that_is_not_kept_is_told_by_its_name(
    policy: str, rule: str, says: str, remedy: str, path: str
) -> None:
    found = breaches(planned(), project(policy))

    assert [(each.rule, each.says, each.remedy, each.path, each.waiver) for each in found] == [
        (rule, says, remedy, path, None)
    ]


@pytest.mark.parametrize(
    "policy",
    [
        *("units: [user]", "methods: [fixed]", "alpha: {max: 0.05}", "guardrails: [refunds]", "salts: []"),
        *("duration: {min: 14d, whole_weeks: true}", "approvals: {start: 0}", "retention: {events: 3w}"),
    ],
)
def test_a_rule_that_is_kept_says_nothing(policy: str) -> None:
    assert breaches(planned(), project(policy)) == ()


def test_without_a_project_there_are_no_rules() -> None:
    assert breaches(planned(), None) == ()


@pytest.mark.parametrize(
    ("salts", "says"),
    [
        ("[]", "salt 'found-7' is named, and splitrun.yaml allows none"),
        (
            "[search-*, base]",
            "salt 'found-7' is not among search-*, base, the salts that splitrun.yaml allows",
        ),
        ("['found-*']", None),
        ("[found-7]", None),
    ],
)
def test_salts_are_those_that_are_allowed(salts: str, says: str | None) -> None:
    plan = planned(GOOD.replace("unit: user\n", "unit: user\nsalt: found-7\n", 1))

    found = breaches(plan, project(f"salts: {salts}"))

    assert [each.says for each in found] == ([] if says is None else [says])


@pytest.mark.parametrize(
    ("duration", "says"),
    [
        ("", "no duration is written, and splitrun.yaml wants at least 7d of enrolment"),
        ("duration: {enrol: 10d, whole_weeks: false}\n", "10d is not a whole number of weeks"),
    ],
)
def test_a_duration_is_long_enough_and_in_whole_weeks(duration: str, says: str) -> None:
    plan = planned(GOOD.replace("duration: {enrol: 14d}\n", duration))

    found = breaches(plan, project("duration: {min: 7d, whole_weeks: true}"))

    assert any(each.says.startswith(says) for each in found)
    assert {each.rule for each in found} <= {"minimum_duration", "whole_weeks"}


def test_a_certified_metric_may_be_primary() -> None:
    certified = GOOD.replace("better: higher}]", "better: higher, certified: {by: ada, at: 2026-03-01}}]")

    assert breaches(planned(certified), project("certified: [primary]")) == ()
    assert len(breaches(planned(), project("certified: [primary]"))) == 1


@pytest.mark.requirement("R05")
def test_those_who_must_agree_are_named_and_the_owner_is_not_one_of_them() -> None:
    people = "unit: user\nowner: ada\nreviewers: [ada, bo]\nsignoffs: [cy]\n"
    plan = planned(GOOD.replace("unit: user\n", people, 1))

    assert breaches(plan, project("approvals: {start: 2}")) == ()
    assert [each.says for each in breaches(plan, project("approvals: {start: 3}"))] == [
        "splitrun.yaml wants 3 people besides the owner to agree to start, and cy, bo are named"
    ]


def test_a_waiver_stands_beside_the_breach_and_in_the_plan() -> None:
    plan = planned(GOOD + "waivers: {minimum_duration: the fair is over after two weeks}\n")

    found = breaches(plan, project("duration: {min: 21d}"))

    assert [(each.rule, each.waiver) for each in found] == [
        ("minimum_duration", "the fair is over after two weeks")
    ]
    assert refusals(plan, project("duration: {min: 21d}")) == ()
    assert idle(plan, project("duration: {min: 21d}")) == ()


def test_a_waiver_that_waives_nothing_is_a_note() -> None:
    plan = planned(GOOD + "waivers: {alpha: we always did, underpowered: it is a pilot}\n")

    assert idle(plan, project("alpha: {max: 0.05}")) == (
        "the waiver of `alpha` waives nothing: the plan keeps to it; take it out",
    )


def test_a_waiver_of_an_unknown_rule_gets_a_suggestion() -> None:
    assert mistakes(GOOD + "waivers: {alpa: because}\n") == [
        (
            "checkout.yaml:24:11: waivers.alpa: 'alpa' is not one of unit_types, salts, methods, alpha, "
            "minimum_duration, whole_weeks, required_guardrails, certified_metrics, approvals, retention, "
            "stale_baselines, underpowered; did you mean alpha?"
        )
    ]


def test_a_waiver_needs_a_reason() -> None:
    assert mistakes(GOOD + "waivers: {alpha: '  '}\n") == [
        "checkout.yaml:24:18: waivers.alpha: nothing is said here; write it in a sentence"
    ]


def test_a_binding_rule_is_waived_by_nobody() -> None:
    plan = planned(GOOD + "waivers: {alpha: we always did, underpowered: it is a pilot}\n")

    found = breaches(plan, project("alpha: {max: 0.01}, binding: [alpha, underpowered]"))

    assert [(each.rule, each.remedy, each.waiver) for each in found] == [
        (
            "alpha",
            "write at most 0.01, and take the waiver out: splitrun.yaml lets nobody waive this rule",
            None,
        ),
        ("underpowered", "take the waiver out", None),
    ]


def test_a_refusal_points_at_the_file() -> None:
    draft, settings = read_experiment(GOOD, "checkout.yaml"), project("alpha: {max: 0.01}")

    told = refusals(sealed(draft, shop(), None), settings, resolved(draft, {}).document)

    assert [str(each) for each in told] == [
        (
            "checkout.yaml:21:34: analysis.alpha: alpha 0.05 is above 0.01, the most that splitrun.yaml "
            "allows (policy `alpha`); write at most 0.01"
        )
    ]


def test_the_policy_stands_in_the_plan_it_was_sealed_under() -> None:
    settings = project("alpha: {max: 0.05}")

    assert planned(settings=settings).policy == settings.policy
    assert planned(settings=project("")).policy is None


@pytest.mark.parametrize(
    ("privacy", "says"),
    [
        (
            "privacy: {retention: {events: 2y}}\n",
            "splitrun.yaml:3:31: privacy.retention.events: events are kept for 2y, and policy.retention",
        ),
        ("", "splitrun.yaml:2:30: policy.retention.events: nothing says how long events are kept, and"),
    ],
)
def test_what_is_kept_too_long_is_a_mistake_of_the_settings(privacy: str, says: str) -> None:
    settings = f"project: shop\npolicy: {{retention: {{events: 13mo}}}}\n{privacy}"

    (mistake,) = folder({"splitrun.yaml": settings}).mistakes

    assert str(mistake).startswith(says)


def test_a_unit_type_that_policy_allows_is_one_of_the_project() -> None:
    settings = "project: shop\nunits: {user: {}}\npolicy: {units: [usr]}\n"

    assert [str(each) for each in folder({"splitrun.yaml": settings}).mistakes] == [
        "splitrun.yaml:3:18: policy.units[0]: there is no unit type 'usr'; did you mean 'user'?"
    ]
