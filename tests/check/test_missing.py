"""Whether variants lose outcomes unequally."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chi2_contingency

from splitrun.check.evidence import Evidence, Severity
from splitrun.check.outcomes.missing import missing_outcome, unequal
from tests.check.worlds import evidence, plan, two_shares


def test_the_unequal_missing_outcomes_of_thornton_are_found() -> None:
    """Thornton 2008, https://doi.org/10.1257/aer.98.5.1829: 56 of 679 without, 11 of 2,222 with."""
    world = two_shares((211, 623), (1745, 2211))
    lost = replace(world.columns["fetched"], missing=np.array([56, 11]))

    finding = missing_outcome(Evidence(plan(), replace(world, columns={"fetched": lost})))

    assert finding is not None
    assert finding.severity is Severity.WARN
    assert "control 56 of 679 (8.25 %), voucher 11 of 2,222 (0.495 %), p = " in finding.says


@pytest.mark.parametrize(
    ("missing", "units"),
    [((56, 11), (679, 2222)), ((30, 45), (1000, 1000)), ((12, 9, 30), (300, 200, 400))],
)
def test_the_p_is_that_of_pearsons_chi_square(missing: tuple[int, ...], units: tuple[int, ...]) -> None:
    lost, everyone = np.array(missing, dtype=np.float64), np.array(units, dtype=np.float64)

    expected = chi2_contingency([lost, everyone - lost], correction=False).pvalue

    assert unequal(lost, everyone) == pytest.approx(expected, rel=1e-9)


def test_few_missing_outcomes_are_judged_by_binomial_tails() -> None:
    # 8 missing, all in the tenth of the units that treatment has: 0.1**8, two sides, two variants
    assert unequal(np.array([0.0, 8.0]), np.array([9000.0, 1000.0])) == pytest.approx(4e-8)
    # 2 of 3 in one of two even variants: nothing to see
    assert unequal(np.array([1.0, 2.0]), np.array([500.0, 500.0])) == 1.0


def test_binomial_tails_agree_with_scipy() -> None:
    lost, units = np.array([1.0, 6.0]), np.array([900.0, 100.0])

    tail = min(binom.cdf(1, 7, 0.9), binom.sf(5, 7, 0.1))

    assert unequal(lost, units) == pytest.approx(4 * tail, rel=1e-9)


def test_where_everything_or_nothing_is_missing_the_variants_are_equal() -> None:
    units = np.array([50.0, 70.0])

    assert unequal(units, units) == 1.0
    assert unequal(np.zeros(2), units) == 1.0
    assert unequal(np.array([3.0, 0.0]), np.array([50.0, 0.0])) == 1.0


def test_a_variant_without_any_known_outcome_stops() -> None:
    world = evidence(missing=(7, 3))
    nobody = replace(
        world.measured.columns["fetched"], moments=two_shares((200, 500), (0, 0)).columns["fetched"].moments
    )
    measured = replace(world.measured, columns={"fetched": nobody})

    finding = missing_outcome(replace(world, measured=measured))

    assert finding is not None
    assert finding.severity is Severity.STOP
    assert finding.says.startswith("no unit has a known outcome (fetched in voucher)")
