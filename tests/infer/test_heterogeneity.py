from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.contrast import difference
from splitrun.infer.heterogeneity import at_any_time, cochran
from splitrun.infer.looks.always import AlwaysValid
from splitrun.infer.means import means
from splitrun.infer.multiplicity import holm
from splitrun.moments import Moments


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
def test_equal_effects_differ_in_any_of_many_tests_no_more_often_than_alpha() -> None:
    # 8 tests (two primaries, treatments and segments) of three levels, 400 units a cell, in 1,000 worlds;
    # mean and m2 of a cell of normal values are drawn from their own distributions
    rng = np.random.default_rng(2036)
    worlds, tests, levels, n = 1_000, 8, 3, 400.0
    arms = [
        means(
            Moments(
                n=np.full(worlds * tests * levels, n),
                mean=rng.normal(level, 1 / np.sqrt(n), size=(worlds * tests * levels, 1)),
                m2=rng.chisquare(n - 1, size=(worlds * tests * levels, 1, 1)),
            )
        )
        for level in (0.5, 0.7)
    ]
    found = difference(*arms, level=0.95)

    effects, errors = (each.reshape(-1, levels) for each in (found.effect, found.stderr))
    p = np.array([cochran(*each).p for each in zip(effects, errors, strict=True)]).reshape(worlds, tests)
    adjusted = np.array([holm(world) for world in p])

    # Holm on independent tests: 1 - (1 - 0.05 / 8) ** 8 = 0.0489 at most, 0.34 without it
    low, high = stats.binom.interval(0.9999, worlds, 1 - (1 - 0.05 / tests) ** tests)
    assert low <= np.sum(adjusted.min(axis=1) < 0.05) <= high
    assert np.sum(p.min(axis=1) < 0.05) > 250


@pytest.mark.requirement("R36")
def test_levels_with_one_effect_are_told_apart_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(17)
    errors = np.array([0.1, 0.2, 0.4, 0.8])
    alarms = sum(cochran(rng.normal(0.5, errors), errors).p < 0.05 for _ in range(2_000))

    low, high = stats.binom.interval(0.9999, 2_000, 0.05)
    assert low <= alarms <= high


def test_at_any_time_two_levels_have_the_p_of_the_always_valid_interval() -> None:
    sequence = AlwaysValid.tuned(0.05, 2000)

    # z of the difference squared is Q
    p = at_any_time(9.0, 1, 1500 * sequence.rho2)

    assert p == pytest.approx(float(np.exp(-sequence.log_e(3.0, 1500))), rel=1e-12)
    assert at_any_time(0.0, 3, 2.0) == 1.0


def test_at_any_time_equal_effects_seldom_differ_at_any_of_many_looks() -> None:
    rng = np.random.default_rng(8)
    looks, runs, levels = 20, 2000, 3
    # effects of each level are sums of independent parts, one a look, of variance 1
    paths = np.cumsum(rng.normal(size=(runs, looks, levels)), axis=1)
    so_far = np.arange(1, looks + 1)[:, None]
    effects, errors = paths / so_far, np.broadcast_to(1 / np.sqrt(so_far), (runs, looks, levels))
    rho2 = AlwaysValid.tuned(0.05, looks).rho2

    once, always = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for run in range(runs):
        for look in range(looks):
            q, dof, p = cochran(effects[run, look], errors[run, look])
            once[run] |= p < 0.05
            always[run] |= at_any_time(q, dof, (look + 1) * rho2) < 0.05

    # the chi-square read at every look is the fault; binomial noise of 5 % in 2,000 runs is 0.5 %
    assert once.mean() > 0.15
    assert always.mean() < 0.05
