"""Cuts laid one after another: a metric is rolled up and read once for all of them, not cut by cut."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splitrun.judge.levels.cuts import Cut
from splitrun.measure.measured import Measured
from splitrun.moments import Groups, IntArray, Moments

__all__ = ["Strip", "gathered", "strip_of"]

NUMBERS = 6_000
"""Cross products of several metrics that are added up at once: more of them cost what fewer calls save."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Rows that are picked and then added up into groups."""

    rows: IntArray | None
    """None: all of them."""
    into: Groups
    """Of every row that is picked."""


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """How the cells of one cube become variants within the levels of several cuts, cut after cut."""

    home: Measured
    stages: tuple[tuple[Step, ...], ...]
    """One stage starts from what the steps of the one before give, one after another."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """The levels of several cuts in one vector per variant."""

    cuts: tuple[Cut, ...]
    places: tuple[slice, ...]
    """Of the levels of every cut."""
    variants: tuple[IntArray, ...]
    """Where each variant's levels are among what the rolls give, each of shape (levels,)."""
    rolls: tuple[Roll, ...]

    def rows(self, variant: int, metrics: int) -> IntArray:
        """Where a variant's levels are among what is `gathered` of so many metrics, metric after metric."""
        return repeated(self.variants[variant], metrics, sum(len(each) for each in self.variants))


def strip_of(cuts: Sequence[Cut]) -> Strip:
    """Lay cuts one after another; those of one cube are rolled up together."""
    variants = range(len(cuts[0].measured.cells.variant.labels))
    cubes: dict[int, list[int]] = {}
    for index, cut in enumerate(cuts):
        cubes.setdefault(id(cut.measured), []).append(index)
    widths = [len(cut.labels) for cut in cuts]
    starts, begun = {}, 0
    for index in (index for cube in cubes.values() for index in cube):
        starts[index], begun = begun, begun + len(variants) * widths[index]
    ends = np.cumsum(widths).tolist()
    return Strip(
        cuts=tuple(cuts),
        places=tuple(slice(end - width, end) for end, width in zip(ends, widths, strict=True)),
        variants=tuple(
            np.concatenate(
                [starts[index] + each * width + np.arange(width) for index, width in enumerate(widths)]
            )
            for each in variants
        ),
        rolls=tuple(rolled([cuts[index] for index in cube]) for cube in cubes.values()),
    )


def gathered(moments: Sequence[Sequence[Moments]], strip: Strip) -> Moments:
    """Moments of all variants over the levels of a strip, metric after metric, picked by `Strip.rows`.

    Args:
        moments: Of every metric, and within it of the cells of every roll; all have the same columns.
        strip: What they are rolled up to.
    """
    few = max(1, NUMBERS // max(1, sum(part.m2.size for part in moments[0])))
    return Moments.stacked(
        [together(moments[start : start + few], strip) for start in range(0, len(moments), few)]
    )


def together(moments: Sequence[Sequence[Moments]], strip: Strip) -> Moments:
    """Add up the cells of several metrics as one vector."""
    metrics, parts = len(moments), []
    for roll, cells in zip(strip.rolls, zip(*moments, strict=True), strict=True):
        found = Moments.stacked(cells)
        for stage in roll.stages:
            found = side_by_side([added(found, step, metrics) for step in stage], metrics)
        parts.append(found)
    return side_by_side(parts, metrics)


def added(cells: Moments, step: Step, metrics: int) -> Moments:
    """Pick and add up the cells of several metrics, metric after metric."""
    if metrics == 1:
        return (cells if step.rows is None else cells.at(step.rows)).into(step.into)
    groups = step.into.count
    group = repeated(step.into.group, metrics, groups)
    rows = None if step.rows is None else repeated(step.rows, metrics, len(cells.n) // metrics)
    return (cells if rows is None else cells.at(rows)).gathered(group, metrics * groups)


def side_by_side(parts: Sequence[Moments], metrics: int) -> Moments:
    """Lay parts one after another within each metric; each part holds metric after metric."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([len(part.n) for part in parts])
    places = [np.arange(end - len(part.n), end) for end, part in zip(ends, parts, strict=True)]
    return Moments.stacked(parts).at(np.hstack([each.reshape(metrics, -1) for each in places]).ravel())


def repeated(places: IntArray, metrics: int, width: int) -> IntArray:
    """The same places for every metric, each `width` further on, shape (metrics * places,)."""
    return np.asarray((places + width * np.arange(metrics)[:, None]).ravel())


def rolled(cuts: Sequence[Cut]) -> Roll:
    """Roll a cube up to several cuts, by way of two smaller cubes where that takes fewer rows."""
    cells = cuts[0].measured.cells
    every = np.arange(len(cells.variant.code))
    halves = halved_at(cuts)
    shapes = [(len(cells.variant.labels), *(len(cut.labels) for cut in half)) for half in halves]
    sizes = [math.prod(shape) for shape in shapes]
    if len(cuts) < 3 or 2 * (len(every) + sum(sizes)) > len(cuts) * len(every):
        codes = {cut.segment: (every, cells.variant.code, cut.code) for cut in cuts}
        return Roll(cuts[0].measured, ((spread_out(cuts, codes),),))
    codes, halved, start = {}, [], 0
    for half, shape, size in zip(halves, shapes, sizes, strict=True):
        places = (cells.variant.code, *(cut.code for cut in half))
        halved.append(Step(None, Groups.of(np.ravel_multi_index(places, shape), size)))
        variant, *levels = np.unravel_index(np.arange(size), shape)
        codes |= {
            cut.segment: (np.arange(size) + start, variant, level)
            for cut, level in zip(half, levels, strict=True)
        }
        start += size
    return Roll(cuts[0].measured, (tuple(halved), (spread_out(cuts, codes),)))


def halved_at(cuts: Sequence[Cut]) -> tuple[Sequence[Cut], Sequence[Cut]]:
    """Two parts of cuts, in their order, whose cubes are small: cells lie in the order of the first ones."""
    widths = [len(cut.labels) for cut in cuts]
    at = min(range(len(cuts)), key=lambda at: math.prod(widths[:at]) + math.prod(widths[at:]))
    return cuts[:at], cuts[at:]


def spread_out(cuts: Sequence[Cut], codes: Mapping[str | None, tuple[IntArray, IntArray, IntArray]]) -> Step:
    """Send rows to the variants and levels of every cut, cut after cut.

    Args:
        cuts: In the order of the result.
        codes: By segment: rows, and the variant and the level that each belongs to.
    """
    rows, groups, start = [], [], 0
    for cut in cuts:
        picked, variant, level = codes[cut.segment]
        rows.append(picked)
        groups.append(start + variant * len(cut.labels) + level)
        start += len(cut.measured.cells.variant.labels) * len(cut.labels)
    return Step(np.concatenate(rows), Groups.of(np.concatenate(groups), start))
