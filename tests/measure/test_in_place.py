from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.spec.analysis import Adjust
from splitrun.spec.metric import Mean, Metric, Per, Quantile, Ratio, Total
from splitrun.spec.plan import Plan
from splitrun.spec.segment import Segment
from splitrun.spec.source import EXPOSURES, Exposures
from tests.measure.plans import UP, framed, mean, plan

UNITS = 600


def table(ids: str = "number") -> pl.DataFrame:
    """A row per unit; every eleventh has no `spent`, two no finite one, some no country and no age."""
    rng = np.random.default_rng(17)
    spent = np.round(rng.gamma(2.0, 5.0, UNITS), 2)
    country = rng.choice(np.array(["DE", "FR", "", None], dtype=object), UNITS, p=[0.5, 0.3, 0.1, 0.1])
    unit = rng.permutation(10 * UNITS)[:UNITS]
    return pl.DataFrame(
        {
            "user": unit if ids == "number" else [f"u{each}" for each in unit],
            "variant": rng.choice(["control", "treatment"], UNITS),
            "country": country.tolist(),
            "device": rng.choice(["phone", "desk"], UNITS),
            "age": [None if each % 7 == 0 else float(each % 60 + 18) for each in range(UNITS)],
            "spent": [None if each % 11 == 0 else float(v) for each, v in enumerate(spent)],
            "orders": rng.poisson(2.0, UNITS).astype(np.float64),
            "weight": 1e6 + rng.normal(size=UNITS),
        }
    )


def trial(unit: str = "user") -> Plan:
    metrics: dict[str, Metric] = {
        "spent": mean("spent"),
        "orders": mean("orders"),
        "weight": Mean(kind="mean", source=EXPOSURES, value="weight", better=UP),
        "price": Ratio(
            kind="ratio",
            over=Total(source=EXPOSURES, value="spent"),
            under=Total(source=EXPOSURES, value="orders"),
            better=UP,
        ),
    }
    return plan(
        metrics,
        Exposures(frame="seen", unit=unit, variant="variant", pre_exposure=("country", "device", "age")),
        segments={"country": Segment(values="country"), "phone": Segment(when="device = 'phone'")},
        adjust=Adjust(covariates=("age",)),
    )


def statements(measured: Measured) -> set[str]:
    return {each.name for each in measured.sql}


def assert_alike(one: Measured, other: Measured) -> None:
    for key in one.columns:
        for segment in (None, "country", "phone"):
            (labels, ours), (names, theirs) = (each.by_variant(key, segment) for each in (one, other))
            places = np.array([names.index(label) for label in labels])
            assert set(labels) == set(names)
            for a, b in zip(ours, theirs, strict=True):
                picked = b.at(places)
                np.testing.assert_array_equal(a.n, picked.n)
                np.testing.assert_allclose(a.mean, picked.mean, rtol=1e-12)
                np.testing.assert_allclose(a.m2, picked.m2, rtol=1e-12, atol=1e-12 * a.m2.max())
        np.testing.assert_array_equal(one.columns[key].missing, other.columns[key].missing)
        assert one.columns[key].covariates == other.columns[key].covariates


@pytest.mark.parametrize("ids", ["number", "text"])
def test_units_read_in_place_have_the_moments_of_units_that_stand_twice(ids: str) -> None:
    once = table(ids)
    twice = pl.concat([once, once]).sample(fraction=1.0, shuffle=True, seed=4)

    here, copied = framed(trial(), seen=once), framed(trial(), seen=twice)

    assert "exposures" not in statements(here)
    assert "exposures" in statements(copied)
    assert here.dirt.duplicate_exposures == 0
    assert copied.dirt.duplicate_exposures == UNITS
    np.testing.assert_array_equal(here.exposed, copied.exposed)
    assert_alike(here, copied)


def test_the_order_of_rows_in_place_changes_the_last_digits_at_most() -> None:
    shuffled = table().sample(fraction=1.0, shuffle=True, seed=9)

    assert_alike(framed(trial(), seen=table()), framed(trial(), seen=shuffled))


def test_each_row_may_be_a_unit_of_its_own() -> None:
    by_id, by_row = framed(trial(), seen=table()), framed(trial("row"), seen=table())

    assert_alike(by_id, by_row)


def test_quantiles_find_their_units_again_where_each_row_is_a_unit() -> None:
    median = Quantile(kind="quantile", source=EXPOSURES, value="orders", at=0.5, per=Per.UNIT, better=UP)
    planned = plan({"median": median}, Exposures(frame="seen", unit="row", variant="variant"))
    rows = table()

    found = framed(planned, seen=rows)

    for place, variant in enumerate(("control", "treatment")):
        values = np.sort(rows.filter(pl.col("variant") == variant)["orders"].to_numpy())
        # type 1: the smallest value with half of the values at or below it
        assert found.quantiles["median", None].value[place, 0] == values[-(-len(values) // 2) - 1]


def test_one_unit_in_two_variants_is_found_among_units_that_stand_once() -> None:
    once = table()
    other = once.head(1).with_columns(
        variant=pl.when(pl.col("variant") == "control").then(pl.lit("treatment")).otherwise(pl.lit("control"))
    )

    found = framed(trial(), seen=pl.concat([once, other]))

    assert found.dirt.crossover_units == 1
    assert found.dirt.crossovers_left_out
    assert found.dirt.duplicate_exposures == 0
    assert found.units().sum() == UNITS - 1


def test_values_that_are_missing_or_not_finite_are_left_out_in_place() -> None:
    rows = table().with_columns(
        orders=pl.when(pl.int_range(pl.len()) < 2).then(pl.lit(float("inf"))).otherwise(pl.col("orders"))
    )

    found = framed(trial(), seen=rows)

    assert found.columns["spent"].missing.sum() == len(range(0, UNITS, 11))
    assert found.columns["orders"].missing.sum() == 2
    # a unit counts where both sides are known
    assert found.columns["price"].missing.sum() == len({*range(0, UNITS, 11), 0, 1})
    assert found.dirt.not_finite == {"orders": 2, "price": 2}
    assert found.columns["spent"].covariates == ("age", "missing age")


def test_rows_without_a_unit_or_a_planned_variant_are_no_units_in_place() -> None:
    rows = table().with_columns(
        user=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise(pl.col("user")),
        variant=pl.when(pl.int_range(pl.len()) >= UNITS - 5)
        .then(pl.lit("blue"))
        .otherwise(pl.col("variant")),
    )

    found = framed(trial(), seen=rows)

    assert "exposures" not in statements(found)
    assert found.dirt.no_unit == 3
    assert found.dirt.unknown_variants == (("blue", 5),)
    assert found.units().sum() == UNITS - 8


def test_a_number_that_only_rows_of_no_unit_lack_is_lacked_by_nobody() -> None:
    first = pl.int_range(pl.len()) < 3
    rows = table().with_columns(
        user=pl.when(first).then(None).otherwise(pl.col("user")),
        orders=pl.when(first).then(None).otherwise(pl.col("orders")),
    )

    found = framed(trial(), seen=rows)

    assert found.columns["orders"].missing.sum() == 0
    assert found.columns["orders"].moments.n.sum() == UNITS - 3
    sums = next(each.sql for each in found.sql if each.name == "outcomes")
    assert '"u"."p1" AS "x1_0"' in sums


def test_rows_that_are_all_units_are_looked_at_once() -> None:
    rows = table()

    found = framed(trial(), seen=rows)

    assert not {"units by variant", "unknown variants"} & statements(found)
    counted = [rows.filter(pl.col("variant") == variant).height for variant in ("control", "treatment")]
    assert found.exposed.tolist() == counted


def test_an_empty_label_and_none_at_all_are_one_level() -> None:
    rows = table()

    found = framed(trial(), seen=rows)

    lacking = rows.filter(pl.col("country").is_null() | (pl.col("country") == "")).height
    labels, _ = found.by_variant("orders", "country")
    assert sorted(labels) == ["(missing)", "DE", "FR"]
    assert found.units("country").sum(axis=0)[labels.index("(missing)")] == lacking


def test_spread_that_is_small_beside_its_mean_is_found_to_the_last_digits() -> None:
    rows = table()

    found = framed(trial(), seen=rows)

    for variant, ours in zip(("control", "treatment"), found.by_variant("weight")[1], strict=True):
        values = [Fraction(each) for each in rows.filter(pl.col("variant") == variant)["weight"]]
        centre = sum(values) / len(values)
        exact = float(sum((each - centre) ** 2 for each in values))
        # plain sums would be off by 1e-4; each cell's mean is rounded at 1e-10 of a standard deviation
        assert ours.m2[0, 0, 0] == pytest.approx(exact, rel=1e-11)


def test_a_second_pass_is_made_for_such_a_metric_alone() -> None:
    measured = framed(trial(), seen=table())
    near = next(each.sql for each in measured.sql if each.name == "moments")

    # the third metric has it and the second has not
    assert '"m2_0_0"' in near
    assert '"m1_0_0"' not in near


def test_the_same_bytes_come_out_twice() -> None:
    one, other = framed(trial(), seen=table()), framed(trial(), seen=table())

    for key, each in one.columns.items():
        assert each.moments.m2.tobytes() == other.columns[key].moments.m2.tobytes()
        assert each.moments.mean.tobytes() == other.columns[key].moments.mean.tobytes()


def test_what_is_named_can_be_let_go_of() -> None:
    with DuckDB(frames={"seen": table()}) as engine:
        engine.load({"seen": Exposures(frame="seen", unit="user", variant="variant")})
        engine.name("some", 'SELECT "user" FROM "seen"')
        assert engine.run('SELECT COUNT(*) AS n FROM "some"').to_pylist() == [{"n": UNITS}]
        engine.forget("some")
        engine.name("some", 'SELECT "variant" FROM "seen"')

        assert engine.run('SELECT * FROM "some"').column_names == ["variant"]


def test_nothing_is_kept_of_units_that_are_read_in_place() -> None:
    with DuckDB(frames={"seen": table()}) as engine:
        measured = measure(trial(), engine)

        assert [each.name for each in measured.sql if each.name == "labels that stand together"]
        assert "how many cells" not in statements(measured)
