"""Which levels are hidden: those with few units, and as many others as it takes to keep these.

A level is hidden in all variants at once, and one that is hidden for its few units is not told from one that
is hidden for another's sake. What is shown then leaves every hidden count at least `least` whole numbers wide
open, or as wide as it would be if nothing of any segment were shown: the units of a variant are always told,
and where they are few, little can be hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from splitrun.govern.cells.system import Order, Place, Range, Sum, ranges, solved

__all__ = ["Chosen", "Counts", "Grid", "hidden", "small"]

Counts = Mapping[Place, tuple[int, ...]]
"""Units by variant."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Everything that may be shown of one kind of count, and what ties it together."""

    totals: tuple[int, ...]
    """Units of every variant; always shown."""
    now: Counts
    """Of the readout at hand, by level."""
    sums: tuple[Sum, ...]
    orders: tuple[Order, ...] = ()
    between: Counts = field(default_factory=dict)
    """What lies between levels of different segments and would be told by taking one from the other."""
    past: Counts = field(default_factory=dict)
    """What earlier readouts showed."""
    lost: Mapping[Place, tuple[int, ...]] = field(default_factory=dict)
    """What earlier readouts hid, and what was added since: the most that each can be."""
    most: Counts = field(default_factory=dict)
    """The most that a count of now can be, where another count says so."""

    @property
    def shown(self) -> dict[Place, tuple[int, ...]]:
        """Everything, as if nothing of the readout at hand were hidden."""
        return {**self.past, **self.now}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which levels are hidden."""

    places: frozenset[Place]
    given: Place | None = None
    """One that is given away though every level is hidden: what these counts are some of tells too much."""


def hidden(grid: Grid, least: int, begun: Collection[Place] = (), alone: Grid | None = None) -> Chosen:
    """Choose the levels of the readout at hand that are not shown.

    Args:
        grid: What there is to show.
        least: Units that a variant must have in a level that is shown; 1 or less: nothing is hidden.
        begun: Levels that are hidden anyway.
        alone: The same without what the counts are some of, by which it is judged how open they must stay.
    """
    if least <= 1:
        return Chosen(frozenset())
    chosen = {*begun, *small(grid, least)}
    if not chosen and not any(lying(grid, least)) and not any(place.look > 0 for place in grid.lost):
        return Chosen(frozenset())
    due = needed(alone or grid, least)
    while (weak := told(grid, chosen, due)) is not None:
        if len(chosen) >= len(grid.now):
            return Chosen(frozenset(chosen), weak)
        chosen.add(another(grid, chosen, weak))
    return Chosen(frozenset(chosen))


def small(grid: Grid, least: int) -> frozenset[Place]:
    """Levels with few units in a variant, and those that few units part from what was shown before."""
    levels: dict[str, int] = {}
    for place in grid.now:
        levels[place.segment] = levels.get(place.segment, 0) + 1
    few = {
        place
        for place, counts in grid.now.items()
        if levels[place.segment] > 1
        and any(total > 0 and count < least for count, total in zip(counts, grid.totals, strict=True))
    }
    before: dict[Place, list[tuple[int, ...]]] = {}
    for one, other in grid.orders:
        for place, earlier in ((one, other), (other, one)):
            if place in grid.now and earlier in grid.past:
                before.setdefault(place, []).append(grid.past[earlier])
    moved = {
        place
        for place, shown in before.items()
        if any(
            0 < abs(count - then) < least
            for each in shown
            for count, then in zip(grid.now[place], each, strict=True)
        )
    }
    return frozenset(few | moved)


def lying(grid: Grid, least: int) -> Iterator[Place]:
    """What lies between two levels and is too small to be told."""
    for place, counts in grid.between.items():
        if any(0 < count < least for count in counts):
            yield place


def unknowns(grid: Grid, chosen: Collection[Place]) -> frozenset[Place]:
    """Everything that is not shown."""
    return frozenset({*chosen, *grid.between, *grid.lost})


def needed(grid: Grid, least: int) -> dict[Place, tuple[int, ...]]:
    """How wide each count must stay open: as the policy says, or as wide as hiding everything leaves it."""
    wide = opened_to(grid, grid.now)
    kept = {place for place, counts in grid.between.items() if any(0 < one < least for one in counts)}
    return {
        # nothing fits where units have left in a way that looks cannot tell: then as the policy says
        place: tuple(min(least, each.width) if each.width >= 0 else least for each in found)
        for place, found in wide.items()
        if place.look >= 0 and (place not in grid.between or place in kept)
    }


def opened_to(grid: Grid, chosen: Collection[Place]) -> dict[Place, tuple[Range, ...]]:
    """What a reader can narrow every hidden count to, by variant."""
    unseen = unknowns(grid, chosen)
    shown = {place: counts for place, counts in grid.shown.items() if place not in unseen}
    found: dict[Place, list[Range]] = {place: [] for place in unseen}
    for variant, total in enumerate(grid.totals):
        most = {place: ceiling(grid, place, variant, total) for place in unseen}
        known = {place: counts[variant] for place, counts in shown.items()}
        sums = [(one.of, one.total[variant]) for one in grid.sums]
        for place, narrowed in ranges(most, known, sums).items():
            found[place].append(narrowed)
    return {place: tuple(each) for place, each in found.items()}


def ceiling(grid: Grid, place: Place, variant: int, total: int) -> int:
    """The most that a count can be, before any sum is asked."""
    if place in grid.lost:
        return grid.lost[place][variant]
    return min(total, grid.most[place][variant]) if place in grid.most else total


def told(grid: Grid, chosen: Collection[Place], due: Mapping[Place, tuple[int, ...]]) -> Place | None:
    """Find a hidden count that what is shown would give away; None: there is none."""
    free = {place for place in unknowns(grid, chosen) if any(due.get(place, ()))}
    given = free & solved(unknowns(grid, chosen), grid.sums) - solved(unknowns(grid, grid.now), grid.sums)
    if given:
        return min(given)
    for place, found in sorted(opened_to(grid, chosen).items()):
        if any(one.width < width for one, width in zip(found, due.get(place, ()), strict=False)):
            return place
    return None


def another(grid: Grid, chosen: Collection[Place], weak: Place) -> Place:
    """The level to hide next for one that is given away: the smallest of those that it is tied to."""
    left = [place for place in grid.now if place not in chosen]
    sums: Sequence[Sum] = [one for one in grid.sums if weak in one.of]
    for one in sorted(sums, key=lambda each: sum(place in chosen for place in each.of)):
        tied = [place for place in left if place in one.of]
        if tied:
            return min(tied, key=lambda place: (sum(grid.now[place]), place))
    tied = [place for pair in grid.orders if weak in pair for place in pair if place in left]
    return min(tied or left, key=lambda place: (sum(grid.now[place]), place))
