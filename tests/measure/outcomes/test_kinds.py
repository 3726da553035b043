from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from splitrun.measure.measured import Measured
from splitrun.spec.metric import ActiveDays, Distinct, Metric, Retention, Share
from splitrun.spec.segment import Segment
from tests.measure.outcomes.worlds import SEEN, SHOP, VARIANTS, World, agree, moments, total, world
from tests.measure.plans import UP, framed, mean, means, plan

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
NOTHING = timedelta(0)


def measured(metric: Metric, shop: World) -> Measured:
    segments = {"country": Segment(values="country")}
    return framed(plan({"m": metric}, SEEN, sources={"shop": SHOP}, segments=segments), **shop.frames())


def agrees(found: Measured, units: pd.DataFrame) -> None:
    """Check a one-column metric in all variants and within the levels of a segment."""
    labels, levels = found.by_variant("m", "country")
    for place, variant in enumerate(VARIANTS):
        mine = units[units["variant"] == variant]
        agree(found.by_variant("m")[1][place], moments(mine[["x"]].to_numpy(dtype=float)))
        for level, label in enumerate(labels):
            within = mine[mine["country"] == label][["x"]].to_numpy(dtype=float)
            agree(levels[place].at(np.array([level])), moments(within))
    zeros = found.columns["m"].zeros
    assert zeros is not None
    assert zeros.tolist() == [int(((units["variant"] == v) & (units["x"] == 0)).sum()) for v in VARIANTS]


@pytest.mark.parametrize("seed", [1, 2])
def test_different_values_are_counted_once_per_unit(seed: int) -> None:
    shop = world(seed)
    metric = Distinct(kind="distinct", source="shop", value="item", window=WEEK, better=UP)

    found = measured(metric, shop)

    units = shop.after(lambda rows: float(rows["item"].nunique()), NOTHING, WEEK)
    agrees(found, shop.matured(units, WEEK))


def test_different_numbers_and_truths_are_told_apart_and_nan_is_none() -> None:
    shop = world(3)
    metrics: dict[str, Metric] = {
        "m": Distinct(kind="distinct", source="shop", value="value", better=UP),
        "truths": Distinct(kind="distinct", source="shop", value="value > 10", better=UP),
    }
    planned = plan(metrics, SEEN, sources={"shop": SHOP})

    found = framed(planned, **shop.frames())

    values = shop.after(lambda rows: float(rows["value"].nunique()), NOTHING, None)
    known = shop.after(lambda r: float((r["value"].dropna() > 10).nunique()), NOTHING, None)
    for place, variant in enumerate(VARIANTS):
        mine = values["variant"] == variant
        agree(found.by_variant("m")[1][place], moments(values[mine][["x"]].to_numpy()))
        agree(found.by_variant("truths")[1][place], moments(known[mine][["x"]].to_numpy()))


@pytest.mark.parametrize("seed", [4, 5])
def test_retention_is_a_row_within_its_span_of_days(seed: int) -> None:
    shop = world(seed)
    metric = Retention.model_validate(
        {"kind": "retention", "source": "shop", "from": "3d", "to": "5d", "better": "higher"}
    )

    found = measured(metric, shop)

    units = shop.after(lambda rows: float(len(rows) > 0), 3 * DAY, 5 * DAY)
    agrees(found, shop.matured(units, 5 * DAY))


def test_retention_counts_its_first_moment_and_not_its_last() -> None:
    noon = pd.Timestamp("2026-03-01T12:00Z")
    seen = pd.DataFrame({"user": list("abcd"), "variant": "control", "at": noon})
    seen["country"] = "DE"
    moments_of = [noon + timedelta(days=d) for d in (1, 2)] + [noon + DAY - timedelta(microseconds=1)]
    shop = pd.DataFrame({"user": list("abc"), "at": moments_of, "value": 1.0, "item": "cup"})
    late = pd.DataFrame({"user": ["z"], "at": [noon + WEEK], "value": [1.0], "item": ["cup"]})
    metric = Retention.model_validate(
        {"kind": "retention", "source": "shop", "from": "1d", "to": "2d", "better": "higher"}
    )

    found = measured(metric, World(seen, pd.concat([shop, late])))

    assert means(found, "m")[0] == [4, 0.25]


@pytest.mark.parametrize("seed", [6, 7])
def test_active_days_are_the_share_of_days_counted_from_exposure(seed: int) -> None:
    shop = world(seed)
    metric = ActiveDays(
        kind="active_days", source="shop", where="value > 8 or value is null", window=WEEK, better=UP
    )
    begun = shop.seen.set_index("user")["at"]

    found = measured(metric, shop)

    def active(rows: pd.DataFrame) -> float:
        picked = rows[(rows["value"] > 8) | rows["value"].isna()]
        days = {(at - begun[user]) // DAY for user, at in zip(picked["user"], picked["at"], strict=True)}
        return len(days) / 7

    agrees(found, shop.matured(shop.after(active, NOTHING, WEEK), WEEK))


@pytest.mark.parametrize("seed", [8, 9])
def test_means_have_third_moments_and_shares_too(seed: int) -> None:
    shop = world(seed)

    found = measured(mean("value", source="shop", window=WEEK), shop)
    share = measured(Share(kind="share", source="shop", where="item = 'cup'", window=WEEK, better=UP), shop)

    agrees(found, shop.matured(shop.after(total, NOTHING, WEEK), WEEK))
    agrees(
        share,
        shop.matured(shop.after(lambda rows: float((rows["item"] == "cup").any()), NOTHING, WEEK), WEEK),
    )


def test_rows_whose_condition_is_null_are_not_selected_even_where_a_unit_has_no_others() -> None:
    noon = pd.Timestamp("2026-03-01T12:00Z")
    seen = pd.DataFrame({"user": list("ab"), "variant": ["control", "treatment"], "at": noon})
    seen["country"] = "DE"
    shop = pd.DataFrame({"user": ["a", "b"], "at": noon, "value": 1.0, "item": [None, "cup"]})
    metrics: dict[str, Metric] = {
        "count": mean(None, "item = 'cup'", source="shop"),
        "total": mean("value", "item = 'cup'", source="shop"),
        "kinds": Distinct(kind="distinct", source="shop", value="item", where="item = 'cup'", better=UP),
    }

    found = framed(
        plan(metrics, SEEN.model_copy(update={"pre_exposure": ()}), sources={"shop": SHOP}),
        seen=seen,
        shop=shop,
    )

    for key in metrics:
        assert means(found, key) == [[1, 0.0], [1, 1.0]]
