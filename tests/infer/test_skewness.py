from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from splitrun.infer.means import skewness
from splitrun.infer.ratios import ratio_skewness
from splitrun.moments import FloatArray, Moments

VALUES = arrays(np.float64, st.tuples(st.integers(3, 30), st.just(2)), elements=st.floats(-1e3, 1e3))


@given(st.integers(0, 10_000), st.floats(-1e4, 1e4))
def test_agrees_with_scipy_wherever_the_values_lie(seed: int, origin: float) -> None:
    values = origin + np.random.default_rng(seed).gamma(1.0, 2.0, size=(50, 1))

    assert skewness(Moments.of(values))[0] == pytest.approx(float(stats.skew(values[:, 0])), rel=1e-6)


@given(VALUES, st.integers(1, 4))
def test_third_moments_add(values: FloatArray, parts: int) -> None:
    cells = Moments.stacked([Moments.of(part) for part in np.array_split(values, parts)])

    added = cells.gathered(np.zeros(parts, dtype=np.int64), 1)

    whole = Moments.of(values)
    assert added.m3 is not None
    assert whole.m3 is not None
    size = float(np.sum(np.abs(values[:, 0]) ** 3))
    assert added.m3[0] == pytest.approx(whole.m3[0], rel=1e-9, abs=1e-12 * size + 1e-300)


def test_third_moments_follow_their_cells() -> None:
    rng = np.random.default_rng(1)
    cells = [Moments.of(rng.gamma(shape, 1.0, size=(40, 1))) for shape in (1.0, 2.0, 9.0)]

    picked = Moments.stacked(cells).at(np.array([2, 0]))

    assert skewness(picked) == pytest.approx([skewness(cells[2])[0], skewness(cells[0])[0]])
    assert (cells[0] + cells[1]).m3 is not None


def test_third_moments_of_raw_sums_are_those_of_values() -> None:
    values = np.random.default_rng(2).gamma(1.0, 2.0, size=(60, 1))
    n, total, squares, cubes = (np.array([float(np.sum(values**power))]) for power in range(4))

    found = Moments.from_sums(n, total[:, None], squares[:, None, None], cubes)

    assert skewness(found)[0] == pytest.approx(float(stats.skew(values[:, 0])), rel=1e-9)


def test_an_effect_is_no_skewness() -> None:
    even = np.array([[-1.0], [0.0], [1.0]])

    found = skewness(Moments.of(np.repeat(even, 30, axis=0)), Moments.of(even + 10))

    assert found[0] == pytest.approx(0.0, abs=1e-12)


def test_what_nobody_asked_for_is_not_known() -> None:
    full = Moments.of(np.array([[1.0], [2.0], [7.0]]))
    bare = Moments(full.n, full.mean, full.m2)

    assert np.isnan(skewness(bare)[0])
    assert np.isnan(skewness(full, bare)[0])
    assert Moments.stacked([full, bare]).m3 is None
    assert (full + bare).m3 is None
    assert bare.at(np.array([0])).m3 is None


def test_nothing_that_varies_has_no_skewness_and_too_much_has_none_that_is_known() -> None:
    assert skewness(Moments.of(np.full((5, 1), 0.1)))[0] == 0.0
    assert np.isnan(skewness(Moments.of(np.array([[1e200], [1.0], [2.0]])))[0])
    assert np.isnan(skewness(Moments.of(np.zeros((0, 1))))[0])


PAIRS = arrays(np.float64, st.tuples(st.integers(3, 30), st.just(2)), elements=st.floats(-1e3, 1e3))


@given(PAIRS, st.integers(1, 4))
def test_mixed_third_moments_add(values: FloatArray, parts: int) -> None:
    cells = Moments.stacked([Moments.of(part) for part in np.array_split(values, parts)])

    added = cells.gathered(np.zeros(parts, dtype=np.int64), 1)

    # by definition, on all values at once
    x, y = (values - values.mean(axis=0)).T
    due = [np.sum(x * x * y), np.sum(x * y * y), np.sum(y**3)]
    size = float(np.sum(np.abs(values).max(axis=1) ** 3))
    assert added.mixed is not None
    assert added.mixed[0] == pytest.approx(due, rel=1e-9, abs=1e-11 * size + 1e-300)


@given(st.integers(0, 10_000), st.floats(0.5, 50))
def test_a_ratio_s_skewness_is_that_of_its_residuals(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    under = 1.0 + rng.poisson(2.0, 80)
    values = np.stack([scale * under * rng.lognormal(0, 0.7, 80), under], axis=1)
    residuals = values[:, 0] - values[:, 0].sum() / under.sum() * under

    ours = ratio_skewness(Moments.of(values))[0]

    assert ours == pytest.approx(float(stats.skew(residuals)), rel=1e-6)


def test_a_ratio_s_skewness_is_pooled_over_variants_with_ratios_of_their_own() -> None:
    rng = np.random.default_rng(2)
    under = [1.0 + rng.poisson(3.0, units) for units in (300, 200)]
    values = [
        np.stack([price * k + rng.gamma(1, 2, len(k)), k], axis=1)
        for price, k in zip((1, 5), under, strict=True)
    ]
    parts = [
        (each[:, 0] - each[:, 0].sum() / each[:, 1].sum() * each[:, 1]) / each[:, 1].mean() for each in values
    ]

    ours = ratio_skewness(*(Moments.of(each) for each in values))[0]

    cubes, squares = (sum(np.sum(part**power) for part in parts) / 500 for power in (3, 2))
    assert ours == pytest.approx(cubes / squares**1.5, rel=1e-9)


def test_a_ratio_without_spread_is_not_skewed_and_one_nobody_measured_is_not_known() -> None:
    steady = Moments.of(np.array([[2.0, 1.0], [4.0, 2.0], [6.0, 3.0]]))
    full = Moments.of(np.array([[2.0, 1.0], [5.0, 2.0], [6.0, 3.0]]))
    bare = Moments(full.n, full.mean, full.m2, full.m3)
    nobody = Moments.of(np.zeros((0, 2)))

    assert ratio_skewness(steady)[0] == 0
    assert np.isnan(ratio_skewness(bare)[0])
    assert np.isnan(ratio_skewness(full, bare)[0])
    assert np.isnan(ratio_skewness(nobody)[0])
    assert Moments.stacked([full, bare]).mixed is None
