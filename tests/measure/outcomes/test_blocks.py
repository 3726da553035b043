from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measurement import measure
from splitrun.spec.analysis import PRE_PERIOD, Adjust, Trigger
from splitrun.spec.metric import Cap, Metric, Quantile, Retention
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Source
from tests.measure.outcomes.worlds import SEEN, SHOP, VARIANTS, agree, moments, total, world
from tests.measure.plans import framed, mean, plan, ratio, share

WEEK = timedelta(days=7)
BACK = timedelta(days=10)
NOTHING = timedelta(0)
BOTH = Adjust(lookback=BACK, covariates=(PRE_PERIOD, "age", "visits"))


def lacking(name: str, column: pd.Series[float]) -> pd.DataFrame:
    """A covariate as 0 where it is missing, beside an indicator of that."""
    return pd.DataFrame({name: column.fillna(0.0), f"missing {name}": column.isna().astype(float)})


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("seed", [11, 12])
def test_covariates_stand_beside_the_outcome_and_what_is_missing_says_so(seed: int) -> None:
    shop = world(seed)
    segments = {"country": Segment(values="country")}
    metrics: dict[str, Metric] = {"m": mean("value", source="shop", window=WEEK)}
    planned = plan(metrics, SEEN, sources={"shop": SHOP}, segments=segments, adjust=BOTH)

    found = framed(planned, **shop.frames())

    units = shop.after(total, NOTHING, WEEK)
    units["before"] = shop.after(total, -BACK, NOTHING, "before")["before"]
    units = shop.matured(units, WEEK)
    columns = pd.concat(
        [units["x"], lacking(PRE_PERIOD, units["before"]), lacking("age", units["age"]), units["visits"]],
        axis=1,
    )
    names = ("pre_period", "missing pre_period", "age", "missing age", "visits")
    assert found.columns["m"].covariates == names
    labels, levels = found.by_variant("m", "country")
    for place, variant in enumerate(VARIANTS):
        mine = units["variant"] == variant
        agree(found.by_variant("m")[1][place], moments(columns[mine].to_numpy(dtype=float)))
        for level, label in enumerate(labels):
            within = columns[mine & (units["country"] == label)].to_numpy(dtype=float)
            agree(levels[place].at(np.array([level])), moments(within))


def test_a_ratio_has_both_its_parts_from_before() -> None:
    shop = world(13)
    planned = plan({"m": ratio("value", source="shop")}, SEEN, sources={"shop": SHOP}, adjust=BOTH)

    found = framed(planned, **shop.frames())

    units = shop.after(total, NOTHING, None)
    units["count"] = shop.after(lambda rows: float(len(rows)), NOTHING, None)["x"]
    units["before"] = shop.after(total, -BACK, NOTHING)["x"]
    units["count before"] = shop.after(lambda rows: float(len(rows)), -BACK, NOTHING)["x"]
    units = shop.matured(units, None)
    names = (
        "pre_period", "missing pre_period", "pre_period under", "age", "missing age", "visits"
    )  # fmt: skip
    columns = pd.concat(
        [
            units[["x", "count"]],
            lacking(PRE_PERIOD, units["before"]),
            units["count before"],
            lacking("age", units["age"]),
            units["visits"],
        ],
        axis=1,
    )
    assert found.columns["m"].covariates == names
    assert found.columns["m"].moments.mixed is not None
    for place, variant in enumerate(VARIANTS):
        agree(
            found.by_variant("m")[1][place],
            moments(columns[units["variant"] == variant].to_numpy(dtype=float)),
        )


def test_covariates_and_caps_are_the_same_however_few_units_are_held_at_once() -> None:
    shop = world(17)
    capped = mean("value", source="shop", window=WEEK).model_copy(update={"cap": Cap(quantile=0.8)})
    segments = {"country": Segment(values="country")}
    looks = (timedelta(days=9), timedelta(days=14))
    planned = plan({"m": capped}, SEEN, sources={"shop": SHOP}, segments=segments, adjust=BOTH, looks=looks)

    found = []
    for numbers in (10_000_000, 500):
        with DuckDB(frames=shop.frames()) as engine:
            found.append(measure(planned, engine, numbers=numbers))

    whole, parts = found
    for one, other in zip(
        whole.by_variant("m", "country")[1], parts.by_variant("m", "country")[1], strict=True
    ):
        agree(one, other)
    ours, theirs = whole.columns["m"], parts.columns["m"]
    assert ours.capping is not None
    assert theirs.capping is not None
    assert ours.capping.at == theirs.capping.at
    for name in ("zeros", "looks", "immature", "missing"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_array_equal(ours.capping.capped, theirs.capping.capped)


def test_a_share_and_a_retention_have_any_row_before_and_an_own_number_has_nothing_before() -> None:
    shop = world(14)
    retention = Retention.model_validate(
        {"kind": "retention", "source": "shop", "from": "1d", "to": "3d", "better": "higher"}
    )
    metrics: dict[str, Metric] = {
        "share": share("value > 5", source="shop"),
        "back": retention,
        "own": mean("visits"),
        "p90": Quantile.model_validate(
            {
                "kind": "quantile",
                "source": "shop",
                "at": 0.9,
                "per": "unit",
                "value": "value",
                "better": "lower",
            }
        ),
    }
    adjust = Adjust(lookback=BACK, covariates=(PRE_PERIOD,))

    found = framed(plan(metrics, SEEN, sources={"shop": SHOP}, adjust=adjust), **shop.frames())

    dear = shop.after(lambda rows: float((rows["value"] > 5).any()), -BACK, NOTHING)
    there = shop.after(lambda rows: float(len(rows) > 0), -BACK, NOTHING)
    back = there[there["at"] + timedelta(days=3) <= shop.as_of]
    for place, variant in enumerate(VARIANTS):
        assert found.by_variant("share")[1][place].mean[0, 1] == pytest.approx(
            dear[dear["variant"] == variant]["x"].mean()
        )
        assert found.by_variant("back")[1][place].mean[0, 1] == pytest.approx(
            back[back["variant"] == variant]["x"].mean()
        )
    assert found.columns["own"].covariates == ()
    assert found.columns["p90"].covariates == ()


def test_before_means_before_exposure_and_not_before_a_later_trigger() -> None:
    noon = pd.Timestamp("2026-03-10T12:00Z")
    seen = pd.DataFrame({"user": ["a"], "variant": ["control"], "at": [noon]})
    days = {"-1": 1.0, "1": 10.0, "2": 100.0, "3": 1000.0}
    shop = pd.DataFrame(
        [
            {"user": "a", "at": noon + timedelta(days=int(d)), "value": v, "item": "go"}
            for d, v in days.items()
        ]
    )
    shop.loc[shop["value"] != 100.0, "item"] = "cup"
    planned = plan(
        {"m": mean("value", source="shop")},
        SEEN.model_copy(update={"pre_exposure": ()}),
        sources={"shop": SHOP},
        trigger=Trigger(source="shop", where="item = 'go'"),
        adjust=Adjust(lookback=BACK, covariates=(PRE_PERIOD,)),
    )

    found = framed(planned, seen=seen, shop=shop)

    # the outcome begins at the trigger; between exposure and trigger the change may have acted already
    assert found.by_variant("m")[1][0].mean.tolist() == [[1100.0, 1.0]]


def test_a_covariate_that_nobody_misses_has_no_indicator() -> None:
    shop = world(15)
    adjust = Adjust(covariates=("visits",))

    found = framed(plan({"m": mean("visits")}, SEEN, adjust=adjust), seen=shop.seen)

    assert found.columns["m"].covariates == ("visits",)


def test_a_covariate_that_is_text_is_refused_with_the_way_out() -> None:
    shop = world(16)
    adjust = Adjust(covariates=("country",))

    with pytest.raises(DataError, match=r"'country' holds texts and no numbers; declare it as a segment"):
        framed(plan({"m": mean("visits")}, SEEN, adjust=adjust), seen=shop.seen)


def test_a_covariate_that_is_not_finite_is_missing() -> None:
    seen = pd.DataFrame({"user": list("abc"), "variant": "control", "age": [np.inf, np.nan, 7.0], "y": 1.0})
    adjust = Adjust(covariates=("age",))
    exposures = SEEN.model_copy(update={"time": None})

    found = framed(plan({"m": mean("y")}, exposures, adjust=adjust), seen=seen)

    assert found.columns["m"].covariates == ("age", "missing age")
    np.testing.assert_allclose(found.by_variant("m")[1][0].mean, [[1.0, 7 / 3, 2 / 3]], rtol=1e-15)


def test_nan_in_a_parquet_file_is_found_whatever_its_statistics_say(tmp_path: Path) -> None:
    # Arrow leaves NaN out of the smallest and largest value that it writes into the file
    seen: dict[str, Sequence[object]] = {
        "user": list("abcd"),
        "variant": ["control"] * 4,
        "age": [1.0, np.nan, 3.0, 5.0],
    }
    seen |= {"y": [1.0, 2.0, np.nan, 4.0], "moment": [datetime(2026, 1, 1, tzinfo=UTC)] * 4}
    shop: dict[str, Sequence[object]] = {"user": list("abbd"), "spent": [1.0, 2.0, np.nan, 4.0]}
    shop |= {"moment": [datetime(2026, 1, 2, tzinfo=UTC)] * 4}
    pq.write_table(pa.table(seen), tmp_path / "seen.parquet")
    pq.write_table(pa.table(shop), tmp_path / "shop.parquet")
    exposures = Exposures(
        parquet="seen.parquet", unit="user", variant="variant", time="moment", pre_exposure=("age",)
    )
    sources = {"shop": Source(parquet="shop.parquet", unit="user", time="moment")}
    metrics: dict[str, Metric] = {"y": mean("y"), "spent": mean("spent", source="shop")}
    metrics["little"] = share("spent < 3", source="shop")
    segments = {"age": Segment(values="age")}
    adjust = Adjust(covariates=("age",))
    planned = plan(metrics, exposures, sources=sources, segments=segments, adjust=adjust)

    with DuckDB(roots=[tmp_path]) as engine:
        found = measure(planned, engine)

    own, spent = (found.by_variant(key)[1][0] for key in ("y", "spent"))
    assert [int(own.n[0]), int(spent.n[0])] == [3, 3]
    np.testing.assert_allclose(own.mean, [[7 / 3, 2.0, 1 / 3]], rtol=1e-15)
    np.testing.assert_allclose(spent.mean, [[5 / 3, 3.0, 0.0]], rtol=1e-15)
    assert found.dirt.not_finite == {"y": 1, "spent": 1}
    np.testing.assert_allclose(found.by_variant("little")[1][0].mean[:, 0], [2 / 4], rtol=1e-15)
    assert found.by_variant("y", "age")[0] == ("1", "3", "5", "nan")
