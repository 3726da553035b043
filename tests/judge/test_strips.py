from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splitrun.judge.levels import strips
from splitrun.judge.levels.cuts import cut_by
from splitrun.judge.levels.strips import gathered, strip_of
from splitrun.measure.measured import Cells, Codes, Dirt, Measured
from splitrun.moments import IntArray, Moments

WIDTHS = {"country": 4, "device": 3, "plan": 5, "channel": 2}


def cube(unit_codes: dict[str, IntArray], variant: IntArray, values: np.ndarray) -> tuple[Measured, Moments]:
    """A cell for every unit, so that what is expected can be read from the values themselves."""
    units = np.ones(len(values), dtype=np.int64)
    labels = {key: tuple(f"{key}{code}" for code in range(WIDTHS[key])) for key in unit_codes}
    segments = {key: Codes(labels[key], code) for key, code in unit_codes.items()}
    cells = Cells(Codes(("control", "treatment"), variant), segments, Codes(("",), 0 * variant), units)
    moments = Moments.stacked([Moments.of(each[None, :]) for each in values])
    return Measured(cells, {}, np.bincount(variant), Dirt(), (), (), None, None, None), moments


@pytest.mark.parametrize("keys", [(), ("country",), ("country", "device"), tuple(WIDTHS)])
def test_every_cut_of_a_strip_has_the_moments_of_its_own_units(keys: tuple[str, ...]) -> None:
    rng = np.random.default_rng(20261122)
    variant = rng.integers(0, 2, 900)
    codes = {key: rng.integers(0, width, 900) for key, width in WIDTHS.items()}
    values = rng.gamma(2.0, 3.0, size=(900, 2)) + 1e4 * codes["plan"][:, None]
    measured, moments = cube(codes, variant, values)

    strip = strip_of([cut_by(measured, key) for key in (None, *keys)])
    found = gathered([[moments]], strip)

    for cut, place in zip(strip.cuts, strip.places, strict=True):
        for each in (0, 1):
            levels = found.at(strip.variants[each][place])
            for level in range(len(cut.labels)):
                own = Moments.of(values[(variant == each) & (cut.code == level)])
                assert levels.n[level] == own.n[0]
                np.testing.assert_allclose(levels.mean[level], own.mean[0], rtol=1e-12)
                np.testing.assert_allclose(levels.m2[level], own.m2[0], rtol=1e-9)


def test_segments_that_are_cubes_of_their_own_keep_their_places() -> None:
    variant, code = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    values = np.array([[1.0], [3.0], [5.0], [9.0]])
    top, whole = cube({}, np.array([0, 1]), np.array([[2.0], [7.0]]))
    inside, moments = cube({"channel": code}, variant, values)
    measured = Measured(
        top.cells, {}, top.exposed, Dirt(), (), (), None, None, None, within={"channel": inside}
    )

    strip = strip_of([cut_by(measured, "channel"), cut_by(measured, None)])
    found = gathered([[moments, whole]], strip)

    assert [found.at(rows).mean[:, 0].tolist() for rows in strip.variants] == [[1, 3, 2], [5, 9, 7]]


@pytest.mark.parametrize("most", [1, 6_000])
def test_metrics_that_are_added_up_together_lie_one_after_another(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(strips, "NUMBERS", most)
    rng = np.random.default_rng(20261123)
    variant = rng.integers(0, 2, 600)
    codes = {key: rng.integers(0, width, 600) for key, width in WIDTHS.items()}
    inside = {"channel": codes.pop("channel")}
    tables = [rng.gamma(2.0, 3.0, size=(600, 2)) for _ in range(3)]
    apart = cube(inside, variant, tables[0])[0]
    measured = replace(cube(codes, variant, tables[0])[0], within={"channel": apart})
    moments = [Moments.stacked([Moments.of(each[None, :]) for each in values]) for values in tables]

    strip = strip_of([cut_by(measured, key) for key in (None, *codes, *inside)])
    found = gathered([[each, each] for each in moments], strip)

    levels = len(strip.variants[0])
    for one, each in enumerate(moments):
        alone = gathered([[each, each]], strip)
        for index in (0, 1):
            seen = found.at(strip.rows(index, 3)[one * levels : (one + 1) * levels])
            for name in ("n", "mean", "m2", "m3"):
                assert np.array_equal(getattr(seen, name), getattr(alone.at(strip.rows(index, 1)), name))
