"""How alike units of one cluster are, against the analysis of variance of scipy and simulated clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.power.alike import Likeness, likeness


def summed(groups: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> Likeness | None:
    return likeness(
        np.array([float(len(each)) for each in groups]),
        np.array([each.sum() for each in groups]),
        np.array([(each**2).sum() for each in groups]),
    )


def test_agrees_with_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    groups = [rng.normal(rng.normal(), 2.0, size) for size in (3, 8, 15, 4, 30, 11)]

    found = summed(groups)

    sizes = np.array([len(each) for each in groups])
    f = stats.f_oneway(*groups).statistic
    usual = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert found is not None
    assert found.icc == pytest.approx((f - 1) / (f + usual - 1), rel=1e-10)
    assert found.size == pytest.approx(sizes.mean())
    assert (found.spread**2 + 1) * found.size == pytest.approx((sizes**2).sum() / sizes.sum())


def test_finds_the_correlation_that_clusters_were_made_with() -> None:
    rng = np.random.default_rng(2)
    # a tenth of the variance lies between clusters
    groups = [rng.normal(rng.normal(0.0, 1.0), 3.0, 20) for _ in range(4_000)]

    found = summed(groups)

    assert found is not None
    assert found.icc == pytest.approx(0.1, abs=0.01)


def test_units_that_are_less_alike_than_by_chance_are_not_alike() -> None:
    found = summed([np.array([0.0, 2.0]), np.array([2.0, 0.0]), np.array([0.0, 2.0])])

    assert found is not None
    assert found.icc == 0.0


@pytest.mark.parametrize(
    "groups", [[[1.0, 2.0]], [[1.0], [2.0], [3.0]], [[2.0, 2.0], [2.0, 2.0]]], ids=["one", "alone", "same"]
)
def test_nothing_is_said_of_clusters_that_say_nothing(groups: list[list[float]]) -> None:
    assert summed([np.array(each) for each in groups]) is None
