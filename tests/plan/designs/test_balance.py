from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.plan.designs.balance import Difference, Splits, balance, features
from splitrun.plan.designs.dealt import crossed
from splitrun.plan.designs.roster import Roster, labels, roster

HALVES = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def told(population: Roster, *names: str, split: np.ndarray = HALVES) -> list[Difference]:
    splits = Splits(("control", "treatment"), split[::-1].copy(), split)
    return list(balance(list(features(population, names)), None, splits, "unit"))


def eight(texts: dict[str, list[str | None]], figures: dict[str, list[float | None]]) -> Roster:
    return roster([f"u{index}" for index in range(8)], texts, figures)


def test_a_number_s_difference_is_welch_s_t_without_the_number_of_units() -> None:
    rng = np.random.default_rng(1)
    values = rng.gamma(2.0, 3.0, 8)

    found = told(eight({}, {"age": values.tolist()}), "age")[0]

    # with n units in each, scipy's t is the difference over sqrt((s1² + s0²) / n)
    t = stats.ttest_ind(values[4:], values[:4], equal_var=False).statistic
    assert found.after == pytest.approx(t * np.sqrt(2 / 4), rel=1e-12)
    assert found.before == pytest.approx(-t * np.sqrt(2 / 4), rel=1e-12)


def test_a_level_s_difference_is_that_of_two_prevalences() -> None:
    country: list[str | None] = ["DE", "FR", "FR", "FR", "DE", "DE", "FR", "FR"]

    found = {one.level: one for one in told(eight({"country": country}, {}), "country")}

    # Austin 2009, section 3.1, by hand: (0.5 - 0.25) / sqrt((0.5 x 0.5 + 0.25 x 0.75) / 2)
    assert found["DE"].after == pytest.approx(0.5345224838248488, rel=1e-12)
    assert found["FR"].after == pytest.approx(-0.5345224838248488, rel=1e-12)


def test_what_is_missing_is_left_out_of_the_mean_and_told_as_a_level() -> None:
    ages: list[float | None] = [1.0, 3.0, None, None, 2.0, 4.0, 6.0, None]

    number, gap = told(eight({}, {"age": ages}), "age")

    # means 2 and 4, variances 2 and 4; two of four and one of four missing
    assert number.after == pytest.approx(2 / np.sqrt(3), rel=1e-12)
    assert gap.level == "(missing)"
    assert gap.after == pytest.approx((0.25 - 0.5) / np.sqrt((0.1875 + 0.25) / 2), rel=1e-12)


def test_without_spread_there_is_a_zero_or_a_reason_and_never_a_nan() -> None:
    steps: list[float | None] = [5.0, 5.0, 5.0, 5.0, 6.0, 6.0, 6.0, 6.0]
    same, apart = eight({}, {"x": [5.0] * 8}), eight({}, {"x": steps})
    nobody = eight({}, {"x": [None] * 4 + [6.0, 7.0, 8.0, 9.0]})

    assert told(same, "x")[0].after == 0
    assert told(apart, "x")[0].after is None
    assert "does not vary" in str(told(apart, "x")[0].why)
    assert "no unit whose value is known" in str(told(nobody, "x")[0].why)


def test_inside_a_stratum_only_its_own_units_are_compared() -> None:
    population = eight({}, {"x": [1.0, 2.0, 30.0, 50.0, 2.0, 3.0, 20.0, 40.0]})
    strata = crossed({"half": labels(["low", "low", "high", "high"] * 2)}, 8)
    splits = Splits(("control", "treatment"), HALVES, HALVES)

    found = {
        one.stratum: one.after for one in balance(list(features(population, ["x"])), strata, splits, "unit")
    }

    # 1, 2 against 2, 3: one apart, variances 1/2; 30, 50 against 20, 40: ten apart, variances 200
    assert found == {
        "low": pytest.approx(1 / np.sqrt(0.5), rel=1e-12),
        "high": pytest.approx(-10 / np.sqrt(200), rel=1e-12),
    }
