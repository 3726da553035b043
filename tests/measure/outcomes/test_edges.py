from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.outcomes.quantiles import bounded
from splitrun.moments import Moments
from splitrun.spec.analysis import PRE_PERIOD, Adjust
from splitrun.spec.metric import ActiveDays, Cap, Distinct, Metric, Quantile, Retention
from splitrun.spec.segment import Segment
from tests.measure.outcomes.worlds import IN_VILLAGES, SHOP
from tests.measure.plans import UP, mean, plan, ratio, share

NOON = pd.Timestamp("2026-03-01T12:00Z").to_pydatetime()
DAY = timedelta(days=1)
WEEK = 7 * DAY
SHOPPING = {"source": "shop", "better": "higher"}
EVERYTHING: dict[str, Metric] = {
    "share": share(source="shop", window=WEEK),
    "count": mean(None, source="shop"),
    "total": mean("value", source="shop", window=WEEK).model_copy(update={"cap": Cap(quantile=0.5)}),
    "capped": mean("value", source="shop").model_copy(update={"cap": Cap(at=3)}),
    "ratio": ratio("value", source="shop"),
    "kinds": Distinct(kind="distinct", source="shop", value="item", better=UP),
    "back": Retention.model_validate({"kind": "retention", "from": "1d", "to": "2d"} | SHOPPING),
    "days": ActiveDays(kind="active_days", source="shop", window=2 * DAY, better=UP),
    "events": Quantile.model_validate(
        {"kind": "quantile", "at": 0.9, "per": "event", "value": "value"} | SHOPPING
    ),
    "units": Quantile.model_validate(
        {"kind": "quantile", "at": 0.9, "per": "unit", "value": "value"} | SHOPPING
    ),
}
ADJUSTED = Adjust(lookback=WEEK, covariates=(PRE_PERIOD, "age"))
PLAN = plan(
    EVERYTHING,
    IN_VILLAGES,
    sources={"shop": SHOP},
    segments={"country": Segment(values="country")},
    adjust=ADJUSTED,
    looks=(DAY, WEEK),
)


def measured(seen: pd.DataFrame, shop: pd.DataFrame) -> Measured:
    with DuckDB(frames={"seen": seen, "shop": shop}) as engine:
        found = measure(PLAN, engine)
        shares = {
            cut: (np.full_like(q.value, 0.1), np.full_like(q.value, 0.95))
            for cut, q in found.quantiles.items()
        }
        return bounded(PLAN, engine, found, shares)


def finite(moments: Moments) -> None:
    assert np.isfinite(moments.mean).all()
    assert np.isfinite(moments.m2).all()
    assert moments.m3 is None or np.isfinite(moments.m3).all()
    assert (np.diagonal(moments.m2, axis1=1, axis2=2) >= 0).all()


def sound(found: Measured) -> None:
    """Check that no number is NaN but the quantile of nothing, and that no unit is lost or counted twice."""
    for key, column in found.columns.items():
        finite(column.moments)
        if column.capping is not None:
            finite(column.capping.uncapped)
        known = np.array([part.n.sum() for part in found.by_variant(key)[1]])
        np.testing.assert_array_equal(known + column.immature + column.missing, found.units()[:, 0])
    for (key, segment), quantiles in found.quantiles.items():
        assert quantiles.value.shape == (2, len(found.labels(segment)))
        for place, inside in enumerate(quantiles.inside):
            finite(inside)
            all_values = inside.n * inside.mean[:, 1] if key == "events" else inside.n
            np.testing.assert_array_equal(np.isnan(quantiles.value[place]), all_values == 0)
        held = ~np.isnan(quantiles.value)
        assert (quantiles.low[held] <= quantiles.value[held]).all()
        assert (quantiles.high[held] >= quantiles.value[held]).all()


def seen_of(users: list[str], variants: list[str]) -> pd.DataFrame:
    seen = pd.DataFrame({"user": users, "variant": variants, "at": NOON, "country": "DE", "village": "v"})
    return seen.assign(age=30.0)


def shop_of(rows: list[tuple[str, float, float | None]]) -> pd.DataFrame:
    """Rows of unit, days after exposure and value."""
    return pd.DataFrame(
        {
            "user": pd.Series([user for user, _, _ in rows], dtype=object),
            "at": pd.to_datetime([NOON + days * DAY for _, days, _ in rows], utc=True),
            "value": pd.Series([value for _, _, value in rows], dtype=float),
            "item": pd.Series(["cup"] * len(rows), dtype=object),
        }
    )


@pytest.mark.parametrize(
    "rows",
    [
        [("a", 9.0, 0.0)],
        [("stranger", 9.0, 1.0)],
        [("a", 0.5, 1e-300), ("b", 0.5, 1e-300), ("a", 9.0, 1.0)],
        [("a", 0.5, 1e99), ("b", 0.5, -1e99), ("a", 9.0, 1.0)],
        [("a", 0.5, -5.0), ("b", -0.5, -5.0), ("a", 9.0, -1.0)],
        [("a", 0.5, None), ("b", 0.5, float("inf")), ("b", -0.5, None), ("a", 9.0, 1.0)],
        [("a", 0.5, 7.0)] * 2_000 + [("b", 9.0, 7.0)],
    ],
    ids=["zero", "stranger", "tiny", "huge", "negative", "unknown", "busy"],
)
def test_odd_data_gives_numbers_or_nothing(rows: list[tuple[str, float, float | None]]) -> None:
    seen = seen_of(list("abcd"), ["control", "treatment", "treatment", "treatment"])

    sound(measured(seen, shop_of(rows)))


def test_a_single_unit_gives_numbers_or_nothing() -> None:
    sound(measured(seen_of(["a"], ["control"]), shop_of([("a", 0.5, 3.0), ("a", 9.0, 1.0)])))


@settings(max_examples=5, deadline=None)
@given(
    variants=st.lists(st.sampled_from(["control", "treatment"]), min_size=1, max_size=5),
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcde"),
            st.floats(-8, 9),
            st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, float("inf"), float("nan")])),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_whatever_happened_no_unit_is_lost(
    variants: list[str], rows: list[tuple[str, float, float | None]]
) -> None:
    sound(measured(seen_of(list("abcde")[: len(variants)], variants), shop_of(rows)))
