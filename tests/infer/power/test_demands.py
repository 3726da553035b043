"""What links size, effect and power, against statsmodels and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower  # type: ignore[import-untyped]  # it ships no types

from splitrun.errors import SpecError
from splitrun.infer.power.demands import Demand, Effect, Margin, Parts
from splitrun.infer.power.levels import design_effect, mean, ratio, share
from splitrun.infer.power.readings import Once

EVEN = Parts(0.5, 0.5)


@pytest.mark.parametrize("part", [0.5, 0.9, 0.1])
@pytest.mark.parametrize("tail", [0.025, 0.05])
def test_units_of_a_mean_are_those_of_statsmodels(part: float, tail: float) -> None:
    demand = Demand(Effect(mean(8.0, 20.0**2), Parts(part, 1 - part), higher=True))

    units = float(demand.units(0.5, Once(tail).needed(0.8)))

    # one-sided in statsmodels at the tail, so that neither counts the wrong side
    theirs = NormalIndPower().solve_power(
        effect_size=0.5 / 20, power=0.8, alpha=tail, ratio=(1 - part) / part, alternative="larger"
    )
    assert units * part == pytest.approx(theirs, rel=1e-6)


def test_power_size_and_effect_lead_back_to_each_other() -> None:
    units = np.array([500.0, 5_000.0, 50_000.0])
    drift = Once(0.025).needed(0.9)
    for demand in (
        Demand(Effect(share(0.12), Parts(0.7, 0.1), higher=True)),
        Demand(Effect(share(0.5), EVEN, higher=False)),
        Demand(Effect(mean(-3.0, 4.0), EVEN, higher=True)),
        Demand(Margin(mean(10.0, 900.0), EVEN, higher=True, relative=True)),
        Demand(Margin(mean(10.0, 90.0), EVEN, higher=False, relative=True)),
        Demand(Margin(share(0.02), EVEN, higher=False, relative=False)),
    ):
        size = demand.size(units, drift)
        known = np.isfinite(size)

        assert known[-1]
        assert demand.units(size[known], drift) == pytest.approx(units[known], rel=1e-9)
        assert Once(0.025).power(demand.drift(size[known], units[known])) == pytest.approx(0.9, rel=1e-9)


def test_no_effect_of_a_share_reaches_beyond_all_or_none() -> None:
    demand = Demand(Effect(share(0.99), EVEN, higher=True))

    assert np.isnan(demand.size(100.0, Once(0.025).needed(0.8)))


def test_a_margin_in_the_metrics_unit_needs_what_the_textbook_says() -> None:
    demand = Demand(Margin(mean(100.0, 10.0**2), EVEN, higher=True, relative=False))

    # Julious 2004, Statistics in Medicine 23, 1921-1986, section on non-inferiority:
    # n = 2 (z_0.9 + z_0.975)^2 sd^2 / margin^2 for each variant = 2 x 10.507 x 100 / 2.25
    assert demand.units(1.5, Once(0.025).needed(0.9)) / 2 == pytest.approx(933.99, abs=0.1)


def test_a_margin_that_is_part_of_control_counts_its_share_of_controls_noise() -> None:
    demand = Demand(Margin(mean(10.0, 900.0), Parts(0.5, 0.5), higher=True, relative=True))

    # contrast mu_t - 0.95 mu_c = 0.5 with variance (900 + 0.95^2 x 900) / (N / 2)
    due = (1.959964 + 0.841621) ** 2 * 2 * 900 * (1 + 0.95**2) / 0.5**2
    assert float(demand.units(0.05, Once(0.025).needed(0.8))) == pytest.approx(due, rel=1e-5)


@pytest.mark.parametrize(("higher", "value"), [(True, -10.0), (False, -10.0), (True, 0.0)])
def test_a_relative_margin_of_a_metric_that_is_not_above_zero_is_never_proved(
    value: float, *, higher: bool
) -> None:
    demand = Demand(Margin(mean(value, 4.0), EVEN, higher=higher, relative=True))

    assert np.isinf(demand.units(0.05, 2.8))
    assert np.isnan(demand.size(1e9, 2.8))


def test_a_ratio_varies_as_its_linearised_part() -> None:
    rng = np.random.default_rng(3)
    under = rng.poisson(4.0, 200_000) + 1.0
    over = under * rng.gamma(2.0, 3.0, 200_000)
    moments = np.cov(over, under)

    found = ratio((over.mean(), moments[0, 0]), (under.mean(), moments[1, 1]), moments[0, 1])

    part = (over - found.value * under) / under.mean()
    assert found.variance == pytest.approx(part.var(ddof=1), rel=1e-9)


def test_adjusting_takes_off_what_is_explained_and_clusters_multiply() -> None:
    plain = Demand(Effect(mean(0.0, 1.0), EVEN, higher=True))
    known = Demand(Effect(mean(0.0, 1.0).adjusted(0.36).clustered(1.87), EVEN, higher=True))

    assert float(known.units(0.1, 2.8)) == pytest.approx(0.64 * 1.87 * float(plain.units(0.1, 2.8)))


@given(
    value=st.floats(0.01, 0.9),
    size=st.floats(0.001, 0.09),
    part=st.floats(0.05, 0.95),
    scale=st.floats(0.01, 1000),
)
def test_neither_scale_nor_direction_of_a_mean_changes_its_units(
    value: float, size: float, part: float, scale: float
) -> None:
    parts = Parts(part, 1 - part)
    one = Demand(Effect(mean(value, 2.0), parts, higher=True)).units(size, 2.8)
    other = Demand(Effect(mean(-value * scale, 2.0 * scale**2), parts, higher=False)).units(size * scale, 2.8)

    assert float(other) == pytest.approx(float(one), rel=1e-9)


@given(value=st.floats(0.05, 0.95), size=st.floats(0.001, 0.04))
def test_a_share_and_its_complement_need_the_same(value: float, size: float) -> None:
    up = Demand(Effect(share(value), EVEN, higher=True)).units(size, 2.8)
    down = Demand(Effect(share(1 - value), EVEN, higher=False)).units(size, 2.8)

    assert float(down) == pytest.approx(float(up), rel=1e-9)


@pytest.mark.requirement("R06")
def test_planned_power_is_what_simulated_experiments_have() -> None:
    rng = np.random.default_rng(20261122)
    runs = 4_000
    demand = Demand(Effect(share(0.12), Parts(0.6, 0.2), higher=True))
    units = float(demand.units(0.02, Once(0.025).needed(0.8)))
    n_c, n_t = round(0.6 * units), round(0.2 * units)

    control = rng.binomial(n_c, 0.12, runs) / n_c
    treatment = rng.binomial(n_t, 0.14, runs) / n_t
    spread = control * (1 - control) / (n_c - 1) + treatment * (1 - treatment) / (n_t - 1)
    found = int(np.sum((treatment - control) / np.sqrt(spread) > stats.norm.isf(0.025)))

    low, high = stats.binom.interval(0.9999, runs, 0.8)
    assert low <= found <= high


def test_a_proved_margin_has_its_power_in_simulated_experiments() -> None:
    rng = np.random.default_rng(20261123)
    runs = 4_000
    demand = Demand(Margin(mean(10.0, 30.0), EVEN, higher=True, relative=True))
    n = round(float(demand.units(0.1, Once(0.025).needed(0.9))) / 2)

    control, treatment = rng.normal(10.0, np.sqrt(30.0), (2, runs, n))
    beyond = treatment.mean(axis=1) - 0.9 * control.mean(axis=1)
    spread = (treatment.var(axis=1, ddof=1) + 0.81 * control.var(axis=1, ddof=1)) / n
    found = int(np.sum(beyond / np.sqrt(spread) > stats.norm.isf(0.025)))

    low, high = stats.binom.interval(0.9999, runs, 0.9)
    assert low <= found <= high


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.2])
def test_a_share_that_cannot_vary_is_no_baseline(value: float) -> None:
    with pytest.raises(SpecError, match="above 0% and below 100%"):
        share(value)


def test_baselines_that_no_metric_has_are_refused() -> None:
    with pytest.raises(SpecError, match="variance 0"):
        mean(1.0, 0.0)
    with pytest.raises(SpecError, match="denominator of a ratio is 0"):
        ratio((1.0, 1.0), (0.0, 1.0), 0.0)
    with pytest.raises(SpecError, match="covariance 9"):
        ratio((1.0, 1.0), (2.0, 1.0), 9.0)
    with pytest.raises(SpecError, match="whose ratio varies"):
        ratio((2.0, 4.0), (1.0, 1.0), 2.0)
    with pytest.raises(SpecError, match="explain 1 of the variance"):
        mean(1.0, 1.0).adjusted(1.0)
    with pytest.raises(SpecError, match=r"clusters of 0\.5 units"):
        design_effect(0.5, 0.1)
