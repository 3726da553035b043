"""Whether one variant drives units away; expected p-values by scipy.stats.chisquare on the same counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from splitrun.check.evidence import Evidence, Severity
from splitrun.check.variants.leaving import leaving
from splitrun.measure.measured import Erased
from tests.check.test_doubts import planned
from tests.check.worlds import evidence


def left(out: tuple[int, int], withdrew: tuple[int, int] | None = None, *, known: bool = True) -> Evidence:
    made = evidence() if known else evidence(of=planned(weights_known=False))
    measured = replace(made.measured, erased=Erased(np.array([0, 0]), np.array(out)))
    return replace(made, measured=measured, withdrew=None if withdrew is None else np.array(withdrew))


@pytest.mark.requirement("R79")
def test_units_that_leave_one_variant_more_often_are_told_with_the_test() -> None:
    found = leaving(left((20, 60)))

    assert found is not None
    p = float(stats.chisquare([20, 60]).pvalue)
    assert p < 0.001
    assert (found.severity, found.code) == (Severity.WARN, "leaving")
    assert f"80 opted out (control 20, voucher 60) (chi-square, p = {p:.2g})" in found.says
    assert found.says.endswith("one variant drives units away")


def test_units_that_leave_in_the_shares_of_the_variants_are_a_note() -> None:
    found = leaving(left((0, 0), (52, 48)))

    assert found is not None
    p = float(stats.chisquare([52, 48]).pvalue)
    assert found.severity is Severity.NOTE
    assert f"100 withdrew consent (control 52, voucher 48) (chi-square, p = {p:.2g})" in found.says


def test_few_are_told_and_not_tested() -> None:
    found = leaving(left((1, 4), (0, 9)))

    assert found is not None
    assert found.severity is Severity.NOTE
    assert found.says == "after exposure 9 withdrew consent (control 0, voucher 9), too few to test"


def test_without_weights_those_who_were_exposed_are_the_shares() -> None:
    found = leaving(left((0, 0), (30, 30), known=False))

    assert found is not None
    assert "p = 1" in found.says


def test_nobody_who_left_is_nothing_to_tell() -> None:
    assert leaving(left((0, 0), (0, 0))) is None
    assert leaving(evidence()) is None
