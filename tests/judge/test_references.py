"""Verdicts on published data, with p values from R (tests/cases/stat_cases.json)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splitrun.judge.readout import GuardrailOutcome, Verdict
from splitrun.moments import Moments
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction
from tests.check.worlds import guardrail, measured, ones, plan
from tests.judge.test_reading import only, read

CASES = Path(__file__).parents[1] / "cases" / "stat_cases.json"


def expected(case: str) -> dict[str, float]:
    """What R says of a case."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    found: dict[str, float] = next(each["expected"] for each in cases if each["id"] == case)
    return found


def sums(n: int, total: float, squares: float) -> Moments:
    """Moments from a count, a sum and a sum of squares."""
    mean = total / n
    return Moments(n=np.array([float(n)]), mean=np.array([[mean]]), m2=np.array([[[squares - total * mean]]]))


def test_retention_in_cookie_cats_is_not_worse_by_a_point_and_a_half() -> None:
    margin = guardrail("retention", Size(value=0.015, relative=False), better=Direction.HIGHER)
    world = measured({"retention": [ones(20034, 44700), ones(20119, 45489)]})

    comparison = only(plan([margin]), world)

    says = expected("noninferiority.cookie_cats.retention_1.m1.5pp")
    assert comparison.p == pytest.approx(says["p_noninferior"], rel=1e-9)
    assert (comparison.guardrail, comparison.verdict) == (GuardrailOutcome.HOLDS, Verdict.EQUIVALENT)


def test_revenue_that_may_have_lost_a_tenth_is_unproven() -> None:
    margin = guardrail("revenue", Size(value=0.1, relative=True), better=Direction.HIGHER)
    world = measured({"revenue": [ones(0, 2435), ones(0, 1155)]})
    moments = Moments.stacked([sums(2435, 5795.26, 497179.4042), sums(1155, 2339.04, 98472.5112)])
    world = replace(world, columns={"revenue": replace(world.columns["revenue"], moments=moments)})

    comparison = only(plan([margin]), world)

    says = expected("noninferiority_rel.synth.t2.revenue.m10pct")
    assert comparison.p == pytest.approx(says["p_noninferior"], rel=1e-7)
    assert comparison.guardrail is GuardrailOutcome.UNPROVEN


@pytest.mark.requirement("R36")
def test_hillstroms_mail_moves_women_more() -> None:
    cells = [ones(962, 9638), ones(1300, 11668), ones(1067, 9622), ones(2171, 11765)]
    world = measured({"fetched": cells}, segment="womens", levels=("0", "1"))

    (found,) = read(plan(segments=["womens"]), world).heterogeneity

    says = expected("hte.hillstrom.womens.visit.womens")
    assert found.q == pytest.approx(says["cochran_Q"], rel=1e-7)
    assert found.p == pytest.approx(says["Q_p"], rel=1e-7)
