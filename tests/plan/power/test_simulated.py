"""Forecasts against simulated experiments: units are drawn one by one and read as the analysis reads them.

Each test draws `RUNS` experiments of the size that the forecast asks for, and counts those that show what is
asked. The band holds 9,999 of 10,000 honest forecasts; seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from splitrun.plan.power.forecast import Forecast
from tests.plan.power.plans import answered

Floats = npt.NDArray[np.float64]

RUNS = 4_000


def holds(found: int, power: float) -> bool:
    low, high = stats.binom.interval(0.9999, RUNS, power)
    return bool(low <= found <= high)


def sizes(found: Forecast) -> tuple[int, int]:
    """Units of control and of the smallest treatment."""
    units = [split.units for split in found.by_variant]
    return units[0], min(units[1:])


def z_of(control: Floats, treatment: Floats, factor: float = 1.0) -> Floats:
    """Treatment against control times a factor, in standard errors; shape (runs, units) each."""
    away = treatment.mean(axis=1) - factor * control.mean(axis=1)
    own, other = (each.var(axis=1, ddof=1) / each.shape[1] for each in (treatment, control))
    return np.asarray(away / np.sqrt(own + factor**2 * other))


@pytest.mark.requirement("R06")
def test_a_mean_with_unequal_weights_several_treatments_and_primaries() -> None:
    rng = np.random.default_rng(1)
    found = answered(baseline={"mean": 8, "sd": 4}, mei=1.2, weights=[2, 1, 3], primaries=2)
    n_c, n_t = sizes(found)

    # waiting times: skewed, so that the normal approximation is put to the test as well
    control = rng.gamma(4.0, 2.0, (RUNS, n_c))
    treatment = rng.gamma(4.0, 2.0, (RUNS, n_t)) + 1.2
    shown = np.sum(z_of(control, treatment) > stats.norm.isf(0.05 / 4 / 2))

    assert found.needs[0].alpha == pytest.approx(0.05 / 4)
    assert holds(int(shown), 0.8)


def test_a_ratio() -> None:
    rng = np.random.default_rng(2)
    # orders are 1 + Poisson(2), each unit's worth 4 on average; the baseline is drawn once, from many
    under = 1.0 + rng.poisson(2.0, 1_000_000)
    over = under * rng.gamma(4.0, 1.0, under.size)
    baseline = {
        "over": {"mean": float(over.mean()), "variance": float(over.var())},
        "under": {"mean": float(under.mean()), "variance": float(under.var())},
        "correlation": float(np.corrcoef(over, under)[0, 1]),
    }
    found = answered(baseline=baseline, mei="8%")
    n = sizes(found)[0]

    def drawn(worth: float) -> tuple[Floats, Floats]:
        orders = 1.0 + rng.poisson(2.0, (RUNS, n))
        return np.asarray(orders * rng.gamma(4.0, worth, (RUNS, n))), np.asarray(orders)

    ratios, spreads = [], []
    for worth in (1.0, 1.08):
        over_n, under_n = drawn(worth)
        ratio = over_n.mean(axis=1) / under_n.mean(axis=1)
        part = (over_n - ratio[:, None] * under_n) / under_n.mean(axis=1)[:, None]
        ratios.append(ratio)
        spreads.append(part.var(axis=1, ddof=1) / n)
    z = (ratios[1] - ratios[0]) / np.sqrt(spreads[0] + spreads[1])

    # the treatment's variance is planned with that of control, and is 1.08² of it
    variance = (1 + 1.08**2) / 2
    drift = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) / np.sqrt(variance)
    assert holds(int(np.sum(z > stats.norm.isf(0.025))), stats.norm.cdf(drift - stats.norm.isf(0.025)))


def test_an_adjusted_mean() -> None:
    rng = np.random.default_rng(3)
    found = answered(baseline={"mean": 5, "sd": 2, "r2": 0.64}, mei=0.4)
    n = sizes(found)[0]

    def drawn(effect: float) -> tuple[Floats, Floats]:
        before = rng.normal(size=(RUNS, n))
        return 5.0 + effect + 1.6 * before + 1.2 * rng.normal(size=(RUNS, n)), before

    # Lin (2013): a slope within each variant, taken at the mean of the covariate over all units
    (y_c, x_c), (y_t, x_t) = drawn(0.0), drawn(0.4)
    middle = (x_c.mean(axis=1) + x_t.mean(axis=1)) / 2
    levels, rests = [], []
    for y, x in ((y_c, x_c), (y_t, x_t)):
        off = x - x.mean(axis=1, keepdims=True)
        slope = (off * y).sum(axis=1) / (off**2).sum(axis=1)
        levels.append(y.mean(axis=1) - slope * (x.mean(axis=1) - middle))
        rest = y - y.mean(axis=1, keepdims=True) - slope[:, None] * off
        rests.append((rest**2).sum(axis=1) / (n - 2) / n)
    z = (levels[1] - levels[0]) / np.sqrt(rests[0] + rests[1])

    plain = answered(baseline={"mean": 5, "sd": 2}, mei=0.4).units
    assert plain is not None
    assert found.units == pytest.approx(0.36 * plain, abs=2)
    assert holds(int(np.sum(z > stats.norm.isf(0.025))), 0.8)


def test_clusters() -> None:
    rng = np.random.default_rng(4)
    found = answered(baseline={"mean": 0, "sd": 2, "clusters": {"size": 10, "icc": 0.1}}, mei=0.25)
    clusters = -(-sizes(found)[0] // 10)

    def totals(effect: float) -> Floats:
        between = rng.normal(0.0, np.sqrt(0.4), (RUNS, clusters, 1))
        within = rng.normal(0.0, np.sqrt(3.6), (RUNS, clusters, 10))
        return np.asarray((effect + between + within).mean(axis=2))

    z = z_of(totals(0.0), totals(0.25))

    assert holds(int(np.sum(z > stats.norm.isf(0.025))), 0.8)


@pytest.mark.requirement("R06")
def test_a_gain_and_two_proved_guardrails_are_shown_together_as_often_as_the_plan_asks() -> None:
    rng = np.random.default_rng(5)
    gain = answered(baseline={"mean": 10, "sd": 5}, mei=1, guardrails=2)
    guard = answered(baseline={"mean": 10, "sd": 5}, mei=None, margin="10%", guardrails=1)
    n = max(sizes(gain)[0], sizes(guard)[0])

    shown = np.ones(RUNS, dtype=bool)
    for effect, factor in ((1.0, 1.0), (0.0, 0.9), (0.0, 0.9)):
        control = rng.normal(10.0, 5.0, (RUNS, n))
        treatment = rng.normal(10.0 + effect, 5.0, (RUNS, n))
        shown &= z_of(control, treatment, factor) > stats.norm.isf(0.025)

    # independent metrics: at least the plan's power, since each misses with a third of what it may miss
    assert gain.each == guard.each == pytest.approx(1 - 0.2 / 3)
    assert shown.mean() >= 0.8
    alone = answered(baseline={"mean": 10, "sd": 5}, mei=1)
    assert alone.units is not None
    assert gain.units is not None
    assert gain.units > alone.units
