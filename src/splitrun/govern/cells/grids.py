"""From what was measured to what may be shown: counts by level, and how segments tell of one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import numpy as np

from splitrun.govern.cells.suppression import Counts, Grid
from splitrun.govern.cells.system import Order, Place, Sum
from splitrun.measure.measured import Measured
from splitrun.moments import FloatArray, IntArray

__all__ = ["UNITS", "Around", "Kind", "Past", "Table", "grid", "tables"]

NEAREST = 4
"""Earlier readouts on either side of this one that are held against it sum by sum; all others are level by
level.
"""
UNITS = ""
"""The kind of count that is no metric's: units that were analysed, matured or not."""

Levels = Mapping[str, Mapping[str, tuple[int, ...] | None]]
"""By segment and level, units by variant; None where they were hidden."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of count, as an earlier readout showed it."""

    totals: tuple[int, ...]
    levels: Levels


@dataclass(frozen=True, slots=True)
class Past:
    """What one earlier readout showed."""

    as_of: datetime | None
    tables: Mapping[str, Table]
    """By metric, and under `UNITS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Counts of one kind over the cells and by segment."""

    totals: tuple[int, ...]
    now: Counts
    cells: IntArray
    """Units in each cell of the cube, shape (cells,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Tie:
    """Levels of one segment that lie within a level, or several, of another."""

    plus: tuple[Place, ...]
    minus: tuple[Place, ...]
    rest: IntArray | None = None
    """Cells that the first hold and the second do not; None: there are none."""


@dataclass(frozen=True, slots=True)
class Around:
    """The units that are counted some of: those of a metric are among those analysed."""

    totals: tuple[int, ...]
    now: Counts
    """Of levels that are shown."""
    past: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A sum that holds at every moment: a segment's levels add up to the whole, a tie to nothing."""

    of: Mapping[Place, int]
    whole: bool

    def at(self, look: int, total: tuple[int, ...]) -> Sum:
        """The sum of one look, or of what was added from one to another."""
        none = (0,) * len(total)
        return Sum(
            {place._replace(look=look): sign for place, sign in self.of.items()},
            total if self.whole else none,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What readouts at several moments tell together."""

    tables: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Units of every variant, by look."""
    past: dict[Place, tuple[int, ...]] = field(default_factory=dict)
    lost: dict[Place, tuple[int, ...]] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def remember(self, look: int, table: Table, now: Counts) -> None:
        """Take what an earlier readout showed and hid; a level that it did not name had nobody in it."""
        self.tables[look] = table.totals
        for segment, shown in table.levels.items():
            for level in {*shown, *(place.level for place in now if place.segment == segment)}:
                place = Place(segment, level, look)
                counts = shown[level] if level in shown else (0,) * len(table.totals)
                if counts is None:
                    self.lost[place] = table.totals
                else:
                    self.past[place] = counts
                if place._replace(look=0) in now:
                    self.orders.append(Order(place, place._replace(look=0)))

    def tie(self, shapes: Sequence[Shape], look: int) -> None:
        """Add the sums of an earlier readout: what holds now held before, when there were fewer units."""
        for shape in shapes:
            one = shape.at(look, self.tables[look])
            self.lost.update({place: self.tables[look] for place in one.of if not place.segment})
            if self.holds(one):
                self.sums.append(one)

    def holds(self, one: Sum) -> bool:
        """Whether everything that a sum names is known of."""
        return all(not place.look or place in self.past or place in self.lost for place in one.of)

    def grow(self, shapes: Sequence[Shape], earlier: int, later: int, now: Counts) -> None:
        """Add what came from one look to another: never less than nobody, and the sums hold of it too.

        Where units have left, nobody knows how many came, and the two looks are not laid beside one another.
        """
        if self.fell(earlier, later, now):
            return
        more = tuple(
            max(0, after - before)
            for before, after in zip(self.tables[earlier], self.tables[later], strict=True)
        )
        added = -(1 + earlier + later * 1_000_000)
        for shape in shapes:
            ends = [shape.at(look, more) for look in (earlier, later)]
            if not all(map(self.holds, ends)):
                continue
            self.sums.append(shape.at(added, more))
            for small, large in zip(*(one.of for one in ends), strict=True):
                grown = small._replace(look=added)
                if grown not in self.lost:
                    self.lost[grown] = more
                    self.sums.append(Sum({large: 1, small: -1, grown: -1}, (0,) * len(more)))

    def fell(self, earlier: int, later: int, now: Counts) -> bool:
        """Whether a count that both looks know is smaller at the later one: units opted out, or went."""
        pairs = [(self.tables[earlier], self.tables[later])]
        told = {**now, **self.past}
        for place, counts in told.items():
            after = told.get(place._replace(look=later))
            if place.look == earlier and after is not None:
                pairs.append((counts, after))
        return any(two < one for before, after in pairs for one, two in zip(before, after, strict=True))

    def miss(self, shapes: Sequence[Shape], look: int, totals: tuple[int, ...], units: Counts) -> None:
        """Add what a look leaves out of units that it shows: nobody at least, and the sums hold of it too."""
        left = tuple(max(0, one - two) for one, two in zip(totals, self.tables[look], strict=True))
        out = -(1 + look * 1_000_000_000_000)
        for shape in shapes:
            if not self.holds(shape.at(look, left)):
                continue
            self.sums.append(shape.at(out, left))
            for place in shape.of:
                missed = place._replace(look=out)
                if missed in self.lost:
                    continue
                self.lost[missed] = left
                if place in units:
                    self.sums.append(Sum({place._replace(look=look): 1, missed: 1}, units[place]))


def tables(measured: Measured, segments: Sequence[str], metrics: Sequence[str]) -> dict[str, Kind]:
    """Count units by level: those analysed, and of each metric those with a known outcome.

    Args:
        measured: What the data holds.
        segments: Keys of what is shown by level.
        metrics: Keys of the metrics.
    """
    found = {UNITS: units(measured, segments)}
    return found | {key: outcomes(measured, segments, key) for key in metrics}


def units(measured: Measured, segments: Sequence[str]) -> Kind:
    """Units that were analysed."""
    now: dict[Place, tuple[int, ...]] = {}
    for segment in segments:
        now.update(placed(segment, measured.labels(segment), measured.units(segment)))
    return Kind(whole(measured.units()[:, 0]), now, measured.cells.units)


def outcomes(measured: Measured, segments: Sequence[str], metric: str) -> Kind:
    """Units with a known outcome of a metric."""
    now: dict[Place, tuple[int, ...]] = {}
    for segment in segments:
        labels, parts = measured.by_variant(metric, segment)
        now.update(placed(segment, labels, np.array([part.n for part in parts])))
    _, parts = measured.by_variant(metric)
    cells = measured.columns[metric].moments.n.astype(np.int64)
    return Kind(whole(np.array([part.n[0] for part in parts])), now, cells)


def placed(
    segment: str, labels: Sequence[str], counts: IntArray | FloatArray
) -> Iterator[tuple[Place, tuple[int, ...]]]:
    """Counts of shape (variants, levels) by place."""
    for index, label in enumerate(labels):
        yield Place(segment, label), whole(counts[:, index])


def whole(counts: IntArray | FloatArray) -> tuple[int, ...]:
    """Counts as whole numbers."""
    return tuple(int(count) for count in counts)


def grid(
    measured: Measured, kind: Kind, past: Sequence[Table], around: Around | None, *, rising: int
) -> Grid:
    """Lay out what there is to show of one kind of count.

    Args:
        measured: What the data holds.
        kind: The counts.
        past: The same counts of earlier readouts, in the order of the moments that they speak of.
        around: What these counts are some of; None: of nothing that is shown.
        rising: How many of them speak of a moment no later than this readout does; the rest hold more.
    """
    segments = tuple(dict.fromkeys(place.segment for place in kind.now))
    shapes = [Shape(dict.fromkeys(levels(kind.now, one), 1), whole=True) for one in segments]
    between = {}
    for number, tie in enumerate(ties(measured, segments)):
        of = {**dict.fromkeys(tie.plus, 1), **dict.fromkeys(tie.minus, -1)}
        if tie.rest is not None:
            beyond = Place("", str(number))
            between[beyond] = by_variant(measured, kind.cells, tie.rest)
            of[beyond] = -1
        shapes.append(Shape(of, whole=False))
    known = together(kind, past, around, shapes, rising)
    return Grid(
        totals=kind.totals,
        now=kind.now,
        sums=tuple(known.sums),
        orders=tuple(known.orders),
        between=between,
        past=known.past,
        lost=known.lost,
        most={} if around is None else around.now,
    )


def together(
    kind: Kind, past: Sequence[Table], around: Around | None, shapes: Sequence[Shape], rising: int
) -> Known:
    """Lay readouts at several moments beside one another, and beside the units that they count some of."""
    known = Known()
    known.tables[0] = kind.totals
    known.sums.extend(shape.at(0, kind.totals) for shape in shapes)
    near = range(max(1, rising - NEAREST + 1), min(len(past), rising + NEAREST) + 1)
    for look, table in enumerate(past, start=1):
        known.remember(look, table, kind.now)
        if look in near:
            known.tie(shapes, look)
    for earlier, later in pairwise(near):
        known.grow(shapes, earlier, later, kind.now)
    for look in near:
        known.grow(shapes, *((look, 0) if look <= rising else (0, look)), kind.now)
    if around is not None:
        known.miss(shapes, 0, around.totals, around.now)
        for look in near:
            known.miss(shapes, look, around.past[look - 1].totals, told_of(around.past[look - 1]))
    return known


def told_of(table: Table) -> dict[Place, tuple[int, ...]]:
    """What an earlier readout showed."""
    return {
        Place(segment, level): counts
        for segment, shown in table.levels.items()
        for level, counts in shown.items()
        if counts is not None
    }


def levels(now: Counts, segment: str) -> tuple[Place, ...]:
    """The levels of a segment."""
    return tuple(place for place in now if place.segment == segment)


def by_variant(measured: Measured, counts: IntArray, cells: IntArray) -> tuple[int, ...]:
    """Units of some cells, by variant."""
    code, variants = measured.cells.variant.code[cells], len(measured.cells.variant.labels)
    return whole(np.bincount(code, weights=counts[cells], minlength=variants))


def ties(measured: Measured, segments: Sequence[str]) -> Iterator[Tie]:
    """Find what the data itself shows of segments that tell of one another, like countries of regions.

    Where all segments together made too many cells they were not crossed, and nothing is known of that.
    """
    crossed = [segment for segment in segments if segment in measured.cells.segments]
    for place, one in enumerate(crossed):
        for other in crossed[place + 1 :]:
            yield from same(measured, one, other)
    for one in crossed:
        for other in crossed:
            if one != other:
                yield from within(measured, one, other)


def held(measured: Measured, one: str, other: str) -> IntArray:
    """Units in each level of one segment and of another, shape (levels, levels)."""
    first, second = measured.cells.segments[one], measured.cells.segments[other]
    found = np.zeros((len(first.labels), len(second.labels)), dtype=np.int64)
    np.add.at(found, (first.code, second.code), measured.cells.units)
    return found


def same(measured: Measured, one: str, other: str) -> Iterator[Tie]:
    """Levels of a segment that hold together the very units that levels of another hold."""
    table = held(measured, one, other) > 0
    left = set(range(len(table)))
    parts: list[tuple[set[int], set[int]]] = []
    while left:
        rows, columns = {left.pop()}, set[int]()
        while True:
            columns = {int(each) for each in np.flatnonzero(table[sorted(rows)].any(axis=0))}
            more = {int(each) for each in np.flatnonzero(table[:, sorted(columns)].any(axis=1))}
            if more <= rows:
                break
            rows |= more
        left -= rows
        parts.append((rows, columns))
    if len(parts) < 2:
        return
    first, second = measured.cells.segments[one].labels, measured.cells.segments[other].labels
    for rows, columns in parts:
        yield Tie(
            tuple(Place(one, first[each]) for each in sorted(rows)),
            tuple(Place(other, second[each]) for each in sorted(columns)),
        )


def within(measured: Measured, one: str, other: str) -> Iterator[Tie]:
    """Levels of a segment that lie wholly within a level of another, which holds more units than theirs."""
    table = held(measured, one, other)
    first, second = measured.cells.segments[one], measured.cells.segments[other]
    alone = (table > 0).sum(axis=1) == 1
    for column, label in enumerate(second.labels):
        inner = [int(row) for row in np.flatnonzero(alone & (table[:, column] > 0))]
        rest = (second.code == column) & ~np.isin(first.code, inner) & (measured.cells.units > 0)
        if inner and rest.any():
            minus = tuple(Place(one, first.labels[row]) for row in inner)
            yield Tie((Place(other, label),), minus, np.flatnonzero(rest))
