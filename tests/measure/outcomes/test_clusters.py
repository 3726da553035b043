from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from splitrun.spec.metric import Metric, Quantile
from splitrun.spec.segment import Segment
from tests.measure.outcomes.worlds import IN_VILLAGES, SHOP, VARIANTS, agree, moments, total, world
from tests.measure.plans import framed, mean, plan, ratio

WEEK = timedelta(days=7)


@pytest.mark.parametrize("seed", [51, 52])
def test_every_cluster_has_its_sums_in_every_cell(seed: int) -> None:
    shop = world(seed)
    metrics: dict[str, Metric] = {
        "m": mean("value", source="shop", window=WEEK),
        "r": ratio("value", source="shop"),
        "p": Quantile.model_validate(
            {
                "kind": "quantile",
                "source": "shop",
                "at": 0.5,
                "per": "event",
                "value": "value",
                "better": "lower",
            }
        ),
    }
    segments = {"country": Segment(values="country")}
    planned = plan(metrics, IN_VILLAGES, sources={"shop": SHOP}, segments=segments)

    found = framed(planned, **shop.frames())

    clusters = found.clusters
    assert clusters is not None
    assert set(clusters.sums) == {"m", "r", "p"}
    assert clusters.lost == int(shop.seen["village"].isna().sum()) > 0
    assert found.exposed.sum() == len(shop.seen) - clusters.lost == found.units().sum()
    names = sorted(shop.seen["village"].dropna().unique())
    units = shop.after(total, timedelta(0), WEEK)
    units = shop.matured(units[units["village"].notna()], WEEK)
    rows = units.groupby(["village", "variant", "country"])["x"]
    theirs = {key: (len(x), x.sum(), (x**2).sum()) for key, x in rows}
    sums = clusters.sums["m"]
    country = found.cells.segments["country"]
    for row in range(len(clusters.code)):
        cell = clusters.cell[row]
        key = (
            names[clusters.code[row]],
            VARIANTS[found.cells.variant.code[cell]],
            country.labels[country.code[cell]],
        )
        n, x, square = theirs.pop(key, (0, 0.0, 0.0))
        assert sums.units[row] == n
        assert sums.totals[row] == pytest.approx([x], rel=1e-12)
        assert sums.squares[row] == pytest.approx(square, rel=1e-12)
    assert not theirs
    assert clusters.sums["r"].totals.shape == (len(clusters.code), 2)


def test_units_without_a_cluster_are_left_out_of_everything() -> None:
    shop = world(53)
    villagers = shop.seen[shop.seen["village"].notna()]

    found = framed(plan({"m": mean("visits")}, IN_VILLAGES), seen=shop.seen)

    for place, variant in enumerate(VARIANTS):
        mine = villagers[villagers["variant"] == variant]["visits"].to_numpy(dtype=float)
        agree(found.by_variant("m")[1][place], moments(mine[:, None]))


def test_the_cluster_of_a_unit_is_that_of_its_first_exposure() -> None:
    seen = pd.DataFrame(
        {
            "user": ["a", "a", "b"],
            "variant": "control",
            "at": pd.to_datetime(["2026-03-02T00:00Z", "2026-03-01T00:00Z", "2026-03-01T00:00Z"]),
            "village": ["late", "early", None],
            "y": [5.0, 7.0, 9.0],
        }
    )

    found = framed(plan({"m": mean("y")}, IN_VILLAGES), seen=seen)

    assert found.clusters is not None
    assert found.clusters.lost == 1
    np.testing.assert_array_equal(found.clusters.sums["m"].totals, [[7.0]])


def test_clusters_without_units_are_no_clusters() -> None:
    seen = pd.DataFrame({"user": ["a"], "variant": ["control"], "village": [None], "y": [1.0]})
    exposures = IN_VILLAGES.model_copy(update={"time": None})

    found = framed(plan({"m": mean("y")}, exposures), seen=seen)

    assert found.clusters is not None
    assert found.clusters.lost == 1
    assert len(found.clusters.code) == 0
    assert found.by_variant("m")[1][0].n.tolist() == [0]
