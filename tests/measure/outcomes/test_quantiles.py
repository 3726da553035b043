from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.errors import SpecError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.outcomes.quantiles import bounded, values
from splitrun.moments import FloatArray
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan
from splitrun.spec.segment import Segment
from tests.measure.outcomes.worlds import SEEN, SHOP, VARIANTS, World, agree, moments, total, world
from tests.measure.plans import framed, mean, plan

WEEK = timedelta(days=7)


def quantile(at: float, per: str, window: str | None = "7d", value: str = "value") -> Quantile:
    written = {"kind": "quantile", "source": "shop", "at": at, "per": per, "value": value, "better": "lower"}
    return Quantile.model_validate(written | ({} if window is None else {"window": window}))


def planned(metric: Quantile) -> Plan:
    segments = {"country": Segment(values="country")}
    return plan({"m": metric}, SEEN, sources={"shop": SHOP}, segments=segments)


def type1(sample: FloatArray, at: float) -> float:
    return float(np.quantile(sample, at, method="inverted_cdf")) if len(sample) else np.nan


def rows_of(shop: World) -> pd.DataFrame:
    """The values of mature units whose values are all known, row by row, and units without any."""
    units = shop.matured(shop.after(total, timedelta(0), WEEK), WEEK)
    rows = shop.shop.merge(units[["user", "at"]], on="user", suffixes=("", "_seen"))
    rows = rows[(rows["at"] >= rows["at_seen"]) & (rows["at"] < rows["at_seen"] + WEEK)]
    return units.merge(rows[["user", "value"]], on="user", how="left")


def cuts(found: Measured) -> list[tuple[int, int, str, str | None]]:
    """Each variant and level: their places, the variant and the label of the level."""
    labels = found.labels("country")
    return [(v, at, variant, label) for v, variant in enumerate(VARIANTS) for at, label in enumerate(labels)]


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("seed", "at"), [(61, 0.95), (62, 0.5), (63, 0.07)])
def test_a_quantile_of_events_is_exact_and_counts_what_lies_inside_per_unit(seed: int, at: float) -> None:
    shop = world(seed)
    rows = rows_of(shop)

    found = framed(planned(quantile(at, "event")), **shop.frames())

    whole, split = found.quantiles["m", None], found.quantiles["m", "country"]
    for place, level, variant, label in cuts(found):
        mine = rows[rows["variant"] == variant]
        within = mine[mine["country"] == label]
        for quantiles, column, some in ((whole, 0, mine), (split, level, within)):
            q = type1(some["value"].dropna().to_numpy(), at)
            assert quantiles.value[place, column] == q
            inside = (
                some.assign(s=some["value"] <= q, k=some["value"].notna()).groupby("user")[["s", "k"]].sum()
            )
            agree(quantiles.inside[place].at(np.array([column])), moments(inside.to_numpy(dtype=float)))
    for place in range(2):
        agree(found.by_variant("m")[1][place], whole.inside[place])
    assert np.isnan(whole.low).all()
    assert np.isnan(split.high).all()


@pytest.mark.parametrize(("seed", "at"), [(64, 0.9), (65, 0.5)])
def test_a_quantile_of_units_is_that_of_their_totals(seed: int, at: float) -> None:
    shop = world(seed)
    units = shop.matured(shop.after(total, timedelta(0), WEEK), WEEK)

    found = framed(planned(quantile(at, "unit")), **shop.frames())

    whole, split = found.quantiles["m", None], found.quantiles["m", "country"]
    zeros = found.columns["m"].zeros
    assert zeros is not None
    for place, level, variant, label in cuts(found):
        mine = units[units["variant"] == variant]
        within = mine[mine["country"] == label]
        assert zeros[place] == int((mine["x"] == 0).sum())
        for quantiles, column, some in ((whole, 0, mine), (split, level, within)):
            q = type1(some["x"].to_numpy(), at)
            assert quantiles.value[place, column] == pytest.approx(q, rel=1e-12)
            # the median of all may be 0, which half of the shop spends
            inside = np.stack([some["x"] <= quantiles.value[place, column], np.ones(len(some))], axis=1)
            agree(quantiles.inside[place].at(np.array([column])), moments(inside))


@pytest.mark.parametrize("per", ["event", "unit"])
def test_bounds_are_read_while_the_engine_is_open(per: str) -> None:
    shop = world(66)
    rows = rows_of(shop)
    column = "value" if per == "event" else "x"
    sample = rows if per == "event" else rows.drop_duplicates("user")
    made = planned(quantile(0.8, per))
    rng = np.random.default_rng(1)

    with DuckDB(frames=shop.frames()) as engine:
        found = measure(made, engine)
        shape = found.quantiles["m", "country"].value.shape
        low, high = rng.uniform(0.5, 0.75, shape), rng.uniform(0.85, 0.99, shape)
        low[0, 0] = np.nan
        once = values(made, engine, ("m", None), np.array([[0.1], [0.9]]))
        filled = bounded(made, engine, found, {("m", "country"): (low, high)})

    for place, variant in enumerate(VARIANTS):
        mine = sample[sample["variant"] == variant][column].dropna().to_numpy()
        assert once[place, 0] == pytest.approx(type1(mine, (0.1, 0.9)[place]), rel=1e-12)
    split = filled.quantiles["m", "country"]
    for place, level, variant, label in cuts(found):
        some = sample[(sample["variant"] == variant) & (sample["country"] == label)][column].dropna()
        assert split.high[place, level] == pytest.approx(
            type1(some.to_numpy(), high[place, level]), rel=1e-12
        )
        if (place, level) != (0, 0):
            assert split.low[place, level] == pytest.approx(
                type1(some.to_numpy(), low[place, level]), rel=1e-12
            )
    assert np.isnan(split.low[0, 0])
    assert len(filled.sql) == len(found.sql) + 2


def test_other_metrics_and_segments_have_no_bounds() -> None:
    shop = world(67, units=30)
    made = planned(quantile(0.8, "event"))

    with DuckDB(frames=shop.frames()) as engine:
        measure(made, engine)

        with pytest.raises(SpecError, match="no quantile metric 'other'"):
            values(made, engine, ("other", None), np.array([[0.5], [0.5]]))
        with pytest.raises(SpecError, match="no segment 'other'"):
            values(made, engine, ("m", "other"), np.array([[0.5], [0.5]]))
        assert np.isnan(values(made, engine, ("m", None), np.full((2, 1), np.nan))).all()


def test_a_variant_without_values_has_no_quantile_and_no_nan_in_its_moments() -> None:
    shop = world(68, units=40)
    users = set(shop.seen[shop.seen["variant"] == "control"]["user"])
    quiet = World(shop.seen, shop.shop[~shop.shop["user"].isin(users)])

    found = framed(planned(quantile(0.8, "event", None)), **quiet.frames())

    whole = found.quantiles["m", None]
    assert np.isnan(whole.value[0, 0])
    assert np.isfinite(whole.value[1, 0])
    assert whole.inside[0].mean.tolist() == [[0.0, 0.0]]
    assert whole.inside[0].n[0] == len(users)
    assert whole.inside[0].m2.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_a_unit_with_a_value_that_is_unknown_is_left_out_whole() -> None:
    noon = pd.Timestamp("2026-03-01T12:00Z")
    seen = pd.DataFrame({"user": list("ab"), "variant": "control", "at": noon, "country": "DE"})
    shop = pd.DataFrame({"user": list("aab"), "at": noon, "value": [1.0, np.nan, 3.0], "item": "cup"})

    found = framed(planned(quantile(0.5, "event", None)), seen=seen, shop=shop)

    assert found.columns["m"].missing.tolist() == [1, 0]
    assert found.quantiles["m", None].value[0, 0] == 3.0
    assert found.quantiles["m", None].inside[0].n.tolist() == [1]


def test_the_exposures_own_numbers_have_quantiles_beside_means() -> None:
    shop = world(69)
    own = Quantile.model_validate(
        {
            "kind": "quantile",
            "source": "exposures",
            "at": 0.9,
            "per": "unit",
            "value": "age",
            "better": "lower",
        }
    )

    found = framed(plan({"mean": mean("visits"), "p": own}, SEEN), seen=shop.seen)

    for place, variant in enumerate(VARIANTS):
        mine = shop.seen[shop.seen["variant"] == variant]["age"].dropna().to_numpy()
        assert found.quantiles["p", None].value[place, 0] == type1(mine, 0.9)
        assert found.quantiles["p", None].inside[place].n[0] == len(mine)


@settings(max_examples=25, deadline=None)
@given(
    sample=st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12),
    at=st.floats(0.01, 0.99),
)
def test_a_quantile_is_the_smallest_value_with_its_share_at_or_below(sample: list[float], at: float) -> None:
    seen = pd.DataFrame({"user": [str(i) for i in range(len(sample))], "variant": "control", "y": sample})
    own = Quantile.model_validate(
        {"kind": "quantile", "source": "exposures", "at": at, "per": "unit", "value": "y", "better": "lower"}
    )

    found = framed(plan({"m": own}, SEEN.model_copy(update={"time": None})), seen=seen)

    q = found.quantiles["m", None].value[0, 0]
    assert q in sample
    assert np.mean(np.array(sample) <= q) >= at - 1e-12
    assert np.mean(np.array(sample) < q) < at + 1e-12


def test_the_source_of_events_is_read_no_more_often_than_for_a_mean() -> None:
    shop = world(70)
    mean_of = plan({"m": mean("value", source="shop", window=WEEK)}, SEEN, sources={"shop": SHOP})

    found, plain = (framed(each, **shop.frames()) for each in (planned(quantile(0.9, "event")), mean_of))

    reading = [[each.name for each in one.sql if '"shop"' in each.sql] for one in (found, plain)]
    assert reading[0] == reading[1]
