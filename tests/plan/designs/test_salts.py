from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis

from splitrun.assign.slots import slot
from splitrun.errors import DataError
from splitrun.plan.designs.balance import features
from splitrun.plan.designs.dealt import hashed
from splitrun.plan.designs.design import Score
from splitrun.plan.designs.roster import roster
from splitrun.plan.designs.salts import panel, scored
from tests.plan.designs.people import crowd, dealing
from tests.plan.shop import compiled_shop, spoiled


@pytest.mark.requirement("R16")
def test_the_best_salt_balances_better_than_the_first() -> None:
    found = dealing(crowd(), design="salt-search", covariates=["age", "spend", "country", "plan"])

    largest = max(abs(one.after or 0) for one in found.differences)
    first = max(abs(one.before or 0) for one in found.differences)
    assert found.search is not None
    assert largest == pytest.approx(found.search.best, rel=1e-9)
    assert first == pytest.approx(found.search.first, rel=1e-9)
    assert found.search.best < found.search.first <= found.search.worst
    assert "p too large" in found.notes[-1]


def test_the_salt_found_is_the_one_that_gives_the_assignment() -> None:
    found = dealing(crowd(), design="salt-search", covariates=["age"], variants={"b": 2, "control": 1})

    assert found.salt is not None
    assert found.search is not None
    assert found.salt == f"variant:tried:1:{found.search.name}"
    ids = [unit.encode() for unit in found.roster.units]
    assert found.split.tolist() == hashed(found.salt, ids, [1, 2]).tolist()


@pytest.mark.requirement("R16")
def test_the_salt_in_the_experiment_s_file_deals_as_the_table_does() -> None:
    weights = {"one-page": 1, "control": 2}
    found = dealing(
        crowd(), design="salt-search", key="one-page-checkout", covariates=["age"], variants=weights
    )
    assert found.search is not None

    said = f"coverage: 50%\nsalt: {found.search.name}"
    online = compiled_shop(spoiled("experiments/checkout.yaml", "coverage: 50%", said))

    experiment = online.experiments["one-page-checkout"]
    due = [
        next(arm.variant for arm in experiment.arms if slot(experiment.salt, unit) < arm.below)
        for unit in found.roster.units
    ]
    assert [list(found.design.variants)[code] for code in found.split] == due


def test_the_mahalanobis_score_is_that_of_scipy() -> None:
    population = crowd()
    told = list(features(population, ["spend", "plan"]))[:2]
    split = np.arange(400) % 4 // 3

    found = scored(panel(told), split, 2, Score.MAHALANOBIS)

    # Morgan and Rubin 2012, equation 4: n0 n1 / n times the squared distance of the means
    values = np.array([one.values for one in told])
    inverse = np.linalg.inv(np.cov(values))
    apart = mahalanobis(values[:, split == 1].mean(axis=1), values[:, split == 0].mean(axis=1), inverse)
    assert found == pytest.approx(300 * 100 / 400 * apart**2, rel=1e-9)


def test_scores_of_salts_follow_the_law_of_chance() -> None:
    rng = np.random.default_rng(5)
    figures = {name: rng.normal(size=1_000).tolist() for name in ("age", "spend", "visits")}
    population = roster([f"u{index}" for index in range(1_000)], {}, figures)

    found = dealing(
        population, design="salt-search", covariates=[*figures], candidates=1_000, score="mahalanobis"
    ).search

    # Morgan and Rubin 2012, section 4: chi-square with as many degrees as covariates
    assert found is not None
    law = stats.chi2(3)
    for level, score in found.quantiles:
        spread = (level * (1 - level) / 1_000) ** 0.5 / law.pdf(law.ppf(level))
        assert score == pytest.approx(law.ppf(level), abs=4 * spread)


def test_salts_that_leave_a_variant_empty_are_counted_and_never_chosen() -> None:
    population = roster([f"u{index}" for index in range(4)], {}, {"spend": [1.0, 2.0, 3.0, 5.0]})

    found = dealing(population, design="salt-search", covariates=["spend"])

    assert found.search is not None
    assert found.search.refused > 0
    assert 0 < found.split.sum() < 4


def test_where_every_salt_leaves_a_variant_empty_another_design_is_named() -> None:
    population = roster(["a", "b", "c"], {}, {"spend": [1.0, 2.0, 3.0]})
    odds = {"control": 1_000_000, "b": 1}

    with pytest.raises(DataError, match=r"each of 2 salts left a variant without units.*use blocked"):
        dealing(population, design="salt-search", covariates=["spend"], candidates=2, variants=odds)
