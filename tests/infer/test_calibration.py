"""Coverage on worlds with known truth: 2,000 experiments each, all cells at once, seeds fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.contrast import difference, lift, noninferior
from splitrun.infer.estimate import Estimates, Side
from splitrun.infer.means import means
from splitrun.infer.ratios import ratios
from splitrun.moments import FloatArray
from tests.infer.worlds import cells_of

RUNS = 2_000


def assert_covers(found: Estimates, truth: float, level: float) -> None:
    assert not found.why.any()
    hits = int(np.sum((found.low <= truth) & (truth <= found.high)))
    low, high = stats.binom.interval(0.9999, RUNS, level)
    assert low <= hits <= high


def gamma(rng: np.random.Generator, scale: float, units: int) -> FloatArray:
    return rng.gamma(4.0, scale, size=(RUNS, units, 1))


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("side", list(Side))
def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_claims(side: Side) -> None:
    rng = np.random.default_rng(7)
    control, treatment = means(cells_of(gamma(rng, 1.0, 200))), means(cells_of(gamma(rng, 1.1, 300)))

    assert_covers(difference(control, treatment, level=0.95, side=side), 0.4, 0.95)


def test_the_interval_of_a_mean_holds_for_few_units_of_a_normal_metric() -> None:
    rng = np.random.default_rng(8)
    control = means(cells_of(rng.normal(10, 1, size=(RUNS, 5, 1))))
    treatment = means(cells_of(rng.normal(10, 3, size=(RUNS, 8, 1))))

    assert_covers(difference(control, treatment, level=0.95), 0.0, 0.95)


def test_the_interval_of_a_share_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(9)
    control, treatment = (
        means(cells_of((rng.random((RUNS, 500, 1)) < share).astype(np.float64))) for share in (0.2, 0.25)
    )

    assert_covers(difference(control, treatment, level=0.95), 0.05, 0.95)


def sessions(rng: np.random.Generator, rate: float, units: int) -> FloatArray:
    """Clicks and sessions of units that differ in both; clicks per session are `rate` on average."""
    count = 1.0 + rng.poisson(4.0, size=(RUNS, units))
    own = rng.beta(20 * rate, 20 * (1 - rate), size=(RUNS, units))
    return np.stack([rng.binomial(count.astype(np.int64), own).astype(np.float64), count], axis=2)


def test_the_interval_of_a_ratio_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(10)
    control, treatment = (
        ratios(cells_of(sessions(rng, 0.30, 300))),
        ratios(cells_of(sessions(rng, 0.33, 250))),
    )

    assert_covers(difference(control, treatment, level=0.95), 0.03, 0.95)


@pytest.mark.parametrize("side", list(Side))
def test_the_interval_of_a_lift_covers_the_truth_as_often_as_it_claims(side: Side) -> None:
    rng = np.random.default_rng(11)
    control, treatment = means(cells_of(gamma(rng, 1.0, 60))), means(cells_of(gamma(rng, 1.3, 90)))

    assert_covers(lift(control, treatment, level=0.9, side=side), 0.3, 0.9)


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("relative", [True, False])
def test_a_treatment_worse_by_just_the_margin_is_proved_harmless_as_rarely_as_promised(
    *, relative: bool
) -> None:
    rng = np.random.default_rng(12)
    control, treatment = means(cells_of(gamma(rng, 1.0, 200))), means(cells_of(gamma(rng, 0.9, 200)))

    found = noninferior(
        control,
        treatment,
        margin=0.1 if relative else 0.4,
        relative=relative,
        better_higher=True,
        level=0.975,
    )

    low, high = stats.binom.interval(0.9999, RUNS, 0.025)
    assert low <= int(np.sum(found.p < 0.025)) <= high
    assert ((found.p < 0.025) == (found.low > 0)).all()
