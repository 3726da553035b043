"""What lies up to a quantile, over clusters, held against pandas."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from splitrun.measure.measured import Measured
from splitrun.spec.analysis import Adjust
from splitrun.spec.metric import Metric
from splitrun.spec.segment import Segment
from tests.measure.outcomes.test_quantiles import quantile, type1
from tests.measure.outcomes.worlds import IN_VILLAGES, SHOP, VARIANTS, World, agree, moments, total, world
from tests.measure.plans import framed, mean, plan, ratio

WEEK = timedelta(days=7)
NEAR = 1e-9
"""Sums of cents differ in their last bits by the order of adding."""
COUNTRY = {"country": Segment(values="country")}


def villagers(seed: int) -> World:
    """Nobody without a village."""
    shop = world(seed)
    return World(shop.seen[shop.seen["village"].notna()].reset_index(drop=True), shop.shop)


def rows_of(shop: World, per: str) -> pd.DataFrame:
    """The values of mature units, row by row or added up, with units that have none."""
    units = shop.matured(shop.after(total, timedelta(0), WEEK), WEEK)
    if per == "unit":
        return units.rename(columns={"x": "value"})
    rows = shop.shop.merge(units[["user", "at"]], on="user", suffixes=("", "_seen"))
    rows = rows[(rows["at"] >= rows["at_seen"]) & (rows["at"] < rows["at_seen"] + WEEK)]
    return units.merge(rows[["user", "value"]], on="user", how="left")


def counts(rows: pd.DataFrame, q: float) -> pd.DataFrame:
    """Values up to q and all values of every village."""
    own = rows.assign(s=rows["value"] <= q + NEAR, k=rows["value"].notna())
    return own.groupby("village")[["s", "k"]].sum().astype(float)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("seed", "at", "per"), [(81, 0.9, "event"), (82, 0.5, "event"), (83, 0.8, "unit")])
def test_what_lies_up_to_a_quantile_is_added_up_over_clusters(seed: int, at: float, per: str) -> None:
    shop = villagers(seed)
    rows = rows_of(shop, per)
    planned = plan({"m": quantile(at, per)}, IN_VILLAGES, sources={"shop": SHOP}, segments=COUNTRY)

    found = framed(planned, **shop.frames())

    for segment, labels in ((None, ("",)), ("country", found.labels("country"))):
        ours = found.quantiles["m", segment]
        assert ours.across is not None
        assert ours.alone is not None
        for level, label in enumerate(labels):
            some = rows if segment is None else rows[rows["country"] == label]
            sides = [some[some["variant"] == variant] for variant in VARIANTS]
            tables = []
            for place, mine in enumerate(sides):
                q = ours.value[place, level]
                assert q == pytest.approx(type1(mine["value"].dropna().to_numpy(), at), rel=1e-12)
                tables.append(counts(mine, q))
                agree(ours.inside[place].at(np.array([level])), moments(tables[place].to_numpy()))
                unit = mine.assign(s=mine["value"] <= q + NEAR, k=mine["value"].notna()).groupby("user")[
                    ["s", "k"]
                ]
                agree(ours.alone[place].at(np.array([level])), moments(unit.sum().to_numpy(dtype=float)))
                tied = (abs(mine["value"] - q) <= NEAR).sum() / mine["value"].notna().sum()
                assert ours.tied[place, level] == pytest.approx(tied)
            both = tables[0].merge(tables[1], left_index=True, right_index=True, suffixes=("_c", "_t"))
            products = both[["s_c", "k_c"]].to_numpy().T @ both[["s_t", "k_t"]].to_numpy()
            np.testing.assert_array_equal(ours.across[0, 1, level], products)
            np.testing.assert_array_equal(ours.across[1, 0, level], products.T)


def by_village(found: Measured, key: str) -> dict[tuple[int, str], list[float]]:
    """Units, values inside and all values by cluster and variant."""
    assert found.clusters is not None
    sums, table = found.clusters.sums[key], dict[tuple[int, str], list[float]]()
    for row, (code, cell) in enumerate(zip(found.clusters.code, found.clusters.cell, strict=True)):
        own = table.setdefault((int(code), VARIANTS[found.cells.variant.code[cell]]), [0.0, 0.0, 0.0])
        for place, value in enumerate((sums.units[row], *sums.totals[row])):
            own[place] += float(value)
    return table


def test_a_quantile_has_sums_over_clusters_like_any_other_metric() -> None:
    shop = villagers(84)
    rows = rows_of(shop, "event")
    planned = plan({"m": quantile(0.7, "event")}, IN_VILLAGES, sources={"shop": SHOP}, segments=COUNTRY)

    found = framed(planned, **shop.frames())

    names = sorted(shop.seen["village"].unique())
    theirs = {}
    for place, variant in enumerate(VARIANTS):
        mine = rows[rows["variant"] == variant]
        table = counts(mine, found.quantiles["m", None].value[place, 0])
        units = mine.groupby("village")["user"].nunique()
        for village in table.index:
            theirs[names.index(village), variant] = [units[village], *table.loc[village]]
    ours = {key: sums for key, sums in by_village(found, "m").items() if sums[0]}
    assert ours == theirs


@pytest.mark.parametrize("seed", [85, 86])
def test_moments_over_the_units_of_every_cluster_stand_beside_its_sums(seed: int) -> None:
    shop = villagers(seed)
    metrics: dict[str, Metric] = {
        "m": mean("value", source="shop", window=WEEK),
        "r": ratio("value", source="shop"),
    }
    rules = Adjust(covariates=("pre_period", "age"), lookback=timedelta(days=14))
    planned = plan(metrics, IN_VILLAGES, sources={"shop": SHOP}, adjust=rules)

    found = framed(planned, **shop.frames())

    assert found.clusters is not None
    for key in metrics:
        sums = found.clusters.sums[key]
        assert sums.moments is not None
        # added up again over clusters they are those of the cells, which have a test of their own
        cells = sums.moments.gathered(found.clusters.cell, len(found.cells.units))
        agree(cells, found.columns[key].moments)
        np.testing.assert_array_equal(sums.moments.n, sums.units)
        width = sums.totals.shape[1]
        totals = sums.moments.n[:, None] * sums.moments.mean[:, :width]
        np.testing.assert_allclose(totals, sums.totals, rtol=1e-12, atol=1e-9)
    # one village in one variant by hand
    units = shop.matured(shop.after(total, timedelta(0), WEEK), WEEK)
    before = shop.after(total, -timedelta(days=14), timedelta(0), "before")
    village = min(shop.seen["village"].unique())
    mine = units.merge(before[["user", "before"]], on="user")
    mine = mine[(mine["village"] == village) & (mine["variant"] == "control")]
    known = mine[["x", "before"]].assign(
        missing=mine["before"].isna(), age=mine["age"].fillna(0.0), none=mine["age"].isna()
    )
    row = np.flatnonzero((found.clusters.code == 0) & (found.clusters.cell == 0))
    ours = found.clusters.sums["m"].moments
    assert ours is not None
    names = found.columns["m"].covariates
    assert names[0] == "pre_period"
    columns = known.fillna({"before": 0.0})[
        ["x", "before", *(["missing"] if len(names) == 4 else []), "age", "none"]
    ]
    agree(ours.at(row), moments(columns.to_numpy(dtype=float)))
