"""Regions whose rows stay at home are read together by their moments alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import plan_of
from splitrun.conduct.reading.measuring import Leaving, Sent, measure
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.reading.regions import refuse_unmergeable
from splitrun.conduct.registry.place import home
from splitrun.errors import DataError, SpecError
from splitrun.report.notebook import Shown
from splitrun.spec.analysis import Adjust, Method
from splitrun.spec.source import MomentsTable
from splitrun.store.canonical import canonical, digest
from splitrun.store.chain.ring import LoneKey
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, looks, project, seal

DESK = Desk(now=lambda: AFTER)
COUNTRIES = ("DE", "AT", "FR", "CH", "LI")
ADJUSTED = EXPERIMENT.replace(
    "{method: fixed, planned_units: 400}",
    "{method: fixed, planned_units: 400, adjust: {covariates: [tenure]}}",
)


def region(folder: Path, mine: Callable[[int], bool], experiment: str = ADJUSTED) -> Path:
    """A project that holds some of the units, with a sealed plan."""
    file = project(folder, experiment)
    head, *rows = (folder / "exposures.csv").read_text().splitlines()
    kept = []
    for number, row in enumerate(rows):
        unit, arm, at, _, tenure = row.split(",")
        # one country is rare in the north: 4 units of each variant, of 40 in all
        land = (
            COUNTRIES[4] if number % 10 > 7 and mine(number) and number < 40 else COUNTRIES[number // 4 % 4]
        )
        if mine(number):
            kept.append(f"{unit},{arm},{at},{land},{tenure}")
    (folder / "exposures.csv").write_text("\n".join([head, *kept]) + "\n")
    seal(file)
    return file


def sent(file: Path, name: str) -> Sent:
    leaving = Leaving(name, file.parent.parent / f"{name}.json", AFTER)
    return measure("checkout", file.parent, leaving, wish=Wish(actor="ann"), desk=DESK)


def read(file: Path, merge: tuple[Path, ...] = (), keys: tuple[Path, ...] = ()) -> Shown:
    wish = Wish(actor="ann", merge=merge, keys=keys)
    return readout("checkout", file.parent, as_of=None if merge else AFTER, wish=wish, desk=DESK)


def moments(file: Path, name: str) -> Path:
    return file.parent.parent / f"{name}.json"


def public(file: Path) -> Path:
    return file.parent.parent / "state" / "keys" / "public.json"


@pytest.fixture
def regions(tmp_path: Path) -> tuple[Path, Path, Path]:
    """North, south, and what both hold together."""
    north = region(tmp_path / "north", lambda number: number % 2 == (number // 2) % 2)
    south = region(tmp_path / "south", lambda number: number % 2 != (number // 2) % 2)
    return north, south, region(tmp_path / "whole", lambda _: True)


def phased(file: Path, name: str, of: Callable[[int], str]) -> None:
    """Seal the plan anew with a phase for each unit."""
    table = file.parent.parent / "exposures.csv"
    head, *rows = table.read_text().splitlines()
    kept = [f"{row},{of(number)}" for number, row in enumerate(rows)]
    table.write_text("\n".join([f"{head},phase", *kept]) + "\n")
    sent(file, name)


def shorn(file: Path) -> None:
    """Take the last column away again."""
    table = file.parent.parent / "exposures.csv"
    rows = [row.rpartition(",")[0] for row in table.read_text().splitlines()]
    table.write_text("\n".join(rows) + "\n")


def test_units_of_one_phase_are_merged_and_those_of_several_are_not(tmp_path: Path) -> None:
    ramped = ADJUSTED.replace("variant: arm", "variant: arm, phase: phase")
    assert ramped != ADJUSTED
    north = region(tmp_path / "north", lambda number: number % 2 == (number // 2) % 2, ramped)
    south = region(tmp_path / "south", lambda number: number % 2 != (number // 2) % 2, ramped)
    whole = region(tmp_path / "whole", lambda _: True, ramped)

    phased(north, "north", lambda _: "1")
    with pytest.raises(DataError, match=r"units of south came in 2 phases of the ramp \(1, 2\)"):
        phased(south, "south", lambda number: "2" if number > 10 else "1")
    shorn(south)
    phased(south, "south", lambda _: "2")
    with pytest.raises(DataError, match=r"different phases of the ramp \(1, 2\)"):
        read(whole, (moments(north, "north"), moments(south, "south")), (public(north), public(south)))

    shorn(south)
    moments(south, "south").unlink()
    phased(south, "south", lambda _: "1")
    both = read(whole, (moments(north, "north"), moments(south, "south")), (public(north), public(south)))
    told_of: Any = both.to_dict()["units"]
    assert [count["exposed"] for count in told_of] == [200, 200]


@pytest.mark.requirement("R78")
def test_moments_of_regions_give_the_readout_of_all_rows(regions: tuple[Path, Path, Path]) -> None:
    north, south, whole = regions
    (whole.parent.parent / "splitrun.yaml").write_text(
        "project: shop\nenvironments: [production, staging]\nprivacy: {min_cell: 10}\n"
    )
    sent(north, "north")
    sent(south, "south")

    merged = read(
        whole, (moments(north, "north"), moments(south, "south")), (public(north), public(south))
    ).to_dict()

    pooled = read(whole).to_dict()
    assert merged["units"] == pooled["units"]
    assert told(merged) >= told_at_least()
    for mine, theirs in zip(shown(merged), shown(pooled), strict=False):
        close(mine, theirs, str(mine["metric"]))


def told(form: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {
        (one["metric"], None if one["segment"] is None else one["segment"]["level"])
        for one in form["estimates"]
        if not one["suppressed"]
    }


def told_at_least() -> set[tuple[str, str | None]]:
    return {(metric, None) for metric in ("bought", "refunds", "revenue")}


def shown(form: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in form["estimates"] if one["segment"] is None]


def close(mine: object, theirs: object, place: str) -> None:
    """Whether two forms say the same, numbers to 1e-12."""
    match mine, theirs:
        case dict(), dict():
            assert mine.keys() == theirs.keys(), place
            for key, value in mine.items():
                close(value, theirs[key], f"{place}.{key}")
        case list(), list():
            assert len(mine) == len(theirs), place
            for number, (one, two) in enumerate(zip(mine, theirs, strict=True)):
                close(one, two, f"{place}[{number}]")
        case float(), float():
            assert mine == pytest.approx(theirs, rel=1e-12, abs=1e-15), place
        case _:
            assert mine == theirs, place


@pytest.mark.requirement("R78")
def test_levels_of_segments_are_those_of_all_rows_too(tmp_path: Path) -> None:
    countries = ("AT", "DE")
    files = []
    for name, part in (("east", 0), ("west", 1), ("whole", None)):
        file = project(tmp_path / name, ADJUSTED)
        head, *rows = (tmp_path / name / "exposures.csv").read_text().splitlines()
        kept = [row for number, row in enumerate(rows) if part is None or number // 2 % 2 == part]
        (tmp_path / name / "exposures.csv").write_text("\n".join([head, *kept]) + "\n")
        seal(file)
        files.append(file)
    east, west, whole = files
    sent(east, "east")
    sent(west, "west")

    merged = read(whole, (moments(east, "east"), moments(west, "west")), (public(east), public(west)))

    forms: list[dict[str, Any]] = [read(whole).to_dict(), merged.to_dict()]
    pooled, found = (
        {(one["metric"], str(one["segment"])): one for one in form["estimates"]} for form in forms
    )
    assert found.keys() == pooled.keys()
    assert {level for one in merged.comparisons if (level := one.level)} == set(countries)
    for key, one in found.items():
        close(one, pooled[key], str(key))


@pytest.mark.requirement("R78")
def test_no_row_and_no_level_with_few_units_leaves_a_region(regions: tuple[Path, Path, Path]) -> None:
    north, _, _ = regions

    done = sent(north, "north")

    text = moments(north, "north").read_text()
    parcel = json.loads(text)["parcel"]
    assert not [number for number in range(400) if f'"u{number}"' in text]
    assert (done.units, done.withheld) == (200, ("country",))
    assert parcel["segments"]["country"]["LI"] is None
    assert sum(level is None for level in parcel["segments"]["country"].values()) > 1
    assert min(min(level["units"]) for level in parcel["segments"]["country"].values() if level) >= 10
    assert [entry.verb for entry in entries(north)] == ["register", "measure"]
    assert json.loads(entries(north)[-1].content)["file"] == digest(text)


def entries(file: Path) -> list[Any]:
    with home(file.parent).registry() as registry:
        return [one for one in registry.entries(project="shop") if one.subject == "experiment/checkout"]


@pytest.mark.requirement("R78")
def test_a_level_that_a_region_withholds_is_withheld_of_all(regions: tuple[Path, Path, Path]) -> None:
    north, south, whole = regions
    sent(north, "north")
    sent(south, "south")
    gone = {
        level
        for file, name in ((north, "north"), (south, "south"))
        for level, told in json.loads(moments(file, name).read_text())["parcel"]["segments"][
            "country"
        ].items()
        if told is None
    }

    merged = read(whole, (moments(north, "north"), moments(south, "south")), (public(north), public(south)))

    hidden = {one.level for one in merged.comparisons if one.suppressed is not None}
    assert hidden >= gone
    (entry,) = looks(whole)
    assert [one["region"] for one in json.loads(entry.content)["regions"]] == ["north", "south"]


@pytest.mark.requirement("R78")
def test_a_file_that_was_changed_or_is_signed_by_a_stranger_is_refused(
    regions: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    north, _, whole = regions
    sent(north, "north")
    path = moments(north, "north")
    good = json.loads(path.read_text())

    def refused(says: str, keys: tuple[Path, ...] = (public(north),), **changed: object) -> None:
        other = tmp_path / "other.json"
        other.write_text(json.dumps({**good, **changed}))
        with pytest.raises(DataError, match=says):
            read(whole, (other,), keys)

    refused("signed by a key that is not known here", keys=())
    refused("its digest does not hold", parcel={**good["parcel"], "exposed": [1, 2]})
    refused("its signature does not hold", signature=LoneKey().signer(None).signature(b"other"))
    refused("is no file of moments: parcel.exposed", parcel={**good["parcel"], "exposed": "many"})
    with pytest.raises(DataError, match="cannot be read"):
        read(whole, (tmp_path / "none.json",))


@pytest.mark.requirement("R78")
def test_parcels_that_cannot_be_added_up_are_refused(regions: tuple[Path, Path, Path]) -> None:
    north, south, whole = regions
    keys = (public(north),)
    sent(north, "north")
    path = moments(north, "north")
    good = json.loads(path.read_text())
    signer = home(north.parent).keys.signer(None)

    def other(**changed: object) -> Path:
        content = {**good["parcel"], "region": "other", **changed}
        sealed = digest(canonical(content))
        signature = signer.signature(f"splitrun.moments/1\n{sealed}".encode())
        file = path.with_name("other.json")
        file.write_text(json.dumps({**good, "digest": sealed, "signature": signature, "parcel": content}))
        return file

    def refused(says: str, **changed: object) -> None:
        with pytest.raises(DataError, match=says):
            read(whole, (path, other(**changed)), keys)

    refused("measured by the plan sha256:0", plan="sha256:" + "0" * 64)
    refused("different moments", as_of="2026-11-19T12:00:00Z")
    refused("named twice", region="north")
    refused("other variants or metrics", variants=["control", "two-page"])
    metrics = good["parcel"]["metrics"]
    refused("is adjusted for", metrics={**metrics, "bought": {**metrics["bought"], "covariates": ["x"]}})
    level = {**good["parcel"]["segments"]["country"], "other": None}
    refused("name those to be shown with `keep`", segments={"country": level})
    refused("north and other are signed by one key .* its units would count twice")
    sent(south, "other")
    both = read(whole, (path, moments(south, "other")), (*keys, public(south)))
    assert both.units[0].exposed == 200


def settle(file: Path, least: int) -> None:
    (file.parent.parent / "splitrun.yaml").write_text(
        f"project: shop\nenvironments: [production, staging]\nprivacy: {{min_cell: {least}}}\n"
    )


def by_country(seen: Shown) -> dict[str | None, int | None]:
    found = [one for one in seen.comparisons if one.segment and one.metric == "bought"]
    return {one.level: one.control.units for one in found}


@pytest.mark.requirement("R78")
def test_looks_at_home_and_looks_at_all_regions_are_not_taken_from_one_another(
    regions: tuple[Path, Path, Path],
) -> None:
    north, south, _ = regions
    for file in (north, south):
        settle(file, 10)
    sent(north, "north")
    sent(south, "south")
    files, keys = (moments(north, "north"), moments(south, "south")), (public(south),)

    merged = by_country(read(north, files, keys))
    alone = by_country(read(north))
    again = by_country(read(north, files, keys))

    # the north alone is not what all regions hold, some units later or earlier
    assert [level for level, units in sorted(merged.items()) if units is None] == ["AT", "LI"]
    assert [level for level, units in sorted(alone.items()) if units is None] == ["AT", "LI"]
    assert again == merged


@pytest.mark.requirement("R78")
def test_moments_and_looks_at_home_do_not_give_the_units_between_them_away(
    regions: tuple[Path, Path, Path],
) -> None:
    north = regions[0]
    settle(north, 10)
    read(north)
    told = sent(north, "first")
    table = north.parent.parent / "exposures.csv"
    table.write_text(f"{table.read_text()}u400,control,2026-11-16T22:00:00+00:00,DE,3\n")

    later = sent(north, "second")

    first, second = (
        json.loads(Path(one.file).read_text())["parcel"]["segments"]["country"] for one in (told, later)
    )
    assert first["DE"] is not None
    assert second["DE"] is None
    assert by_country(read(north))["DE"] is None


@pytest.mark.requirement("R78")
def test_moments_do_not_give_away_who_came_since_a_look_at_home(regions: tuple[Path, Path, Path]) -> None:
    north = regions[0]
    settle(north, 10)
    seen = by_country(read(north))
    table = north.parent.parent / "exposures.csv"
    table.write_text(f"{table.read_text()}u400,control,2026-11-16T22:00:00+00:00,DE,3\n")

    sent(north, "north")

    levels = json.loads(moments(north, "north").read_text())["parcel"]["segments"]["country"]
    assert seen["DE"] is not None
    assert levels["DE"] is None


def test_a_plan_whose_numbers_are_no_sums_is_refused_clearly(tmp_path: Path) -> None:
    summed = "source: orders, value: amount, per: unit, window: 1d, better: lower"
    quantile = f"{{key: p90, kind: quantile, at: 0.9, {summed}}}"
    cut = "pre_exposure: [country, tenure], cluster: tenure, phase: country}"
    text = (
        EXPERIMENT.replace("window: 1d, cap: {at: 90}", "window: 1d, cap: {quantile: 0.99}")
        .replace("  secondary:\n", f"  secondary:\n    - {quantile}\n")
        .replace("pre_exposure: [country, tenure]}", cut)
    )
    file = project(tmp_path, text)

    with pytest.raises(SpecError) as refused:
        refuse_unmergeable(plan_of(file))

    assert [one.path for one in refused.value.mistakes] == [
        "exposures.cluster", "metrics.p90", "metrics.revenue.cap",
    ]  # fmt: skip


def test_looks_strata_and_sums_made_elsewhere_are_refused_too(tmp_path: Path) -> None:
    plan = plan_of(project(tmp_path))
    rules = plan.analysis.model_copy(
        update={"method": Method.GROUP_SEQUENTIAL, "adjust": Adjust(strata=("country",))}
    )

    with pytest.raises(SpecError) as refused:
        refuse_unmergeable(
            plan.model_copy(update={"analysis": rules, "moments": MomentsTable.model_construct()})
        )

    assert [one.path for one in refused.value.mistakes] == [
        "moments",
        "analysis.adjust.strata",
        "analysis.method",
    ]


def test_measuring_needs_a_moment_a_name_and_enough_units(tmp_path: Path) -> None:
    file = region(tmp_path, lambda number: number < 16)
    place, target = file.parent, tmp_path / "tiny.json"

    def tried(leaving: Leaving, error: type[Exception], says: str, wish: Wish | None = None) -> None:
        with pytest.raises(error, match=says):
            measure("checkout", place, leaving, wish=wish, desk=DESK)

    tried(Leaving("tiny", target), SpecError, "no.*named|none is named")
    tried(Leaving("so tiny", target, AFTER), SpecError, "no name of a region")
    tried(Leaving("tiny", target, "2026-11-10T12:00:00+00:00"), SpecError, "planned end has not come")
    tried(Leaving("tiny", target, AFTER), DataError, "tiny has 8 units in control")
    assert not target.exists()
