"""The t-version and the power of a split's test, against statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import GofChisquarePower, TTestIndPower  # type: ignore[import-untyped]  # it ships no types

from splitrun.errors import SpecError
from splitrun.infer.power.split import split_power
from splitrun.infer.power.student import student_power, student_units


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("ratio", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("power", [0.3, 0.8])
def test_units_are_those_of_statsmodels(effect: float, ratio: float, power: float) -> None:
    ours = student_units(effect, power, 0.025, ratio=ratio, either=True)

    theirs = TTestIndPower().solve_power(effect_size=effect, power=power, alpha=0.05, ratio=ratio)
    assert ours == pytest.approx(float(np.squeeze(theirs)), rel=1e-6)


def test_power_is_a_curve_over_sizes() -> None:
    n = np.array([5.0, 20.0, 100.0, 1_000.0, 10_000.0, 1e6])

    ours = student_power(0.2, n, 2 * n, 0.025, either=True)

    theirs = [TTestIndPower().power(0.2, each, 0.05, ratio=2) for each in n[:3]]
    assert ours[:3] == pytest.approx(theirs, rel=1e-9)
    assert np.all(np.isfinite(ours))
    assert ours[-1] == pytest.approx(1.0)


def test_hardly_any_units_are_enough_for_a_huge_effect() -> None:
    assert student_units(100.0, 0.5, 0.05, either=False) == pytest.approx(1.5)


def test_a_few_units_are_counted_where_a_normal_would_be_far_off() -> None:
    n = student_units(4.0, 0.99, 1e-6, either=False)

    # 2 (4.753 + 2.326)^2 / 16 = 6.3 units of control if it were normal
    reach = stats.t.isf(1e-6, 2 * n - 2)
    assert stats.nct.sf(reach, 2 * n - 2, 4.0 * (n / 2) ** 0.5) == pytest.approx(0.99, rel=1e-6)
    assert n > 1.5 * 6.3


def test_an_effect_of_nothing_has_no_size() -> None:
    with pytest.raises(SpecError, match="effect of 0 standard deviations"):
        student_units(0.0, 0.8, 0.025, either=False)


def test_a_split_of_several_variants_is_found_as_often_as_statsmodels_says() -> None:
    planned, seen = np.array([0.5, 0.3, 0.2]), np.array([0.51, 0.295, 0.195])

    ours = split_power(seen, planned, [1_000, 20_000], 0.001)

    # Cohen's w
    w = float(np.sqrt(np.sum((seen - planned) ** 2 / planned)))
    theirs = [GofChisquarePower().power(w, n, 0.001, n_bins=3) for n in (1_000, 20_000)]
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_a_sound_split_is_called_broken_as_often_as_alpha_says() -> None:
    assert split_power([0.5, 0.5], [0.5, 0.5], 10_000, 0.001) == pytest.approx(0.001)
    assert stats.chi2.sf(stats.chi2.isf(0.001, 1), 1) == pytest.approx(0.001)
