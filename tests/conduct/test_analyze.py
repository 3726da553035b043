from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import splitrun
from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.conduct.reading.access import Access
from splitrun.errors import DataError, EngineError, SpecError
from splitrun.infer.estimate import Estimate

EXAMPLES = Path(__file__).parents[2] / "examples"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCORES = [float(index % 7) + (index % 2) for index in range(200)]
ROWS: dict[str, list[str] | list[float]] = {
    "unit": [f"u{index}" for index in range(200)],
    "variant": ["control", "treatment"] * 100,
    "score": SCORES,
}


def experiment(**more: object) -> dict[str, object]:
    return {
        "key": "tried",
        "unit": "user",
        "hypothesis": {
            "change": "a new page",
            "because": "the old one is slow",
            "expect": {"metric": "score", "direction": "higher", "mei": 0.1},
        },
        "exposures": {"frame": "exposures", "unit": "unit", "variant": "variant"},
        "variants": {"control": {}, "treatment": {}},
        "metrics": {
            "primary": [
                {"key": "score", "kind": "mean", "source": "exposures", "value": "score", "better": "higher"}
            ]
        },
        "analysis": {"method": "fixed"},
        **more,
    }


def score_of(readout: splitrun.Readout) -> Estimate:
    absolute = readout.comparisons[0].absolute
    assert isinstance(absolute, Estimate)
    return absolute


@pytest.mark.requirement("R26")
def test_thornton_reads_as_published() -> None:
    readout = analyze(EXAMPLES / "thornton" / "incentive.yaml", desk=Desk(now=lambda: NOON))

    # Thornton 2008, as recomputed by R's mean() on the same rows with known outcome
    fetched = readout.comparisons[0]
    assert fetched.control.mean == pytest.approx(0.338684, abs=5e-7)
    assert fetched.control.units == 623
    assert fetched.treatment.mean == pytest.approx(0.789236, abs=5e-7)
    assert fetched.treatment.units == 2_211
    assert readout.made_at == NOON


def test_thornton_by_village_agrees_with_club_sandwich() -> None:
    readout = analyze(EXAMPLES / "thornton" / "incentive-by-village.yaml")

    # estimatr 1.0.0 lm_robust(se_type = "CR2") and clubSandwich 0.5.8: tests/cases, cluster.thornton
    fetched, absolute = readout.comparisons[0], score_of(readout)
    assert absolute.effect == pytest.approx(0.45198227440633, rel=1e-9)
    assert absolute.stderr == pytest.approx(0.0227903218610485, rel=1e-9)
    assert absolute.dof == pytest.approx(62.8758649123424, rel=1e-9)
    assert absolute.low == pytest.approx(0.406437690516992, rel=1e-9)
    assert fetched.p == pytest.approx(9.43235139228757e-29, rel=1e-6)
    # 211 of 623 and 1,745 of 2,207: p (1 - p) / (n - 1) adds up to 0.00043512 without villages
    assert fetched.design_effect == pytest.approx(0.0227903218610485**2 / 0.00043512, rel=1e-4)


def test_thornton_s_unequal_missing_outcomes_are_found() -> None:
    readout = analyze(EXAMPLES / "thornton" / "incentive.yaml")

    found = {finding.code: finding for finding in readout.findings}
    assert "56 of 679" in found["missing_outcome"].says
    assert "11 of 2,222" in found["missing_outcome"].says
    assert "1,919" in found["no_variant"].says


def test_people_without_a_village_are_left_out_and_counted() -> None:
    readout = analyze(EXAMPLES / "thornton" / "incentive-by-village.yaml")

    found = {finding.code: finding for finding in readout.findings}
    assert "4 units without a cluster" in found["no_cluster"].says
    assert "11 of 2,218" in found["missing_outcome"].says


@pytest.mark.requirement("R04")
def test_the_open_bandit_agrees_with_r_on_clicks() -> None:
    readout = analyze(EXAMPLES / "open-bandit" / "bandit.yaml")

    # R 4.2.2 t.test on the same 2 x 10,000 impressions: tests/cases, prop.obd.men.bts_vs_random.click
    clicked = score_of(readout)
    assert clicked.effect == pytest.approx(0.0023, rel=1e-9)
    assert clicked.stderr == pytest.approx(0.0010692227661869, rel=1e-9)
    assert clicked.p == pytest.approx(0.0314810978438685, rel=1e-9)
    assert clicked.low == pytest.approx(0.000204230024375481, rel=1e-9)


@pytest.mark.parametrize("kind", ["pandas", "polars", "lazy", "arrow", "reader", "relation", "ibis"])
def test_any_kind_of_frame_gives_the_same_readout(kind: str) -> None:
    connection = duckdb.connect()
    table = pa.table(ROWS)
    frames: Mapping[str, object] = {
        "pandas": pd.DataFrame(ROWS),
        "polars": pl.DataFrame(ROWS),
        "lazy": pl.LazyFrame(ROWS),
        "arrow": table,
        "reader": pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        "relation": connection.from_arrow(table),
        "ibis": ibis.memtable(table),
    }

    readout = analyze(experiment(), exposures=frames[kind])

    # control has the even rows, treatment the odd ones
    by_hand = sum(SCORES[1::2]) / 100 - sum(SCORES[0::2]) / 100
    assert score_of(readout).effect == pytest.approx(by_hand, rel=1e-12)


def test_a_frame_takes_the_place_of_a_file() -> None:
    spec = experiment(exposures={"csv": "nowhere.csv", "unit": "unit", "variant": "variant"})

    readout = analyze(spec, exposures=pl.DataFrame(ROWS))

    assert readout.lineage.data[0].form == "frame"


def test_a_frame_that_stands_for_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match=r"'orders' was handed over.*name it as one of: exposures"):
        analyze(experiment(), exposures=pl.DataFrame(ROWS), sources={"orders": pl.DataFrame(ROWS)})


def test_rows_come_from_parquet_tables_and_queries_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table(ROWS), "rows.parquet")
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("CREATE TABLE seen AS SELECT * FROM 'rows.parquet'")
    named = {"unit": "unit", "variant": "variant"}
    access = Access(database="shop.duckdb")

    parquet = analyze(experiment(exposures={"parquet": "rows.parquet", **named}))
    table = analyze(experiment(exposures={"table": "seen", **named}), access=access)
    query = analyze(experiment(exposures={"query": "SELECT * FROM seen", **named}), access=access)

    assert score_of(parquet) == score_of(table) == score_of(query)


def test_sums_from_one_s_own_sql_give_the_same_estimate_as_rows() -> None:
    spec = experiment(
        metrics={
            "primary": [
                {"key": "score", "kind": "mean", "source": "moments", "better": "higher"},
            ]
        },
        moments={
            "frame": "sums",
            "variant": "variant",
            "n": "n",
            "metrics": {"score": {"sum": "s", "sumsq": "q"}},
        },
    )
    del spec["exposures"]
    sums = (
        pl.DataFrame(ROWS)
        .group_by("variant")
        .agg(n=pl.len(), s=pl.col("score").sum(), q=(pl.col("score") ** 2).sum())
    )

    from_sums = score_of(analyze(spec, sources={"sums": sums}))

    from_rows = score_of(analyze(experiment(), exposures=pl.DataFrame(ROWS)))
    assert from_sums.effect == pytest.approx(from_rows.effect, rel=1e-12)
    assert from_sums.stderr == pytest.approx(from_rows.stderr, rel=1e-12)


def test_only_what_had_happened_by_a_moment_counts() -> None:
    whole = analyze(EXAMPLES / "open-bandit" / "bandit.yaml")
    early = analyze(EXAMPLES / "open-bandit" / "bandit.yaml", as_of="2019-11-26T00:00:00+00:00")

    assert early.units[0].exposed < whole.units[0].exposed
    assert early.as_of == datetime(2019, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ("yesterday", "as_of: 'yesterday' is no moment; write it like 2026-11-22T08:00:00+01:00"),
        ("2026-01-01", "as_of: 2026-01-01 names no time zone; write it like 2026-11-22T08:00:00+01:00"),
    ],
)
def test_a_moment_without_a_zone_is_refused(moment: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        analyze(experiment(), as_of=moment)

    assert str(caught.value) == says


def test_a_file_outside_the_folder_is_refused_until_its_folder_is_named(tmp_path: Path) -> None:
    data, own = tmp_path / "data", tmp_path / "own"
    data.mkdir()
    own.mkdir()
    pl.DataFrame(ROWS).write_csv(data / "rows.csv")
    spec = experiment(exposures={"csv": str(data / "rows.csv"), "unit": "unit", "variant": "variant"})
    (own / "tried.yaml").write_text(json.dumps(spec))

    with pytest.raises(EngineError, match=r"lies outside .*; move the file there or allow its folder"):
        analyze(own / "tried.yaml")
    readout = analyze(own / "tried.yaml", access=Access(folders=(data,)))

    assert readout.lineage.data[0].rows == 200


def test_a_lone_file_in_a_project_uses_what_the_project_defines(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    (tmp_path / "metrics" / "all.yaml").write_text(
        "metrics:\n  score: {kind: mean, source: exposures, value: score, better: higher}\n"
    )
    pl.DataFrame(ROWS).write_csv(tmp_path / "rows.csv")
    spec = experiment(
        metrics={"primary": ["score"]}, exposures={"csv": "rows.csv", "unit": "unit", "variant": "variant"}
    )
    (tmp_path / "experiments" / "tried.yaml").write_text(json.dumps(spec))

    readout = analyze(tmp_path / "experiments" / "tried.yaml")

    assert readout.comparisons[0].metric == "score"


def test_progress_is_told_step_by_step() -> None:
    steps: list[str] = []

    analyze(experiment(), exposures=pl.DataFrame(ROWS), desk=Desk(progress=steps.append))

    assert steps == ["reading the experiment", "measuring", "judging"]


@pytest.mark.requirement("R35")
def test_the_same_files_give_the_same_readout() -> None:
    first, second = (
        analyze(EXAMPLES / "open-bandit" / "bandit.yaml", desk=Desk(now=lambda: NOON)).to_dict()
        for _ in range(2)
    )

    assert json.dumps(first) == json.dumps(second)


@pytest.mark.parametrize(
    "limit",
    [
        *({"memory": size} for size in ("10XB", "4", "-1GB", "0GB", "", "GB", "4GB; SELECT 1", None, 4)),
        *({"threads": count} for count in (0, -1, 257, 1.5, "2", None)),
        *({"seconds": limit} for limit in (-1, 0, float("nan"), float("inf"), "600", None)),
    ],
    ids=str,
)
def test_a_limit_that_cannot_be_kept_is_refused_at_the_door(limit: Mapping[str, Any]) -> None:
    ((name, value),) = limit.items()

    with pytest.raises(SpecError, match=rf"^{name}: .* is no .*; write a ") as caught:
        Access(**limit)

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("size", ["512MB", "4gb", "1.5 GiB", " 900KB ", "2TB"])
def test_an_amount_of_memory_is_a_number_and_a_unit(size: str) -> None:
    assert Access(memory=size).memory == size


@pytest.mark.parametrize("other", [5, None, [], b"first.yaml"], ids=str)
def test_what_is_no_experiment_is_refused_with_what_one_is(other: object) -> None:
    with pytest.raises(SpecError, match="is no experiment; hand over the path of an experiment's file"):
        analyze(other)  # type: ignore[arg-type]  # a mistake that untyped callers make


@pytest.mark.parametrize("other", [5, "noon", b"2026-01-01"], ids=str)
def test_what_is_no_moment_is_refused_with_how_one_is_written(other: object) -> None:
    with pytest.raises(SpecError, match=r"as_of: .* is no moment; write it like 2026"):
        analyze(experiment(), as_of=other)  # type: ignore[arg-type]  # a mistake that untyped callers make


def enrolled(days: int, method: str, **rules: object) -> tuple[dict[str, object], pd.DataFrame]:
    """Ten units a day for so many days, under a plan of two weeks and 140 units."""
    rng = np.random.default_rng(3)
    count = 10 * days
    start = datetime(2026, 1, 5, tzinfo=UTC)
    frame = pd.DataFrame(
        {
            "unit": [f"u{index}" for index in range(count)],
            "variant": ["control", "treatment"] * (count // 2),
            "score": rng.normal(size=count),
            "at": [start + timedelta(hours=2.4 * index) for index in range(count)],
        }
    )
    of = experiment(
        exposures={"frame": "exposures", "unit": "unit", "variant": "variant", "time": "at"},
        analysis={"method": method, "planned_units": 140, **rules},
        duration={"enrol": "14d"},
    )
    return of, frame


@pytest.mark.parametrize("method", ["group_sequential", "hybrid"])
def test_a_reading_after_the_planned_end_is_that_of_the_planned_end(method: str) -> None:
    of, frame = enrolled(28, method)

    late = analyze(of, exposures=frame)
    on_time = analyze(of, exposures=frame, as_of="2026-01-19T00:00:00+00:00")

    assert late.as_of == on_time.as_of == datetime(2026, 1, 19, tzinfo=UTC)
    assert score_of(late) == score_of(on_time)
    assert late.comparisons[0].control.units == 71
    assert "after_planned_end" in [finding.code for finding in late.findings]
    assert "after_planned_end" not in [finding.code for finding in on_time.findings]


def test_a_planned_end_that_the_data_does_not_reach_is_named() -> None:
    of, frame = enrolled(13, "hybrid")
    table = Desk(now=lambda: datetime(2026, 3, 1, tzinfo=UTC))

    as_it_is = analyze(of, exposures=frame, desk=table)
    (missed,) = [finding for finding in as_it_is.findings if finding.code == "planned_end_missed"]
    named = missed.next.split("--as-of ")[1]
    ended = analyze(of, exposures=frame, as_of=named, desk=table)
    early = analyze(of, exposures=frame, as_of=as_it_is.as_of, desk=table)

    assert "this reading is as of the last row, before it" in " ".join(as_it_is.limitations)
    for each, level in ((as_it_is, 0.995), (ended, 0.955)):
        absolute = each.comparisons[0].absolute
        assert isinstance(absolute, Estimate)
        assert absolute.level == pytest.approx(level)
    # who names the moment has chosen it
    for each in (ended, early):
        assert "planned_end_missed" not in [finding.code for finding in each.findings]


def test_a_fixed_plan_is_read_late_with_a_doubt_and_an_always_valid_one_without() -> None:
    found = {}
    for method in ("fixed", "sequential"):
        of, frame = enrolled(28, method)
        found[method] = analyze(of, exposures=frame)

    assert [each.comparisons[0].treatment.units for each in found.values()] == [140, 140]
    codes = {method: [finding.code for finding in each.findings] for method, each in found.items()}
    assert "after_planned_end" in codes["fixed"]
    assert "after_planned_end" not in codes["sequential"]


def test_a_plan_with_futility_says_so_when_a_win_has_become_unlikely() -> None:
    of, frame = enrolled(10, "group_sequential", looks="daily", futility=True)
    frame["score"] += [0.0, -0.2] * (len(frame) // 2)

    readout = analyze(of, exposures=frame)

    document = json.loads(json.dumps(readout.to_dict()))
    assert document["decision"]["value"] == "abandon"
    assert document["estimates"][0]["outlook"]["futile"] is True
    assert "futile: z is " in str(readout)
    assert "abandon (futile): every primary lies below its futility bound" in " ".join(str(readout).split())
