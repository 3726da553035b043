from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]  # ships no types

from splitrun.infer.multiplicity import bonferroni, holm, shares
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
