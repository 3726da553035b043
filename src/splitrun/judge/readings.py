"""What is read: every metric of every treatment, over all units and over the levels of every segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from splitrun.check.times.looks import Occasion, occasion
from splitrun.judge.effects import Effects, Question, effects
from splitrun.judge.error_rates import LATE, Comparand, corrected
from splitrun.judge.grounds import Grounds, Scene, grounds, withheld
from splitrun.judge.levels.cuts import Cut, cut_by
from splitrun.judge.levels.pairs import Pair, pairs
from splitrun.judge.levels.strips import Strip, strip_of
from splitrun.measure.measured import Measured
from splitrun.moments import IntArray
from splitrun.plan.power.rates import error_rates
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["Reading", "comparand", "every_reading"]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One metric and treatment over all units, or over the levels of a segment."""

    planned: PlannedMetric
    variant: str
    index: int
    """Of the treatment among the variants."""
    cut: Cut
    """One level without a name where no segment is named."""
    pair: Pair
    exposed: IntArray
    """Units of control and of the treatment, shape (2, levels)."""
    grounds: Grounds
    effects: Effects
    withheld: tuple[str | None, ...]
    """Why each level may have no verdict yet; None where it may."""

    @property
    def segment(self) -> str | None:
        """Key of the segment; None over all units."""
        return self.cut.segment


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What all readings of a readout share."""

    plan: Plan
    measured: Measured
    now: Occasion
    base: Mapping[str, float]
    """Error rates before any effect is seen, by metric."""
    strip: Strip
    """All units, then every segment."""
    exposed: Mapping[int, Sequence[IntArray]]
    """By treatment's index and cut, units of control and of the treatment, shape (2, levels)."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A metric and a treatment."""

    planned: PlannedMetric
    index: int
    """Of the treatment among the variants."""
    pair: Pair
    """Over the strip."""
    alpha: float
    """Error rate over all units."""


def every_reading(plan: Plan, measured: Measured) -> Sequence[Reading]:
    """Metrics in the plan's order, each with its treatments, each over all units and then by segment."""
    strip = strip_of([cut_by(measured, key) for key in (None, *(segment.key for segment in plan.segments))])
    units = [measured.units(cut.segment) for cut in strip.cuts]
    exposed = {index: [each[[0, index]] for each in units] for index in range(1, len(strip.variants))}
    desk = Desk(plan, measured, occasion(plan, measured), error_rates(plan), strip, exposed)
    known = pairs(plan, plan.metrics, strip)
    subjects = [
        Subject(planned, index, pair, desk.base[planned.key])
        for planned in plan.metrics
        for index, pair in enumerate(known[planned.key], start=1)
    ]
    if plan.analysis.multiplicity in LATE:
        primaries = [subject for subject in subjects if subject.planned.role is Role.PRIMARY]
        late = corrected(plan, [comparand(reading) for reading in readings(desk, primaries, 1)])
        subjects = [
            replace(each, alpha=late.get((each.planned.key, plan.treatments[each.index - 1]), each.alpha))
            for each in subjects
        ]
    return readings(desk, subjects, len(strip.cuts))


def readings(desk: Desk, subjects: Sequence[Subject], count: int) -> Sequence[Reading]:
    """Read metrics and treatments in the first so many cuts."""
    asked = [
        (subject, place, question)
        for subject in subjects
        for place, question in enumerate(questions(desk, subject, count))
    ]
    seen = effects([question for _, _, question in asked])
    return [
        Reading(
            planned=subject.planned,
            variant=desk.plan.treatments[subject.index - 1],
            index=subject.index,
            cut=desk.strip.cuts[place],
            pair=question.pair,
            exposed=desk.exposed[subject.index][place],
            grounds=question.grounds,
            effects=found,
            withheld=withheld(question.grounds, question.pair),
        )
        for (subject, place, question), found in zip(asked, seen, strict=True)
    ]


def questions(desk: Desk, subject: Subject, count: int) -> Iterator[Question]:
    """What is asked of a metric and a treatment, cut by cut."""
    planned = subject.planned
    scene = Scene(desk.plan, desk.now, planned, desk.plan.treatments[subject.index - 1])
    whole, parts = grounds(scene, desk.measured.columns[planned.key], subject.alpha, desk.base[planned.key])
    for cut, levels in zip(desk.strip.cuts[:count], desk.strip.places, strict=False):
        found = whole if cut.segment is None else parts.over(len(cut.labels))
        yield Question(planned, subject.pair.at(levels), found)


@np.errstate(all="ignore")
def comparand(reading: Reading) -> Comparand:
    """What correction needs of a comparison over all units."""
    absolute = reading.effects.absolute
    share = float(reading.pair.control.variance[0] / absolute.stderr[0] ** 2)
    return Comparand(
        metric=reading.planned.key,
        variant=reading.variant,
        p=float(absolute.p[0]),
        t=float(absolute.effect[0] / absolute.stderr[0]),
        dof=float(absolute.dof[0]),
        loading=float(np.sqrt(min(max(share, 0.0), 1 - 1e-9))),
    )
