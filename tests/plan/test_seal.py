from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from splitrun.errors import SpecError
from splitrun.plan.seal import digest, sealed
from splitrun.spec.amount import Size
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan
from splitrun.spec.reading import Draft, read_experiment, read_experiment_mapping, read_project
from tests.spec.texts import GOOD, plan_of, shop

MOMENTS = """\
key: sums
unit: user
hypothesis: {change: a, because: b, expect: {metric: spent, direction: higher, mei: 1%}}
moments:
  query: select * from sums
  variant: v
  variants: {0: control, 1: new}
  segment: s
  n: n
  metrics:
    spent: {sum: s1, sumsq: q1}
    basket: {sum_num: a, sum_den: b, sumsq_num: c, sumsq_den: d, sum_num_den: e}
variants: {control: {}, new: {weight: 2}}
metrics:
  primary: [{metric: {key: spent, kind: mean, source: moments, better: higher}, weight: 2}]
  secondary: [basket]
"""


def refusal(draft: Draft, project: str | None = None) -> list[str]:
    settings = None if project is None else read_project(project, "splitrun.yaml").value
    with pytest.raises(SpecError) as raised:
        sealed(draft, shop(), settings)
    return [str(mistake) for mistake in raised.value.mistakes]


@pytest.mark.requirement("R02")
def test_metrics_are_resolved_by_content_in_the_order_of_the_scorecard() -> None:
    plan = plan_of(GOOD)

    assert [(metric.key, metric.role) for metric in plan.metrics] == [
        ("bought", Role.PRIMARY),
        ("refunds", Role.GUARDRAIL),
        ("revenue", Role.SECONDARY),
    ]
    assert plan.metrics[0].mei == Size(value=0.01, relative=False)
    assert plan.metrics[1].guardrail is not None
    assert plan.metrics[1].guardrail.margin == Size(value=0.01, relative=False)
    assert [source.key for source in plan.sources] == ["orders"]
    assert plan.sources[0].source.unit == "user_id"


@pytest.mark.requirement("R11")
def test_every_default_is_written_out() -> None:
    plan = plan_of(GOOD.replace(", alpha: 0.05", ""))

    assert plan.analysis.model_dump(mode="json") == {
        "method": "fixed",
        "alpha": 0.05,
        "power": 0.8,
        "multiplicity": "bonferroni",
        "looks": ["21d"],
        "spending": "obrien_fleming",
        "spending_parameter": None,
        "futility": False,
        "planned_units": None,
        "adjust": None,
    }
    assert plan.timezone == "UTC"


def test_control_stands_first_whatever_was_written_first() -> None:
    plan = plan_of(GOOD.replace("{control: {}, one-page: {}}", "{one-page: {weight: 3}, control: {}}"))

    assert [(variant.key, variant.weight) for variant in plan.variants] == [("control", 1), ("one-page", 3)]
    assert plan.treatments == ("one-page",)


def test_a_group_stands_for_its_metrics_with_its_weight_and_its_margin() -> None:
    text = GOOD.replace("[{metric: refunds, margin: 1pp}]", "[{metric: money, margin: 2%, mode: watch}]")

    plan = plan_of(text.replace("  secondary: [revenue]\n", ""))

    guards = [metric for metric in plan.metrics if metric.role is Role.GUARDRAIL]
    assert [metric.key for metric in guards] == ["revenue", "basket"]
    assert {metric.guardrail.margin.written for metric in guards if metric.guardrail} == {"2%"}


def test_the_digest_is_sha256_of_the_canonical_json() -> None:
    plan = plan_of(GOOD)

    # RFC 8785 agrees with sorted keys and no spaces where keys are ASCII and numbers are short
    plain = json.dumps(plan.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    assert digest(plan) == f"sha256:{sha256(plain.encode()).hexdigest()}"


def test_the_digest_does_not_see_how_a_plan_was_written() -> None:
    written = GOOD.replace("mei: 1pp", "mei: 0.01").replace(
        "{method: fixed, alpha: 0.05}", "\n  method: fixed"
    )

    assert digest(plan_of(written)) == digest(plan_of(GOOD))
    assert digest(plan_of(GOOD.replace("mei: 1pp", "mei: 2pp"))) != digest(plan_of(GOOD))


def test_a_plan_survives_its_own_json() -> None:
    rules = "group_sequential, planned_units: 4000, adjust: {covariates: [pre_period], strata: [country]}"
    text = GOOD.replace("method: fixed", f"method: {rules}").replace(
        "[revenue]",
        "[revenue, {key: back, kind: retention, source: orders, from: 7d, to: 8d, better: higher}]",
    )

    plan = plan_of(text.replace("unit: user\n", "unit: user\nholdback: {share: 5%, for: 28d}\n", 1))

    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_how_the_change_is_delivered_is_carried_along() -> None:
    text = GOOD.replace(
        "variants: {control: {}, one-page: {}}",
        "flag: flow\naudience: \"country in ('DE', 'FR')\"\ncoverage: 50%\nlayer: checkout\n"
        "frame: {population: users, by: [country]}\nholdback: {share: 5%, for: 28d}\n"
        "variants: {control: {serve: three}, one-page: {serve: one}}",
    )

    delivery = plan_of(text).delivery

    assert (delivery.flag, delivery.coverage, delivery.layer) == ("flow", 0.5, "checkout")
    assert delivery.serves == {"control": "three", "one-page": "one"}
    assert delivery.holdback is not None
    assert delivery.holdback.lasts.days == 28


def test_sums_made_elsewhere_need_no_sources_and_no_written_method() -> None:
    plan = sealed(read_experiment(MOMENTS, "sums.yaml"), shop())

    assert plan.sources == ()
    assert plan.analysis.method == "fixed"
    assert plan.metrics[0].weight == 2
    assert [(segment.key, segment.segment.values) for segment in plan.segments] == [("segment", "s")]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "secondary: [basket]",
            "secondary: [revenue]",
            (
                "sums.yaml:16:15: metrics.secondary[0]: metric 'revenue' has no sums in `moments`; "
                "known are basket, spent"
            ),
        ),
        (
            "{sum: s1, sumsq: q1}",
            "{sum_num: a, sum_den: b, sumsq_num: c, sumsq_den: d, sum_num_den: e}",
            "sums.yaml:11:12: moments.metrics.spent: the columns do not fit a mean; write sum, sumsq",
        ),
        (
            "{sum_num: a, sum_den: b, sumsq_num: c, sumsq_den: d, sum_num_den: e}",
            "{sum: a, sumsq: b}",
            (
                "sums.yaml:12:13: moments.metrics.basket: the columns do not fit a ratio; "
                "write sum_num, sum_den, sumsq_num, sumsq_den, sum_num_den"
            ),
        ),
        (
            "kind: mean, source: moments, better",
            "kind: quantile, at: 0.5, per: unit, value: v, source: moments, better",
            (
                "sums.yaml:15:22: metrics.primary[0].metric: metric 'spent' is a quantile, "
                "which no sums can give; hand over rows, as `exposures` and sources"
            ),
        ),
        (
            "kind: mean, source: moments, better",
            "kind: mean, source: moments, cap: {at: 5}, better",
            (
                "sums.yaml:15:22: metrics.primary[0].metric: metric 'spent' has a cap, and sums are made "
                "already; cap values before they are added up, and take `cap` out"
            ),
        ),
        (
            "unit: user",
            "segments: {land: {values: country}}\nunit: user",
            (
                "sums.yaml:2:18: segments.land: segment 'land' cannot be cut from sums; name the column "
                "with its levels as `segment` in `moments`, and cut by its `values`"
            ),
        ),
        (
            "unit: user",
            "trigger: {source: orders}\nunit: user",
            "sums.yaml:2:10: trigger: sums are made already; no trigger can choose units; take it out",
        ),
    ],
)
def test_what_sums_cannot_give_is_refused(old: str, new: str, says: str) -> None:
    assert refusal(read_experiment(MOMENTS.replace(old, new, 1), "sums.yaml")) == [says]


def test_a_unit_type_is_one_of_the_project() -> None:
    said = refusal(read_experiment(GOOD, "c.yaml"), "project: shop\nunits: {device: {}}\n")

    assert said == ["c.yaml:2:7: unit: there is no unit type 'user' in splitrun.yaml; known are device"]


def test_the_unit_column_may_stand_in_the_project() -> None:
    project = read_project(
        "project: shop\nunits: {user: {key: uid}}\ntimezone: Europe/Berlin\n", "p.yaml"
    ).value
    text = GOOD.replace("unit: user_id, time: at", "time: at").replace("source: orders", "source: clicks")

    plan = sealed(read_experiment(text, "c.yaml"), shop(), project)

    assert {source.key: source.source.unit for source in plan.sources} == {
        "clicks": "uid",
        "orders": "user_id",
    }
    assert plan.timezone == "Europe/Berlin"


def test_an_experiment_may_be_written_in_python() -> None:
    mapping = {
        "key": "incentive",
        "unit": "person",
        "hypothesis": {
            "change": "a",
            "because": "b",
            "expect": {"metric": "got", "direction": "higher", "mei": "5pp"},
        },
        "exposures": {
            "frame": "people",
            "unit": "row",
            "variant": "any",
            "variants": {0: "control", 1: "voucher"},
        },
        "variants": {"control": {}, "voucher": {}},
        "weights": "unknown",
        "metrics": {"primary": [{"key": "got", "kind": "share", "source": "exposures", "better": "higher"}]},
    }

    plan = sealed(read_experiment_mapping(mapping))

    assert plan.weights_known is False
    assert plan.exposures is not None
    assert plan.exposures.variants == {0: "control", 1: "voucher"}


def test_mistakes_in_python_carry_the_path() -> None:
    with pytest.raises(SpecError) as raised:
        sealed(read_experiment_mapping({"key": "a", "unit": "U", "hypothesis": {"chnge": "x"}}))

    assert [mistake.path for mistake in raised.value.mistakes] == [
        "unit", "hypothesis", "hypothesis", "hypothesis.chnge", "", "",
    ]  # fmt: skip
    assert all(mistake.place is None for mistake in raised.value.mistakes)


def test_what_yaml_could_not_hold_is_refused_in_python() -> None:
    mapping: dict[Any, object] = {"key": "a\0", "alpha": float("nan"), "frame": object(), 1j: {}}

    with pytest.raises(SpecError) as raised:
        read_experiment_mapping(mapping)

    assert [str(mistake) for mistake in raised.value.mistakes] == [
        "key: character U+0000 may not stand in a spec; take it out",
        "alpha: nan is not a finite number; write a finite number",
        "frame: a value of type object stands where text or a number belongs; write plain values, as in YAML",
        "1j: a value of type complex stands where text or a number belongs; write plain values, as in YAML",
    ]


def test_a_mapping_inside_itself_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["key"] = loop

    with pytest.raises(SpecError, match="more than 32 inside each other"):
        read_experiment_mapping(loop)


def test_an_experiment_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(SpecError, match=r"f\.yaml:1:1: an experiment is a mapping"):
        read_experiment("- a\n", "f.yaml")
