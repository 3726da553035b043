"""Whatever the values: no exception, and no NaN where a number is claimed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from splitrun.infer.adjustment import adjusted, stratified
from splitrun.infer.clusters import alike, crossed, nested
from splitrun.infer.contrast import beyond, difference, lift
from splitrun.infer.estimate import Estimates, Points
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.moments import FloatArray, Moments

EXTREME = st.sampled_from([0.0, 1.0, 1.0, 2.0, -1.0, 0.1, 1e-300, 1e-160, 1e154, 1e200, -1e308, 3e5])


def tables(columns: int) -> st.SearchStrategy[FloatArray]:
    units = st.sampled_from([0, 1, 2, 9, 30])
    return units.flatmap(lambda n: arrays(np.float64, (n, columns), elements=EXTREME))


def assert_numbers(found: Estimates) -> None:
    held = found.why == 0
    for each in (found.effect, found.stderr, found.p):
        assert np.all(np.isfinite(each[held]))
    assert not np.any(np.isnan(found.low[held]))
    assert not np.any(np.isnan(found.high[held]))
    assert np.all((found.p[held] >= 0) & (found.p[held] <= 1))
    assert np.all(found.low[held] <= found.high[held])


def assert_all(control: Points, treatment: Points) -> None:
    assert_numbers(difference(control, treatment, level=0.95))
    assert_numbers(lift(control, treatment, level=0.95))
    assert_numbers(beyond(control, treatment, factor=0.9, shift=1.0, level=0.95))


@pytest.mark.requirement("R26")
@settings(max_examples=150)
@given(tables(3), tables(3))
def test_adjusting_any_mean_raises_nothing(control: FloatArray, treatment: FloatArray) -> None:
    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    assert_all(found.control, found.treatment)


@settings(max_examples=150)
@given(tables(4), tables(4))
def test_adjusting_any_ratio_raises_nothing(control: FloatArray, treatment: FloatArray) -> None:
    found = adjusted(Moments.of(control), Moments.of(treatment), covariates=2)

    assert_all(found.control, found.treatment)


@settings(max_examples=50)
@given(st.lists(st.tuples(tables(1), tables(1)), min_size=1, max_size=4))
def test_any_strata_raise_nothing(strata: list[tuple[FloatArray, FloatArray]]) -> None:
    control, treatment = ([Moments.of(each[side]) for each in strata] for side in range(2))

    found = adjusted(*stratified(control, treatment, smallest=2), covariates=len(strata))

    assert_all(found.control, found.treatment)


UNITS = arrays(np.float64, (1, 5, 2), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0, 1e9]))


@settings(max_examples=150)
@given(UNITS, arrays(np.float64, (1, 5, 2), elements=EXTREME))
def test_any_clusters_raise_nothing(units: FloatArray, values: FloatArray) -> None:
    totals = units * np.clip(values, -1e298, 1e298)

    assert_all(*crossed(units, totals))

    with np.errstate(all="ignore"):
        between = np.where(units > 0, totals * (totals / units), 0.0)
    columns = np.stack([totals, units, totals * 1.0, between], axis=3)[0]
    levels = [nested(Moments.of(columns[units[0, :, side] > 0, side, :2])) for side in range(2)]
    assert_all(levels[0], levels[1])
    assert alike(Moments.of(columns[:, 0])).size.shape == (1,)


@settings(max_examples=100)
@given(tables(2), st.floats(0.001, 0.999), arrays(np.float64, 3, elements=EXTREME))
def test_any_quantile_raises_nothing(counts: FloatArray, at: float, read: FloatArray) -> None:
    shares = probabilities(Moments.of(counts), at)
    held = shares.why == 0

    assert np.all((shares.low[held] > 0) & (shares.high[held] < 1))
    points = quantile_points(read[:1], read[1:2], read[2:], shares)
    assert_all(points, points)
