"""Harm of a guardrail that is to be proved: watched at every moment, beside the looks that may prove it."""

from __future__ import annotations

import numpy as np

from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.readout import GuardrailOutcome, Verdict
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan
from tests.check.worlds import guardrail, measured
from tests.judge.test_looks import MARGIN, at, expected, first, looking
from tests.judge.test_reading import spread

PROVED = {"load": [spread(10, 1000), spread(10.655, 1000)]}
"""Worse by 0.655 where 0.5 is tolerated: 0.155, or 3.47 standard errors, beyond the margin."""


def proving(**rules: object) -> Plan:
    return looking((guardrail("load", MARGIN),), **rules)


def watch(alpha: float, planned: float, n: float) -> float:
    """The one-sided multiplier at n units as the paper writes it (arXiv:2103.06476)."""
    w = n * (-2 * np.log(2 * alpha) + np.log(1 - 2 * np.log(2 * alpha))) / planned
    return float(np.sqrt(2 * (1 + w) / w * np.log(1 + np.sqrt(1 + w) / (2 * alpha))))


def test_harm_is_seen_beside_a_proof_whose_own_bound_does_not_show_it_yet() -> None:
    # at the first look O'Brien and Fleming ask for 3.71 standard errors, the watch at 1 % for fewer
    away = 0.155 / np.sqrt(2 / 1000)
    assert watch(0.01, 3000, 2000) < away < expected("gs.bounds.obf.3")["z_upper"][0]

    found = first(at(7, [1000], measured(PROVED), proving()))

    assert (found.guardrail, found.verdict) == (GuardrailOutcome.BREACHED, Verdict.WORSE)
    assert found.says.endswith("more than its margin of 0.5, by the bound that watches it at every moment")


def test_a_proof_s_own_bound_is_told_where_it_shows_the_breach_too() -> None:
    world = measured({"load": [spread(10, 1000), spread(11, 1000)]})

    found = first(at(7, [1000], world, proving()))

    assert found.guardrail is GuardrailOutcome.BREACHED
    assert found.says.endswith("worse by more than its margin of 0.5, with the same certainty")


def test_harm_beside_a_proof_is_told_before_the_first_look_and_the_effect_is_not() -> None:
    found = first(at(3, [], measured(PROVED), proving()))

    assert (found.guardrail, found.verdict) == (GuardrailOutcome.BREACHED, Verdict.WORSE)
    assert found.absolute == Unknown(Why.NO_ALPHA)
    assert (found.control.mean, found.p) == (None, None)
    assert found.says.startswith(
        "load is worse than control by more than its margin of 0.5, by the bound that"
    )


def test_harm_beside_a_proof_waits_for_as_many_units_as_any_bound_of_every_moment() -> None:
    few = {"load": [spread(10, 499), spread(12, 499)]}
    enough = {"load": [spread(10, 500), spread(12, 500)]}

    outcomes = [first(at(3, [], measured(world), proving())).guardrail for world in (few, enough)]

    assert outcomes == [GuardrailOutcome.UNPROVEN, GuardrailOutcome.BREACHED]


def test_harm_within_the_margin_is_no_breach_and_a_higher_better_metric_is_harmed_below() -> None:
    within = {"load": [spread(10, 1000), spread(10.45, 1000)]}
    higher = looking((guardrail("load", MARGIN, better=Direction.HIGHER),))
    lower = {"load": [spread(10, 1000), spread(9.345, 1000)]}

    unharmed = first(at(3, [], measured(within), proving()))
    gained = first(at(3, [], measured(PROVED), higher))
    harmed = first(at(3, [], measured(lower), higher))

    assert [each.guardrail for each in (unharmed, gained)] == [GuardrailOutcome.UNPROVEN] * 2
    assert harmed.guardrail is GuardrailOutcome.BREACHED


def test_harm_is_not_watched_beside_a_proof_where_no_size_is_planned() -> None:
    found = first(at(3, [], measured(PROVED), proving(planned_units=None)))

    assert found.guardrail is GuardrailOutcome.UNPROVEN
