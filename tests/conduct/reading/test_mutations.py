"""Two hundred changes of a sealed plan (fault S18), each marked and named on the readout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import folders_of, plan_of
from splitrun.conduct.reading.access import Access
from splitrun.conduct.reading.sealed import registration
from splitrun.conduct.reading.taking import Data, Taken, judged, taken
from splitrun.judge.readout import Verdict
from splitrun.plan.seal import digest
from splitrun.plan.sealing.canonical import canonical
from splitrun.report.form import schema
from splitrun.report.notebook import Shown
from splitrun.spec.plan import Plan
from splitrun.store.registry.documents import SealedPlan
from tests.conduct.reading.checkouts import AFTER, SEALED, project

Tree = Any
Path_ = tuple[str | int, ...]
WITHIN = {"metrics": "metric", "segments": "segment", "sources": "source"}
MANY = 200
FORM = Draft202012Validator(schema())


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """The project's experiment, measured once."""
    file = project(tmp_path_factory.mktemp("shop"))
    plan = plan_of(file)
    return taken(plan, Data(folders_of(file), Access()), AFTER, Desk(now=lambda: AFTER))


def held(read: Taken, sealed: Plan, at: datetime = SEALED) -> Shown:
    """The readout of what was read, held to another plan."""
    kept = SealedPlan("shop", "checkout", 1, 0, digest(sealed), canonical(sealed), "{}", at, "ann")
    return judged(read, registration([kept], read.plan, recorded=True))


def leaves(tree: Tree, path: Path_ = ()) -> Iterator[Path_]:
    """Every value of a plan's JSON that is no mapping and no list of mappings, but its keys and its form."""
    match tree:
        case dict():
            for name, value in tree.items():
                if name not in {"key", "form"}:
                    yield from leaves(value, (*path, name))
        case [dict(), *_]:
            for index, value in enumerate(tree):
                yield from leaves(value, (*path, index))
        case _:
            yield path


def named(tree: Tree, path: Path_) -> str:
    """The path as people name it: by key in place of number, and without the name of the content."""
    parts: list[str] = []
    for depth, part in enumerate(path):
        if isinstance(part, int):
            parts.append(tree[path[depth - 1]][part]["key"])
        elif depth != 2 or part != WITHIN.get(str(path[0])):
            parts.append(part)
    return ".".join(parts)


def others(value: Tree, rng: np.random.Generator) -> list[Tree]:
    """Values that may stand in a value's place, in some order."""
    number = float(rng.integers(2, 90))
    words = [
        "lower",
        "watch",
        "pause",
        "sequential",
        "holm",
        "pocock",
        "exposures",
        "tenure",
        "amount > 9",
        "3d",
    ]
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + int(number), value * (1 + number / 100), value / number]
        case str():
            return [*rng.permutation([*words, f"{value}x", f"{int(number)}d"]).tolist()]
        case list():
            return [[*value, "tenure"], value[1:], [f"{int(number)}d"]]
        case _:
            return [
                "tenure > 1",
                f"{int(number)}h",
                int(number),
                {"at": number},
                {"value": 0.02, "relative": True},
            ]


def changed(tree: Tree, path: Path_, value: Tree) -> Tree:
    """A plan's JSON with one value changed."""
    copy = json.loads(json.dumps(tree))
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return copy


def mutations(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Plans that differ in one random place, with the name of that place; seeded, without end."""
    tree, rng = json.loads(canonical(plan)), np.random.default_rng(4)
    parts = [list(leaves(value, (name,))) for name, value in tree.items() if name not in {"key", "form"}]
    while True:
        places = parts[int(rng.integers(len(parts)))]
        path = places[int(rng.integers(len(places)))]
        inner = tree
        for part in path:
            inner = inner[part]
        for value in others(inner, rng):
            try:
                mutant = Plan.model_validate_json(json.dumps(changed(tree, path, value)))
            except ValidationError:
                continue
            if digest(mutant) != digest(plan):
                yield named(tree, path), mutant
                break


@pytest.mark.requirement("R12")
def test_two_hundred_random_mutations_of_a_sealed_plan_are_marked_and_named(read: Taken) -> None:
    stream, seen = mutations(read.plan), set()

    for field, sealed in (next(stream) for _ in range(MANY)):
        readout = held(read, sealed)
        registered = readout.registration

        assert registered is not None, field
        found = [one.field for one in registered.deviations]
        assert found, field
        assert all(one == field or one.startswith(f"{field}.") for one in found), (field, found)
        assert found[0] in repr(readout), "the readout in text names the field"
        if any(one.confirmatory for one in registered.deviations):
            assert "Deviates from the sealed plan: " in repr(readout)
            assert not registered.confirmatory
            marked = [one for one in readout.comparisons if one.verdict is Verdict.EXPLORATORY]
            assert marked, field
            assert all(set(one.exploratory) & set(found) and not one.registered for one in marked)
            assert readout.post_hoc
        seen.add(field)

    # the analysis, each metric, the segment, the source, exposures, variants, methods, delivery
    assert {name.partition(".")[0] for name in seen} >= {
        "analysis", "assumptions", "delivery", "duration", "exposures", "hypothesis", "methods", "metrics",
        "segments", "sources", "timezone", "title", "unit", "variants", "weights_known",
    }  # fmt: skip


KINDS: dict[str, tuple[dict[Path_, Tree], set[str]]] = {
    "analysis.alpha": ({("analysis", "alpha"): 0.1}, {"bought", "refunds", "revenue"}),
    "analysis.method": ({("analysis", "method"): "sequential"}, {"bought", "refunds", "revenue"}),
    "analysis.multiplicity": ({("analysis", "multiplicity"): "holm"}, {"bought", "refunds", "revenue"}),
    "analysis.adjust": (
        {("analysis", "adjust"): {"covariates": ["tenure"], "lookback": None, "strata": []}},
        {"bought", "refunds", "revenue"},
    ),
    "exposures.csv": ({("exposures", "csv"): "others.csv"}, {"bought", "refunds", "revenue"}),
    "variants.one-page.weight": ({("variants", 1, "weight"): 3}, {"bought", "refunds", "revenue"}),
    "methods.means": ({("methods", "means"): "0"}, {"bought", "refunds", "revenue"}),
    "metrics.bought.where": ({("metrics", 0, "metric", "where"): "amount > 1"}, {"bought"}),
    "metrics.bought.window": ({("metrics", 0, "metric", "window"): "3d"}, {"bought"}),
    "metrics.bought.mei.value": ({("metrics", 0, "mei", "value"): 0.01}, {"bought"}),
    "metrics.refunds.guardrail.margin.value": (
        {("metrics", 1, "guardrail", "margin", "value"): 0.2},
        {"refunds"},
    ),
    "metrics.revenue.cap.at": ({("metrics", 2, "metric", "cap", "at"): 500}, {"revenue"}),
    "sources.orders.csv": ({("sources", 0, "source", "csv"): "b.csv"}, {"bought", "refunds", "revenue"}),
    "title": ({("title",): "Three pages"}, set()),
    "delivery.coverage": ({("delivery", "coverage"): 0.5}, set()),
    "metrics.revenue.describe": ({("metrics", 2, "metric", "describe"): "money"}, set()),
}


@pytest.mark.requirement("R11", "R12")
@pytest.mark.parametrize("field", KINDS)
def test_a_deviation_is_exploratory_exactly_where_it_reaches(read: Taken, field: str) -> None:
    tree, (changes, reached) = json.loads(canonical(read.plan)), KINDS[field]
    for path, value in changes.items():
        tree = changed(tree, path, value)

    readout = held(read, Plan.model_validate_json(json.dumps(tree)))

    registered = readout.registration
    assert registered is not None
    assert [one.field for one in registered.deviations] == [field]
    assert {one.metric for one in readout.comparisons if one.exploratory} == reached
    assert {one.metric for one in readout.comparisons if not one.registered} == reached
    assert registered.confirmatory == (not reached)
    assert readout.registered == (not field.startswith(("analysis", "exposures", "variants", "methods")))
    assert all(one.guardrail is None for one in readout.comparisons if one.exploratory)
    FORM.validate(json.loads(readout.to_json()))


@pytest.mark.requirement("R13", "R39")
def test_a_segment_that_was_not_sealed_is_exploratory_and_in_the_list_of_post_hoc_analyses(
    read: Taken,
) -> None:
    readout = held(read, read.plan.model_copy(update={"segments": ()}))

    whole = [one for one in readout.comparisons if one.segment is None]
    levels = [one for one in readout.comparisons if one.segment == "country"]
    assert all(one.registered and one.verdict is not Verdict.EXPLORATORY for one in whole)
    assert all(not one.registered and one.verdict is Verdict.EXPLORATORY for one in levels)
    assert [one.registered for one in readout.heterogeneity] == [False]
    assert "bought by country: not as sealed in segments.country" in readout.post_hoc
    assert readout.registered


@pytest.mark.requirement("R13")
def test_a_metric_that_was_not_sealed_has_no_verdict_and_leaves_the_others_theirs(read: Taken) -> None:
    sealed = read.plan.model_copy(update={"metrics": read.plan.metrics[:2]})
    untouched = held(read, read.plan)

    readout = held(read, sealed)

    before = {(one.metric, one.segment, one.level): one for one in untouched.comparisons}
    for one in readout.comparisons:
        was = before[one.metric, one.segment, one.level]
        if one.metric == "revenue":
            assert (one.verdict, one.registered, one.absolute) == (Verdict.EXPLORATORY, False, was.absolute)
        else:
            assert one == was
    assert "revenue: not as sealed in metrics.revenue" in readout.post_hoc


def test_a_primary_that_was_taken_out_touches_those_that_share_its_alpha(read: Taken) -> None:
    more = read.plan.metrics[0].model_copy(update={"key": "kept"})
    sealed = read.plan.model_copy(update={"metrics": (read.plan.metrics[0], more, *read.plan.metrics[1:])})

    readout = held(read, sealed)

    assert {one.metric for one in readout.comparisons if one.exploratory} == {"bought"}
    assert not any(one.registered for one in readout.heterogeneity)


def test_what_is_as_it_was_sealed_is_registered_and_nothing_is_post_hoc(read: Taken) -> None:
    readout = held(read, read.plan)

    registered = readout.registration
    assert registered is not None
    assert (registered.deviations, registered.confirmatory, readout.post_hoc) == ((), True, ())
    assert all(found.registered for found in readout.comparisons)
    assert all(test.registered for test in readout.heterogeneity)
    assert readout.registered
