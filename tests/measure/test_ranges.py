from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.ranges import NUMBERS, WHOLE, many, turns
from splitrun.measure.sql import column
from splitrun.spec.analysis import Adjust, Trigger
from splitrun.spec.metric import Mean
from splitrun.spec.plan import Plan
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Source
from tests.measure.plans import UP, WEEK, mean, plan, share

UNITS, ROWS = 400, 6_000
START = np.datetime64("2026-01-01T00:00:00", "us")


def seen(ids: list[int] | list[str]) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "user": ids,
            "variant": rng.choice(["control", "treatment"], UNITS),
            "moment": START + rng.integers(0, 10 * 86_400, UNITS) * np.timedelta64(1, "s"),
            "country": rng.choice(["DE", "FR", "CI"], UNITS),
        }
    )


def sold(ids: list[int] | list[str]) -> pl.DataFrame:
    rng = np.random.default_rng(6)
    return pl.DataFrame(
        {
            # every tenth row is a stranger's
            "user": [ids[each % UNITS] if each % 10 else None for each in rng.integers(0, ROWS, ROWS)],
            "moment": START + rng.integers(0, 28 * 86_400, ROWS) * np.timedelta64(1, "s"),
            "amount": rng.lognormal(3.0, 1.0, ROWS),
        }
    )


NUMBERED = [int(each) for each in np.random.default_rng(7).permutation(10 * UNITS)[:UNITS]]
LETTERED = [f"unit's-{each:04}" for each in NUMBERED]


def trial(*, trigger: Trigger | None = None) -> Plan:
    return plan(
        {
            "spent": mean("amount", source="sold", window=WEEK),
            "bought": share("amount > 30", source="sold", window=WEEK),
            "kept": Mean(kind="mean", source="sold", value="amount", window=timedelta(days=14), better=UP),
        },
        Exposures(frame="seen", unit="user", variant="variant", time="moment", pre_exposure=("country",)),
        sources={"sold": Source(frame="sold", unit="user", time="moment")},
        segments={"country": Segment(values="country")},
        adjust=Adjust(lookback=timedelta(days=14), covariates=("pre_period",)),
        trigger=trigger,
    )


def found(planned: Plan, seen: pl.DataFrame, sold: pl.DataFrame, numbers: int = NUMBERS) -> Measured:
    with DuckDB(frames={"seen": seen, "sold": sold}) as engine:
        return measure(planned, engine, numbers=numbers)


def bits(measured: Measured) -> dict[str, tuple[bytes, ...]]:
    return {
        key: (
            each.moments.n.tobytes(), each.moments.mean.tobytes(), each.moments.m2.tobytes(),
            each.immature.tobytes(), each.missing.tobytes(),
        )
        for key, each in measured.columns.items()
    }  # fmt: skip


def assert_alike(one: Measured, other: Measured) -> None:
    """Equal to 1e-12 of sums of absolute values; all values here are positive, so of the sums themselves."""
    for key in one.columns:
        (labels, ours), (_, theirs) = one.by_variant(key, "country"), other.by_variant(key, "country")
        places = [other.by_variant(key, "country")[0].index(label) for label in labels]
        for a, b in zip(ours, theirs, strict=True):
            picked = b.at(np.array(places))
            np.testing.assert_array_equal(a.n, picked.n)
            np.testing.assert_allclose(a.mean, picked.mean, rtol=1e-12)
            np.testing.assert_allclose(a.m2, picked.m2, rtol=0, atol=1e-12 * a.m2.max())
        np.testing.assert_array_equal(one.columns[key].immature, other.columns[key].immature)
    assert one.dirt == other.dirt


@pytest.mark.parametrize("ids", [NUMBERED, LETTERED], ids=["numbers", "text"])
def test_units_taken_in_ranges_have_the_moments_of_units_taken_at_once(ids: list[int] | list[str]) -> None:
    whole = found(trial(), seen(ids), sold(ids))

    ranged = found(trial(), seen(ids), sold(ids), numbers=500)

    assert sum(each.name == "columns of sold" for each in whole.sql) == 1
    assert sum(each.name == "columns of sold" for each in ranged.sql) > 3
    assert_alike(whole, ranged)


def test_every_range_is_read_on_both_sides_of_a_trigger() -> None:
    planned = trial(trigger=Trigger(source="sold", where="amount > 20"))

    ranged = found(planned, seen(NUMBERED), sold(NUMBERED), numbers=500)

    assert_alike(found(planned, seen(NUMBERED), sold(NUMBERED)), ranged)
    assert ranged.dirt.untriggered_units > 0


@pytest.mark.parametrize("numbers", [NUMBERS, 500])
def test_the_same_files_give_the_same_bytes(numbers: int) -> None:
    rows = seen(NUMBERED), sold(NUMBERED)

    assert bits(found(trial(), *rows, numbers)) == bits(found(trial(), *rows, numbers))


@pytest.mark.parametrize("numbers", [NUMBERS, 500])
def test_the_order_of_the_rows_changes_the_last_digits_at_most(numbers: int) -> None:
    rows = seen(NUMBERED), sold(NUMBERED)
    first, second = (each.sample(fraction=1.0, shuffle=True, seed=3) for each in rows)

    assert_alike(found(trial(), *rows, numbers), found(trial(), first, second, numbers))


def test_an_id_that_is_a_number_is_never_made_text() -> None:
    sql = [each.sql for each in found(trial(), seen(NUMBERED), sold(NUMBERED), numbers=500).sql]

    assert any("QUANTILE_DISC(key" in each for each in sql)
    assert not [each for each in sql if 'CAST("r"."user" AS TEXT)' in each or "'unit" in each]


def test_ranges_are_as_many_as_the_sums_need() -> None:
    assert many(0, 20) == 1
    assert many(1_000_000, 20) == 3
    assert many(1_000_000, 20, numbers=1_000_000) == 20


def test_turns_hold_every_unit_once() -> None:
    assert [each.holds(column("n")).sql() for each in turns(10, 3)] == [
        '"n" >= 1 AND "n" < 4',
        '"n" >= 4 AND "n" < 7',
        '"n" >= 7 AND "n" < 11',
    ]
    assert len(turns(2, 5)) == 2
    assert turns(2, 1) == (WHOLE,)
