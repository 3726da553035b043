from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]  # ships no types

from splitrun.infer.estimate import Side
from splitrun.infer.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    discovery_level,
    dunnett_critical,
    dunnett_p,
    holm,
    shares,
)
from splitrun.moments import FloatArray

P = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1))


@settings(max_examples=25)  # theirs takes 50 ms a call
@given(P)
def test_holm_agrees_with_statsmodels(p: FloatArray) -> None:
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


@given(P)
def test_bonferroni_agrees_with_statsmodels(p: FloatArray) -> None:
    np.testing.assert_allclose(bonferroni(p), multipletests(p, method="bonferroni")[1], rtol=1e-12)


@given(P)
def test_an_adjusted_p_is_never_below_its_own_nor_above_bonferronis(p: FloatArray) -> None:
    assert (holm(p) >= p).all()
    assert (holm(p) <= bonferroni(p)).all()


def test_no_comparisons_have_no_p() -> None:
    assert holm(np.empty(0)).tolist() == []
    assert bonferroni(np.empty(0)).tolist() == []


@pytest.mark.requirement("R11")
def test_alpha_is_dealt_by_weight_and_over_treatments() -> None:
    # 0.05 over weights 2 + 1 + 1 and two treatments
    assert shares(0.05, (2, 1, 1), 2) == pytest.approx((0.0125, 0.00625, 0.00625))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 6))
def test_what_is_dealt_adds_up_to_alpha(weights: list[int], treatments: int) -> None:
    assert treatments * sum(shares(0.05, tuple(weights), treatments)) == pytest.approx(0.05)


@settings(max_examples=25)
@given(P)
def test_benjamini_hochberg_agrees_with_statsmodels(p: FloatArray) -> None:
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], rel=1e-12)


@settings(max_examples=25)
@given(P)
def test_benjamini_yekutieli_agrees_with_statsmodels(p: FloatArray) -> None:
    assert benjamini_yekutieli(p) == pytest.approx(multipletests(p, method="fdr_by")[1], rel=1e-12)


def test_nothing_compared_is_nothing_adjusted() -> None:
    assert benjamini_hochberg(np.array([])).shape == (0,)
    assert benjamini_yekutieli(np.array([])).shape == (0,)


@pytest.mark.requirement("R38")
def test_intervals_of_discoveries_are_wider_than_alone_and_narrower_than_bonferroni() -> None:
    # Benjamini, Yekutieli 2005: 1 - R q / m; all selected is no selection, one selected is Bonferroni
    assert discovery_level(0.05, 4, 10) == pytest.approx(0.98)
    assert discovery_level(0.05, 10, 10) == pytest.approx(0.95)
    assert discovery_level(0.05, 1, 10) == discovery_level(0.05, 0, 10) == pytest.approx(0.995)


@pytest.mark.requirement("R38")
def test_intervals_of_discoveries_miss_no_more_often_than_they_claim() -> None:
    rng = np.random.default_rng(1)
    truth = np.where(rng.random((2_000, 20)) < 0.7, 0.0, 3.0)
    seen = truth + rng.normal(size=truth.shape)
    missed, careless = np.zeros(2_000), np.zeros(2_000)
    for run, (effects, means) in enumerate(zip(truth, seen, strict=True)):
        chosen = benjamini_hochberg(2 * stats.norm.sf(np.abs(means))) <= 0.1
        away = np.abs(means - effects)[chosen]
        if len(away):
            reach = stats.norm.ppf(0.5 + discovery_level(0.1, len(away), 20) / 2)
            missed[run], careless[run] = np.mean(away > reach), np.mean(away > stats.norm.ppf(0.95))

    assert 0.05 < missed.mean() <= 0.1
    assert careless.mean() > 0.12


EQUAL = np.sqrt(0.5)
"""Loading of treatments that are as large as control."""


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    ("treatments", "dof", "side", "published"),
    [
        # Dunnett 1964, Biometrics 20, tables II (two-sided) and, 1955, JASA 50, table 1a (one-sided), 5 %
        (2, 10, Side.BOTH, 2.57),
        (3, 20, Side.BOTH, 2.54),
        (4, 60, Side.BOTH, 2.51),
        (2, np.inf, Side.BOTH, 2.21),
        (9, np.inf, Side.BOTH, 2.69),
        (2, 10, Side.LOWER, 2.15),
        (3, 20, Side.UPPER, 2.19),
        (9, np.inf, Side.LOWER, 2.42),
        (1, 10, Side.BOTH, 2.23),
    ],
)
def test_dunnett_agrees_with_the_published_tables(
    treatments: int, dof: float, side: Side, published: float
) -> None:
    found = dunnett_critical(np.full(treatments, EQUAL), level=0.95, dof=dof, side=side)

    assert found == pytest.approx(published, abs=0.0051)


@pytest.mark.parametrize("loadings", [[0.3, 0.8, 0.95], [0.99, 0.99, 0.2], [0.0, 0.0, 0.0]])
def test_dunnett_agrees_with_the_multivariate_normal_of_scipy(loadings: list[float]) -> None:
    correlations = np.outer(loadings, loadings)
    np.fill_diagonal(correlations, 1.0)

    ours = dunnett_p(np.full(3, 2.1), np.array(loadings))

    theirs = 1 - stats.multivariate_normal(cov=correlations, seed=1).cdf([2.1] * 3, lower_limit=[-2.1] * 3)
    assert ours == pytest.approx(theirs, abs=2e-5)


@pytest.mark.parametrize("dof", [5.0, 40.0, np.inf])
@pytest.mark.parametrize("side", list(Side))
def test_the_p_at_the_critical_value_is_one_minus_the_level(dof: float, side: Side) -> None:
    loadings = np.array([0.4, 0.7, 0.9])
    c = dunnett_critical(loadings, level=0.9, dof=dof, side=side)

    t = -c if side is Side.UPPER else c
    assert dunnett_p(np.full(3, t), loadings, dof=dof, side=side) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("dof", [8.0, np.inf])
def test_a_far_tail_keeps_its_digits(dof: float) -> None:
    t = np.array([25.0, 35.0, 0.0])

    found = dunnett_p(t, np.full(3, EQUAL), dof=dof)

    alone = 2 * stats.t.sf(t, dof)
    assert np.all(found >= alone)
    assert np.all(found <= np.minimum(1.0, 3 * alone))
    assert 0 < found[1] < found[0] < 1e-6
    assert found[2] == pytest.approx(1.0)
