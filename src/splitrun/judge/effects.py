"""The effects of one treatment on one metric over a segment's levels, and how they lie to the plan's lines.

A line is how far from control is tolerated or of interest. A relative line is judged by the linear contrast
mu_t - (1 +- m) mu_c and never by dividing, so that a lift without bounds never blocks a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import numpy as np

from splitrun.infer.contrast import Level, beyond, difference, lift
from splitrun.infer.estimate import Estimates, Kind, Points, Side
from splitrun.judge.grounds import Grounds
from splitrun.judge.levels.pairs import Pair
from splitrun.judge.promises import Once, Promise
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction
from splitrun.spec.plan import PlannedMetric

__all__ = ["Effects", "Interest", "Tolerance", "Two", "effects", "effects_of_cuts", "two"]


@dataclass(frozen=True, slots=True, eq=False)
class Interest:
    """How treatment lies to the lines that the minimum effect of interest draws on both sides of control."""

    above_lower: Estimates
    above_upper: Estimates

    def at(self, levels: slice) -> Interest:
        """How it lies in these levels."""
        return Interest(self.above_lower.at(levels), self.above_upper.at(levels))


@dataclass(frozen=True, slots=True, eq=False)
class Tolerance:
    """How treatment lies to the line that a guardrail's margin draws on the bad side of control."""

    proof: Estimates
    """Bounded on the side that shows that the guardrail holds."""
    harm: Estimates
    """Bounded on the side that shows that it is breached."""

    def at(self, levels: slice) -> Tolerance:
        """How it lies in these levels."""
        return Tolerance(self.proof.at(levels), self.harm.at(levels))


@dataclass(frozen=True, slots=True, eq=False)
class Two:
    """An effect in the metric's unit, and as a lift."""

    absolute: Estimates
    relative: Estimates


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Everything read of one metric and treatment; every array has shape (levels,)."""

    absolute: Estimates
    relative: Estimates
    interest: Interest | None
    tolerance: Tolerance | None

    def at(self, levels: slice) -> Effects:
        """What is read of these levels."""
        return Effects(
            absolute=self.absolute.at(levels),
            relative=self.relative.at(levels),
            interest=None if self.interest is None else self.interest.at(levels),
            tolerance=None if self.tolerance is None else self.tolerance.at(levels),
        )


def effects_of_cuts(
    planned: PlannedMetric, pair: Pair, places: Sequence[slice], found: Sequence[Grounds]
) -> Iterator[Effects]:
    """Read the effects of one treatment on one metric over every cut of a strip.

    Cuts that are read once and bounded alike are read as one vector.

    Args:
        planned: The metric in its role.
        pair: Its levels in control and the treatment, over the strip.
        places: Where the levels of each cut are.
        found: What the intervals of each cut promise.
    """
    for alike, group in groupby(zip(places, found, strict=True), key=lambda each: at_once(each[1])):
        cuts = list(group)
        if alike is None or len(cuts) == 1:
            yield from (effects(planned, pair.at(place), each) for place, each in cuts)
            continue
        first = cuts[0][0].start
        together = effects(planned, pair.at(slice(first, cuts[-1][0].stop)), laid(cuts))
        yield from (together.at(slice(place.start - first, place.stop - first)) for place, _ in cuts)


def at_once(grounds: Grounds) -> bool | None:
    """Whether only harm is looked for, where all is read once; None where it is not."""
    match grounds.promise, grounds.harm:
        case Once(), Once():
            return grounds.watched
        case _:
            return None


def laid(cuts: Sequence[tuple[slice, Grounds]]) -> Grounds:
    """The grounds of cuts that are read once, level by level."""
    widths = [place.stop - place.start for place, _ in cuts]
    promise, harm = (
        Once(np.repeat(np.array([each.alpha for each in promises], dtype=np.float64), widths))
        for promises in ([each.promise for _, each in cuts], [each.harm for _, each in cuts])
    )
    return replace(cuts[0][1], promise=promise, harm=harm)


def effects(planned: PlannedMetric, pair: Pair, grounds: Grounds) -> Effects:
    """Read the effects of one treatment on one metric.

    Args:
        planned: The metric in its role.
        pair: Its levels in control and the treatment.
        grounds: What the intervals promise.
    """
    seen = two(planned, (pair.control, pair.treatment), pair, grounds)
    if planned.guardrail is None:
        return Effects(
            absolute=seen.absolute,
            relative=seen.relative,
            interest=None if planned.mei is None else interest(planned.mei, pair, grounds.promise),
            tolerance=None,
        )
    proof, harm = sides(planned)
    sign, size = (-1 if planned.metric.better is Direction.HIGHER else 1), planned.guardrail.margin
    return Effects(
        absolute=seen.absolute,
        relative=seen.relative,
        interest=None,
        tolerance=Tolerance(
            proof=past(size, sign, pair, grounds.shown, side=proof),
            harm=past(size, sign, pair, grounds.harm, side=harm),
        ),
    )


def two(planned: PlannedMetric, points: tuple[Points, Points], pair: Pair, grounds: Grounds) -> Two:
    """Read an effect and a lift on the grounds of a comparison, and with its number of units."""
    side = Side.BOTH
    if planned.guardrail is not None:
        side = sides(planned)[1 if grounds.watched else 0]
    absolute = grounds.shown.read(partial(apart, points, side), pair.total)
    relative = grounds.shown.read(partial(lifted, points, side), pair.total)
    if relative.kind is Kind.ALWAYS_VALID:
        # no lift is no difference, and the standard error of a lift is not that of its test
        relative = replace(relative, p=np.where(relative.why == 0, absolute.p, np.nan))
    return Two(absolute=absolute, relative=relative)


def sides(planned: PlannedMetric) -> tuple[Side, Side]:
    """Which ends are bounded to prove that a guardrail holds, and to show harm."""
    higher = planned.metric.better is Direction.HIGHER
    return (Side.LOWER, Side.UPPER) if higher else (Side.UPPER, Side.LOWER)


def apart(points: tuple[Points, Points], side: Side, level: Level) -> Estimates:
    """The difference at a level."""
    return difference(*points, level=level, side=side)


def lifted(points: tuple[Points, Points], side: Side, level: Level) -> Estimates:
    """The lift at a level."""
    return lift(*points, level=level, side=side)


def interest(size: Size, pair: Pair, promise: Promise) -> Interest:
    """Hold the treatment against both lines of the minimum effect of interest."""
    return Interest(
        above_lower=past(size, -1, pair, promise, side=Side.BOTH),
        above_upper=past(size, 1, pair, promise, side=Side.BOTH),
    )


def past(size: Size, sign: int, pair: Pair, promise: Promise, *, side: Side) -> Estimates:
    """How far treatment lies above the line that is `size` above (sign 1) or below (sign -1) control.

    Below zero, 10 % more than control is -90: a relative line lies on the side that its sign says.
    """
    control, treatment = pair.control, pair.treatment
    factor = 1 + sign * size.value * np.sign(control.value) if size.relative else 1.0
    shift = 0.0 if size.relative else sign * size.value

    def line(level: Level) -> Estimates:
        return beyond(control, treatment, factor=factor, shift=shift, level=level, side=side)

    return promise.read(line, pair.total)
