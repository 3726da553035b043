from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from splitrun.errors import SpecError
from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import (
    MOST_ASYMMETRY,
    MOST_ASYMMETRY_ONE_SIDED,
    AlwaysValid,
    NotYet,
    Regression,
    asymmetry,
    hybrid,
    not_yet,
    tail_error,
)

SIDES = [Side.BOTH, Side.LOWER, Side.UPPER]


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_the_tuning_is_close_to_the_best_for_the_planned_end(alpha: float) -> None:
    best = optimize.minimize_scalar(
        lambda log_rho2: float(AlwaysValid(alpha, float(np.exp(log_rho2))).multiplier(8_000)),
        bounds=(-15, 0),
        method="bounded",
    )

    ours = AlwaysValid.tuned(alpha, 8_000).multiplier(8_000)

    assert best.fun <= ours <= 1.001 * best.fun


def test_the_price_of_looking_at_any_time_is_what_the_design_states() -> None:
    # widths over 1.96 at 0.1, 0.5, 1, 2 and 10 times the planned n, as `plan` prints them
    ours = AlwaysValid.tuned(0.05, 10_000).multiplier([1_000, 5_000, 10_000, 20_000, 100_000])

    assert ours / stats.norm.isf(0.025) == pytest.approx([1.97, 1.57, 1.55, 1.56, 1.65], abs=0.006)


def test_the_e_value_is_the_normal_mixture_of_likelihood_ratios() -> None:
    # by scipy's quadrature: mean over d from N(0, rho2) of exp(sqrt(n) z d - n d^2 / 2)
    n, z, rho2 = 900.0, 2.2, 0.008

    def ratio(d: float) -> float:
        return float(np.exp(np.sqrt(n) * z * d - n * d**2 / 2) * stats.norm.pdf(d, 0, np.sqrt(rho2)))

    mixed, _ = integrate.quad(ratio, -1, 1, points=[0, z / np.sqrt(n)])
    assert np.exp(AlwaysValid(0.05, rho2).log_e(z, n)) == pytest.approx(mixed, rel=1e-8)


@given(z=st.floats(0.01, 40), n=st.floats(1, 1e9), planned=st.floats(100, 1e8), alpha=st.floats(1e-4, 0.4))
def test_the_one_sided_e_value_lies_below_the_half_normal_mixture(
    z: float, n: float, planned: float, alpha: float
) -> None:
    ours = AlwaysValid.tuned(alpha, planned, Side.LOWER)
    weight = n * ours.rho2
    u = z * np.sqrt(weight / (1 + weight))
    exact = np.log(2) - 0.5 * np.log1p(weight) + u**2 / 2 + special.log_ndtr(u)

    assert ours.log_e(z, n) <= exact + 1e-9


@given(
    side=st.sampled_from(SIDES),
    alpha=st.floats(1e-5, 0.4),
    planned=st.floats(10, 1e9),
    n=st.floats(1, 1e9),
    away=st.sampled_from([-1e-6, 1e-6]),
)
def test_p_is_below_alpha_exactly_when_the_interval_excludes_zero(
    side: Side, alpha: float, planned: float, n: float, away: float
) -> None:
    ours = AlwaysValid.tuned(alpha, planned, side)
    z = float(ours.multiplier(n)) * (1 + away)

    p = ours.p(-z if side is Side.UPPER else z, n)

    assert (p < alpha) == (away > 0)


def test_evidence_on_the_other_side_counts_only_where_both_are_asked_for() -> None:
    ours = {side: AlwaysValid.tuned(0.05, 10_000, side) for side in SIDES}

    assert ours[Side.BOTH].p(-5.0, 8_000) == ours[Side.BOTH].p(5.0, 8_000) < 0.001
    assert ours[Side.LOWER].p([-5.0, 0.0], 8_000).tolist() == [1.0, 1.0]
    assert ours[Side.UPPER].p(-5.0, 8_000) == ours[Side.LOWER].p(5.0, 8_000) < 0.001
    assert ours[Side.LOWER].multiplier(8_000) < ours[Side.BOTH].multiplier(8_000)


def test_p_may_rise_again_since_it_does_not_remember_who_looked() -> None:
    assert AlwaysValid.tuned(0.05, 1_000).p([4.0, 1.0], [500, 900]).tolist()[1] == 1.0


def test_extreme_evidence_keeps_a_p_above_zero() -> None:
    assert 0 < AlwaysValid.tuned(0.05, 5_000).p(36.0, 5_000) < 1e-200
    assert 0 < AlwaysValid.tuned(0.05, 5_000, Side.LOWER).p(36.0, 5_000) < 1e-200


def test_without_units_the_interval_has_no_ends_and_the_p_is_one() -> None:
    for side in SIDES:
        ours = AlwaysValid.tuned(0.05, 5_000, side)

        assert ours.multiplier([0, 1]).tolist()[0] == np.inf
        assert np.isfinite(ours.multiplier(1))
        assert ours.p(3.0, 0) == 1.0


def test_the_small_sample_form_becomes_the_asymptotic_one() -> None:
    exact, limit = Regression(0.05, 1_250.0), AlwaysValid(0.05, 1 / 1_250.0)

    assert exact.multiplier(10**6, 10**6 - 2) == pytest.approx(limit.multiplier(10**6), rel=1e-4)
    assert exact.log_e(4.0, 10**6, 10**6 - 2) == pytest.approx(limit.log_e(4.0, 10**6), rel=1e-4)
    assert exact.multiplier(60, 58) > limit.multiplier(60)


def test_the_small_sample_p_is_below_alpha_exactly_when_its_interval_excludes_zero() -> None:
    ours = Regression.tuned(0.05, 80)
    t = ours.multiplier(60, 58) * np.array([-1.0001, 0.9999, 1.0001])

    assert (ours.p(t, 60, 58) < 0.05).tolist() == [True, False, True]


def test_a_handful_of_units_excludes_nothing_yet() -> None:
    ours = Regression.tuned(0.05, 1_000)

    assert ours.multiplier([2, 3, 4], [0, 1, 2]).tolist() == [np.inf, np.inf, np.inf]
    assert ours.p(50.0, 3, 1) > 0.05


def test_the_small_sample_form_keeps_its_promise_from_the_third_unit_on() -> None:
    # 4,000 paths of 5 to 200 normal units, looked at after every one; the classical t interval misses in 30 %
    rng = np.random.default_rng(8)
    treated = np.arange(200) % 2
    y = rng.normal(size=(4_000, 200))
    n = np.arange(5, 201)
    counts = np.cumsum(np.stack([1 - treated, treated]), axis=1)[:, 4:]
    sums = np.cumsum(np.stack([y * (1 - treated), y * treated]), axis=2)[:, :, 4:]
    squares = np.cumsum(y**2, axis=1)[:, 4:]
    means = sums / counts[:, None, :]
    residual = squares - (sums * means).sum(axis=0)
    stderr = np.sqrt(residual / (n - 2) * (1 / counts[0] + 1 / counts[1]))

    t = (means[1] - means[0]) / stderr
    missed = int(np.any(np.abs(t) > Regression.tuned(0.05, 100).multiplier(n, n - 2), axis=1).sum())

    assert missed <= stats.binom.ppf(0.9999, 4_000, 0.05)
    assert int(np.any(np.abs(t) > stats.t.isf(0.025, n - 2), axis=1).sum()) > 1_000


def test_skewness_of_a_difference_is_that_of_the_sum_of_both_means() -> None:
    # third cumulants add: (k3 / n_t^2 - k3 / n_c^2) / (s2 / n_t + s2 / n_c)^1.5 with k3 = skew s^3
    due = 6.0 * (1 / 300**2 - 1 / 2_700**2) / (1 / 300 + 1 / 2_700) ** 1.5

    assert asymmetry(6.0, 2_700, 300) == pytest.approx(due, rel=1e-12)
    assert asymmetry(6.0, 300, 2_700) == pytest.approx(-due, rel=1e-12)
    assert asymmetry(50.0, 800, 800) == 0.0
    assert asymmetry([np.nan, 1.0], [10, 0], [20, 20]).tolist() == [np.inf, np.inf]


def test_the_gate_says_what_is_missing_and_opens_when_nothing_is() -> None:
    control, treatment = (
        np.array([900, 9_000, 9_000, 9_000, 900_000]),
        np.array([499, 1_000, 1_000, 1_000, 100_000]),
    )

    found = not_yet(
        (control, treatment),
        (np.full(5, 400), np.array([40, 29, 30, 60, 60])),
        asymmetry([1.0, 1.0, 15.0, 2.0, 15.0], control, treatment),
    )

    assert found.tolist() == [NotYet.FEW_UNITS, NotYet.FEW_CONVERSIONS, NotYet.SKEWED, 0, 0]
    assert "500 units" in NotYet.FEW_UNITS.says
    assert "500 clusters" in NotYet.FEW_UNITS.of("clusters")
    assert "30 units that are not zero" in NotYet.FEW_CONVERSIONS.says
    assert "beyond 0.1" in NotYet.SKEWED.says


def test_a_skewness_that_cannot_be_known_keeps_the_gate_shut() -> None:
    assert not_yet((900, 800), (90, 80), np.nan) == NotYet.SKEWED


def test_a_hybrid_plan_divides_its_alpha() -> None:
    assert hybrid(0.05).running == pytest.approx(0.005)
    assert hybrid(0.05).end == pytest.approx(0.045)
    with pytest.raises(SpecError, match=r"alpha of a hybrid plan is 0\.7"):
        hybrid(0.7)


@pytest.mark.parametrize("alpha", [0.0, 0.5, float("nan")])
def test_an_alpha_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(SpecError, match="alpha of an always-valid interval is"):
        AlwaysValid.tuned(alpha, 1_000, Side.LOWER)
    with pytest.raises(SpecError, match="alpha of an always-valid interval is"):
        Regression.tuned(alpha, 1_000)


def test_a_tuning_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="0 units are planned"):
        AlwaysValid.tuned(0.05, 0)
    with pytest.raises(SpecError, match=r"rho2 of an always-valid interval is 0\.0"):
        AlwaysValid(0.05, 0.0)
    with pytest.raises(SpecError, match="g of an always-valid regression is inf"):
        Regression(0.05, float("inf"))
    with pytest.raises(SpecError, match="3 units are planned for 2 coefficients"):
        Regression.tuned(0.05, 3)


@pytest.mark.parametrize(("tail", "false_worse"), [(0.05, 0.059), (0.025, 0.032), (0.01, 0.014)])
def test_skewness_moves_error_from_one_tail_to_the_other_as_simulated(
    tail: float, false_worse: float
) -> None:
    # spend of 5 % of units, capped, 90/10, 151,200 and 16,800 units, g = 0.096: 10,000 simulated experiments
    # called an equal treatment worse so often; twice their Monte Carlo error
    sampling = 2 * np.sqrt(false_worse * (1 - false_worse) / 10_000)
    assert tail_error(0.096, tail) == pytest.approx(false_worse, abs=sampling + 0.0005)
    assert tail_error(-0.096, tail) == tail_error(0.096, tail)
    assert tail_error(0.0, tail) == tail


@pytest.mark.parametrize(("tail", "tolerated"), [(0.05, 0.0573), (0.025, 0.0304), (0.01, 0.0134)])
def test_the_gate_of_one_sided_tests_keeps_their_error_inside_what_calibration_tolerates(
    tail: float, tolerated: float
) -> None:
    # 99.9 % bands of 10,000 runs
    assert tolerated == pytest.approx(stats.binom.ppf(0.9995, 10_000, tail) / 10_000, abs=1e-4)
    low = 2 * tail - stats.binom.ppf(0.0005, 10_000, tail) / 10_000

    assert tail_error(MOST_ASYMMETRY_ONE_SIDED, tail) < min(tolerated, low)
    assert tail_error(MOST_ASYMMETRY, tail) > max(tolerated, low)
