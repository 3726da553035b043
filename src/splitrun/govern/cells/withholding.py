"""Take what is hidden out of a readout, so that no surface that shows it holds the numbers any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import gt
from typing import TypeVar

from splitrun.check.evidence import Finding
from splitrun.govern.cells.grids import UNITS, Around, Kind, Past, Table, grid, tables
from splitrun.govern.cells.suppression import Counts, Grid, hidden
from splitrun.govern.cells.system import Place
from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.readout import Arm, Comparison, Heterogeneity, Readout, Verdict
from splitrun.judge.sentences import few, held_back
from splitrun.measure.measured import Measured, Statement
from splitrun.measure.segments import MISSING, OTHER
from splitrun.spec.metric import Quantile

__all__ = ["Screened", "screened"]

AnyReadout = TypeVar("AnyReadout", bound=Readout)

SHARES = "unrepresentative"
"""The finding that tells which part of the units levels are."""
NOBODY = Arm(units=None, exposed=None, mean=None)
NOTHING = Unknown(Why.SUPPRESSED)
FIXED = {MISSING, OTHER}
"""Levels that stand last whatever their size."""


@dataclass(frozen=True, slots=True)
class Screened:
    """Which levels of a readout are hidden, and what it shows of the others."""

    least: int
    """Units that a variant must have in a level that is shown; 1: nothing is hidden."""
    hidden: Mapping[str, frozenset[Place]]
    """By metric, and under `UNITS`."""
    shown: Mapping[str, Table]
    """What later readouts must not give away: units of what is shown, by metric and under `UNITS`."""

    def hides(self, found: Comparison) -> bool:
        """Whether a comparison is in a level that is not shown."""
        place = Place(found.segment or "", found.level or "")
        return found.segment is not None and place in self.hidden.get(found.metric, ())

    def withheld(self, readout: AnyReadout) -> AnyReadout:
        """The readout without what is hidden; whatever decides stands as it was judged."""
        segments = sorted({place.segment for places in self.hidden.values() for place in places})
        readout = replace(readout, comparisons=tuple(self.blunted(readout)))
        if not segments:
            return readout
        return replace(
            readout,
            findings=tuple(self.doubted(readout)),
            comparisons=tuple(self.compared(readout.comparisons)),
            heterogeneity=tuple(self.differing(readout)),
            limitations=(*readout.limitations, *(self.sentence(segment) for segment in segments)),
            lineage=replace(readout.lineage, sql=tuple(self.statements(readout))),
        )

    def blunted(self, readout: Readout) -> Iterator[Comparison]:
        """Comparisons; a level's quantile beyond which few units lie is the value of one, and goes."""
        shares = {
            one.key: min(one.metric.at, 1 - one.metric.at)
            for one in readout.plan.metrics
            if isinstance(one.metric, Quantile)
        }
        for one in readout.comparisons:
            share = shares.get(one.metric)
            if share is None or one.segment is None or not isinstance(one.absolute, Unknown):
                yield one
                continue
            arms = [
                replace(arm, mean=None) if self.least > 1 and share * (arm.units or 0) < self.least else arm
                for arm in (one.control, one.treatment)
            ]
            yield replace(one, control=arms[0], treatment=arms[1])

    def doubted(self, readout: Readout) -> Iterator[Finding]:
        """The findings; one that tells shares of levels says only that there are some, for they are sizes."""
        says = (
            f"units are not like the population; of which levels is withheld, for some have {few(self.least)}"
        )
        for one in readout.findings:
            yield replace(one, says=says) if one.code == SHARES else one

    def compared(self, comparisons: Sequence[Comparison]) -> Iterator[Comparison]:
        """Comparisons in their order, hidden levels after the others and by name: the order is by size."""
        for _, alike in groupby(comparisons, key=lambda one: (one.metric, one.variant, one.segment)):
            ordered = list(alike)
            yield from (one for one in ordered if not self.hides(one))
            rest = sorted((one for one in ordered if self.hides(one)), key=lambda one: one.level or "")
            yield from (emptied(one, self.least) for one in rest)

    def differing(self, readout: Readout) -> Iterator[Heterogeneity]:
        """Tests between levels: withheld where a level is, for a test tells of all of them.

        Holm makes of one p what it makes of another, so that those of the other segments are multiplied by
        the number of tests instead (Bonferroni), which is never less.
        """
        tests = readout.heterogeneity
        plan = readout.plan
        count = len(plan.treatments) * len(plan.segments) * len({one.metric for one in tests})
        for one in tests:
            gone = {place.segment for place in self.hidden.get(one.metric, ())}
            if one.segment in gone:
                levels = len(self.shown[UNITS].levels[one.segment])
                why = f"{few(self.least)} in a level of {one.segment}, of which it would tell"
                yield replace(one, q=None, p=None, p_adjusted=None, dof=max(1, levels - 1), withheld=why)
            else:
                p = None if one.p is None or one.p_adjusted is None else min(1.0, count * one.p)
                yield replace(one, p_adjusted=p)

    def sentence(self, segment: str) -> str:
        """What is not shown of a segment, and why."""
        return (
            f"levels of {segment} are withheld: a level with {few(self.least)} in a variant is not shown "
            f"(`min_cell: {self.least}`), nor are levels from which it could be worked out; no number over "
            "all units, no verdict over them and no decision is touched"
        )

    def statements(self, readout: Readout) -> Iterator[Statement]:
        """The SQL, but for statements that name levels in the order of their size."""
        named = {
            level
            for segment in {place.segment for places in self.hidden.values() for place in places}
            for level in self.shown[UNITS].levels[segment]
            if level not in FIXED
        }
        why = f"-- withheld: it names levels in the order of their size, and some have {few(self.least)}"
        for one in readout.lineage.sql:
            yield replace(one, sql=why) if any(f"'{level}'" in one.sql for level in named) else one


def emptied(found: Comparison, least: int) -> Comparison:
    """A comparison without its numbers."""
    unread = found.verdict in {Verdict.INVALID, Verdict.EXPLORATORY}
    return Comparison(
        metric=found.metric,
        role=found.role,
        variant=found.variant,
        segment=found.segment,
        level=found.level,
        control=NOBODY,
        treatment=NOBODY,
        absolute=NOTHING,
        relative=NOTHING,
        p=None,
        p_adjusted=None,
        p_adjustment=None,
        verdict=found.verdict if unread else Verdict.INCONCLUSIVE,
        guardrail=None,
        says=held_back(least),
        registered=found.registered,
        exploratory=found.exploratory,
        suppressed=least,
    )


def screened(
    measured: Measured,
    segments: Sequence[str],
    metrics: Sequence[str],
    least: int,
    past: Sequence[Past] = (),
    begun: Mapping[str, frozenset[Place]] | None = None,
) -> Screened:
    """Choose what of a readout is not shown.

    Args:
        measured: What the readout was made of.
        segments: Keys of what it shows by level.
        metrics: Keys of its metrics.
        least: Units that a variant must have in a level that is shown; 1 or less: nothing is hidden.
        past: What earlier readouts of the same experiment showed.
        begun: By metric, and under `UNITS`: levels that may not be shown whatever they hold.
    """
    if not segments:
        return Screened(least, {}, {})
    kinds = tables(measured, segments, metrics)
    ordered = sorted(past, key=lambda one: 0.0 if one.as_of is None else one.as_of.timestamp())
    scene = Scene(measured, kinds, tuple(ordered), least)
    gone: Mapping[str, frozenset[Place]] | None = None
    wanted = {
        name: frozenset((begun or {}).get(name, ())) | kept_back(name, kind, ordered, least)
        for name, kind in kinds.items()
    }
    while gone is None:
        gone = scene.chosen(wanted)
    shown = {
        name: Table(kind.totals, by_level(kind.now, segments, gone[name])) for name, kind in kinds.items()
    }
    return Screened(least, gone, shown)


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to show of all kinds of counts."""

    measured: Measured
    kinds: Mapping[str, Kind]
    past: tuple[Past, ...]
    least: int

    def chosen(self, wanted: dict[str, frozenset[Place]]) -> dict[str, frozenset[Place]] | None:
        """Choose what is hidden of every kind.

        Args:
            wanted: What is hidden anyway; where units that are shown give a metric away, it gets more.

        Returns:
            None where that happened, and all is to be chosen again.
        """
        gone: dict[str, frozenset[Place]] = {}
        whole = self.kinds[UNITS]
        for name, kind in self.kinds.items():
            around = None if name == UNITS else self.around(gone[UNITS])
            also = {*gone.get(UNITS, ()), *wanted[name]}
            alone = self.laid(name, kind, None)
            found = hidden(self.laid(name, kind, around), self.least, also, alone)
            left = [place for place in whole.now if place not in gone.get(UNITS, whole.now)]
            if found.given is not None and left:
                wanted[UNITS] |= {nearest(found.given, left, whole.now)}
                return None
            gone[name] = found.places
        return gone

    def laid(self, name: str, kind: Kind, around: Around | None) -> Grid:
        """One kind of count, with what earlier readouts told of it."""
        known = [one.tables.get(name, Table((0,) * len(kind.totals), {})) for one in self.past]
        rising = sum(no_later(one, self.measured.as_of) for one in self.past)
        return grid(self.measured, kind, known, around, rising=rising)

    def around(self, gone: Collection[Place]) -> Around:
        """The units that a metric's are some of."""
        whole = self.kinds[UNITS]
        told = tuple(one.tables.get(UNITS, Table(whole.totals, {})) for one in self.past)
        return Around(whole.totals, shown_of(whole.now, gone), told)


def kept_back(name: str, kind: Kind, past: Sequence[Past], least: int) -> frozenset[Place]:
    """Levels that an earlier readout hid, and that stay hidden because units have left since.

    Where what was hidden then differs by few units from what stands in its place now, to show it now would
    tell what it was. Where units only came, the sums say how much may be shown.
    """
    found: set[Place] = set()
    none = (0,) * len(kind.totals)
    for one in past if least > 1 else ():
        table = one.tables.get(name, Table(none, {}))
        for segment, then in table.levels.items():
            shown = {Place(segment, level): counts for level, counts in then.items() if counts is not None}
            rest = {place: kind.now[place] for place in kind.now if place.segment == segment}
            fell = [gt(*pair) for pair in zip(table.totals, kind.totals, strict=True)]
            for place, counts in shown.items():
                fell += [gt(*pair) for pair in zip(counts, rest.pop(place, none), strict=True)]
            more = left_of(left_of(table.totals, shown.values()), rest.values())
            if any(fell) and len(shown) < len(then) and any(abs(count) < least for count in more):
                found |= {place for place in rest if place.level in then}
    return frozenset(found)


def left_of(total: tuple[int, ...], parts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """What is left of a count by variant once its parts are taken away."""
    for part in parts:
        total = tuple(one - two for one, two in zip(total, part, strict=True))
    return total


def nearest(given: Place, left: Sequence[Place], now: Counts) -> Place:
    """The level whose units give a metric's away: the same one, or the smallest of its segment, or of all."""
    same = [place for place in left if (place.segment, place.level) == (given.segment, given.level)]
    beside = [place for place in left if place.segment == given.segment]
    return min(same or beside or left, key=lambda place: (sum(now[place]), place))


def no_later(one: Past, as_of: datetime | None) -> bool:
    """Whether an earlier readout speaks of a moment no later than this one."""
    return one.as_of is None or as_of is None or one.as_of <= as_of


def shown_of(now: Mapping[Place, tuple[int, ...]], gone: Collection[Place]) -> dict[Place, tuple[int, ...]]:
    """Counts that are not hidden."""
    return {place: counts for place, counts in now.items() if place not in gone}


def by_level(
    now: Mapping[Place, tuple[int, ...]], segments: Sequence[str], gone: Collection[Place]
) -> dict[str, dict[str, tuple[int, ...] | None]]:
    """Counts by segment and level; None where they are hidden."""
    return {
        segment: {
            place.level: None if place in gone else counts
            for place, counts in sorted(now.items())
            if place.segment == segment
        }
        for segment in segments
    }
