from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import splitrun
from splitrun.conduct.analyze import analyze
from splitrun.conduct.designs.assign import Assigned, assignment
from splitrun.errors import DataError, SpecError
from splitrun.infer.estimate import Estimate
from splitrun.judge.readout import Comparison, Verdict

THORNTON = Path(__file__).parents[2] / "examples" / "thornton" / "thornton_hiv.csv"
COUNT = 600
ROWS: dict[str, list[str] | list[float]] = {
    "user_id": [f"u{index:03}" for index in range(COUNT)],
    "country": ["DE", "FR", "US"] * (COUNT // 3),
    "shop": [f"s{index % 40}" for index in range(COUNT)],
    "age": [20.0 + index % 37 for index in range(COUNT)],
    "note": ["none of the design's"] * COUNT,
}


def assigned(frame: object, said: Mapping[str, object]) -> Assigned:
    return assignment(frame, access=None, desk=None, **said)


def dealt(**said: object) -> Assigned:
    return assigned(pa.table(ROWS), {"key": "tried", "unit": "user_id", **said})


def experiment(exposures: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "key": "tried",
        "unit": "user",
        "hypothesis": {
            "change": "a new page",
            "because": "the old one is slow",
            "expect": {"metric": "score", "direction": "higher", "mei": 0.1},
        },
        "exposures": {"frame": "exposures", "variant": "variant", **exposures},
        "variants": {"control": {}, "treatment": {}},
        "metrics": {
            "primary": [
                {"key": "score", "kind": "mean", "source": "exposures", "value": "score", "better": "higher"}
            ]
        },
        "analysis": {"method": "fixed"},
        **more,
    }


def scored(made: Assigned, base: np.ndarray) -> pa.Table:
    """The assignment with outcomes: a base that hangs on who it is, and one more where treated."""
    rng = np.random.default_rng(3)
    treated = np.array(made.table["variant"].to_pylist()) == "treatment"
    return made.table.append_column("score", pa.array(base + treated + rng.normal(size=len(base))))


def effect(found: Comparison) -> Estimate:
    assert isinstance(found.absolute, Estimate)
    return found.absolute


@pytest.mark.requirement("R16")
def test_a_blocked_assignment_is_analysed_with_its_strata() -> None:
    made = dealt(design="blocked", strata=["country"], covariates=["age"])
    countries = np.array(ROWS["country"])
    outcomes = scored(made, np.where(countries == "DE", 0.0, np.where(countries == "FR", 5.0, 10.0)))
    exposures: dict[str, object] = {"unit": "user_id", "pre_exposure": ["country", "age"]}

    readout = analyze(
        experiment(
            exposures,
            segments={"country": {"values": "country"}},
            analysis={"method": "fixed", "adjust": {"covariates": ["age"], "strata": ["country"]}},
        ),
        exposures=outcomes,
    )

    found = readout.comparisons[0]
    assert (found.control.units, found.treatment.units) == (300, 300)
    assert found.verdict is Verdict.BETTER
    low, high = effect(found).low, effect(found).high
    assert low is not None
    assert high is not None
    assert low < 1 < high
    # without strata the spread between countries, a variance of 16.7, would stand in the interval
    assert effect(found).stderr == pytest.approx((2 / 300) ** 0.5, rel=0.1)
    assert not [finding for finding in readout.findings if finding.code == "split"]


def test_a_cluster_assignment_is_analysed_by_its_clusters() -> None:
    made = dealt(design="cluster", cluster="shop")

    readout = analyze(
        experiment({"unit": "user_id", "cluster": "shop"}), exposures=scored(made, np.zeros(COUNT))
    )

    assert readout.comparisons[0].verdict is Verdict.BETTER
    assert readout.comparisons[0].design_effect is not None
    assert not [finding for finding in readout.findings if finding.code == "few_clusters"]


def test_a_schedule_is_analysed_by_its_periods() -> None:
    made = assignment(
        pa.table({"city": [f"c{index:02}" for index in range(24)]}),
        design="switchback", key="tried", unit="city", start=datetime(2026, 5, 4, tzinfo=UTC), zone="UTC",
        period="12h", periods=28, burn_in="1h",
    )  # fmt: skip

    readout = analyze(
        experiment({"unit": "unit", "cluster": "region", "time": "from"}),
        exposures=scored(made, np.zeros(24 * 28)),
    )

    assert made.table.column_names == [
        "unit", "region", "period", "variant", "from", "until", "burn_in_until",
    ]  # fmt: skip
    assert readout.comparisons[0].verdict is Verdict.BETTER
    found = made.period_at("c03", datetime(2026, 5, 5, 13, tzinfo=UTC))
    assert found is not None
    assert (found.key, found.index) == ("c03#00004", 4)


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(
    "said",
    [
        {"covariates": ["age"]},
        {"draw": "hash"},
        {"design": "blocked", "strata": ["country", "shop"]},
        {"design": "cluster", "cluster": "shop", "covariates": ["country"]},
        {"design": "salt-search", "covariates": ["age", "country"], "candidates": 5},
    ],
    ids=["simple", "hash", "blocked", "cluster", "salt-search"],
)
def test_two_runs_give_the_same_bytes(tmp_path: Path, form: str, said: dict[str, object]) -> None:
    once, again = tmp_path / f"once.{form}", tmp_path / f"again.{form}"

    dealt(**said).write(once)
    dealt(**said).write(again)

    assert once.read_bytes() == again.read_bytes()
    assert once.with_suffix(".json").read_bytes() == again.with_suffix(".json").read_bytes()


def written(tmp_path: Path, kind: str) -> object:
    table = pa.table(ROWS)
    frame = table.to_pandas()
    match kind:
        case "csv":
            frame.to_csv(tmp_path / "p.csv", index=False)
            return tmp_path / "p.csv"
        case "gz":
            frame.to_csv(tmp_path / "p.csv.gz", index=False)
            return str(tmp_path / "p.csv.gz")
        case "parquet":
            pq.write_table(table, tmp_path / "p.parquet")
            return tmp_path / "p.parquet"
        case "pandas":
            return frame
        case "polars":
            return pl.from_arrow(table)
        case _:
            return duckdb.connect().from_arrow(table)


@pytest.mark.parametrize("kind", ["csv", "gz", "parquet", "pandas", "polars", "relation"])
def test_any_form_of_a_frame_gives_the_same_assignment(tmp_path: Path, kind: str) -> None:
    said: dict[str, object] = {"design": "blocked", "strata": ["country"], "covariates": ["age"]}

    found = assigned(written(tmp_path, kind), {"key": "tried", "unit": "user_id", **said})

    expected = dealt(**said)
    assert found.table["user_id"].to_pylist() == ROWS["user_id"]
    assert found.table["variant"].to_pylist() == expected.table["variant"].to_pylist()
    assert found.report == expected.report


def test_a_table_holds_unit_variant_stratum_and_what_the_design_used() -> None:
    made = splitrun.assignment(
        pd.DataFrame({"id": [3, 1, 2, 4], "tier": [1, 1, 2, 2], "age": [30.5, None, 20.0, 41.0]}),
        design="blocked", strata=["tier"], covariates=["age"], unit="id", seed=1,
    )  # fmt: skip

    assert made.to_polars().columns == ["id", "variant", "stratum", "tier", "age"]
    assert made.to_pandas()["id"].tolist() == ["3", "1", "2", "4"]
    assert made.to_arrow()["tier"].to_pylist() == [1, 1, 2, 2]
    assert made.to_arrow()["age"].to_pylist() == [30.5, None, 20.0, 41.0]
    assert made.to_dict()["form"] == "splitrun.assignment/1"
    assert repr(made).startswith("assignment: blocked, seed 1\n")
    assert "no number" in repr(made)


def test_rows_of_thornton_s_villages_are_dealt_evenly_in_each() -> None:
    made = assignment(
        THORNTON,
        design="blocked",
        key="voucher",
        unit="row",
        strata=["villnum"],
        covariates=["age", "distvct"],
    )

    # 4,820 people; in each of 119 villages and more, variants differ by one person at most
    frame = made.to_pandas()
    assert frame["variant"].value_counts().to_dict() == {"control": 2_410, "treatment": 2_410}
    inside = pd.crosstab(frame["stratum"], frame["variant"])
    assert (inside["control"] - inside["treatment"]).abs().max() <= 1
    assert frame["row"].tolist() == [str(row) for row in range(1, 4_821)]


def test_rows_are_dealt_where_nothing_is_known_of_them() -> None:
    made = assignment(pa.table(ROWS), unit="row", key="tried")

    assert made.table.column_names == ["row", "variant"]
    assert made.to_pandas()["variant"].value_counts().to_dict() == {"control": 300, "treatment": 300}


def test_a_schedule_needs_no_frame() -> None:
    made = assignment(
        design="switchback", key="tried", start="2026-05-04", zone="UTC", period="12h", periods=4, cycle="day"
    )

    assert made.report["regions"] == ["all"]
    assert made.table.num_rows == 4
    json.loads(made.to_json())


BACK: dict[str, object] = {
    "design": "switchback", "start": "2026-05-04", "zone": "UTC", "period": "12h", "periods": 4,
    "cycle": "day", "key": "tried",
}  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "said", "kind", "says"),
    [
        (None, {}, SpecError, "no frame is given, so there are no units to deal"),
        ("people.xlsx", {}, SpecError, r"'people.xlsx' ends in '.xlsx'; name a file that ends in .csv"),
        ("people.csv", {}, DataError, "there is no file 'people.csv'"),
        (3, {}, DataError, "the data frame 'frame' cannot be read"),
        ({"id": ["a", "b"]}, {"unit": "ids"}, DataError, r"no column 'ids'.*did you mean 'id'\?"),
        ({"id": ["a", "b"], "variant": ["x", "y"]}, {"covariates": ["variant"]}, SpecError, "rename it"),
        ({"row": ["a", "b"]}, {"unit": "row", "covariates": ["row"]}, SpecError, "rename it"),
        ({"id": ["a", "b"], "x": [1.0, float("inf")]}, {"covariates": ["x"]}, DataError, "holds inf in"),
        ({"id": ["a", "a"]}, {}, DataError, "1 of 1 units stand in more than one row"),
        ({"id": ["a", "b"]}, BACK, SpecError, "a frame is given and no column of regions"),
        (None, {**BACK, "unit": "city"}, SpecError, "no frame is given; write `unit`"),
        ({"id": ["a", None]}, {**BACK, "unit": "id"}, DataError, "row 2 has no id"),
    ],
)  # fmt: skip
def test_a_frame_that_does_not_fit_is_refused(
    frame: object, said: dict[str, object], kind: type[Exception], says: str
) -> None:
    handed = pa.table(frame) if isinstance(frame, dict) else frame
    options = said if said.get("design") else {"key": "tried", "unit": "id", **said}

    with pytest.raises(kind, match=says):
        assigned(handed, options)


def test_texts_among_numbers_and_rows_that_break_are_refused(tmp_path: Path) -> None:
    mixed, broken = tmp_path / "mixed.csv", tmp_path / "broken.csv"
    mixed.write_text("id,age\n" + "".join(f"u{row},{row}\n" for row in range(40)) + "v,old\n")
    broken.write_text("id,age\nu1,1\nu2,2,3\nu3,4\n")

    with pytest.raises(DataError, match=r"the column 'age' holds numbers and 1 texts \('old'\)"):
        assignment(mixed, key="tried", unit="id", covariates=["age"])
    with pytest.raises(DataError, match=r"1 rows of the frame cannot be read \(lines 3\)"):
        assignment(broken, key="tried", unit="id")


def test_no_file_is_written_over_unless_told_so(tmp_path: Path) -> None:
    target, made = tmp_path / "a.csv", dealt()
    (tmp_path / "a.json").write_text("mine")

    with pytest.raises(SpecError, match=r"a\.json:1:1: this file is there already; nothing was written"):
        made.write(target)
    assert not target.exists()
    assert made.write(target, force=True) == (str(target), str(tmp_path / "a.json"))

    assert json.loads((tmp_path / "a.json").read_text())["units"] == COUNT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (lambda folder: folder / "a.xlsx", "cannot be written in the form '.xlsx'; let its name end in .csv"),
        (lambda folder: folder / "nowhere" / "a.csv", "there is no folder"),
        (lambda folder: folder / "folder.csv", "this file is there already"),
    ],
)
def test_a_place_that_takes_no_table_is_refused(
    tmp_path: Path, place: Callable[[Path], Path], says: str
) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(SpecError, match=says):
        dealt().write(place(tmp_path), force=True)


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    made = dealt()
    # a name so long that the part beside it cannot be made
    target = tmp_path / f"{'a' * 250}.csv"

    with pytest.raises(SpecError, match="nothing can be written here"):
        made.write(target)
    assert list(tmp_path.iterdir()) == []
