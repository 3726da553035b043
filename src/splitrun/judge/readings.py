"""What is read: every metric of every treatment, over all units and over the levels of every segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splitrun.check.times.looks import Occasion, occasion
from splitrun.judge.effects import Effects, effects_of_cuts
from splitrun.judge.error_rates import Comparand, corrected, error_rates
from splitrun.judge.grounds import Grounds, Scene, grounds, withheld
from splitrun.judge.levels.cuts import Cut, cut_by
from splitrun.judge.levels.pairs import Pair, pairs
from splitrun.judge.levels.strips import Strip, strip_of
from splitrun.measure.measured import Measured
from splitrun.moments import IntArray
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
    exposed: tuple[IntArray, ...]
    """Units of each cut, shape (variants, levels)."""


def every_reading(plan: Plan, measured: Measured) -> Iterator[Reading]:
    """Metrics in the plan's order, each with its treatments, each over all units and then by segment."""
    strip = strip_of([cut_by(measured, key) for key in (None, *(segment.key for segment in plan.segments))])
    exposed = tuple(measured.units(cut.segment) for cut in strip.cuts)
    desk = Desk(plan, measured, occasion(plan, measured), error_rates(plan), strip, exposed)
    stock = {planned.key: tuple(pairs(plan, planned, strip)) for planned in plan.metrics}
    late = corrected(plan, [comparand(reading) for reading in primaries(desk, stock)])
    for planned in plan.metrics:
        for index, pair in enumerate(stock[planned.key], start=1):
            alpha = late.get((planned.key, plan.treatments[index - 1]), desk.base[planned.key])
            yield from readings(desk, planned, (pair, index), alpha, len(strip.cuts))


def primaries(desk: Desk, stock: Mapping[str, Sequence[Pair]]) -> Iterator[Reading]:
    """The primaries over all units, at the error rates that are known beforehand."""
    for planned in desk.plan.metrics:
        if planned.role is Role.PRIMARY:
            for index, pair in enumerate(stock[planned.key], start=1):
                yield from readings(desk, planned, (pair, index), desk.base[planned.key], 1)


def readings(
    desk: Desk, planned: PlannedMetric, place: tuple[Pair, int], alpha: float, count: int
) -> Iterator[Reading]:
    """Read one metric and treatment in the first so many cuts."""
    (pair, index), cuts, places = place, desk.strip.cuts[:count], desk.strip.places[:count]
    scene = Scene(desk.plan, desk.now, planned, desk.plan.treatments[index - 1])
    whole, parts = grounds(scene, desk.measured.columns[planned.key], alpha, desk.base[planned.key])
    found = [whole if cut.segment is None else parts.over(len(cut.labels)) for cut in cuts]
    seen = effects_of_cuts(planned, pair, places, found)
    for cut, levels, each, read, exposed in zip(cuts, places, found, seen, desk.exposed, strict=False):
        here = pair.at(levels)
        yield Reading(
            planned=planned,
            variant=scene.variant,
            index=index,
            cut=cut,
            pair=here,
            exposed=exposed[[0, index]],
            grounds=each,
            effects=read,
            withheld=withheld(each, here),
        )


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
