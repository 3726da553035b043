"""The documented JSON form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence
from splitrun.infer.estimate import Estimate, Why
from splitrun.judge.reading import readout
from splitrun.judge.readout import Readout
from splitrun.report.form import form, schema, written
from splitrun.report.table import table
from splitrun.spec.analysis import Method
from tests.check.worlds import measured, plan, started, two_shares
from tests.report.readouts import MADE_AT, METRICS, beside, hostile, rich, stopped

PAGE = Path(__file__).parents[2] / "docs" / "readout.md"


def properties(part: object) -> Iterator[str]:
    """Every property that a schema names, wherever it stands."""
    match part:
        case dict():
            yield from part.get("properties", {})
            for inner in part.values():
                yield from properties(inner)
        case list():
            for inner in part:
                yield from properties(inner)
        case _:
            return


def constant() -> Readout:
    world = measured({"fetched": [np.ones(60), np.ones(60)]})
    return readout(plan(), world, (), made_at=MADE_AT, versions={})


def empty() -> Readout:
    return readout(plan(), two_shares((0, 0), (0, 0)), (), made_at=MADE_AT, versions={})


def looks(days: int, passed: tuple[int, ...], method: Method = Method.GROUP_SEQUENTIAL) -> Readout:
    weeks = (timedelta(weeks=1), timedelta(weeks=2))
    of = plan(METRICS[:3], method=method, looks=weeks, planned_units=2000)
    values = [np.linspace(0, 9, 1000), np.linspace(0.1, 9, 1000)]
    world = started(measured({planned.key: values for planned in METRICS[:3]}), days=days, looks=passed)
    return readout(of, world, doubts(Evidence(of, world)), made_at=MADE_AT, versions={})


def before() -> Readout:
    return looks(3, ())


def running() -> Readout:
    return looks(8, (900,))


def always() -> Readout:
    return looks(8, (), Method.SEQUENTIAL)


@pytest.mark.parametrize("world", [rich, stopped, hostile, constant, empty, beside, before, running, always])
def test_every_readout_keeps_to_the_schema(world: Callable[[], Readout]) -> None:
    document = json.loads(written(world()))

    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)


def test_every_field_is_explained_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [name for name in properties(schema()) if f"`{name}`" not in page] == []


def test_every_reason_for_no_number_is_in_the_schema() -> None:
    listed = next(each for each in inside(schema()) if "unknown" in each.get("properties", {}))

    assert listed["properties"]["unknown"]["enum"] == [why.name.lower() for why in Why]


def inside(part: object) -> Iterator[dict[str, Any]]:
    """Every mapping of a schema, wherever it stands."""
    match part:
        case dict():
            yield part
            yield from (each for value in part.values() for each in inside(value))
        case list():
            yield from (each for value in part for each in inside(value))
        case _:
            return


def test_the_fields_of_the_contract_are_there() -> None:
    document = form(rich())

    assert document["form"] == "splitrun.readout/1"
    (first, *_) = json.loads(written(rich()))["estimates"]
    assert first["absolute"].keys() == {"effect", "stderr", "low", "high", "level", "kind", "side"}
    assert first["control"] == {
        "units": 623,
        "exposed": 623,
        "mean": pytest.approx(211 / 623),
        "clusters": None,
        "zeros": None,
        "capped": None,
    }
    assert document["decision"] == {
        "value": None,
        "says": "decisions from a registered rule are not built yet; read the verdicts and guardrails",
    }


def test_what_stands_beside_an_effect_is_in_the_form() -> None:
    spend, basket = json.loads(written(beside()))["estimates"]

    assert spend["adjusted"]["covariates"] == ["age"]
    assert 0.7 < spend["adjusted"]["reduction"] < 0.9
    assert spend["adjusted"]["unadjusted"]["absolute"]["kind"] == "fixed"
    assert (spend["capped"]["at"], spend["capped"]["origin"]) == ([9.0], "experiment")
    assert spend["capped"]["uncapped"]["relative"].keys() == spend["relative"].keys()
    assert (spend["control"]["zeros"], spend["treatment"]["capped"]) == (3, 2)
    assert (spend["p_adjustment"], spend["parts"]) == ("bonferroni", None)
    assert basket["parts"].keys() == {"numerator", "denominator", "moved"}
    assert basket["design_effect"] == pytest.approx(1.0)
    assert (basket["control"]["clusters"], basket["adjusted"]) == (300, None)


def test_the_look_that_a_readout_counts_as_is_in_the_form() -> None:
    document = json.loads(written(running()))

    assert document["look"] == {
        "number": 1,
        "planned": 2,
        "at": "2026-11-09T09:00:00+00:00",
        "following": "2026-11-16T09:00:00+00:00",
    }
    assert json.loads(written(rich()))["look"] is None
    assert json.loads(written(before()))["estimates"][0]["absolute"]["unknown"] == "no_alpha"


def test_an_unbounded_end_is_null_beside_its_side() -> None:
    load = json.loads(written(rich()))["estimates"][3]

    assert (load["metric"], load["absolute"]["side"]) == ("load_p95", "upper")
    assert load["absolute"]["low"] is None
    assert load["absolute"]["high"] > load["absolute"]["effect"]


def points(part: object) -> Iterator[dict[str, object]]:
    """Every mapping of a form that holds an effect, wherever it stands."""
    match part:
        case dict():
            if "effect" in part:
                yield part
            for inner in part.values():
                yield from points(inner)
        case list():
            for inner in part:
                yield from points(inner)
        case _:
            return


@pytest.mark.requirement("R27")
@pytest.mark.parametrize("world", [rich, stopped, hostile, constant])
def test_no_effect_stands_without_its_interval_and_level(world: Callable[[], Readout]) -> None:
    shown = world()

    found = list(points(form(shown)))
    rows = table(shown).to_pylist()

    assert all("level" in each and (each["low"], each["high"]) != (None, None) for each in found)
    assert len(found) == sum(
        isinstance(each, Estimate) for c in shown.comparisons for each in (c.absolute, c.relative)
    )
    for row in rows:
        for name in ("effect", "lift"):
            ends = (row[f"{name}_low"], row[f"{name}_high"])
            assert row[name] is None or ends != (None, None)


@pytest.mark.requirement("R40")
def test_the_aggregate_stands_with_every_level_of_every_segment() -> None:
    found = json.loads(written(rich()))["estimates"]

    shown = [(each["metric"], each["segment"] and each["segment"]["level"]) for each in found]
    metrics = list(dict.fromkeys(metric for metric, _ in shown))
    assert len(metrics) == 5
    assert shown == [(metric, level) for metric in metrics for level in (None, "no", "yes")]


def test_where_there_is_no_number_the_form_says_why() -> None:
    (estimate,) = json.loads(written(constant()))["estimates"]

    assert estimate["absolute"]["unknown"] == "no_spread"
    assert "every unit" in estimate["absolute"]["says"]
    assert estimate["p"] is None


def test_a_number_that_is_none_is_refused() -> None:
    world = rich()
    broken = replace(world.heterogeneity[0], q=float("nan"))

    with pytest.raises(ValueError, match="Out of range float"):
        written(replace(world, heterogeneity=(broken,)))


def test_the_same_readout_is_written_the_same() -> None:
    assert written(rich()) == written(rich())
