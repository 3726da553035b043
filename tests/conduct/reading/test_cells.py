"""The smallest cell of a project, and looks that remember what they have shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.report.notebook import Shown
from splitrun.store.lake.tables import Table
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, looks, project, seal
from tests.conduct.reading.test_lake import exposures, orders, shop
from tests.lakes import commit

DESK = Desk(now=lambda: AFTER)
LEAST = "privacy: {min_cell: 150}\n"


def settle(file: Path, more: str) -> None:
    settings = file.parent.parent / "splitrun.yaml"
    settings.write_text(settings.read_text() + more)


def hidden(seen: Shown) -> set[str | None]:
    return {one.level for one in seen.comparisons if one.suppressed is not None}


@pytest.mark.requirement("R78")
def test_files_show_every_level_unless_the_project_says_otherwise(tmp_path: Path) -> None:
    file = project(tmp_path)
    # 134 units of AT, 266 of DE
    assert hidden(analyze(file, as_of=AFTER, desk=DESK)) == set()

    settle(file, LEAST)

    seen = analyze(file, as_of=AFTER, desk=DESK)
    assert hidden(seen) == {"AT", "DE"}
    assert "fewer than 150 units" in repr(seen)


@pytest.mark.requirement("R78")
def test_what_decides_is_the_same_whatever_is_hidden(tmp_path: Path) -> None:
    file = project(tmp_path)
    before = analyze(file, as_of=AFTER, desk=DESK)
    settle(file, LEAST)

    after = analyze(file, as_of=AFTER, desk=DESK)

    whole = [[one for one in seen.comparisons if one.segment is None] for seen in (before, after)]
    assert whole[0] == whole[1]
    assert (before.units, before.decision) == (after.units, after.decision)


@pytest.mark.requirement("R78")
def test_a_look_keeps_what_it_showed_and_not_what_it_hid(tmp_path: Path) -> None:
    file = project(tmp_path)
    settle(file, "privacy: {min_cell: 40}\n")
    seal(file)

    seen = readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK)

    (entry,) = looks(file)
    cells = json.loads(entry.content)["cells"]
    assert hidden(seen) == set()
    assert cells[""] == {"totals": [200, 200], "levels": {"country": {"AT": [67, 67], "DE": [133, 133]}}}
    (file.parent.parent / "splitrun.yaml").write_text(
        "project: shop\nenvironments: [production, staging]\nprivacy: {min_cell: 100}\n"
    )
    again = readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK)
    # what the first look told of AT nobody can take back, so that DE is not hidden for its sake
    assert hidden(again) == {"AT"}
    assert json.loads(looks(file)[-1].content)["cells"][""]["levels"]["country"] == {
        "AT": None,
        "DE": [133, 133],
    }


@pytest.mark.requirement("R78")
def test_a_look_that_differs_by_few_units_hides_the_levels_that_changed(tmp_path: Path) -> None:
    file = project(tmp_path)
    settle(file, "privacy: {min_cell: 5}\n")
    seal(file)
    first = readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK)
    rows = (tmp_path / "exposures.csv").read_text()
    (tmp_path / "exposures.csv").write_text(f"{rows}u400,control,2026-11-16T22:00:00+00:00,AT,3\n")

    second = readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK)

    assert hidden(first) == set()
    assert hidden(second) == {"AT", "DE"}


@pytest.mark.requirement("R78")
def test_the_lake_hides_levels_below_10_units_where_nothing_is_written(tmp_path: Path) -> None:
    file, lake = shop(tmp_path)
    rows = (tmp_path / "exposures.csv").read_text().splitlines()
    few = [row.replace(",DE,", ",LI,").replace(",AT,", ",LI,") for row in rows[1:15]]
    (tmp_path / "exposures.csv").write_text("\n".join([rows[0], *few, *rows[15:]]) + "\n")
    commit(lake, Table.EXPOSURES, exposures(tmp_path))
    commit(lake, Table.EVENTS, orders(tmp_path))

    seen = analyze(file, as_of=AFTER, desk=DESK)

    assert hidden(seen) > {"LI"}
    settle(file, "privacy: {min_cell: 1}\n")
    assert hidden(analyze(file, as_of=AFTER, desk=DESK)) == set()


LANDS = {"DE": (100, 100), "AT": (50, 50), "CH": (40, 40), "FR": (30, 30), "LI": (2, 3)}


def looked(file: Path, lands: dict[str, tuple[int, int]]) -> set[str | None]:
    """What a look hides where so many units of each variant are in each country."""
    rows = ["user,arm,at,country,tenure"]
    for level, counts in lands.items():
        for arm, count in zip(("control", "one-page"), counts, strict=True):
            rows += [f"{level}{arm}{each},{arm},2026-11-03T00:00:00Z,{level},3" for each in range(count)]
    (file.parent.parent / "exposures.csv").write_text("\n".join(rows) + "\n")
    return hidden(readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK))


@pytest.mark.requirement("R78")
def test_a_hidden_level_that_left_is_not_told_by_those_that_stay(tmp_path: Path) -> None:
    file = project(tmp_path)
    settle(file, "privacy: {min_cell: 10}\n")
    seal(file)

    first = looked(file, LANDS)
    second = looked(file, {level: counts for level, counts in LANDS.items() if level != "LI"})

    assert first == {"FR", "LI"}
    # what FR holds now, taken from what FR and LI held together, would be LI
    assert "FR" in second
    assert len(second) > 1


@pytest.mark.requirement("R78")
def test_units_that_leave_a_level_that_is_shown_hide_no_other(tmp_path: Path) -> None:
    file = project(tmp_path)
    settle(file, "privacy: {min_cell: 10}\n")
    seal(file)
    looked(file, LANDS)

    assert looked(file, {**LANDS, "DE": (80, 80)}) == {"FR", "LI"}


@pytest.mark.requirement("R78")
def test_a_quantile_of_a_level_is_not_the_value_of_one_of_its_units(tmp_path: Path) -> None:
    summed = "kind: quantile, source: orders, value: amount, per: unit, window: 1d, better: lower"
    both = f"    - {{key: p99, at: 0.99, {summed}}}\n    - {{key: p50, at: 0.5, {summed}}}\n"
    file = project(tmp_path, EXPERIMENT.replace("  secondary:\n", f"  secondary:\n{both}"))
    settle(file, "privacy: {min_cell: 10}\n")

    seen = analyze(file, as_of=AFTER, desk=DESK)

    levels = [one for one in seen.comparisons if one.segment is not None and one.metric in {"p50", "p99"}]
    assert {(one.metric, one.control.mean is None) for one in levels} == {("p50", False), ("p99", True)}
    assert not hidden(seen)
