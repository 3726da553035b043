"""What ways of reading need and cost, against published values and simulated experiments."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from splitrun.errors import SpecError
from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import AlwaysValid, hybrid
from splitrun.infer.looks.spending import POCOCK, Shape, Spending
from splitrun.infer.power.readings import Anytime, AtLooks, Once, Reading
from tests.infer.case import FOLDER

FIXED = 1.959963984540054 + 0.8416212335729143
"""Drift of one two-sided reading at 5 % with a power of 80 %."""


def equal(number: int) -> tuple[float, ...]:
    return tuple((count + 1) / number for count in range(number))


def test_one_reading_needs_the_sum_of_two_normal_quantiles() -> None:
    assert Once(0.025).needed(0.8) == pytest.approx(FIXED, rel=1e-12)
    assert Once(0.025).power(FIXED) == pytest.approx(0.8, rel=1e-12)
    assert Once(0.025).sizes(0.8).planned == 1.0


def test_looks_cost_what_rpact_says() -> None:
    cases: list[dict[str, Any]] = json.loads((FOLDER / "sequential.json").read_text())["cases"]
    case = next(each for each in cases if each["id"] == "gs.inflation.asP5")

    found = AtLooks(0.025, equal(5), POCOCK).sizes(0.8)

    assert found.planned == pytest.approx(case["expected"]["inflation_factor"], abs=5e-4)
    assert found.with_effect == pytest.approx(case["expected"]["avg_sample_fraction_h1"], abs=5e-4)
    assert found.without == pytest.approx(case["expected"]["avg_sample_fraction_h0"], abs=5e-4)


def test_looks_with_futility_cost_what_rpact_says() -> None:
    # rpact 3.5.1, vignette "How to Create Summaries with rpact": three looks, one-sided 2.5 %, power 95 %,
    # Kim and DeMets' alpha spending with gammaA 1, O'Brien and Fleming's beta spending, non-binding
    found = AtLooks(0.025, equal(3), Spending(Shape.POWER, 1.0), beta=0.05).sizes(0.95)

    assert found.planned == pytest.approx(1.1247, abs=2e-4)
    assert found.with_effect == pytest.approx(0.6553, abs=2e-4)


def test_five_looks_keep_what_was_simulated_at_the_size_of_one() -> None:
    # 40,000 paths behind "group sequential with 5 looks keeps 78 %, the always-valid interval with daily
    # looks 49 % (it needs 1.71 x the sample)"
    assert AtLooks(0.025, equal(5)).power(FIXED) == pytest.approx(0.78, abs=0.012)
    assert Anytime(0.05, moments=equal(21)).power(FIXED) == pytest.approx(0.49, abs=0.01)
    assert Anytime(0.05, moments=equal(28)).sizes(0.8).planned == pytest.approx(1.71, abs=0.02)


def test_an_always_valid_interval_is_about_half_as_wide_again_at_its_planned_end() -> None:
    # measured over fixed: 1.97 at a tenth, 1.57 at half, 1.55 at all, 1.56 at twice, 1.65 at ten times n*
    widths = [Anytime(0.05, reached=part).needed(0.5) / 1.959964 for part in (0.1, 0.5, 1, 2, 10)]

    assert widths == pytest.approx([1.97, 1.57, 1.55, 1.56, 1.65], abs=0.006)


def test_the_last_reading_inverts_the_half_width_that_the_plan_seals() -> None:
    sealed = AlwaysValid.tuned(0.05, 20_000)

    needed = Anytime(0.05).needed(0.8)

    assert needed == pytest.approx(float(sealed.multiplier(20_000)) + 0.8416212335729143, rel=1e-9)


@pytest.mark.parametrize(
    "way",
    [
        Once(0.0125),
        AtLooks(0.025, equal(4)),
        AtLooks(0.025, (0.2, 0.5, 1.0), POCOCK, beta=0.2),
        Anytime(0.05),
        Anytime(0.025, Side.LOWER),
        Anytime(0.05, moments=equal(7)),
        Anytime(1e-12, moments=equal(3)),
    ],
)
@pytest.mark.parametrize("power", [0.6, 0.8, 0.93])
def test_the_drift_that_is_needed_gives_the_power(way: Reading, power: float) -> None:
    assert float(way.power(way.needed(power))) == pytest.approx(power, abs=1e-6)


def test_power_comes_in_the_shape_of_the_drift() -> None:
    drifts = np.array([[1.0, 2.0, 3.0], [0.0, 2.5, 4.0]])
    for way in (Once(0.025), AtLooks(0.025, equal(3)), Anytime(0.05), Anytime(0.05, moments=equal(3))):
        found = way.power(drifts)

        assert found.shape == drifts.shape
        assert np.all(np.diff(found, axis=1) > 0)


def test_sequential_plans_have_their_power_and_size_on_simulated_paths() -> None:
    rng = np.random.default_rng(11)
    paths, looks = 20_000, 6
    steps = rng.standard_normal((paths, looks)) / np.sqrt(looks)
    at = np.array(equal(looks))
    for way in (AtLooks(0.025, equal(looks)), Anytime(0.05, moments=equal(looks))):
        drift = way.needed(0.8)
        z = (np.cumsum(steps, axis=1) + drift * at) / np.sqrt(at)
        bounds = way.bounds()[0] if isinstance(way, AtLooks) else way.bounds()
        beyond = z > bounds
        found = beyond.any(axis=1)
        ends = np.where(found, at[np.argmax(beyond, axis=1)], 1.0)

        low, high = stats.binom.interval(0.9999, paths, 0.8)
        assert low <= found.sum() <= high
        sizes = way.sizes(0.8)
        assert ends.mean() * sizes.planned == pytest.approx(sizes.with_effect, abs=0.012)


def test_what_no_plan_can_ask_for_is_refused() -> None:
    with pytest.raises(SpecError, match=r"power 0\.02 with an error of 0\.025"):
        Once(0.025).needed(0.02)
    with pytest.raises(SpecError, match=r"power 1 with"):
        Anytime(0.05).needed(1.0)
    with pytest.raises(SpecError, match="error of one tail is 5e-301; give an alpha whose tails have 1e-15"):
        Anytime(1e-300)
    with pytest.raises(SpecError, match="error of one tail is 0"):
        AtLooks(0.0, (1.0,))


@pytest.mark.parametrize("power", [0.8, 0.9])
def test_what_a_hybrid_plan_finds_on_the_way_alone_adds_next_to_nothing(power: float) -> None:
    # readings before the end as the always-valid sequence bounds them, then the end with the rest of alpha
    parts, fractions = hybrid(0.05), np.arange(1, 29) / 28
    end = Once(parts.end / 2)
    bounds = AlwaysValid.tuned(parts.running, 1.0).multiplier(fractions)
    bounds[-1] = stats.norm.isf(parts.end / 2)
    rng = np.random.default_rng(41)
    steps = rng.normal(end.needed(power) / 28, 1 / np.sqrt(28), size=(40_000, 28))

    above = steps.cumsum(axis=1) / np.sqrt(fractions) > bounds

    # what only the way finds, and what the end finds
    assert np.mean(above.any(axis=1) & ~above[:, -1]) < 0.001
    assert abs(np.mean(above[:, -1]) - power) < 3.3 * np.sqrt(power * (1 - power) / 40_000)
    assert np.mean(above[:, :-1].any(axis=1)) > 0.2
