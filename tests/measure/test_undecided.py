from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measurement import measure
from splitrun.spec.analysis import Adjust
from splitrun.spec.metric import ActiveDays, Distinct, Metric
from splitrun.spec.source import Exposures, Source
from tests.measure.plans import UP, WEEK, exposures, mean, means, over, plan, share

SEEN = "user,variant,at\n1,control,2026-01-01\n2,control,2026-01-01\n3,treatment,2026-01-01\n"
SHOP = Source(csv="shop.csv", unit="user", time="at")


def test_an_event_that_cannot_be_decided_leaves_every_kind_of_outcome_missing(tmp_path: Path) -> None:
    # 19 prices are numbers and one is text: the column is numeric, and that cell cannot be read
    rows = (
        "user,at,price,item\n1,2026-01-02,dear,cup\n" + "2,2026-01-02,9,cup\n" * 20 + "3,2026-01-02,1,pot\n"
    )
    metrics: dict[str, Metric] = {
        "c": mean(where="price > 5", source="shop"),
        "s": share("price > 5", source="shop"),
        "d": Distinct(kind="distinct", source="shop", value="item", where="price > 5", better=UP),
        "a": ActiveDays(kind="active_days", source="shop", where="price > 5", window=WEEK, better=UP),
    }
    planned = plan(metrics, exposures(time="at"), sources={"shop": SHOP})

    found = over(tmp_path, planned, exposures=SEEN + "4,control,2026-02-01\n", shop=rows)

    assert means(found, "c") == [[2, 10], [1, 0]]
    assert means(found, "s") == [[2, 0.5], [1, 0]]
    assert means(found, "d") == [[2, 0.5], [1, 0]]
    assert means(found, "a") == [[1, pytest.approx(1 / 7)], [1, 0]]
    assert [found.columns[key].missing.tolist() for key in metrics] == [[1, 0]] * 4


def test_times_may_be_told_apart_and_not_added_up(tmp_path: Path) -> None:
    rows = "user,at,item\n1,2026-01-02,cup\n1,2026-01-03,pot\n"
    apart = Distinct(kind="distinct", source="shop", value="at", better=UP)

    found = over(
        tmp_path, plan({"m": apart}, exposures(time="at"), sources={"shop": SHOP}), exposures=SEEN, shop=rows
    )

    assert means(found, "m") == [[2, 1], [1, 0]]  # two moments of unit 1, none of unit 2
    summed = plan({"m": mean("at", source="shop")}, exposures(time="at"), sources={"shop": SHOP})
    with pytest.raises(DataError, match="gives a time for each row"):
        over(tmp_path, summed, exposures=SEEN, shop=rows)


def test_rows_that_disagree_on_cluster_or_covariate_leave_it_missing(tmp_path: Path) -> None:
    rows = (
        "user,variant,at,x,age,village\n"
        "1,control,2026-01-01,1,30,a\n1,control,2026-01-01,1,40,a\n"
        "2,control,2026-01-01,2,30,a\n2,control,2026-01-01,2,30,b\n"
        "3,treatment,2026-01-01,3,50,b\n4,control,2026-01-01,3,20,c\n"
    )
    seen = Exposures(
        csv="exposures.csv",
        unit="user",
        variant="variant",
        time="at",
        cluster="village",
        pre_exposure=("age",),
    )
    planned = plan({"m": mean("x")}, seen, adjust=Adjust(covariates=("age",)))

    found = [over(tmp_path, planned, exposures=each) for each in (rows, turned(rows))]

    for each in found:
        assert each.dirt.conflicting_units == {"exposures.cluster": 1, "analysis.adjust.age": 1}
        assert each.clusters is not None
        assert each.clusters.lost == 1
        assert means(each, "m") == [[2, 2], [1, 3]]
        assert each.columns["m"].covariates == ("age", "missing age")
        # unit 1 is missing its age and counts as 0 there; unit 4 is 20
        assert each.by_variant("m")[1][0].mean[0].tolist() == [2, 10, 0.5]


def turned(rows: str) -> str:
    head, *body = rows.splitlines()
    return "\n".join([head, *reversed(body)]) + "\n"


@pytest.mark.parametrize("numbers", [12_000_000, 2])
def test_ranges_and_a_reading_moment_meet(tmp_path: Path, numbers: int) -> None:
    rows = (
        "user,at,x\n1,2026-01-02,1\n2,2026-01-03,2\n3,2026-01-04,4\nstranger,2026-03-01,8\n1,2026-09-01,16\n"
    )
    (tmp_path / "exposures.csv").write_text(SEEN + "9,purple,2026-05-01\n")
    (tmp_path / "shop.csv").write_text(rows)
    planned = plan({"m": mean("x", source="shop")}, exposures(time="at"), sources={"shop": SHOP})

    with DuckDB(roots=[tmp_path]) as engine:
        found = measure(planned, engine, not_after=datetime(2026, 8, 1, tzinfo=UTC), numbers=numbers)

    assert found.as_of == datetime(2026, 1, 4, tzinfo=UTC)
    assert means(found, "m") == [[2, 1.5], [1, 4]]
    assert found.dirt.future_rows == {"shop": 1}
    assert found.dirt.events_unexposed == {"shop": 1}
    assert {each.name: each.last for each in found.sources} == {
        "exposures": datetime(2026, 5, 1, tzinfo=UTC),
        "shop": datetime(2026, 3, 1, tzinfo=UTC),
    }
