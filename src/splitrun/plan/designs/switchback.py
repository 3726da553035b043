"""Switchback schedules: regions that switch between variants period by period, on the clock of their zone.

A period begins at the first instant at which the zone's clock shows its start or later. Where the clock
springs forward a period that it jumps over has no length and is left out; where it falls back the period
around is longer. Within a cycle (a day, a week) every part is given to each variant equally often: cycles
are taken in groups as large as the weights add up to, and each part of the cycle is dealt over the group
(for two variants: paired weeks, the second the mirror of the first).

Source: I. Bojinov, D. Simchi-Levi, J. Zhao, "Design and analysis of switchback experiments", Management
Science 69 (2023), 3759-3777.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise, permutations
from math import gcd
from zoneinfo import ZoneInfo

from splitrun.errors import Mistake, SpecError
from splitrun.plan.designs.design import Cycle, Switchback
from splitrun.plan.designs.dice import Dice
from splitrun.spec.amount import written_window

__all__ = ["Period", "Schedule", "period_at", "schedule"]

SPANS = {Cycle.DAY: timedelta(days=1), Cycle.WEEK: timedelta(weeks=1)}
SECOND = timedelta(seconds=1)
TRIES = 200
"""How often a group of cycles is dealt anew where too many of a variant come in a row."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time in which a region has one variant: from `start` on, until before `until`."""

    region: str
    index: int
    """Counts the periods of the design from 1."""
    start: datetime
    """With the offset of the zone."""
    until: datetime
    variant: str
    burn_in_until: datetime
    """Nothing counts before; `start` where the variant did not switch."""

    @property
    def key(self) -> str:
        """The period as a unit of the analysis."""
        return f"{self.region}#{self.index:05}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """All periods, region by region in the order of time."""

    periods: tuple[Period, ...]
    notes: tuple[str, ...] = ()


def period_at(periods: Sequence[Period], region: str, at: datetime) -> Period | None:
    """Tell which period of a region an instant lies in; none outside of all.

    Args:
        periods: Of a schedule.
        region: Its name.
        at: The instant, with its zone.

    Raises:
        SpecError: The instant names no zone.
    """
    if at.tzinfo is None:
        says = f"{at.isoformat()} names no time zone"
        raise SpecError([Mistake(says, "write it like 2026-12-07T08:00:00+01:00", "at")])
    own = sorted((each for each in periods if each.region == region), key=began)
    place = bisect_right(own, at.astimezone(UTC), key=began) - 1
    return own[place] if place >= 0 and at.astimezone(UTC) < own[place].until.astimezone(UTC) else None


def began(period: Period) -> datetime:
    """When a period begins, in UTC: two moments of one zone would be compared by their clocks."""
    return period.start.astimezone(UTC)


def schedule(design: Switchback, regions: Sequence[str], seed: int) -> Schedule:
    """Deal variants to the periods of every region.

    Raises:
        SpecError: The periods do not make whole cycles, or too few of a variant may come in a row.
    """
    parts, group = cycles(design)
    bounds, notes = edges(design)
    periods = [
        period
        for region in sorted(regions)
        for period in timed(design, region, bounds, row(design, parts, group, Dice(seed), region))
    ]
    return Schedule(tuple(periods), (*notes, *remarks(design, group)))


def deck(design: Switchback) -> list[str]:
    """Variants as often as their weights say, in smallest whole numbers."""
    shared = reduce(gcd, design.variants.values())
    return [key for key, weight in design.variants.items() for _ in range(weight // shared)]


def cycles(design: Switchback) -> tuple[int, int]:
    """How many periods a cycle has, and how many cycles are dealt together.

    Raises:
        SpecError: They do not come out whole.
    """
    group, period = len(deck(design)), written_window(design.period)
    if design.cycle is Cycle.NONE:
        return 1, group
    span, name = SPANS[design.cycle], design.cycle.value
    if span % design.period:
        says = f"periods of {period} do not fit into a {name}"
        remedy = f"write a period that divides a {name}, or `cycle: none`"
        raise SpecError([Mistake(says, remedy, "period")])
    parts = span // design.period
    whole = parts * group
    if design.periods % whole:
        lower = design.periods // whole * whole
        says = (
            f"{design.periods:,} periods of {period} are {design.periods / parts:g} {name}s, so the variants "
            f"would not see every part of the {name} equally often"
        )
        near = f"{lower:,} or {lower + whole:,}" if lower else f"{whole:,}"
        remedy = f"write {near} periods (whole groups of {group} {name}s), or `cycle: none`"
        raise SpecError([Mistake(says, remedy, "periods")])
    return parts, group


def remarks(design: Switchback, group: int) -> Iterator[str]:
    """What a reader of the schedule should know."""
    if design.cycle is Cycle.NONE:
        yield (
            "no cycle is kept: hours of the day and days of the week may be spread unevenly over the "
            "variants; write `cycle: day` or `cycle: week` where behaviour follows the clock"
        )
        if design.periods % group:
            yield f"{design.periods:,} periods are no multiple of {group}: the last group is cut off"
    if design.burn_in is None:
        yield (
            "no burn-in: what the old variant left behind counts for the new one; write `burn_in` unless its "
            "effect ends at once"
        )


def row(design: Switchback, parts: int, group: int, dice: Dice, region: str) -> list[str]:
    """The variants of a region's periods, in order.

    Raises:
        SpecError: No deal was found that keeps to `most_in_row`.
    """
    dealt: list[str] = []
    number = 0
    while len(dealt) < design.periods:
        for attempt in range(TRIES):
            rows = grouped(design, parts, group, dice, f"{region}:{number}:{attempt}")
            flat = [variant for cycle in rows for variant in cycle]
            most = design.most_in_row
            if most is None or run(dealt[-most:] + flat) <= most:
                break
        else:
            says = f"no schedule was found with at most {design.most_in_row} of a variant in a row"
            raise SpecError([Mistake(says, "allow one more", "most_in_row")])
        dealt += flat
        number += 1
    return dealt[: design.periods]


def grouped(design: Switchback, parts: int, group: int, dice: Dice, purpose: str) -> list[list[str]]:
    """Deal a group of cycles, part by part: over the group each part has every variant as its weight says."""
    cards, most = deck(design), design.most_in_row
    rows: list[list[str]] = [[] for _ in range(group)]
    orders = dice.numbers(f"switchback:{purpose}", parts * group).reshape(parts, group)
    for part in range(parts):
        base = [cards[place] for place in orders[part].argsort(kind="stable").tolist()]
        # rows end with different cards, so where each may come again only so often some order always fits
        fits = (list(turn) for turn in permutations(base) if most is None or kept(rows, turn, most))
        for cycle, card in zip(rows, next(fits, base), strict=True):
            cycle.append(card)
    return rows


def kept(rows: Sequence[Sequence[str]], turn: Sequence[str], most: int) -> bool:
    """Whether no cycle would have more than so many of a variant in a row."""
    return all(run([*cycle[-most:], card]) <= most for cycle, card in zip(rows, turn, strict=True))


def run(variants: Sequence[str]) -> int:
    """The longest stretch of one variant."""
    longest = length = 0
    for before, here in zip([None, *variants], variants, strict=False):
        length = length + 1 if here == before else 1
        longest = max(longest, length)
    return longest


def edges(design: Switchback) -> tuple[list[datetime], list[str]]:
    """The instants in UTC at which periods begin and the last ends; what the zone's clock does to them."""
    zone = ZoneInfo(design.zone)
    written = design.start if design.start.tzinfo is None else design.start.astimezone(zone)
    start = written.replace(tzinfo=None)
    try:
        bounds = [reached(start + design.period * index, zone) for index in range(design.periods + 1)]
    except OverflowError:
        says = (
            f"{design.periods:,} periods of {written_window(design.period)} from {start} leave the calendar"
        )
        remedy = "let the schedule lie between the years 2 and 9998"
        raise SpecError([Mistake(says, remedy, "start")]) from None
    if written.tzinfo is not None:
        # an hour that comes twice: the offset says which of the two is meant
        bounds[0] = design.start.astimezone(UTC)
    bent = [
        (index, until - begin)
        for index, (begin, until) in enumerate(pairwise(bounds), start=1)
        if until - begin != design.period
    ]
    if not bent:
        return bounds, []
    listed = ", ".join(f"{index} lasts {length}" for index, length in bent[:SHOWN])
    more = ", …" if len(bent) > SHOWN else ""
    lost = sum(not length for _, length in bent)
    left_out = f"; {lost} without length left out" if lost else ""
    note = (
        f"the clock of {design.zone} changes within the schedule: {len(bent)} of {design.periods:,} periods "
        f"are not {written_window(design.period)} long (period {listed}{more}){left_out}; take `zone: UTC` "
        "for equal lengths"
    )
    return bounds, [note]


def reached(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which a zone's clock shows a time or later."""
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early
    # the clock jumps over this time: look for the jump between both readings of it
    low, high = sorted((early, wall.replace(tzinfo=zone, fold=1).astimezone(UTC)))
    while high - low > SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def timed(
    design: Switchback, region: str, bounds: Sequence[datetime], variants: Sequence[str]
) -> Iterator[Period]:
    """The periods of one region; those without length are left out."""
    zone, before = ZoneInfo(design.zone), None
    for index, variant in enumerate(variants):
        begin, until = bounds[index], bounds[index + 1]
        if begin == until:
            continue
        burnt = begin if variant == before else min(begin + design.burnt, until)
        yield Period(
            region, index + 1, begin.astimezone(zone), until.astimezone(zone), variant, burnt.astimezone(zone)
        )
        before = variant
