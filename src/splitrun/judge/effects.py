"""The effects of one treatment on one metric over a segment's levels, and how they lie to the plan's lines.

A line is how far from control is tolerated or of interest. A relative line is judged by the linear contrast
mu_t - (1 +- m) mu_c and never by dividing, so that a lift without bounds never blocks a verdict.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from splitrun.infer.contrast import Level, beyond, difference, lift
from splitrun.infer.estimate import Estimates, Kind, Points, Side
from splitrun.judge.grounds import Grounds
from splitrun.judge.levels.clustered import joined
from splitrun.judge.levels.pairs import Pair
from splitrun.judge.promises import Once, Promise
from splitrun.moments import FloatArray
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction
from splitrun.spec.plan import PlannedMetric

__all__ = ["Effects", "Interest", "Question", "Tolerance", "Two", "effects", "two"]


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
    beside: Estimates | None = None
    """The same at every moment, where harm is watched beside a proof."""

    def at(self, levels: slice) -> Tolerance:
        """How it lies in these levels."""
        beside = None if self.beside is None else self.beside.at(levels)
        return Tolerance(self.proof.at(levels), self.harm.at(levels), beside)


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """How far lines lie from control, level by level; arrays have shape (levels,)."""

    size: FloatArray
    relative: npt.NDArray[np.bool_]
    """Whether the size is a part of control's level, or in the metric's unit."""

    @staticmethod
    def of(sizes: Sequence[Size], widths: Sequence[int]) -> Lines:
        """Lines at these sizes, each for so many levels."""
        return Lines(
            size=np.repeat([size.value for size in sizes], widths),
            relative=np.repeat([size.relative for size in sizes], widths),
        )


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


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What effects a treatment has on a metric over the levels of a pair."""

    planned: PlannedMetric
    pair: Pair
    grounds: Grounds
    """What the intervals promise."""


def effects(questions: Sequence[Question]) -> Sequence[Effects]:
    """Read the effects that are asked for, in their order.

    What is read once and bounded alike is read as one vector, over metrics, treatments and cuts.
    """
    alike: dict[Hashable, list[int]] = {}
    for index, question in enumerate(questions):
        alike.setdefault(at_once(question) or index, []).append(index)
    found: dict[int, Effects] = {}
    for group in alike.values():
        asked = [questions[index] for index in group]
        found |= zip(group, apiece(together(asked), asked), strict=True)
    return [found[index] for index in range(len(questions))]


def at_once(question: Question) -> tuple[Hashable, ...] | None:
    """What questions have in common that are read together; None for one that is read alone."""
    planned, grounds = question.planned, question.grounds
    match grounds.promise, grounds.harm:
        case Once(), Once():
            better = None if planned.guardrail is None else planned.metric.better
            parts = grounds.promise.part, grounds.harm.part
            return grounds.watched, better, planned.mei is None, parts
        case _:
            return None


def apiece(found: Effects, asked: Sequence[Question]) -> Iterator[Effects]:
    """What is read of each question, where all were read as one vector."""
    if len(asked) == 1:
        yield found
        return
    begun = 0
    for question in asked:
        yield found.at(slice(begun, begun + question.pair.levels))
        begun += question.pair.levels


def together(asked: Sequence[Question]) -> Effects:
    """Read the effects of questions that are bounded alike, level by level, one question after another."""
    first, widths = asked[0], [question.pair.levels for question in asked]
    points = (
        joined([question.pair.control for question in asked]),
        joined([question.pair.treatment for question in asked]),
    )
    units = np.concatenate([question.pair.units for question in asked], axis=1).sum(axis=0)
    grounds = first.grounds if len(asked) == 1 else laid([question.grounds for question in asked], widths)
    seen = two(first.planned, points, units, grounds)
    if first.planned.guardrail is None:
        wanted = [question.planned.mei for question in asked if question.planned.mei is not None]
        return Effects(
            absolute=seen.absolute,
            relative=seen.relative,
            interest=interest(Lines.of(wanted, widths), points, units, grounds.promise) if wanted else None,
            tolerance=None,
        )
    margins = [question.planned.guardrail.margin for question in asked if question.planned.guardrail]
    proof, harm = sides(first.planned)
    lines, sign = Lines.of(margins, widths), (-1 if first.planned.metric.better is Direction.HIGHER else 1)
    worse = partial(past, lines, sign, points, harm)
    return Effects(
        absolute=seen.absolute,
        relative=seen.relative,
        interest=None,
        tolerance=Tolerance(
            proof=grounds.shown.read(partial(past, lines, sign, points, proof), units),
            harm=grounds.harm.read(worse, units),
            beside=None if grounds.beside is None else grounds.beside.read(worse, units),
        ),
    )


def laid(grounds: Sequence[Grounds], widths: Sequence[int]) -> Grounds:
    """The grounds of what is read once, level by level."""
    promise, harm = (
        Once(
            np.repeat(np.array([each.alpha for each in promises], dtype=np.float64), widths),
            promises[0].part,
        )
        for promises in ([each.promise for each in grounds], [each.harm for each in grounds])
    )
    return replace(grounds[0], promise=promise, harm=harm)


def two(planned: PlannedMetric, points: tuple[Points, Points], units: FloatArray, grounds: Grounds) -> Two:
    """Read an effect and a lift on the grounds of a comparison.

    Args:
        planned: The metric in its role, or one that is bounded on the same side.
        points: Levels of control and the treatment.
        units: Of both variants, shape (levels,).
        grounds: What the intervals promise.
    """
    side = Side.BOTH
    if planned.guardrail is not None:
        side = sides(planned)[1 if grounds.watched else 0]
    absolute = grounds.shown.read(partial(apart, points, side), units)
    relative = grounds.shown.read(partial(lifted, points, side), units)
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


def interest(lines: Lines, points: tuple[Points, Points], units: FloatArray, promise: Promise) -> Interest:
    """Hold the treatment against both lines of the minimum effect of interest."""
    return Interest(
        above_lower=promise.read(partial(past, lines, -1, points, Side.BOTH), units),
        above_upper=promise.read(partial(past, lines, 1, points, Side.BOTH), units),
    )


def past(lines: Lines, sign: int, points: tuple[Points, Points], side: Side, level: Level) -> Estimates:
    """How far treatment lies above the lines that are above (sign 1) or below (sign -1) control.

    Below zero, 10 % more than control is -90: a relative line lies on the side that its sign says.
    """
    control, treatment = points
    factor = np.where(lines.relative, 1 + sign * lines.size * np.sign(control.value), 1.0)
    shift = np.where(lines.relative, 0.0, sign * lines.size)
    return beyond(control, treatment, factor=factor, shift=shift, level=level, side=side)
