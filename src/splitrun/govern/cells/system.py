"""What a reader who adds and takes away can tell of numbers that are not shown.

The numbers are counts of units: whole, never below 0, tied by sums that are known. A reader solves the sums,
and narrows each number between bounds. Both are done here as the reader would, in whole numbers and
fractions, so that no rounding hides what can be told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

__all__ = ["Order", "Place", "Range", "Sum", "ranges", "solved"]

SWEEPS = 200
"""Times that bounds are narrowed at most; narrowing of whole numbers ends by itself much earlier."""


class Place(NamedTuple):
    """A count of units, one for each variant."""

    segment: str
    level: str
    look: int = 0
    """0 of the readout at hand, from 1 of an earlier one; below 0: what was added from one to another."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Counts of which those of one sign add up to those of the other, but for a number that is known."""

    of: Mapping[Place, int]
    """1 where a place is added, -1 where it is taken away."""
    total: tuple[int, ...]
    """What comes out, by variant."""


class Order(NamedTuple):
    """The same count at two moments, the earlier one first: units only come to be more."""

    small: Place
    large: Place


class Range(NamedTuple):
    """The least and the most that a count can be."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """How far apart they are: 0 where the count is told."""
        return self.high - self.low


def solved(hidden: Collection[Place], sums: Sequence[Sum]) -> frozenset[Place]:
    """Find the hidden counts that the sums alone give away, by exact elimination.

    Args:
        hidden: What is not shown; all else that the sums name is known.
        sums: What is known of them together.
    """
    order = {place: index for index, place in enumerate(sorted(hidden))}
    rows: list[dict[int, Fraction]] = []
    for each in sums:
        row = {order[place]: Fraction(sign) for place, sign in each.of.items() if place in order}
        reduced(row, rows)
    places = sorted(order, key=lambda place: order[place])
    return frozenset(places[min(row)] for row in rows if len(row) == 1)


def reduced(row: dict[int, Fraction], rows: list[dict[int, Fraction]]) -> None:
    """Add a row to others in reduced form (Gauss and Jordan); one that says nothing new is left out.

    Args:
        row: Factors by unknown.
        rows: The others; each has a leading unknown with factor 1 that no other has.
    """
    for known in rows:
        without(row, known, min(known))
    if not row:
        return
    lead = min(row)
    factor = row[lead]
    made = {unknown: value / factor for unknown, value in row.items()}
    for known in rows:
        without(known, made, lead)
    rows.append(made)


def without(row: dict[int, Fraction], known: Mapping[int, Fraction], lead: int) -> None:
    """Take as much of a row away from another as rids it of an unknown."""
    factor = row.get(lead)
    if factor is None:
        return
    for unknown, value in known.items():
        left = row.get(unknown, Fraction(0)) - factor * value
        if left:
            row[unknown] = left
        else:
            row.pop(unknown, None)


def ranges(
    most: Mapping[Place, int],
    shown: Mapping[Place, int],
    sums: Sequence[tuple[Mapping[Place, int], int]],
) -> dict[Place, Range]:
    """Narrow the hidden counts of one variant between bounds, until nothing narrows any more.

    Args:
        most: The hidden counts, and the most that each can be at first.
        shown: Counts that are known.
        sums: As in `Sum`, with what comes out in this variant.
    """
    found = {place: Range(0, high) for place, high in most.items()}
    open_sums = [opened(of, total, shown) for of, total in sums]
    for _ in range(SWEEPS):
        before = dict(found)
        for of, total in open_sums:
            narrow(of, total, found)
        if found == before:
            break
    return found


def opened(of: Mapping[Place, int], total: int, shown: Mapping[Place, int]) -> tuple[dict[Place, int], int]:
    """A sum over what is hidden alone."""
    left = total - sum(sign * shown[place] for place, sign in of.items() if place in shown)
    return {place: sign for place, sign in of.items() if place not in shown}, left


def narrow(of: Mapping[Place, int], total: int, found: dict[Place, Range]) -> None:
    """Narrow every count of a sum by what the others can be."""
    least = sum(end(found[place], sign)[0] for place, sign in of.items())
    greatest = sum(end(found[place], sign)[1] for place, sign in of.items())
    for place, sign in of.items():
        low, high = end(found[place], sign)
        part = Range(total - (greatest - high), total - (least - low))
        mine = part if sign > 0 else Range(-part.high, -part.low)
        kept = Range(max(found[place].low, mine.low), min(found[place].high, mine.high))
        least += end(kept, sign)[0] - low
        greatest += end(kept, sign)[1] - high
        found[place] = kept


def end(of: Range, sign: int) -> tuple[int, int]:
    """The least and the most that a count adds to a sum."""
    return (of.low, of.high) if sign > 0 else (-of.high, -of.low)
