from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import fsum
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measurement import measure
from splitrun.spec.metric import Mean, Metric
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Source
from tests.measure.plans import UP, WEEK, exposures, framed, mean, means, over, plan, ratio, share

NUMBERS = st.one_of(
    st.floats(min_value=-1e3, max_value=1e3),
    st.floats(min_value=1e9, max_value=1e9 + 10),
    st.floats(min_value=-1e15, max_value=1e15),
    st.sampled_from([0.0, -0.0, 1e-300, -1e-300, 5e-324, 1e15, 0.1]),
)
UNITS = st.lists(
    st.tuples(st.sampled_from(["control", "treatment"]), NUMBERS, NUMBERS), min_size=1, max_size=40
)
FRAME = Exposures(frame="rows", unit="user", variant="variant")


def frame(units: list[tuple[str, float, float]]) -> pa.Table:
    return pa.table(
        {
            "user": list(range(len(units))),
            "variant": [variant for variant, _, _ in units],
            "x": pa.array([x for _, x, _ in units], pa.float64()),
            "y": pa.array([y for _, _, y in units], pa.float64()),
        }
    )


@settings(max_examples=25, deadline=None)
@given(units=UNITS)
def test_moments_of_the_engine_are_those_of_memory(units: list[tuple[str, float, float]]) -> None:
    measured = framed(plan({"r": ratio("x", "y")}, FRAME), rows=frame(units))

    for variant, found in zip(("control", "treatment"), measured.by_variant("r")[1], strict=True):
        mine = [(x, y) for each, x, y in units if each == variant]
        assert found.n[0] == len(mine)
        if not mine:
            continue
        centre = [fsum(column) / len(mine) for column in zip(*mine, strict=True)]
        for one in (0, 1):
            size = fsum(abs(row[one]) for row in mine) / len(mine)
            assert abs(found.mean[0, one] - centre[one]) <= 1e-12 * size
            for other in (0, 1):
                away = [(row[one] - centre[one]) * (row[other] - centre[other]) for row in mine]
                # the scale of what is added up, with the rounding of the values themselves
                scale = fsum(abs(row[one] * row[other]) for row in mine)
                assert abs(found.m2[0, one, other] - fsum(away)) <= 1e-12 * max(
                    fsum(map(abs, away)), 1e-4 * scale
                )


def test_a_large_offset_costs_no_digits() -> None:
    # NIST StRD NumAcc4: 1,001 values around 10,000,000.2; mean and standard deviation are known exactly
    values = [10000000.2] + [10000000.1, 10000000.3] * 500
    units = [("control", value, 1.0) for value in values]

    (control, _) = framed(plan({"m": mean("x")}, FRAME), rows=frame(units)).by_variant("m")[1]

    assert control.mean[0, 0] == pytest.approx(10000000.2, rel=1e-15)
    assert np.sqrt(control.m2[0, 0, 0] / 1000) == pytest.approx(0.1, rel=1e-7)


def test_the_order_of_rows_changes_nothing_but_the_last_digits() -> None:
    rng = np.random.default_rng(5)
    units = [("control", float(x), float(y)) for x, y in rng.lognormal(size=(500, 2))]
    planned = plan({"r": ratio("x", "y")}, FRAME)

    one, other = (
        framed(planned, rows=frame(units).take(order)).by_variant("r")[1][0]
        for order in (np.arange(500), rng.permutation(500))
    )

    assert one.mean == pytest.approx(other.mean, rel=1e-13)
    assert one.m2 == pytest.approx(other.m2, rel=1e-12)


def test_the_same_rows_give_the_same_bits() -> None:
    rng = np.random.default_rng(6)
    units = [("control", float(x), float(y)) for x, y in rng.lognormal(size=(300, 2))]
    planned = plan({"r": ratio("x", "y")}, FRAME)

    one, other = (framed(planned, rows=frame(units)).by_variant("r")[1][0] for _ in range(2))

    assert one.m2.tobytes() == other.m2.tobytes()
    assert one.mean.tobytes() == other.mean.tobytes()


def test_cells_add_up_to_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(1e6, 1, size=400)
    rows = "user,variant,x,c,d\n" + "".join(
        f"{i},{'control' if i % 2 else 'treatment'},{x!r},c{i % 5},d{i % 3}\n"
        for i, x in enumerate(values.tolist())
    )
    cut = {"c": Segment(values="c"), "d": Segment(values="d")}

    measured = over(tmp_path, plan({"m": mean("x")}, exposures(), segments=cut), exposures=rows)
    whole = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=rows)

    assert len(measured.cells.units) == 30
    for one, other in zip(measured.by_variant("m")[1], whole.by_variant("m")[1], strict=True):
        assert one.mean == pytest.approx(other.mean, rel=1e-14)
        assert one.m2 == pytest.approx(other.m2, rel=1e-10)
    labels, (control, _) = measured.by_variant("m", "c")
    expected = values[[i for i in range(400) if i % 2 and i % 5 == 2]]
    assert control.mean[labels.index("c2"), 0] == pytest.approx(expected.mean(), rel=1e-14)
    assert control.m2[labels.index("c2"), 0, 0] == pytest.approx(
        ((expected - expected.mean()) ** 2).sum(), rel=1e-9
    )


SEEN = (
    "user,variant,at\n"
    "1,control,2026-01-01T00:00:00Z\n"
    "2,treatment,2026-01-01T00:00:00Z\n"
    "3,treatment,2026-01-09T00:00:00Z\n"
)
SOLD = {"o": Source(csv="o.csv", unit="user", time="at")}


def test_events_count_from_exposure_until_the_window_ends(tmp_path: Path) -> None:
    rows = (
        "user,at,v\n"
        "1,2025-12-31T23:59:59.999999Z,1000\n"
        "1,2026-01-01T00:00:00Z,1\n"
        "1,2026-01-07T23:59:59.999999Z,2\n"
        "1,2026-01-08T00:00:00Z,4\n"
        "9,2026-01-09T00:00:00Z,4\n"
        "1,when,8\n"
    )
    planned = plan(
        {
            "week": mean("v", source="o", window=WEEK),
            "ever": mean("v", source="o"),
            "any": share(source="o", window=WEEK),
        },
        exposures(time="at"),
        sources=SOLD,
    )

    measured = over(tmp_path, planned, exposures=SEEN, o=rows)

    assert means(measured, "week") == [[1, 3], [1, 0]]
    assert means(measured, "ever") == [[1, 7], [2, 0]]
    assert means(measured, "any") == [[1, 1], [1, 0]]
    assert measured.columns["week"].immature.tolist() == [0, 1]
    assert measured.columns["ever"].immature.tolist() == [0, 0]
    assert measured.dirt.events_before == {"o": 1}
    assert measured.dirt.events_unexposed == {"o": 1}
    assert measured.dirt.events_no_time == {"o": 1}
    assert measured.as_of == datetime(2026, 1, 9, tzinfo=UTC)


def test_a_window_has_passed_at_its_very_end(tmp_path: Path) -> None:
    planned = plan({"m": share(source="o", window=WEEK)}, exposures(time="at"), sources=SOLD)
    (tmp_path / "exposures.csv").write_text(SEEN)
    (tmp_path / "o.csv").write_text("user,at\n1,2026-01-08T00:00:00Z\n")
    end = datetime(2026, 1, 8, tzinfo=UTC)

    found = []
    for as_of in (end, end - timedelta(microseconds=1)):
        with DuckDB(roots=[tmp_path]) as engine:
            found.append(measure(planned, engine, as_of=as_of))

    assert [each.columns["m"].immature.tolist() for each in found] == [[0, 0], [1, 1]]
    # unit 3 was not exposed yet
    assert [each.exposed.tolist() for each in found] == [[1, 1], [1, 1]]
    assert found[0].as_of == end


def test_events_after_as_of_are_not_there_yet(tmp_path: Path) -> None:
    planned = plan({"m": mean(source="o")}, exposures(time="at"), sources=SOLD)
    (tmp_path / "exposures.csv").write_text(SEEN)
    (tmp_path / "o.csv").write_text("user,at\n1,2026-01-02T00:00:00Z\n1,2026-01-05T00:00:00Z\n")

    with DuckDB(roots=[tmp_path]) as engine:
        measured = measure(planned, engine, as_of=datetime(2026, 1, 3, tzinfo=UTC))

    assert means(measured, "m") == [[1, 1], [1, 0]]


def test_as_of_must_name_its_zone(tmp_path: Path) -> None:
    with DuckDB(roots=[tmp_path]) as engine, pytest.raises(DataError, match="names no time zone; say which"):
        measure(plan({"m": share()}, exposures()), engine, as_of=datetime(2026, 1, 1))  # noqa: DTZ001  # that is the mistake


def test_a_selected_event_without_a_usable_value_makes_the_outcome_missing(tmp_path: Path) -> None:
    rows = (
        "user,at,v,name\n"
        "1,2026-01-02T00:00:00Z,nan,a\n"
        "1,2026-01-02T00:00:00Z,5,a\n"
        "2,2026-01-02T00:00:00Z,,a\n"
        "2,2026-01-02T00:00:00Z,3,b\n"
        "3,2026-01-10T00:00:00Z,inf,b\n"
    )
    planned = plan(
        {
            "a": mean("v", "name = 'a'", source="o"),
            "b": mean("v", "name = 'b'", source="o"),
            "r": ratio("v", source="o"),
        },
        exposures(time="at"),
        sources=SOLD,
    )

    measured = over(tmp_path, planned, exposures=SEEN, o=rows)

    assert means(measured, "a") == [[0, 0], [1, 0]]
    assert measured.columns["a"].missing.tolist() == [1, 1]
    assert means(measured, "b") == [[1, 0], [1, 3]]
    assert measured.columns["b"].missing.tolist() == [0, 1]
    assert measured.columns["r"].missing.tolist() == [1, 2]
    assert measured.dirt.not_finite == {"a": 1, "b": 1, "r": 2}


def test_a_missing_outcome_of_the_exposures_is_never_zero(tmp_path: Path) -> None:
    rows = (
        "user,variant,got,x\n"
        "1,control,1,3\n"
        "2,control,,inf\n"
        "3,control,0,\n"
        "4,treatment,NA,nan\n"
        "5,treatment,1,1e999\n"
        "6,treatment,0,2\n"
    )
    metrics: dict[str, Metric] = {
        "s": share("got = 1"),
        "m": mean("x"),
        "mw": mean("x", "got = 1"),
        "n": mean(None, "got = 1"),
        "all": share(),
    }

    measured = over(tmp_path, plan(metrics, exposures()), exposures=rows)

    assert means(measured, "s") == [[2, 0.5], [2, 0.5]]
    assert measured.columns["s"].missing.tolist() == [1, 1]
    assert means(measured, "m") == [[1, 3], [1, 2]]
    assert measured.columns["m"].missing.tolist() == [2, 2]
    # where the condition is false nothing is selected, and the total of nothing is 0
    assert means(measured, "mw") == [[2, 1.5], [1, 0]]
    assert means(measured, "n") == [[2, 0.5], [2, 0.5]]
    assert means(measured, "all") == [[3, 1], [3, 1]]
    assert measured.dirt.not_finite == {"m": 3, "mw": 1}


def test_events_without_times_count_all(tmp_path: Path) -> None:
    planned = plan(
        {"m": mean("v", source="o")}, exposures(), sources={"o": Source(csv="o.csv", unit={"user": "id"})}
    )

    measured = over(tmp_path, planned, exposures=SEEN, o="id,v\n1,2\n1,3\n")

    assert means(measured, "m") == [[1, 5], [2, 0]]
    assert measured.as_of is None
    assert measured.dirt.zoned == {}


def test_a_source_without_a_column_for_this_kind_of_unit_is_refused(tmp_path: Path) -> None:
    planned = plan(
        {"m": share(source="o")}, exposures(), sources={"o": Source(csv="o.csv", unit={"device": "id"})}
    )

    with pytest.raises(DataError, match=r"o: no column is named for the unit 'user' \(there is device\)"):
        over(tmp_path, planned, exposures=SEEN, o="id\n1\n")


def test_ids_that_are_numbers_here_and_text_there_still_meet(tmp_path: Path) -> None:
    planned = plan({"m": mean(source="o")}, exposures(), sources={"o": Source(csv="o.csv", unit="user")})

    measured = over(tmp_path, planned, exposures=SEEN, o="user\n1\n1\nx\n3\n")

    assert means(measured, "m") == [[1, 2], [2, 0.5]]
    assert measured.dirt.events_unexposed == {"o": 1}


def test_a_unit_with_a_million_events_keeps_its_digits() -> None:
    values = np.random.default_rng(8).lognormal(size=1_000_000)
    seen = pl.DataFrame({"user": [1, 2], "variant": ["control", "treatment"]})
    planned = plan(
        {"m": mean("v", source="o")},
        Exposures(frame="seen", unit="user", variant="variant"),
        sources={"o": Source(frame="sold", unit="user")},
    )

    measured = framed(
        planned, seen=seen, sold=pl.DataFrame({"user": np.ones(1_000_000, dtype=np.int64), "v": values})
    )

    assert measured.by_variant("m")[1][0].mean[0, 0] == pytest.approx(fsum(values), rel=1e-14)


def test_the_source_is_read_once_for_all_metrics(tmp_path: Path) -> None:
    metrics = {f"m{i}": mean("v", f"v > {i}", source="o", window=timedelta(days=i + 1)) for i in range(8)}
    planned = plan(metrics, exposures(time="at"), sources=SOLD, segments={"u": Segment(values="user")})

    measured = over(tmp_path, planned, exposures=SEEN, o="user,at,v\n1,2026-01-02,3\n")

    read = [each.name for each in measured.sql if 'FROM "o"' in each.sql]
    # a look at the times and values alone, then the one pass that meets units
    assert read == ["kinds of o", "rows of o", "columns of o"]


def test_a_plan_that_names_no_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names neither exposures nor moments"):
        over(tmp_path, plan({"m": share()}))
    with pytest.raises(DataError, match="the plan names no source o; add it"):
        over(tmp_path, plan({"m": share(source="o")}, exposures()), exposures=SEEN)


def test_an_expression_that_does_not_fit_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"there is no column 'gt', which `where` of metric 'm' names; did you"
    ):
        over(tmp_path, plan({"m": share("gt = 1")}, exposures()), exposures="user,variant,got\n1,control,1\n")
    past_the_spec = Mean.model_construct(
        kind="mean", source="exposures", value="semver(v)", where=None, window=None, better=UP
    )
    with pytest.raises(DataError, match="gives a version for each row; write a number"):
        over(tmp_path, plan({"m": past_the_spec}, exposures()), exposures="user,variant,v\n1,control,a\n")


def test_dates_in_conditions_are_read_in_the_time_zone_of_the_plan(tmp_path: Path) -> None:
    rows = "user,variant,born\n1,control,2026-01-01T23:30:00Z\n2,control,2026-01-01T10:00:00Z\n"
    planned = plan({"m": share("born >= date('2026-01-02')")}, exposures(), timezone="Europe/Berlin")

    assert means(over(tmp_path, planned, exposures=rows), "m")[0] == [2, 0.5]


def test_an_event_whose_condition_cannot_be_read_makes_the_outcome_missing(tmp_path: Path) -> None:
    # 40 readable rows, so that the columns are a number and a time; units 3 and 4 have one that is not
    rows = "user,x,day\n" + "1,20,2026-01-01\n" * 40
    rows += "2,5,2026-01-01\n2,,2026-01-01\n3,20 EUR,2026-01-01\n3,20,2026-01-01\n4,20,2026-02-31\n5,NA,\n"
    exposed = "user,variant\n" + "".join(f"{n},{'control' if n < 3 else 'treatment'}\n" for n in range(1, 8))
    metrics: dict[str, Metric] = {
        "any": share("x > 10", source="o"),
        "count": mean(None, "x > 10", source="o"),
        "day": share("day >= date('2026-01-01')", source="o"),
    }
    planned = plan(metrics, exposures(), sources={"o": Source(csv="o.csv", unit="user")})

    measured = over(tmp_path, planned, exposures=exposed, o=rows)

    # control holds units 1 and 2, treatment 3 to 7; unit 3 is unknown by x, unit 4 by day
    assert means(measured, "any") == [[2, 0.5], [4, 0.25]]
    assert means(measured, "count") == [[2, 20], [4, 0.25]]
    assert means(measured, "day") == [[2, 1], [4, 0.25]]
    assert measured.columns["any"].missing.tolist() == [0, 1]


def test_only_rows_of_the_experiment_say_how_far_the_data_reaches(tmp_path: Path) -> None:
    exposed = "user,variant,at\n1,control,2026-01-01\n2,treatment,2026-01-04\n3,purple,2027-01-01\n"
    rows = "user,t\n1,2026-01-05\n99,2030-01-01\n"
    source = {"o": Source(csv="o.csv", unit="user", time="t")}
    planned = plan({"m": share(source="o", window=WEEK)}, exposures(time="at"), sources=source)

    measured = over(tmp_path, planned, exposures=exposed, o=rows)

    assert measured.as_of == datetime(2026, 1, 5, tzinfo=UTC)
    assert measured.columns["m"].immature.tolist() == [1, 1]
    assert [facts.last for facts in measured.sources] == [
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2030, 1, 1, tzinfo=UTC),
    ]


def test_rows_after_the_moment_of_reading_are_counted_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "exposures.csv").write_text(
        "user,variant,at\n1,control,2026-01-01\n2,treatment,2026-01-04\n3,control,2026-03-01\n"
    )
    (tmp_path / "o.csv").write_text("user,t\n1,2026-01-05\n2,2026-02-02\n2,2099-01-01\n99,2099-01-01\n")
    source = {"o": Source(csv="o.csv", unit="user", time="t")}
    planned = plan({"m": share(source="o")}, exposures(time="at"), sources=source)
    now = datetime(2026, 2, 1, tzinfo=UTC)

    for asked in (None, datetime(2026, 4, 1, tzinfo=UTC)):
        with DuckDB(roots=[tmp_path]) as engine:
            measured = measure(planned, engine, as_of=asked, not_after=now)

        assert measured.exposed.tolist() == [1, 1]
        assert means(measured, "m") == [[1, 1], [1, 0]]
        assert measured.dirt.future_rows == {"exposures": 1, "o": 3}
        assert measured.as_of == (now if asked else datetime(2026, 1, 5, tzinfo=UTC))


def test_events_whose_condition_or_time_is_null_are_no_events(tmp_path: Path) -> None:
    exposed = "user,variant,at\n1,control,2026-01-01\n2,control,2026-01-01\n3,treatment,2026-01-01\n"
    rows = "user,x,t\n1,,2026-01-02\n2,7,\n3,7,2026-01-02\n"
    metrics: dict[str, Metric] = {
        "any": share("x > 5", source="o"),
        "count": mean(None, "x > 5", source="o"),
        "total": mean("x", "x > 5", source="o"),
    }
    source = {"o": Source(csv="o.csv", unit="user", time="t")}

    measured = over(tmp_path, plan(metrics, exposures(time="at"), sources=source), exposures=exposed, o=rows)

    # unit 1 has a condition that is null, unit 2 an event without a time: both have a true 0
    assert means(measured, "any") == [[2, 0], [1, 1]]
    assert means(measured, "count") == [[2, 0], [1, 1]]
    assert means(measured, "total") == [[2, 0], [1, 7]]


@pytest.mark.parametrize("away", [0.0, 5.0, 1e6])
def test_third_moments_of_a_ratio_keep_their_digits_however_far_from_zero_it_lies(away: float) -> None:
    # below ten standard deviations plain sums say them, beyond it a second pass around the mean
    rng = np.random.default_rng(31)
    values = away + np.column_stack([rng.gamma(2.0, 1.0, 400), rng.gamma(3.0, 1.0, 400)])
    seen: dict[str, Sequence[object]] = {"user": range(400), "variant": ["control"] * 400}
    seen |= {"x": values[:, 0].tolist(), "y": values[:, 1].tolist()}

    found = framed(plan({"m": ratio("x", "y")}, FRAME), rows=pa.table(seen)).by_variant("m")[1][0]

    x, y = (values - values.mean(axis=0)).T
    thirds = [np.mean(x**3), np.mean(x * x * y), np.mean(x * y * y), np.mean(y**3)]
    assert found.m3 is not None
    assert found.mixed is not None
    np.testing.assert_allclose([found.m3[0] / 400, *found.mixed[0] / 400], thirds, rtol=0, atol=1e-8)
