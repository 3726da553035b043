"""Always-valid intervals on worlds without an effect: how often any of 500 looks misses (T5)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import AlwaysValid, asymmetry, hybrid, not_yet
from splitrun.moments import FloatArray

PATHS, LOOKS, PER_LOOK = 2_000, 500, 40
FIRST = 500
LIMIT = 0.0665
"""T5 of the design: binomial upper limit for 5 % on 2,000 paths."""


def conversions(seed: int, rate: float, shares: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """z of a difference in shares at each look, shape (paths, looks), and total units, shape (looks,)."""
    rng = np.random.default_rng(seed)
    n = np.array([np.round(2 * PER_LOOK * share) for share in shares])[:, None] * np.arange(1, LOOKS + 1)
    per_look = n[:, 0].astype(np.int64)
    counts = np.stack([rng.binomial(size, rate, size=(PATHS, LOOKS)) for size in per_look]).cumsum(axis=2)
    means = counts / n[:, None, :]
    variance = (means * (1 - means) / (n[:, None, :] - 1)).sum(axis=0)
    ready = (n.min(axis=0) >= FIRST) & (counts.min(axis=0) >= 30)
    z = np.where(ready, (means[1] - means[0]) / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
    return z, n.sum(axis=0)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize(("rate", "shares"), [(0.3, (0.5, 0.5)), (0.05, (0.5, 0.5)), (0.3, (0.9, 0.1))])
def test_any_of_five_hundred_looks_misses_no_more_often_than_promised(
    rate: float, shares: tuple[float, float]
) -> None:
    z, n = conversions(21, rate, shares)

    ours = AlwaysValid.tuned(0.05, float(n[-1])).multiplier(n)

    assert np.mean(np.any(np.abs(z) > ours, axis=1)) <= LIMIT
    assert np.mean(np.any(np.abs(z) > stats.norm.isf(0.025), axis=1)) > 0.2


def test_harm_is_alarmed_falsely_no_more_often_than_promised_and_found_when_it_is_there() -> None:
    z, n = conversions(22, 0.3, (0.5, 0.5))
    ours = AlwaysValid.tuned(0.01, float(n[-1]), Side.UPPER)

    false = int(np.any(ours.p(z, n) < 0.01, axis=1).sum())

    assert false <= stats.binom.ppf(0.9999, PATHS, 0.01)
    # a drop of five standard errors of the planned end
    assert np.mean(np.any(ours.p(z - 5 * np.sqrt(n / n[-1]), n) < 0.01, axis=1)) > 0.8


def test_a_hybrid_plan_errs_no_more_often_than_its_alpha() -> None:
    z, n = conversions(23, 0.3, (0.5, 0.5))
    parts = hybrid(0.05)

    running = np.any(np.abs(z) > AlwaysValid.tuned(parts.running, float(n[-1])).multiplier(n), axis=1)
    end = np.abs(z[:, -1]) > stats.norm.isf(parts.end / 2)

    low, high = stats.binom.interval(0.9999, PATHS, parts.end)
    assert low <= int(end.sum()) <= high
    assert np.mean(running | end) <= LIMIT


@pytest.mark.parametrize("kind", ["normal", "exponential"])
def test_any_of_five_hundred_looks_misses_no_more_often_than_promised_on_measured_values(kind: str) -> None:
    rng = np.random.default_rng(24)
    missed = 0
    for _ in range(20):
        paths = PATHS // 20
        size = (2, paths, LOOKS, PER_LOOK)
        values = rng.normal(size=size) if kind == "normal" else rng.exponential(size=size)
        n = PER_LOOK * np.arange(1, LOOKS + 1)
        sums, squares = values.sum(axis=3).cumsum(axis=2), (values**2).sum(axis=3).cumsum(axis=2)
        variance = (squares / n - (sums / n) ** 2) / (n - 1)
        z = (sums[1] - sums[0]) / n / np.sqrt(variance.sum(axis=0))
        reach = AlwaysValid.tuned(0.05, 2.0 * n[-1]).multiplier(2 * n)
        missed += int(np.any((np.abs(z) > reach)[:, n >= FIRST], axis=1).sum())

    assert missed / PATHS <= LIMIT


def spend(
    seed: int, sigma: float, *, paths: int, sizes: tuple[int, int], looks: int
) -> tuple[FloatArray, ...]:
    """5 % buyers of capped lognormal spend: units, buyers, power sums; shape (2, [3,] paths, looks)."""
    rng = np.random.default_rng(seed)
    cap = float(np.exp(sigma * stats.norm.isf(0.001)))
    buyers = np.stack([rng.binomial(size, 0.05, size=(paths, looks)) for size in sizes])
    values = np.minimum(rng.lognormal(0, sigma, int(buyers.sum())), cap)
    ends = np.cumsum(buyers.ravel())
    sums = []
    for power in (1, 2, 3):
        total = np.concatenate([[0.0], np.cumsum(values**power)])
        sums.append(np.diff(total[np.concatenate([[0], ends])]).reshape(buyers.shape).cumsum(axis=2))
    units = np.array(sizes)[:, None, None] * np.arange(1.0, looks + 1)
    return (
        np.broadcast_to(units, buyers.shape),
        buyers.cumsum(axis=2).astype(np.float64),
        np.stack(sums, axis=1),
    )


@pytest.mark.parametrize(("sigma", "opens"), [(1.5, False), (1.0, True)])
def test_the_gate_keeps_skewed_spend_under_uneven_weights_from_a_false_worse(
    *, sigma: float, opens: bool
) -> None:
    paths = 1_000
    units, buyers, sums = spend(1, sigma, paths=paths, sizes=(900, 100), looks=250)
    means, seconds = sums[:, 0] / units, sums[:, 1] / units
    z = (means[1] - means[0]) / np.sqrt(((seconds - means**2) / units).sum(axis=0))
    n = units.sum(axis=0)
    m1, m2, m3 = (sums[:, power].sum(axis=0) / n for power in range(3))
    skew = (m3 - 3 * m1 * m2 + 2 * m1**3) / (m2 - m1**2) ** 1.5

    ready = not_yet((units[0], units[1]), (buyers[0], buyers[1]), asymmetry(skew, units[0], units[1])) == 0
    low = z < -AlwaysValid.tuned(0.05, float(n[0, -1])).multiplier(n)
    floors = (units[1] >= FIRST) & (buyers.min(axis=0) >= 30)

    limit = stats.binom.ppf(0.9999, paths, 0.025)
    assert bool(ready[:, -1].mean() > 0.9) is opens
    assert int(np.any(low & ready, axis=1).sum()) <= limit
    if not opens:
        assert int(np.any(low & floors, axis=1).sum()) > limit
