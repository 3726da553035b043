from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from splitrun.moments import FloatArray, Moments

VALUES = arrays(
    np.float64,
    st.tuples(st.integers(0, 30), st.just(2)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


def assert_same(ours: Moments, theirs: Moments, values: FloatArray) -> None:
    """To 1e-12 of the sums of absolute values, which is what addition in any order can promise."""
    size = float(np.sum(np.abs(values))) + 1e-300
    np.testing.assert_array_equal(ours.n, theirs.n)
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(ours.m2, theirs.m2, rtol=0, atol=1e-12 * (float(np.sum(values**2)) + 1e-300))


@given(VALUES, st.integers(1, 5), st.randoms(use_true_random=False))
def test_moments_add_in_any_order_and_grouping(values: FloatArray, parts: int, dice: Random) -> None:
    cut = np.array_split(values, parts)
    dice.shuffle(cut)
    cells = [Moments.of(part) for part in cut]

    one_by_one = cells[0]
    for cell in cells[1:]:
        one_by_one = one_by_one + cell
    at_once = Moments.stacked(cells).gathered(np.zeros(parts, dtype=np.int64), 1)

    assert_same(one_by_one, Moments.of(values), values)
    assert_same(at_once, Moments.of(values), values)


@given(VALUES)
def test_moments_of_values_are_those_of_numpy(values: FloatArray) -> None:
    ours = Moments.of(values)

    theirs = values.mean(axis=0) if len(values) else np.zeros(2)
    spread = np.cov(values.T, ddof=0) * len(values) if len(values) > 1 else np.zeros((2, 2))
    assert_same(ours, Moments(np.array([len(values)]), theirs[None, :], spread[None, :, :]), values)


def test_cells_are_gathered_where_they_are_sent() -> None:
    cells = Moments.stacked([Moments.of(np.array([[value], [value + 2]])) for value in (0.0, 10.0, 4.0)])

    found = cells.gathered(np.array([0, 2, 0]), 4)

    # by hand: 0, 2, 4, 6 have mean 3 and squares 9 + 1 + 1 + 9
    assert found.n.tolist() == [4, 0, 2, 0]
    assert found.mean[:, 0].tolist() == [3, 0, 11, 0]
    assert found.m2[:, 0, 0].tolist() == [20, 0, 2, 0]


def test_cells_that_lie_in_runs_are_gathered_like_scattered_ones() -> None:
    dice = np.random.default_rng(5)
    values = [dice.normal(3.0, 2.0, size=(size, 2)) for size in dice.integers(0, 9, size=60)]
    # two of the eight groups get no cell
    group = np.sort(dice.choice([0, 1, 3, 4, 6, 7], size=60))
    scattered = dice.permutation(60)

    cells = Moments.stacked([Moments.of(each) for each in values])
    in_runs = cells.gathered(group, 8)
    mixed = cells.at(scattered).gathered(group[scattered], 8)

    for place in range(8):
        mine = np.concatenate([np.empty((0, 2)), *(values[cell] for cell in np.flatnonzero(group == place))])
        for found in (in_runs, mixed):
            assert_same(found.at(np.array([place])), Moments.of(mine), mine)


def test_cells_are_picked_by_index() -> None:
    cells = Moments.stacked([Moments.of(np.array([[value]])) for value in (1.0, 2.0, 3.0)])

    assert cells.at(np.array([2, 0])).mean[:, 0].tolist() == [3.0, 1.0]


def test_an_empty_cell_does_not_pull_the_mean_to_its_zero() -> None:
    empty, full = Moments.of(np.empty((0, 1))), Moments.of(np.array([[1e15], [1e15 + 2]]))

    found = empty + full

    assert found.mean.tolist() == [[1e15 + 1]]
    assert found.m2.tolist() == [[[2.0]]]


def test_a_large_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(20261122)
    small = rng.integers(0, 50, size=3_000).astype(np.float64)[:, None]

    near, far = (Moments.of(small + offset) for offset in (0.0, 1e12))
    merged = Moments.stacked([Moments.of(part + 1e12) for part in np.array_split(small, 37)])
    gathered = merged.gathered(np.zeros(37, dtype=np.int64), 1)

    # whole numbers up to 2^53 are exact, so the spread must not know of the offset; a mean near 1e12 is kept
    # to 1e-4, which the merged spread feels. Raw sums of squares would be off by 1e11
    assert far.m2[0, 0, 0] == pytest.approx(near.m2[0, 0, 0], rel=1e-9)
    assert gathered.m2[0, 0, 0] == pytest.approx(near.m2[0, 0, 0], rel=1e-6)
    assert gathered.mean[0, 0] - 1e12 == pytest.approx(near.mean[0, 0], abs=2e-4)


def test_cells_of_one_constant_stay_constant() -> None:
    cells = Moments.stacked([Moments.of(np.full((3, 1), 0.1))] * 1_000)

    found = cells.gathered(np.zeros(1_000, dtype=np.int64), 1)

    # averaged plainly, 3,000 times 0.1 is not 300
    assert found.mean.tolist() == [[0.1]]
    assert found.m2.tolist() == [[[0.0]]]


def test_a_mean_is_not_off_by_the_rounding_of_its_sum() -> None:
    found = Moments.of(np.full((10_001, 1), 1e15 / 3))

    assert found.mean.tolist() == [[1e15 / 3]]


def test_raw_sums_give_the_same_moments() -> None:
    values = np.array([[1.0, 2.0], [3.0, 5.0], [7.0, 1.0]])

    ours = Moments.from_sums(np.array([3.0]), values.sum(axis=0)[None, :], (values.T @ values)[None, :, :])

    assert_same(ours, Moments.of(values), values)


def test_a_spread_that_rounds_below_zero_is_none() -> None:
    ours = Moments.from_sums(np.array([3.0]), np.array([[3.0]]), np.array([[[3.0 - 1e-15]]]))

    assert ours.m2.tolist() == [[[0.0]]]


@pytest.mark.parametrize("value", [0.1, 0.3, 7.77, 19.99])
@pytest.mark.parametrize("times", [10, 1_000, 100_000])
def test_a_constant_summed_many_times_has_no_spread(value: float, times: int) -> None:
    # cumsum adds one after the other, as a plain running sum does
    total, squares = np.cumsum(np.full((2, times), [[value], [value * value]]), axis=1)[:, -1]

    ours = Moments.from_sums(np.array([float(times)]), np.array([[total]]), np.array([[[squares]]]))

    assert ours.m2.tolist() == [[[0.0]]]


def test_no_units_give_no_sums() -> None:
    ours = Moments.from_sums(np.array([0.0]), np.array([[0.0]]), np.array([[[0.0]]]))

    assert ours.mean.tolist() == [[0.0]]
    assert ours.m2.tolist() == [[[0.0]]]


def test_numbers_that_overflow_become_infinite_without_a_warning() -> None:
    huge = Moments.of(np.array([[1e200], [-1e200]]))

    assert not np.isfinite((huge + huge).m2).any()
