from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import stdtrit

from splitrun.infer.contrast import beyond, difference, lift
from splitrun.infer.estimate import Estimate, Estimates, Points, Side, Unknown
from splitrun.infer.means import means
from splitrun.infer.ratios import ratios
from splitrun.moments import FloatArray, Moments
from tests.infer.worlds import known, point

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)
SPREAD = st.floats(1e-6, 1e4)
LEVEL = st.sampled_from([0.5, 0.8, 0.95, 0.99, 0.999])
SIDE = st.sampled_from(list(Side))


@st.composite
def points(draw: st.DrawFn, value: st.SearchStrategy[float] = FINITE) -> Points:
    dof = draw(st.one_of(st.integers(1, 10**9).map(float), st.just(np.inf)))
    n = 1e9 if np.isinf(dof) else dof + 1
    return point(draw(value), draw(SPREAD), dof=dof, n=n)


POSITIVE = points(st.floats(1.0, 1e6))


def mirrored(side: Side) -> Side:
    return {Side.BOTH: Side.BOTH, Side.LOWER: Side.UPPER, Side.UPPER: Side.LOWER}[side]


def scaled(level: Points, size: float) -> Points:
    return replace(level, value=level.value * size, variance=level.variance * size**2)


@given(points(), points(), LEVEL, SIDE)
def test_swapping_variants_flips_the_sign(
    control: Points, treatment: Points, level: float, side: Side
) -> None:
    there = difference(control, treatment, level=level, side=side)
    back = difference(treatment, control, level=level, side=mirrored(side))

    assert there.effect == pytest.approx(-back.effect)
    assert there.low == pytest.approx(-back.high)
    assert there.high == pytest.approx(-back.low)
    assert there.p == pytest.approx(back.p)


@given(points(), points(), st.floats(1e-3, 1e3), LEVEL)
def test_scaling_a_metric_scales_its_effect(
    control: Points, treatment: Points, size: float, level: float
) -> None:
    plain = known(difference(control, treatment, level=level))
    large = known(difference(scaled(control, size), scaled(treatment, size), level=level))

    assert large.effect == pytest.approx(size * plain.effect)
    assert large.stderr == pytest.approx(size * plain.stderr)
    assert large.p == pytest.approx(plain.p, rel=1e-6)


@given(POSITIVE, POSITIVE, st.floats(1e-3, 1e3), LEVEL)
def test_a_lift_knows_no_scale(control: Points, treatment: Points, size: float, level: float) -> None:
    plain = lift(control, treatment, level=level).cell(0)
    large = lift(scaled(control, size), scaled(treatment, size), level=level).cell(0)

    assume(isinstance(plain, Estimate) and isinstance(large, Estimate))
    assert isinstance(plain, Estimate)
    assert isinstance(large, Estimate)
    assert large.effect == pytest.approx(plain.effect, abs=1e-9)
    # where the interval is nearly unbounded its ends lose digits
    assert large.low == pytest.approx(plain.low, rel=1e-4, abs=1e-6)
    assert large.stderr == pytest.approx(plain.stderr)


@given(points(st.floats(-1e3, 1e6)), points(), LEVEL, SIDE)
def test_a_shown_interval_holds_its_estimate(
    control: Points, treatment: Points, level: float, side: Side
) -> None:
    assume(level > 0.5 or side is Side.BOTH)
    for found in (
        difference(control, treatment, level=level, side=side),
        lift(control, treatment, level=level, side=side),
    ):
        if not found.why[0]:
            assert found.low[0] <= found.effect[0] <= found.high[0]
            assert 0 <= found.p[0] <= 1


@given(points(), points(), LEVEL, SIDE)
def test_a_factor_of_one_and_no_shift_is_the_difference(
    control: Points, treatment: Points, level: float, side: Side
) -> None:
    plain = difference(control, treatment, level=level, side=side).cell(0)

    assert beyond(control, treatment, factor=1.0, shift=0.0, level=level, side=side).cell(0) == plain


@given(points(), points(), FINITE, LEVEL)
def test_a_shift_moves_the_interval_and_leaves_its_width(
    control: Points, treatment: Points, shift: float, level: float
) -> None:
    plain = difference(control, treatment, level=level)
    moved = beyond(control, treatment, factor=1.0, shift=shift, level=level)

    assert moved.effect == pytest.approx(plain.effect - shift, abs=1e-6)
    assert moved.stderr.tolist() == plain.stderr.tolist()
    assert moved.dof.tolist() == plain.dof.tolist()


@given(points(), points(), LEVEL)
def test_a_p_is_below_alpha_where_the_interval_leaves_zero_out(
    control: Points, treatment: Points, level: float
) -> None:
    found = known(difference(control, treatment, level=level))

    assert found.low is not None
    assert found.high is not None
    assume(min(abs(found.low), abs(found.high)) > 1e-9 * found.stderr)
    assert (found.p < 1 - level) == (found.low > 0 or found.high < 0)


@given(POSITIVE, points(), LEVEL)
def test_at_the_bounds_of_a_lift_the_linear_contrast_is_at_its_critical_value(
    control: Points, treatment: Points, level: float
) -> None:
    cell = lift(control, treatment, level=level).cell(0)
    assume(isinstance(cell, Estimate) and near_bounded(control, level, cell))
    assert isinstance(cell, Estimate)

    dof = np.inf if cell.dof is None else cell.dof
    critical = stdtrit(dof, 0.5 + level / 2)
    for bound, sign in ((cell.low, 1), (cell.high, -1)):
        assert bound is not None
        contrast = beyond(control, treatment, factor=1 + bound, shift=0.0, level=level)
        assert sign * contrast.effect / contrast.stderr == pytest.approx(critical, rel=1e-5)


def near_bounded(control: Points, level: float, cell: Estimate) -> bool:
    """Away from where the interval becomes unbounded and its ends lose digits."""
    dof = np.inf if cell.dof is None else cell.dof
    c = stdtrit(dof, 0.5 + level / 2)
    return bool(c**2 * control.variance[0] < 0.99 * control.value[0] ** 2)


ANY = arrays(np.float64, st.tuples(st.integers(0, 4), st.just(2)), elements=st.floats())


@given(ANY, ANY, st.floats(), st.floats(), LEVEL, SIDE)
def test_whatever_the_values_a_shown_estimate_is_a_number(
    control: FloatArray, treatment: FloatArray, factor: float, shift: float, level: float, side: Side
) -> None:
    for pair in (
        [means(Moments.of(values[:, :1])) for values in (control, treatment)],
        [ratios(Moments.of(values)) for values in (control, treatment)],
    ):
        for found in (
            difference(pair[0], pair[1], level=level, side=side),
            lift(pair[0], pair[1], level=level, side=side),
            beyond(pair[0], pair[1], factor=factor, shift=shift, level=level, side=side),
        ):
            assert_shown_or_unknown(found)


@given(points(st.floats(-2.0, 2.0)), points(st.floats(-2.0, 2.0)), LEVEL, SIDE)
def test_a_control_near_zero_gives_a_bounded_lift_or_none(
    control: Points, treatment: Points, level: float, side: Side
) -> None:
    assert_shown_or_unknown(lift(control, treatment, level=level, side=side))


def assert_shown_or_unknown(found: Estimates) -> None:
    cell = found.cell(0)
    if isinstance(cell, Unknown):
        assert found.why[0] > 0
        return
    numbers = [cell.effect, cell.stderr, cell.p, cell.level]
    numbers += [end for end in (cell.low, cell.high, cell.dof) if end is not None]
    assert np.isfinite(numbers).all()
    assert cell.stderr > 0
