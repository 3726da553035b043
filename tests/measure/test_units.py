from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measurement import measure
from splitrun.spec.analysis import Trigger
from splitrun.spec.metric import Metric, Ratio
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Source
from tests.measure.plans import WEEK, exposures, mean, means, over, plan, ratio, share

HEAD = "user,variant,at,x\n"


def test_a_unit_exposed_twice_is_counted_once_from_its_first_exposure(tmp_path: Path) -> None:
    rows = (
        HEAD + "1,control,2026-01-02T00:00:00Z,9\n"
        "1,control,2026-01-01T00:00:00Z,4\n"
        "2,treatment,2026-01-01T00:00:00Z,1\n"
    )

    measured = over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows)

    assert measured.exposed.tolist() == [1, 1]
    assert means(measured, "m") == [[1, 4], [1, 1]]
    assert measured.dirt.duplicate_exposures == 1
    assert measured.dirt.exposure_rows == 3
    assert measured.first_exposure == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_unit_in_two_variants_belongs_to_the_first_and_is_counted(tmp_path: Path) -> None:
    rows = (
        HEAD + "1,treatment,2026-01-02T00:00:00Z,9\n"
        "1,control,2026-01-01T00:00:00Z,4\n"
        "2,treatment,2026-01-01T00:00:00Z,1\n"
    )

    measured = over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows)

    assert measured.exposed.tolist() == [1, 1]
    assert measured.dirt.crossover_units == 1
    assert not measured.dirt.crossovers_left_out
    assert measured.dirt.duplicate_exposures == 0


def test_without_times_a_unit_in_two_variants_is_left_out(tmp_path: Path) -> None:
    rows = HEAD + "1,treatment,,9\n1,control,,4\n2,treatment,,1\n3,control,,5\n3,control,,5\n"

    measured = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=rows)

    assert measured.exposed.tolist() == [1, 1]
    assert measured.dirt.crossovers_left_out
    assert (measured.dirt.crossover_units, measured.dirt.duplicate_exposures) == (1, 1)
    assert measured.as_of is None


def test_exposures_at_the_same_moment_are_told_apart_by_the_order_of_the_plan(tmp_path: Path) -> None:
    first = HEAD + "1,treatment,2026-01-01,9\n1,control,2026-01-01,4\n"
    second = HEAD + "1,control,2026-01-01,4\n1,treatment,2026-01-01,9\n"
    planned = plan({"m": mean("x")}, exposures(time="at"))

    assert [over(tmp_path, planned, exposures=rows).exposed.tolist() for rows in (first, second)] == [
        [1, 0]
    ] * 2


@pytest.mark.parametrize("time", [None, "at"])
def test_rows_at_the_same_moment_that_disagree_leave_the_outcome_missing(
    tmp_path: Path, time: str | None
) -> None:
    rows = (
        "user,variant,at,x,y,s\n"
        "1,control,2026-01-01,9,1,a\n1,control,2026-01-01,4,1,b\n"
        "2,control,2026-01-01,6,,a\n2,control,2026-01-01,6,3,a\n"
        "3,treatment,2026-01-01,5,2,b\n3,treatment,2026-01-01,5,2,b\n"
    )
    planned = plan(
        {"m": mean("x"), "k": mean("y"), "p": share("x > 5"), "r": ratio("x", "y")},
        exposures(time=time),
        segments={"s": Segment(values="s")},
    )

    measured = over(tmp_path, planned, exposures=rows)

    # unit 1: x is 9 or 4, s is a or b; unit 2: y is nothing or 3; unit 3 stands twice the same
    assert means(measured, "m") == [[1, 6], [1, 5]]
    assert means(measured, "k") == [[1, 1], [1, 2]]
    assert means(measured, "p") == [[1, 1], [1, 0]]
    assert means(measured, "r") == [[0, 0], [1, 5]]
    assert measured.columns["m"].missing.tolist() == [1, 0]
    assert measured.dirt.conflicting_units == {"m": 1, "k": 1, "p": 1, "r": 2, "segments.s": 1}
    assert measured.dirt.duplicate_exposures == 3
    assert measured.by_variant("m", "s")[0] == ("a", "b", "(missing)")


def test_a_later_row_that_differs_is_no_conflict(tmp_path: Path) -> None:
    rows = HEAD + "1,control,2026-01-02,4\n1,control,2026-01-01,9\n2,treatment,2026-01-01,1\n"

    measured = over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows)

    assert means(measured, "m") == [[1, 9], [1, 1]]
    assert measured.dirt.conflicting_units == {}


def test_rows_without_unit_variant_or_time_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = (
        HEAD + ",control,2026-01-01,1\n"
        "1,,2026-01-01,1\n"
        "2,purple,2026-01-01,1\n"
        "3,control,never,1\n"
        "4,control,2026-01-01,1\n"
        "5,purple,2026-01-01,1\n"
    )

    measured = over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows)

    dirt = measured.dirt
    assert (dirt.no_unit, dirt.no_variant, dirt.no_time) == (1, 1, 1)
    assert dirt.unknown_variants == (("purple", 2),)
    assert measured.exposed.tolist() == [1, 0]


def test_more_unknown_variants_than_can_be_listed_are_summed(tmp_path: Path) -> None:
    rows = HEAD + "".join(f"{i},v{i:03},2026-01-01,1\n" for i in range(60)) + "x,control,2026-01-01,1\n"

    listed = over(
        tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows
    ).dirt.unknown_variants

    assert len(listed) == 51
    assert listed[-1] == ("(10 others)", 10)


def test_an_empty_variant_and_a_lonely_unit_give_moments_without_nan(tmp_path: Path) -> None:
    measured = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=HEAD + "1,control,,7\n")

    control, treatment = measured.by_variant("m")[1]
    assert (control.n[0], control.mean[0, 0], control.m2[0, 0, 0]) == (1, 7, 0)
    assert (treatment.n[0], treatment.mean[0, 0], treatment.m2[0, 0, 0]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("cells", "labels", "exposed"),
    [
        ("0,1,1", {0: "control", 1: "treatment"}, [1, 2]),
        ("0.0,1.0,1", {0: "control", 1: "treatment"}, [1, 2]),
        ("0,1,2", {0: "control", 1: "treatment", 2: "treatment"}, [1, 2]),
        ("0.5,1,1", {0.5: "control", "1": "treatment"}, [1, 2]),
        ("false,true,True", {False: "control", True: "treatment"}, [1, 2]),
        ("false,true,true", {0: "control", "true": "treatment"}, [1, 2]),
        ("off,1,1", {"off": "control", 1: "treatment"}, [1, 2]),
        ("a,b,b", {"a": "control", "x": "treatment"}, [1, 0]),
        ("1,2,2", {"one": "control", 2: "treatment"}, [0, 2]),
        ("1,0,1", {True: "control", False: "treatment"}, [2, 1]),
    ],
)
def test_variants_are_compared_as_numbers_or_as_text(
    tmp_path: Path, cells: str, labels: dict[str | int | float | bool, str], exposed: list[int]
) -> None:
    rows = "user,variant,x\n" + "".join(f"{i},{cell},1\n" for i, cell in enumerate(cells.split(",")))
    named = Exposures(csv="exposures.csv", unit="user", variant="variant", variants=labels)

    assert over(tmp_path, plan({"m": mean("x")}, named), exposures=rows).exposed.tolist() == exposed


@pytest.mark.parametrize(
    ("ids", "units"),
    [
        (["1", "1.0", "1.00"], 1),
        (["007", "7", "07"], 3),
        (["a", "A", " a", "a "], 4),
        (["\u00e9", "e\u0301"], 2),
        (["1234567890123456789", "1234567890123456788"], 2),
        (["12345678901234567890123", "12345678901234567890124"], 2),
        (["1", "x"], 2),
        (["-0", "0"], 1),
        (["null", "NA", "undefined"], 3),
        (["🙂", "🙃"], 2),
    ],
)
def test_ids_are_taken_byte_for_byte_and_numbers_by_value(tmp_path: Path, ids: list[str], units: int) -> None:
    rows = "user,variant,x\n" + "".join(f"{each},control,1\n" for each in ids)

    measured = over(tmp_path, plan({"m": mean("x")}, exposures()), exposures=rows)

    assert measured.exposed.tolist() == [units, 0]


def test_each_row_can_be_a_unit_of_its_own(tmp_path: Path) -> None:
    named = Exposures(csv="exposures.csv", unit="row", variant="variant")

    measured = over(
        tmp_path, plan({"m": mean("x")}, named), exposures="variant,x\ncontrol,1\ncontrol,3\ntreatment,5\n"
    )

    assert means(measured, "m") == [[2, 2], [1, 5]]
    assert measured.dirt.duplicate_exposures == 0


def test_events_cannot_be_joined_to_rows(tmp_path: Path) -> None:
    named = Exposures(csv="exposures.csv", unit="row", variant="variant")
    planned = plan({"m": share(source="o")}, named, sources={"o": Source(csv="o.csv")})

    with pytest.raises(DataError, match=r"o: each row of the exposures is a unit of its own"):
        over(tmp_path, planned, exposures="variant,x\ncontrol,1\n", o="a\n1\n")


def test_times_with_and_without_zone_are_read_and_counted(tmp_path: Path) -> None:
    rows = (
        HEAD + "1,control,2026-07-01 12:00,1\n"
        "2,control,2026-07-01T12:00:00Z,1\n"
        "3,control,2026-07-01T12:00:00+0530,1\n"
        "4,control,2026-07-02,1\n"
    )
    planned = plan({"m": mean("x")}, exposures(time="at"), timezone="Europe/Berlin")

    measured = over(tmp_path, planned, exposures=rows)

    assert measured.dirt.zoneless == {"exposures": 2}
    assert measured.dirt.zoned == {"exposures": 2}
    # 12:00 in India is 06:30 UTC; midnight of 2 July in Berlin is 22:00 UTC the day before
    assert measured.first_exposure == datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert measured.last_exposure == datetime(2026, 7, 1, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "says"),
    [("1767225600", "holds numbers, and whether they count seconds"), ("true", "holds true and false")],
)
def test_what_is_no_time_is_not_guessed(tmp_path: Path, cell: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=HEAD + f"1,control,{cell},1\n")


ORDERS = (
    "user,at,name\n"
    "1,2026-01-02T00:00:00Z,cart\n"
    "1,2026-01-03T00:00:00Z,buy\n"
    "1,2025-12-31T00:00:00Z,cart\n"
    "2,2026-01-02T00:00:00Z,view\n"
    "3,2026-01-05T00:00:00Z,cart\n"
    "3,2026-01-04T00:00:00Z,buy\n"
    "1,2026-02-01T00:00:00Z,view\n"
)


def test_only_triggered_units_are_analysed_and_their_windows_start_there(tmp_path: Path) -> None:
    rows = HEAD + "".join(
        f"{i},{v},2026-01-01T00:00:00Z,1\n" for i, v in ((1, "control"), (2, "control"), (3, "treatment"))
    )
    planned = plan(
        {"bought": share("name = 'buy'", source="o", window=timedelta(days=2))},
        exposures(time="at"),
        sources={"o": Source(csv="o.csv", unit="user", time="at")},
        trigger=Trigger(source="o", where="name = 'cart'"),
    )

    measured = over(tmp_path, planned, exposures=rows, o=ORDERS)

    assert measured.exposed.tolist() == [2, 1]
    assert measured.units().tolist() == [[1], [1]]
    assert measured.dirt.untriggered_units == 1
    # unit 1 bought a day after its cart; unit 3 bought before it, and unit 1's cart before exposure is none
    assert means(measured, "bought") == [[1, 1], [1, 0]]


def test_a_trigger_may_stand_in_the_exposures_and_needs_no_time(tmp_path: Path) -> None:
    planned = plan({"m": mean("x")}, exposures(), trigger=Trigger(source="exposures", where="x > 1"))

    measured = over(tmp_path, planned, exposures=HEAD + "1,control,,1\n2,control,,3\n3,treatment,,2\n")

    assert means(measured, "m") == [[1, 3], [1, 2]]
    assert measured.dirt.untriggered_units == 1


def test_a_window_without_exposure_times_is_refused(tmp_path: Path) -> None:
    planned = plan(
        {"m": share(source="o", window=WEEK)},
        exposures(),
        sources={"o": Source(csv="o.csv", unit="user", time="at")},
    )

    with pytest.raises(DataError, match="needs the time of exposure and of rows"):
        over(tmp_path, planned, exposures=HEAD + "1,control,,1\n", o=ORDERS)


def test_phases_are_kept_apart(tmp_path: Path) -> None:
    rows = "user,variant,at,p\n1,control,2026-01-01,a\n2,control,2026-01-02,b\n3,treatment,2026-01-02,\n"
    measured = over(tmp_path, plan({"m": share()}, exposures(time="at", phase="p")), exposures=rows)

    assert sorted(measured.cells.phase.labels) == ["(missing)", "a", "b"]
    assert measured.units().tolist() == [[2], [1]]


def test_segments_are_taken_at_the_first_exposure(tmp_path: Path) -> None:
    rows = "user,variant,at,c\n1,control,2026-01-02,FR\n1,control,2026-01-01,DE\n2,treatment,2026-01-01,FR\n"
    planned = plan({"m": share()}, exposures(time="at"), segments={"c": Segment(values="c")})

    measured = over(tmp_path, planned, exposures=rows)

    levels = measured.cells.segments["c"].labels
    assert measured.units("c").tolist() == [
        [int(label == "DE") for label in levels],
        [int(label == "FR") for label in levels],
    ]


def test_without_any_unit_there_are_no_cells_and_no_nan(tmp_path: Path) -> None:
    planned = plan({"m": mean("x")}, exposures(), segments={"c": Segment(values="user")})

    measured = over(tmp_path, planned, exposures=HEAD + "1,purple,,1\n")

    assert measured.exposed.tolist() == [0, 0]
    assert [part.n.tolist() for part in measured.by_variant("m")[1]] == [[0], [0]]
    assert measured.by_variant("m", "c")[0] == ()


def test_variants_that_map_to_no_variant_of_the_plan_are_unknown(tmp_path: Path) -> None:
    named = Exposures(csv="exposures.csv", unit="user", variant="variant", variants={"a": "elsewhere"})

    measured = over(tmp_path, plan({"m": mean("x")}, named), exposures=HEAD + "1,a,,1\n")

    assert measured.dirt.unknown_variants == (("a", 1),)


def test_columns_that_are_all_somewhere_else_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no column 'user', which exposures.unit names; its columns are a, b"
    ):
        over(tmp_path, plan({"m": share()}, exposures()), exposures="a,b\n1,2\n")


def test_a_source_without_a_unit_has_the_column_of_the_exposures(tmp_path: Path) -> None:
    planned = plan({"m": mean("x", source="o")}, exposures(), sources={"o": Source(csv="o.csv")})

    measured = over(tmp_path, planned, exposures=HEAD + "1,control,,1\n", o="user,x\n1,4\n")

    assert means(measured, "m")[0] == [1, 4]


def test_a_trigger_after_as_of_has_not_happened(tmp_path: Path) -> None:
    planned = plan(
        {"m": share("name = 'buy'", source="o")},
        exposures(time="at"),
        sources={"o": Source(csv="o.csv", unit="user", time="at")},
        trigger=Trigger(source="o", where="name = 'cart'"),
    )
    (tmp_path / "exposures.csv").write_text(
        HEAD + "1,control,2026-01-01T00:00:00Z,1\n3,control,2026-01-01T00:00:00Z,1\n"
    )
    (tmp_path / "o.csv").write_text(ORDERS)

    with DuckDB(roots=[tmp_path]) as engine:
        measured = measure(planned, engine, as_of=datetime(2026, 1, 3, tzinfo=UTC))

    assert measured.units().tolist() == [[1], [0]]
    assert means(measured, "m")[0] == [1, 1]


def test_a_window_over_rows_without_times_is_refused_for_the_exposures_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="metric 'm' has a window, but the exposures name no time"):
        over(tmp_path, plan({"m": share(window=WEEK)}, exposures()), exposures=HEAD + "1,control,,1\n")


MISFIT = "user,variant,status,paid,name,at\n1,control,1,true,x,2026-01-01\n2,treatment,0,false,y,2026-01-02\n"


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (share("status = '1'"), "cannot be answered: comparing number column `status` with text '1'"),
        (share("status = '1' or paid"), "comparing number column `status` with text '1' is always null"),
        (share("name = 1"), "comparing text column `name` with number 1 is always null"),
        (share("status"), "'status' gives a number for each row; write a condition, like status <> 0"),
        (share("name"), "'name' gives a text for each row; write a condition, like name = 'yes'"),
        (mean("at"), "'at' gives a time for each row; write a number"),
        (mean("status + name"), "`+` takes a number, and of text column `name` it is always null"),
        (mean("coalesce(name, name)"), "gives a text for each row"),
        (mean("status", "at = 3"), "comparing time column `at` with number 3 is always null"),
        (ratio("name", "at"), "'at' gives a time"),
    ],
)  # fmt: skip
def test_an_expression_that_does_not_fit_its_columns_is_refused(
    tmp_path: Path, metric: Metric, says: str
) -> None:
    for source, planned in (
        ("exposures", plan({"m": metric}, exposures())),
        ("o", plan({"m": moved(metric)}, exposures(), sources={"o": Source(csv="o.csv", unit="user")})),
    ):
        with pytest.raises(DataError) as error:
            over(tmp_path, planned, exposures=MISFIT, o=MISFIT)

        assert str(error.value).startswith(source)
        assert "metric 'm'" in str(error.value)
        assert says in str(error.value).replace("\"status = '1'\"", "'status = \\'1\\''")


def moved(metric: Metric) -> Metric:
    """The same metric over another source."""
    match metric:
        case Ratio(over=one, under=other):
            sides = {"over": one.model_copy(update={"source": "o"})}
            return metric.model_copy(update={**sides, "under": other.model_copy(update={"source": "o"})})
        case _:
            return metric.model_copy(update={"source": "o"})


def test_conditions_of_segments_and_triggers_are_held_against_their_columns_too(tmp_path: Path) -> None:
    shared = {"m": share("paid")}
    source = {"o": Source(csv="o.csv", unit="user")}
    wrong = [
        (plan(shared, exposures(), segments={"s": Segment(when="name > 3")}), "`when` of segment 's'"),
        (
            plan(shared, exposures(), trigger=Trigger(source="o", where="status"), sources=source),
            "the trigger",
        ),
    ]

    for planned, says in wrong:
        with pytest.raises(DataError, match=says):
            over(tmp_path, planned, exposures=MISFIT, o=MISFIT)


def test_an_empty_column_may_be_of_any_kind(tmp_path: Path) -> None:
    rows = "user,variant,x\n1,control,\n2,treatment,\n"

    measured = over(tmp_path, plan({"m": share("x > 5"), "k": mean("x * 2")}, exposures()), exposures=rows)

    assert measured.columns["m"].missing.tolist() == [1, 1]
    assert measured.columns["k"].missing.tolist() == [1, 1]


@pytest.mark.parametrize("bad", [2, 3])
def test_exposures_of_which_most_have_no_readable_time_are_refused(tmp_path: Path, bad: int) -> None:
    cells = ["22.11.2026 18:30", "n/a", ""][:bad] + ["2026-11-22"] * (3 - bad)
    rows = HEAD + "".join(f"{n},control,{cell},1\n" for n, cell in enumerate(cells))

    with pytest.raises(
        DataError, match=rf"{bad} of 3 rows have no readable time in 'at' \(like '22.11"
    ) as error:
        over(tmp_path, plan({"m": mean("x")}, exposures(time="at")), exposures=rows)

    assert "'n/a'); write times in ISO 8601" in str(error.value)
