from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from splitrun.errors import SpecError
from splitrun.spec.schema import SCHEMAS, schema
from splitrun.spec.templates.starting import new_project
from tests.spec.templates.fresh import fresh
from tests.spec.texts import GOOD, SHOP, mistakes

INCENTIVE = """\
key: incentive
unit: person
hypothesis: {change: a voucher, because: ..., expect: {metric: fetched, direction: higher, mei: 5pp}}
exposures:
  csv: thornton_hiv.csv
  unit: row
  cluster: villnum
  variant: any
  variants: {0: control, 1: voucher}
  pre_exposure: [age, distvct]
variants: {control: {}, voucher: {}}
weights: unknown
metrics:
  primary: [{key: fetched, kind: share, source: exposures, where: "got = 1", better: higher}]
segments: {near: {when: "distvct < 1.5"}}
analysis: {method: fixed, alpha: 0.05}
"""


def complaints(name: str, text: str) -> list[str]:
    written: Any = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(written)]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_schema_is_one_of_draft_2020_12(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))

    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", [GOOD, new_project()["experiments/first.yaml"], fresh("revenue")])
def test_an_editor_accepts_what_splitrun_accepts(text: str) -> None:
    assert complaints("experiment", text) == []


def test_an_editor_accepts_the_example_of_units_randomised_elsewhere() -> None:
    # keys of a mapping are text in JSON; editors see 0 and 1 as "0" and "1"
    assert complaints("experiment", INCENTIVE.replace("{0: control, 1:", "{'0': control, '1':")) == []


def test_an_editor_knows_the_tables_of_the_lake_and_which_properties_are_declared() -> None:
    rows = "exposures: {lake: TABLE}\nsources: {mine: {lake: events}}\n"
    bare = INCENTIVE[: INCENTIVE.index("exposures:")] + rows + INCENTIVE[INCENTIVE.index("\nvariants:") + 1 :]

    assert [complaints("experiment", bare.replace("TABLE", name)) for name in ("exposures", "triggers")] == [
        [],
        [],
    ]
    assert complaints("experiment", bare.replace("TABLE", "orders")) != []
    tables = schema("experiment")["$defs"]["Exposures"]["properties"]["lake"]["anyOf"][0]
    assert tables["enum"] == ["exposures", "events", "triggers"]
    assert complaints("metrics", "sources: {mine: {lake: events}}") == []
    assert complaints("project", "project: shop\nproperties: {amount: number, giftWrap: boolean}") == []
    assert complaints("project", "project: shop\nproperties: {amount: money}") != []


@pytest.mark.parametrize(
    "rules",
    [
        "{planned_units: 4000, looks: 4}",
        "{planned_units: 4000, looks: [10d, 2w], spending: hsd, spending_parameter: -4}",
        "{method: sequential, planned_units: 4000, looks: null, multiplicity: by}",
        "{method: fixed, adjust: {lookback: 4w, covariates: [pre_period], strata: [country]}}",
    ],
)
def test_an_editor_accepts_every_form_of_the_rules(rules: str) -> None:
    text = GOOD.replace("{method: fixed, alpha: 0.05}", rules)

    assert complaints("experiment", text) == []
    assert mistakes(text) == []


KINDS = """\
metrics:
  spent: {kind: mean, source: orders, value: amount, cap: {quantile: 0.999}, better: higher}
  items: {kind: distinct, source: orders, value: item, better: higher}
  back: {kind: retention, source: orders, from: 7d, to: 8d, better: higher}
  slow: {kind: quantile, at: 0.95, per: event, source: orders, value: ms, better: lower}
  active: {kind: active_days, source: orders, window: 14d, better: higher}
"""


def test_an_editor_accepts_every_kind_of_metric() -> None:
    assert complaints("metrics", KINDS) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("from: 7d", "since: 7d"), ("at: 0.95", "at: 95"), ("per: event", "per: user"), ("window: 14d, ", "")],
)
def test_an_editor_refuses_a_metric_that_splitrun_refuses(old: str, new: str) -> None:
    assert complaints("metrics", KINDS.replace(old, new)) != []


def test_an_editor_accepts_definitions_and_settings() -> None:
    assert complaints("metrics", SHOP) == []
    assert complaints("project", new_project()["splitrun.yaml"]) == []
    assert complaints("annotations", "- {at: '2026-11-27', kind: campaign, says: Black Friday}") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unit: user\n", "unit: user\nhypothessis: 1\n"),
        ("margin: 1pp", "margn: 1pp"),
        ("mei: 1pp", "mei: a bit"),
        ("window: 7d", "window: soon"),
        ("kind: share", "kind: men"),
        ("unit: user\n", ""),
    ],
)
def test_an_editor_refuses_what_splitrun_refuses(old: str, new: str) -> None:
    assert complaints("experiment", GOOD.replace(old, new, 1)) != []


def test_every_key_of_an_experiment_is_described() -> None:
    made = schema("experiment")
    bare = [
        key
        for key, part in made["properties"].items()
        if not part.get("description") and not made["$defs"][part["$ref"].rsplit("/")[-1]]["description"]
    ]

    assert bare == []


def test_an_unknown_schema_is_told() -> None:
    with pytest.raises(SpecError, match=r"there is no schema 'experimnt'; did you mean 'experiment'\?"):
        schema("experimnt")


def test_flags_have_a_schema_that_takes_what_is_good_and_no_more() -> None:
    good = new_project()["flags/shop.yaml"]
    every = """\
flags: {a: {type: number, variants: {x: 1, y: {z: [2]}}, default: 1, requires: {b: true, c: [1, two]}}}
layers: {l: {unit: user, slots: {e: [0%, 0.5], f: [[50%, 60%], [700000ppm, 1]]}, parameters: {p: 3}}}
holdouts: {h: {unit: user, share: 5%, experiments: [e]}}
lists: {i: [u1], j: {file: ids.txt}}
"""

    assert complaints("flags", good) == []
    assert complaints("flags", every) == []
    for old, new in (
        ("number", "numbr"),
        ("default: 1, ", ""),
        ("5%", "5pp"),
        ("[0%, 0.5]", "[0%]"),
        ("[u1]", "[1]"),
    ):
        assert old in every
        assert complaints("flags", every.replace(old, new, 1))
