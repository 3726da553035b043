"""The fixed sample of `make calibrate`, its page, and that it tells a wrong method from a right one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from calibrate.figures import Part, Row, fixed, shown
from calibrate.grid import FULL, LOPSIDED, METHODS, SAMPLE, SEEDS, calibrated, uneven
from calibrate.page import page
from calibrate.worlds import WORLDS, drawn
from splitrun.moments import FloatArray, Moments

WRITTEN = (Path(__file__).parent.parent / "docs" / "calibration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", SAMPLE.places, ids=" ".join)
def test_no_method_errs_more_often_or_less_than_it_says(place: tuple[str, str]) -> None:
    rows = calibrated(SAMPLE, place)

    assert tuple(row.method for row in rows) == METHODS
    # T1 of the continuous integration: 1,000 runs, 2.9 % to 7.4 %
    t1 = [each for row in rows if row.part for each in row.part.figures if each.name == "T1"]
    assert {(each.runs, each.high) for each in t1} == {(1_000, 0.074)}
    assert {each.low for each in t1} <= {0.029, 0.0}
    assert not [(row.method, row.missed) for row in rows if row.verdict == "does not hold"]


@pytest.mark.parametrize("place", SAMPLE.sizes, ids=" ".join)
def test_lopsided_clusters_err_no_more_often_than_they_say(place: tuple[str, str]) -> None:
    rows = uneven(SAMPLE, place)

    assert tuple(row.method for row in rows) == LOPSIDED
    assert not [(row.method, row.missed) for row in rows if row.verdict == "does not hold"]


def test_the_page_holds_every_method_in_every_world_under_every_split() -> None:
    sections = {part.split("\n")[0].lower(): part for part in WRITTEN.split("\n## ")[1:]}

    for method in (*METHODS, *LOPSIDED):
        table = sections[method.lower()].splitlines()
        places = [tuple(line.split(" | ")[:2]) for line in table if line.startswith("| ")][1:]
        due = FULL.sizes if method in LOPSIDED else FULL.places
        assert places == [(f"| {world}", split) for world, split in due]
        verdicts = {line.split(" | ")[-1] for line in table if line.startswith("| ")} - {"verdict |"}
        assert verdicts <= {"holds |", "gated |", "does not hold |", "not defined |"}


def test_the_page_tells_why_a_row_does_not_hold() -> None:
    above, _, below = WRITTEN.partition("## Rows that do not hold")
    lacking = [line for line in above.splitlines() if line.endswith("| does not hold |")]

    assert "not explained yet" not in WRITTEN
    for line in lacking:
        world, split = line.strip("| ").split(" | ")[:2]
        assert f"| {world} | {split} |" in below
        assert "**" in line


def test_the_page_names_its_seeds_and_the_bands_of_the_design() -> None:
    # computed beforehand: 99.9 % of a binomial with 10,000 and 2,000 runs, and of the distance from uniform
    bands = ("4.30 % to 5.73 %", "0.69 % to 1.34 %", "93.35 % to 96.55 %", "at most 6.65 %", "at most 0.0195")

    assert not [each for each in (*bands, *map(str, SEEDS)) if each not in WRITTEN]


def test_a_method_that_promises_too_much_does_not_hold() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(10_000, 6))
    t = values.mean(axis=1) / values.std(axis=1, ddof=1) * np.sqrt(6)

    honest = fixed(2 * stats.t.sf(np.abs(t), 5))
    # the error of taking a t for normal with six units
    hasty = fixed(2 * stats.norm.sf(np.abs(t)))

    assert all(figure.holds for figure in honest)
    assert not any(figure.holds for figure in hasty)
    assert not shown(np.abs(t) <= stats.norm.ppf(0.975)).holds


def row(p: FloatArray, g: float, again: FloatArray | None = None) -> Row:
    first, second = (None if each is None else Part("any", fixed(each), (1.0, 1.0), g) for each in (p, again))
    return Row("any", "normal", "50/50", first, 1, second)


def test_a_figure_that_only_one_seed_shows_is_chance_and_a_gated_one_is_not_judged() -> None:
    even = (np.arange(1_000) + 0.5) / 1_000
    small = even**2

    assert row(even, 0.0).verdict == "holds"
    assert row(small, 0.0).suspect
    assert row(small, 0.0, even).verdict == "holds"
    assert row(small, 0.0, small).verdict == "does not hold"
    assert row(small, 0.0, small).missed == ("T1", "T2", "T3")
    assert row(small, 0.11, None).verdict == "gated"


def test_a_row_that_does_not_hold_is_listed_with_both_seeds() -> None:
    rows = [*calibrated(SAMPLE, SAMPLE.places[0]), *uneven(SAMPLE, SAMPLE.sizes[0])]
    even = (np.arange(1_000) + 0.5) / 1_000
    wrong = Part(METHODS[0], fixed(even**2), (1.0, 1.0), 0.0)

    text = page([*rows, Row(METHODS[0], "normal", "98/2", wrong, 1, wrong)])

    # the root of 5 % is 22.4 %
    assert "| fixed difference | normal | 98/2 | T1 | 22.40 % | 22.40 % | 2.90 % to 7.40 % |" in text
    assert "| **22.40 % (again 22.40 %)** |" in text


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_has_the_mean_it_says_and_an_effect_is_a_part_of_it(name: str) -> None:
    world = WORLDS[name]
    size = 2_000 if world.dense is None else 50

    for effect in (0.0, 0.05):
        own = drawn(np.random.default_rng(3), world, (400, 28, size), effect=effect).columns(0, 1)
        whole = own.gathered(np.zeros(400, dtype=np.int64), 1)

        assert_close(whole, 0, world.mean * (1 + effect))
        assert_close(whole, 1, world.under)


def assert_close(whole: Moments, column: int, truth: float) -> None:
    """Within four standard errors."""
    stderr = float(np.sqrt(whole.m2[0, column, column])) / float(whole.n[0])
    assert abs(whole.mean[0, column] - truth) < 4 * stderr
