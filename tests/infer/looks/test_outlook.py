from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.errors import SpecError
from splitrun.infer.looks.outlook import conditional_power, outlook

PATHS = 40_000


def test_the_final_estimate_falls_into_its_range_as_often_as_asked_for() -> None:
    # truth is drawn from a very wide prior, the estimate at 0.3 and then the rest of the data
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 50, PATHS)
    score = rng.normal(truth * 0.3, np.sqrt(0.3))
    final = score + rng.normal(truth * 0.7, np.sqrt(0.7))

    seen = outlook(score / 0.3, np.full(PATHS, 1 / np.sqrt(0.3)), 0.3, 2.0, level=0.9)

    low, high = stats.binom.interval(0.9999, PATHS, 0.9)
    assert low <= int(((seen.low <= final) & (final <= seen.high)).sum()) <= high
    assert seen.stderr[0] == pytest.approx(1.0)
    assert seen.reach[0] == pytest.approx(2.0)


def test_predictive_power_is_the_mean_of_conditional_power_over_what_is_known_of_the_truth() -> None:
    z, t, bound = 1.4, 0.4, 2.05
    drifts = stats.norm(z / np.sqrt(t), 1 / np.sqrt(t)).ppf((np.arange(20_000) + 0.5) / 20_000)

    mean = conditional_power(z, t, bound, drift=drifts).mean()

    seen = outlook(z / np.sqrt(t), 1 / np.sqrt(t), t, bound)
    assert seen.better == pytest.approx(mean, abs=1e-5)
    assert seen.worse == pytest.approx(1 - conditional_power(z, t, -bound, drift=drifts).mean(), abs=1e-5)


def test_conditional_power_is_that_of_the_remaining_data() -> None:
    # by hand: at half the information with z 1, the rest must bring (1.96 - sqrt 1/2) of a N(1.4, 1/2)
    due = stats.norm.sf((1.96 - np.sqrt(0.5)) / np.sqrt(0.5), 1.4 / np.sqrt(0.5))

    assert conditional_power(1.0, 0.5, 1.96, drift=2.8) == pytest.approx(due, rel=1e-12)


def test_at_the_end_nothing_moves_any_more() -> None:
    seen = outlook([3.0, -3.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.2, 1.0], 2.0)

    assert seen.low.tolist() == seen.high.tolist() == [3.0, -3.0, 1.0]
    assert seen.better.tolist() == [1.0, 0.0, 0.0]
    assert seen.worse.tolist() == [0.0, 1.0, 0.0]
    assert conditional_power([3.0, 1.0], 1.0, 2.0, drift=0.0).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("fraction", "level"), [(0.0, 0.9), (-1.0, 0.9), (float("nan"), 0.9), (0.5, 1.0)])
def test_an_outlook_from_nowhere_is_refused(fraction: float, level: float) -> None:
    with pytest.raises(SpecError, match="give a fraction above 0 and a level below 1"):
        outlook(1.0, 1.0, fraction, 2.0, level=level)
