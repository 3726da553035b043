from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.heterogeneity import cochran


def test_two_levels_are_compared_as_by_their_difference() -> None:
    q, dof, p = cochran(np.array([0.3, 0.1]), np.array([0.05, 0.08]))

    # with two levels Q is the squared z of their difference
    z = 0.2 / np.hypot(0.05, 0.08)
    assert q == pytest.approx(z**2, rel=1e-12)
    assert dof == 1
    assert p == pytest.approx(2 * stats.norm.sf(z), rel=1e-12)


def test_levels_without_numbers_take_no_part() -> None:
    found = cochran(np.array([0.3, np.nan, 0.1, 9.0]), np.array([0.05, np.nan, 0.08, 0.0]))

    assert found == cochran(np.array([0.3, 0.1]), np.array([0.05, 0.08]))


@pytest.mark.parametrize("effects", [[], [0.3], [np.nan, 0.3]])
def test_fewer_than_two_levels_do_not_differ(effects: list[float]) -> None:
    found = cochran(np.array(effects), np.full(len(effects), 0.1))

    assert found == (0.0, 0, 1.0)


def test_a_shift_of_all_levels_changes_nothing() -> None:
    effects, errors = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.25, 1.0])

    assert cochran(effects + 1e9, errors).q == pytest.approx(cochran(effects, errors).q, rel=1e-12)


@pytest.mark.requirement("R36")
def test_levels_with_one_effect_are_told_apart_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(17)
    errors = np.array([0.1, 0.2, 0.4, 0.8])
    alarms = sum(cochran(rng.normal(0.5, errors), errors).p < 0.05 for _ in range(2_000))

    low, high = stats.binom.interval(0.9999, 2_000, 0.05)
    assert low <= alarms <= high
