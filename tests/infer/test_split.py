from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from splitrun.infer.split import chi_square, sequential

UPWORTHY = Path(__file__).parents[1] / "cases" / "upworthy_split.csv.gz"


def test_agrees_with_scipy() -> None:
    observed, weights = np.array([40_120, 9_880, 50_400]), np.array([4, 1, 5])

    ours = chi_square(observed, weights)

    theirs = stats.chisquare(observed, weights / 10 * observed.sum())
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-12)


def test_units_where_none_were_due_are_counted_and_take_no_part() -> None:
    ours = chi_square(np.array([50, 50, 3]), np.array([1, 1, 0]))

    assert ours.unplanned == 3
    assert ours.expected.tolist() == [50.0, 50.0, 0.0]
    assert (ours.statistic, ours.dof, ours.p) == (0.0, 1, 1.0)


@pytest.mark.parametrize(
    ("observed", "weights"), [([0, 0], [1, 1]), ([7, 0], [1, 0]), ([0, 3], [0, 0]), ([0, 0, 0], [1, 2, 999])]
)
def test_where_nothing_can_be_seen_p_is_one(observed: list[int], weights: list[int]) -> None:
    ours = chi_square(np.array(observed), np.array(weights))

    assert ours.p == 1.0
    assert np.isfinite(ours.expected).all()


def test_a_tiny_part_of_a_billion_units_is_tested() -> None:
    ours = chi_square(np.array([1_000_000, 998_998_000]), np.array([1, 999]))

    # expected 999,998 and 998,998,002: (2² / 999998) + (2² / 998998002)
    assert ours.statistic == pytest.approx(4 / 999_998 + 4 / 998_998_002, rel=1e-9)


def test_a_split_that_is_plainly_wrong_has_a_p_above_zero() -> None:
    ours = chi_square(np.array([52_000, 48_000]), np.array([1, 1]))

    assert 0 < ours.p < 1e-30


def test_an_alarm_once_given_stays() -> None:
    looks = np.array([[700, 300], [300, 700], [500, 500]])

    ours = sequential(looks, np.array([1, 1]), 100.0)

    assert ours.p[0] < 1e-30
    assert ours.p.tolist() == [ours.p[0]] * 3


def test_units_outside_the_plan_take_no_part_in_any_look() -> None:
    with_stray = sequential(np.array([[10, 14, 5], [9, 8, 2]]), np.array([1, 1, 0]), 100.0)
    without = sequential(np.array([[10, 14], [9, 8]]), np.array([1, 1]), 100.0)

    assert with_stray.unplanned == 7
    np.testing.assert_allclose(with_stray.log_bayes_factor, without.log_bayes_factor, rtol=1e-12)


def test_no_planned_traffic_raises_no_alarm() -> None:
    assert sequential(np.array([[0, 4]]), np.array([0, 0]), 100.0).p.tolist() == [1.0]


def test_the_factor_is_the_dirichlet_multinomial_against_the_multinomial() -> None:
    counts, weights, concentration = np.array([30, 55, 21]), np.array([2, 4, 1]), 50.0

    ours = sequential(counts[None, :], weights, concentration)

    shares = weights / weights.sum()
    theirs = stats.dirichlet_multinomial(concentration * shares, counts.sum()).logpmf(counts)
    theirs -= stats.multinomial(counts.sum(), shares).logpmf(counts)
    assert ours.log_bayes_factor[0] == pytest.approx(theirs, abs=1e-9)


def test_daily_looks_at_a_right_split_alarm_less_often_than_promised() -> None:
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(2_000):
        looks = rng.multinomial(200, [0.1, 0.9], size=28)
        alarms += sequential(looks, np.array([1, 9]), 500.0).p[-1] < 0.05

    assert alarms <= stats.binom.isf(1e-4, 2_000, 0.05)


def test_every_headline_test_of_upworthy_has_the_split_it_is_known_for() -> None:
    # Upworthy Research Archive; see tests/cases/README.md
    with gzip.open(UPWORTHY, "rt") as rows:
        tests = [(row["units"].split(), float(row["srm_p"])) for row in csv.DictReader(rows)]

    ours = [
        chi_square(np.array(units, dtype=np.int64), np.ones(len(units), dtype=np.int64)).p
        for units, _ in tests
    ]

    assert ours == pytest.approx([known for _, known in tests], rel=1e-9, abs=0)
    assert len(ours) == 4_873
    assert sum(p < 0.001 for p in ours) == 753
