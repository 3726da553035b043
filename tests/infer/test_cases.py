from __future__ import annotations

import pytest

from splitrun.infer.contrast import difference, lift
from splitrun.infer.estimate import Estimate, Unknown, Why
from tests.infer.elsewhere import others
from tests.infer.reference import CASES, TABLE, Case, answers, level_points, table

COUNTED = [case for case in CASES if case.method != "edge_contract"]
EDGES = {case.id: case for case in CASES if case.method == "edge_contract"}


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.id)
def test_every_value_of_our_estimators_agrees_at_the_cases_own_tolerance(case: Case) -> None:
    ours = answers(case)

    apart = {
        key: (ours[key], case.expected[key])
        for key in ours
        if not case.agrees(ours[key], case.expected[key], key)
    }

    assert apart == {}


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.id)
def test_every_expected_value_is_either_required_or_reported(case: Case) -> None:
    required, reported = set(answers(case)), set(others(case))

    assert required & reported == set()
    assert required <= set(case.expected)
    assert set(case.expected) <= required | reported


def test_a_wrong_value_is_seen() -> None:
    case = next(case for case in CASES if case.id == "welch.extreme_p")

    assert case.agrees(9.96004710972934e-217, case.expected["p_value"])
    assert not case.agrees(0.75 * (1 + 1e-8), case.expected["diff"])


def test_a_peers_convention_is_reported_and_not_required() -> None:
    peers = [case for case in CASES if case.oracle_kind == "gbstats_convention"]

    assert len(peers) == 8
    assert all(answers(case) == {} for case in peers)


def test_the_page_of_other_estimators_is_fresh() -> None:
    assert TABLE.read_text() == table(), "run python -m tests.infer.reference"


def test_one_unit_gives_no_interval_but_keeps_its_value() -> None:
    control, treatment = level_points(EDGES["edge.one_unit"].inputs)

    assert difference(control, treatment, level=0.95).cell(0) == Unknown(Why.FEW_UNITS)
    assert lift(control, treatment, level=0.95).cell(0) == Unknown(Why.FEW_UNITS)
    assert treatment.value[0] == 1.0


def test_two_variants_without_spread_give_neither_interval_nor_lift() -> None:
    control, treatment = level_points(EDGES["edge.zero_variance_differ"].inputs)

    assert difference(control, treatment, level=0.95).cell(0) == Unknown(Why.NO_SPREAD)
    assert lift(control, treatment, level=0.95).cell(0) == Unknown(Why.NO_SPREAD)
    assert treatment.value[0] - control.value[0] == 1.0


def test_a_spread_of_nothing_but_rounding_is_none_for_its_variant() -> None:
    control, treatment = level_points(EDGES["edge.negative_variance_rounding"].inputs)

    found = difference(control, treatment, level=0.95).cell(0)

    # treatment alone: mean 2, squares 12.5 - 12 = 0.5, so 0.5 / 2 / 3 with two degrees of freedom
    assert control.variance[0] == 0.0
    assert isinstance(found, Estimate)
    assert found.stderr == pytest.approx((0.5 / 6) ** 0.5)
    assert found.dof == pytest.approx(2.0)


def test_every_edge_contract_has_its_test() -> None:
    assert set(EDGES) == {"edge.one_unit", "edge.zero_variance_differ", "edge.negative_variance_rounding"}
