from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import duckdb
import msgspec
import pytest

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.slots import slot
from splitrun.assign.transmission import opened, sealed
from tests.assign.make_vectors import written
from tests.assign.naive import answered, parameters
from tests.assign.vectors import BYTES, VECTORS, said

DIGEST = "5847e2c53be8f2cb4b27ab3d7f474018adb07b592449f50a11e1501e6b388add"
"""Frozen: another digest means other assignments in running products."""

EVALUATORS = {name: Evaluator(ruleset) for name, ruleset in VECTORS.rulesets.items()}


@pytest.mark.requirement("R15")
def test_the_vectors_never_change() -> None:
    assert hashlib.sha256(BYTES).hexdigest() == DIGEST
    assert written() == BYTES
    assert len(VECTORS.slots) >= 1_000
    assert len(VECTORS.evaluations) >= 300


@pytest.mark.requirement("R15")
def test_every_slot_is_that_of_duckdb() -> None:
    salts, units, expected = zip(*VECTORS.slots, strict=True)
    with duckdb.connect() as engine:
        rows = engine.execute(
            "SELECT ('0x' || sha256(salt || ':' || unit)[:8])::UBIGINT "
            "FROM (SELECT unnest(?::VARCHAR[]) AS salt, unnest(?::VARCHAR[]) AS unit)",
            [list(salts), list(units)],
        ).fetchall()

    assert [row[0] for row in rows] == list(expected)


@pytest.mark.requirement("R15")
def test_every_slot_is_ours() -> None:
    assert [slot(salt, unit) for salt, unit, _ in VECTORS.slots] == [found for _, _, found in VECTORS.slots]


@pytest.mark.requirement("R14")
def test_every_evaluation_is_that_of_the_second_interpreter_and_ours() -> None:
    bodies: dict[str, Any] = {name: msgspec.to_builtins(body) for name, body in VECTORS.rulesets.items()}

    for case in VECTORS.evaluations:
        found = EVALUATORS[case.ruleset].evaluate(
            case.flag, case.unit, case.attributes, opted_out=case.opted_out
        )
        naive = answered(bodies[case.ruleset], msgspec.to_builtins(case))

        assert said(found) == case.answer == msgspec.convert(naive, type(case.answer)), case
        assert found.ruleset == VECTORS.rulesets[case.ruleset].version


@pytest.mark.requirement("R18")
def test_every_set_of_parameters_is_that_of_the_second_interpreter_and_ours() -> None:
    bodies: dict[str, Any] = {name: msgspec.to_builtins(body) for name, body in VECTORS.rulesets.items()}

    for case in VECTORS.parameters:
        found = EVALUATORS[case.ruleset].parameters(
            case.layer, case.unit, case.attributes, opted_out=case.opted_out
        )
        answer = msgspec.structs.replace(case.answer, value=None, variant=None)
        ours = msgspec.structs.replace(said(found.evaluation), value=None, variant=None, values=found.values)

        assert ours == answer, case
        if case.answer.experiment is not None:
            assert found.evaluation.variant == case.answer.variant
        naive = parameters(bodies[case.ruleset], msgspec.to_builtins(case))
        assert msgspec.convert(naive, type(case.answer)) == case.answer


def test_the_vectors_reach_every_end() -> None:
    ends = Counter((case.answer.reason, case.answer.detail) for case in VECTORS.evaluations)

    assert set(ends) == {
        ("DISABLED", "off"),
        ("DISABLED", "archived"),
        ("STATIC", "default"),
        ("STATIC", "rule"),
        ("TARGETING_MATCH", "override"),
        ("TARGETING_MATCH", "rule"),
        ("SPLIT", "rule"),
        ("SPLIT", "variant"),
        ("DEFAULT", "default"),
        ("DEFAULT", "opted_out"),
        ("DEFAULT", "prerequisite"),
        ("DEFAULT", "holdout"),
        ("DEFAULT", "layer"),
        ("DEFAULT", "audience"),
        ("DEFAULT", "coverage"),
        ("ERROR", "error"),
    }


def test_the_vectors_reach_every_error() -> None:
    for cases in (VECTORS.evaluations, VECTORS.parameters):
        codes = {case.answer.error for case in cases}

        assert codes == {None, "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND"}


def test_the_steps_of_an_explanation_end_where_the_evaluation_does() -> None:
    for case in VECTORS.evaluations:
        evaluator = EVALUATORS[case.ruleset]
        found = evaluator.explain(case.flag, case.unit, case.attributes, opted_out=case.opted_out)

        assert found.evaluation == evaluator.evaluate(
            case.flag, case.unit, case.attributes, opted_out=case.opted_out
        )
        assert (found.serve, found.detail) == (found.evaluation.serve, found.evaluation.detail), case
        assert found.steps or found.evaluation.error == "FLAG_NOT_FOUND"


@pytest.mark.parametrize("name", list(VECTORS.rulesets))
def test_a_ruleset_is_the_same_after_it_was_transmitted(name: str) -> None:
    ruleset = VECTORS.rulesets[name]

    assert opened(sealed(ruleset)) == ruleset
    assert sealed(opened(sealed(ruleset))) == sealed(ruleset)
