from __future__ import annotations

import numpy as np
import pytest

from splitrun.errors import DataError
from splitrun.plan.designs.roster import roster
from tests.plan.designs.people import crowd, dealing


def towns(sizes: list[int]) -> list[str | None]:
    return [f"t{index:02}" for index, size in enumerate(sizes) for _ in range(size)]


def test_all_units_of_a_cluster_get_the_same_variant() -> None:
    found = dealing(crowd(), design="cluster", cluster="shop", covariates=["age"])

    shop = found.roster.labels["shop"]
    assert all(len(set(found.split[shop.code == index].tolist())) == 1 for index in range(24))
    assert [count.after for count in found.counts if count.of == "cluster"] == [12, 12]
    assert {one.of for one in found.differences} == {"unit", "cluster"}
    assert found.clusters is not None
    assert found.clusters.clusters == 24
    assert found.notes == ()


def test_the_balance_of_clusters_is_that_of_their_means() -> None:
    found = dealing(crowd(), design="cluster", cluster="shop", covariates=["spend"])

    shop, spend = found.roster.labels["shop"].code, found.roster.numbers["spend"].values
    means = np.array([spend[shop == index].mean() for index in range(24)])
    split = np.array([found.split[shop == index][0] for index in range(24)])
    gap = means[split == 1].mean() - means[split == 0].mean()
    scale = np.sqrt((means[split == 1].var(ddof=1) + means[split == 0].var(ddof=1)) / 2)
    seen = next(one for one in found.differences if one.of == "cluster")
    assert seen.after == pytest.approx(gap / scale, rel=1e-12)


def test_few_and_unequal_clusters_are_doubted() -> None:
    sizes = [97, 1, 1, 1]
    population = roster([f"u{index}" for index in range(100)], {"town": towns(sizes)}, {})

    found = dealing(population, design="cluster", cluster="town")

    # (97 + 3)² / (97² + 3) = 1.0625
    assert found.clusters is not None
    assert found.clusters.effective == pytest.approx(10_000 / 9_412, rel=1e-12)
    assert "few clusters: control 2, treatment 2" in found.notes[0]
    assert "may tell only as much as 1 of equal size" in found.notes[1]


def test_clusters_are_dealt_inside_strata_of_their_own() -> None:
    names = towns([5] * 20)
    sides: list[str | None] = ["north" if index < 30 else "south" for index in range(100)]
    population = roster([f"u{index:03}" for index in range(100)], {"town": names, "side": sides}, {})

    found = dealing(population, design="cluster", cluster="town", strata=["side"])

    inside = {(count.stratum, count.variant): count.after for count in found.counts if count.of == "cluster"}
    assert inside["north", "control"] + inside["north", "treatment"] == 6
    assert inside["north", "control"] == inside["north", "treatment"] == 3
    assert inside["south", "control"] == inside["south", "treatment"] == 7


def test_a_cluster_in_two_strata_is_refused() -> None:
    with pytest.raises(DataError, match=r"the cluster 's\d+' holds several values of the stratum 'plan'"):
        dealing(crowd(), design="cluster", cluster="shop", strata=["plan"])


def test_units_without_a_cluster_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 400 units have no value in the cluster column 'country'"):
        dealing(crowd(), design="cluster", cluster="country")


def test_fewer_clusters_than_variants_are_refused() -> None:
    population = roster(["a", "b", "c"], {"town": ["x", "x", "x"]}, {})

    with pytest.raises(DataError, match="there are 1 clusters for 2 variants"):
        dealing(population, design="cluster", cluster="town")
