from __future__ import annotations

from datetime import timedelta
from math import inf

import numpy as np
import pandas as pd
import pytest

from splitrun.measure.measured import CapOrigin, Measured
from splitrun.spec.analysis import PRE_PERIOD, Adjust
from splitrun.spec.metric import Cap, Mean, Metric, Ratio
from tests.measure.outcomes.worlds import SEEN, SHOP, VARIANTS, World, agree, moments, total, world
from tests.measure.plans import UP, framed, mean, plan

WEEK = timedelta(days=7)
NOTHING = timedelta(0)


def capped(cap: Cap, window: timedelta | None = WEEK) -> Mean:
    return mean("value", source="shop", window=window).model_copy(update={"cap": cap})


def measured(metric: Metric, shop: World, looks: tuple[timedelta, ...] = ()) -> Measured:
    return framed(plan({"m": metric}, SEEN, sources={"shop": SHOP}, looks=looks), **shop.frames())


def disc(values: pd.Series[float], at: float) -> float:
    """Type 1 quantile of what is not zero, by numpy."""
    return float(np.quantile(values[values.notna() & (values != 0)], at, method="inverted_cdf"))


def cut_down(found: Measured, units: pd.DataFrame, cap: float, origin: CapOrigin) -> None:
    capping = found.columns["m"].capping
    assert capping is not None
    (at,) = capping.at
    assert at == pytest.approx(cap, rel=1e-12)
    assert capping.origin is origin
    assert found.columns["m"].zeros is not None
    for place, variant in enumerate(VARIANTS):
        mine = units[units["variant"] == variant]["x"]
        assert capping.capped[place] == int((mine > at).sum())
        assert found.columns["m"].zeros[place] == int((mine == 0).sum())
        agree(found.by_variant("m")[1][place], moments(np.minimum(mine.to_numpy(), cap)[:, None]))
        bare = capping.uncapped.gathered(found.cells.variant.code, 2)
        agree(bare.at(np.array([place])), moments(mine.to_numpy()[:, None]))


def test_a_written_cap_cuts_units_down_and_keeps_the_rest_beside_it() -> None:
    shop = world(21)
    units = shop.matured(shop.after(total, NOTHING, WEEK), WEEK)

    found = measured(capped(Cap(at=40.5)), shop)

    cut_down(found, units, 40.5, CapOrigin.WRITTEN)


@pytest.mark.parametrize("seed", [22, 23])
def test_a_quantile_is_taken_from_a_window_as_long_before_exposure(seed: int) -> None:
    shop = world(seed)
    before = shop.after(total, -WEEK, NOTHING)["x"]
    units = shop.matured(shop.after(total, NOTHING, WEEK), WEEK)

    found = measured(capped(Cap(quantile=0.9)), shop)

    cut_down(found, units, disc(before, 0.9), CapOrigin.BASELINE)


def test_a_window_before_that_the_source_does_not_reach_back_to_says_nothing() -> None:
    shop = world(24)
    first = shop.seen["at"].min()
    young = World(shop.seen, shop.shop[shop.shop["at"] >= first - timedelta(days=2)])
    whole = young.after(total, -WEEK, NOTHING)
    reached = whole[whole["at"] - WEEK >= young.shop["at"].min()]["x"]
    units = young.matured(young.after(total, NOTHING, WEEK), WEEK)

    found = measured(capped(Cap(quantile=0.8)), young)

    assert 10 < len(reached) < len(whole)
    cut_down(found, units, disc(reached, 0.8), CapOrigin.BASELINE)


@pytest.mark.parametrize("seed", [24, 25])
def test_without_rows_before_the_quantile_is_that_of_all_variants_together(seed: int) -> None:
    shop = world(seed)
    late = World(shop.seen, shop.shop[shop.shop["at"] >= shop.seen["at"].max()])
    units = late.matured(late.after(total, NOTHING, WEEK), WEEK)

    found = measured(capped(Cap(quantile=0.9)), late)

    cut_down(found, units, disc(units["x"], 0.9), CapOrigin.EXPERIMENT)


def test_without_a_window_there_is_no_window_as_long_before() -> None:
    shop = world(26)
    units = shop.matured(shop.after(total, NOTHING, None), None)

    found = measured(capped(Cap(quantile=0.75), None), shop)

    cut_down(found, units, disc(units["x"], 0.75), CapOrigin.EXPERIMENT)


def test_a_cap_from_the_experiment_is_frozen_at_the_first_look() -> None:
    shop = world(27)
    late = World(shop.seen, shop.shop[shop.shop["at"] >= shop.seen["at"].max() - timedelta(days=6)])
    units = late.matured(late.after(total, NOTHING, WEEK), WEEK)
    first = shop.seen["at"].min() + timedelta(days=12)
    early = units[units["at"] + WEEK <= first]["x"]

    found = measured(capped(Cap(quantile=0.75)), late, (timedelta(days=12), timedelta(days=14)))

    assert 4 <= int((early > 0).sum()) < int((units["x"] > 0).sum())
    cut_down(found, units, disc(early, 0.75), CapOrigin.EXPERIMENT)


def test_a_first_look_at_too_few_values_freezes_nothing() -> None:
    shop = world(28)
    late = World(shop.seen, shop.shop[shop.shop["at"] >= shop.seen["at"].max()])
    units = late.matured(late.after(total, NOTHING, WEEK), WEEK)

    found = measured(capped(Cap(quantile=0.9)), late, (timedelta(days=7, hours=1), timedelta(days=14)))

    cut_down(found, units, disc(units["x"], 0.9), CapOrigin.EXPERIMENT)


def test_each_part_of_a_ratio_has_its_own_cap_and_a_unit_is_cut_by_either() -> None:
    shop = world(29)
    metric = Ratio.model_validate(
        {
            "kind": "ratio",
            "over": {"source": "shop", "value": "value", "cap": {"at": 60.0}},
            "under": {"source": "shop", "count": "rows", "cap": {"quantile": 0.5}},
            "better": "higher",
        }
    )
    units = shop.after(total, NOTHING, None)
    units["k"] = shop.after(lambda rows: float(len(rows)), NOTHING, None)["x"]
    units = shop.matured(units, None)
    # the quantile is of every mature unit's count, also where the numerator is unknown
    half = disc(shop.after(lambda rows: float(len(rows)), NOTHING, None)["x"], 0.5)

    found = measured(metric, shop)

    capping = found.columns["m"].capping
    assert capping is not None
    assert capping.at == (60.0, half)
    assert capping.origin is CapOrigin.EXPERIMENT
    cut = (units["x"] > 60) | (units["k"] > half)
    columns = np.stack([np.minimum(units["x"], 60), np.minimum(units["k"], half)], axis=1)
    for place, variant in enumerate(VARIANTS):
        mine = (units["variant"] == variant).to_numpy()
        assert capping.capped[place] == int(cut[mine].sum())
        agree(found.by_variant("m")[1][place], moments(columns[mine]))


def test_what_a_unit_spent_before_is_capped_as_what_it_spends_after() -> None:
    shop = world(30)
    planned = plan(
        {"m": capped(Cap(at=30.0))},
        SEEN,
        sources={"shop": SHOP},
        adjust=Adjust(lookback=WEEK, covariates=(PRE_PERIOD,)),
    )
    units = shop.after(total, NOTHING, WEEK)
    units["before"] = np.minimum(shop.after(total, -WEEK, NOTHING)["x"], 30.0)
    units = shop.matured(units, WEEK)

    found = framed(planned, **shop.frames())

    for place, variant in enumerate(VARIANTS):
        mean_before = units[units["variant"] == variant]["before"].fillna(0.0).mean()
        assert found.by_variant("m")[1][place].mean[0, 1] == pytest.approx(mean_before, rel=1e-12)


def test_where_nobody_has_anything_there_is_nothing_to_cap() -> None:
    shop = world(31, units=20)
    strangers = shop.shop.assign(user="stranger")
    metric = capped(Cap(quantile=0.99))

    found = measured(metric, World(shop.seen, strangers))

    capping = found.columns["m"].capping
    assert capping is not None
    assert capping.at == (inf,)
    assert capping.capped.tolist() == [0, 0]
    assert UP is metric.better


def test_a_quantile_below_zero_is_no_cap() -> None:
    seen = pd.DataFrame(
        {"user": list("abcd"), "variant": ["control", "treatment"] * 2, "y": [-3.0, -2, 0, 0]}
    )
    metric = mean("y").model_copy(update={"cap": Cap(quantile=0.9)})

    found = framed(plan({"m": metric}, SEEN.model_copy(update={"time": None})), seen=seen)

    capping = found.columns["m"].capping
    assert capping is not None
    assert capping.at == (inf,)
    assert found.by_variant("m")[1][0].mean.tolist() == [[-1.5]]
