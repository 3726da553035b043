from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.estimate import Side
from splitrun.infer.looks.boundaries import boundaries
from splitrun.infer.looks.repeated import SMALLEST_TAIL, adjusted_level, repeated_p
from splitrun.infer.looks.spending import OBRIEN_FLEMING, POCOCK, Shape, Spending
from tests.infer.looks.walks import walks

FIFTHS = np.arange(1, 6) / 5


def test_the_level_of_a_look_makes_the_ordinary_interval_reach_its_bound() -> None:
    z = boundaries(FIFTHS[1:], 0.025)

    level = adjusted_level(z)

    assert stats.norm.ppf(0.5 + level / 2) == pytest.approx(z, rel=1e-9)
    assert stats.norm.ppf(adjusted_level(z, Side.LOWER)) == pytest.approx(z, rel=1e-9)
    assert adjusted_level(stats.norm.isf(0.025)) == pytest.approx(0.95)
    assert adjusted_level(np.inf) == 1.0


def test_at_one_look_the_repeated_p_is_the_ordinary_one() -> None:
    z = np.array([-4.0, -1.96, 0.3, 1.0, 2.5, 6.0])

    assert repeated_p(z, [1.0], 0.025) == pytest.approx(2 * stats.norm.sf(np.abs(z)), rel=1e-6)
    assert repeated_p(z[3:], [1.0], 0.025, side=Side.LOWER) == pytest.approx(stats.norm.sf(z[3:]), rel=1e-6)
    assert repeated_p(-z[3:], [1.0], 0.025, side=Side.UPPER) == pytest.approx(stats.norm.sf(z[3:]), rel=1e-6)
    assert repeated_p(-1.0, [1.0], 0.025, side=Side.LOWER) == 1.0


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK, Spending(Shape.HSD, -4.0)])
@pytest.mark.parametrize("looks", [[0.3], [0.5, 1.0], [0.2, 0.4, 0.6], list(FIFTHS)])
def test_the_repeated_p_is_the_alpha_at_which_the_interval_touches_zero(
    looks: list[float], spending: Spending
) -> None:
    for tail in (0.3, 0.1, 0.02, 1e-4, 1e-7):
        z = boundaries(looks, tail, spending)[-1]

        assert repeated_p(z, looks, 0.025, spending) == pytest.approx(2 * tail, rel=1e-3)


@pytest.mark.parametrize("looks", [[0.3], [0.2, 0.4], list(FIFTHS)])
def test_p_and_interval_never_disagree_at_the_alpha_of_the_plan(looks: list[float]) -> None:
    bound = boundaries(looks, 0.025)[-1]
    z = bound + np.array([-1e-3, -1e-6, 1e-6, 1e-3])

    assert (repeated_p(z, looks, 0.025) < 0.05).tolist() == [False, False, True, True]
    assert np.all(np.diff(repeated_p(np.linspace(0, 9, 500), looks, 0.025)) <= 0)


def test_a_p_beyond_double_precision_is_named_by_its_limit() -> None:
    assert repeated_p(30.0, [0.5, 1.0], 0.025) == pytest.approx(2 * SMALLEST_TAIL)


def test_a_look_that_may_conclude_nothing_has_a_p_of_one() -> None:
    assert repeated_p([9.0, 0.0], [0.0], 0.025).tolist() == [1.0, 1.0]
    assert repeated_p(9.0, [0.5, 1.0, 1.2], 0.025) == 1.0


@pytest.mark.requirement("R26")
def test_repeated_intervals_hold_the_truth_together_as_often_as_they_claim() -> None:
    drift, paths = 2.0, 20_000
    z = walks(paths, FIFTHS, seed=3, drift=drift)
    effect, stderr = z / np.sqrt(FIFTHS), 1 / np.sqrt(FIFTHS)

    reach = boundaries(FIFTHS, 0.025) * stderr
    missed = int(np.any(np.abs(effect - drift) > reach, axis=1).sum())

    low, high = stats.binom.interval(0.9999, paths, 0.05)
    assert low <= missed <= high


def test_a_repeated_p_is_below_any_alpha_at_most_that_often_at_any_look() -> None:
    paths = 20_000
    z = walks(paths, FIFTHS, seed=4)

    smallest = np.min([repeated_p(z[:, k], FIFTHS[: k + 1], 0.025) for k in range(5)], axis=0)

    for alpha in (0.2, 0.1, 0.05, 0.01):
        low, high = stats.binom.interval(0.9999, paths, alpha)
        assert low <= int((smallest <= alpha).sum()) <= high
