"""What is read: every metric of every treatment, over all units and over the levels of every segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from splitrun.check.times.looks import Occasion, occasion
from splitrun.judge.effects import Effects, effects
from splitrun.judge.error_rates import Comparand, corrected, error_rates
from splitrun.judge.grounds import Grounds, Scene, grounds, withheld
from splitrun.judge.levels.cuts import Cut, cut_by
from splitrun.judge.levels.pairs import Pair, pairs
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


def every_reading(plan: Plan, measured: Measured) -> Iterator[Reading]:
    """Metrics in the plan's order, each with its treatments, each over all units and then by segment."""
    desk = Desk(plan, measured, occasion(plan, measured), error_rates(plan))
    cuts = [cut_by(measured, key) for key in (None, *(segment.key for segment in plan.segments))]
    late = corrected(plan, [comparand(reading) for reading in primaries(desk, cuts[0])])
    for planned in plan.metrics:
        stock = {cut.segment: tuple(pairs(plan, planned, cut)) for cut in cuts}
        for index, variant in enumerate(plan.treatments, start=1):
            alpha = late.get((planned.key, variant), desk.base[planned.key])
            for cut in cuts:
                yield reading(desk, planned, stock[cut.segment][index - 1], (cut, index), alpha)


def primaries(desk: Desk, whole: Cut) -> Iterator[Reading]:
    """The primaries over all units, at the error rates that are known beforehand."""
    for planned in desk.plan.metrics:
        if planned.role is Role.PRIMARY:
            for index, pair in enumerate(pairs(desk.plan, planned, whole), start=1):
                yield reading(desk, planned, pair, (whole, index), desk.base[planned.key])


def reading(desk: Desk, planned: PlannedMetric, pair: Pair, place: tuple[Cut, int], alpha: float) -> Reading:
    """Read one metric and treatment at one cut."""
    cut, index = place
    scene = Scene(desk.plan, desk.now, planned, desk.plan.treatments[index - 1])
    whole, parts = grounds(scene, desk.measured.columns[planned.key], alpha, desk.base[planned.key])
    found = whole if cut.segment is None else parts.over(len(cut.labels))
    return Reading(
        planned=planned,
        variant=scene.variant,
        index=index,
        cut=cut,
        pair=pair,
        exposed=desk.measured.units(cut.segment)[[0, index]],
        grounds=found,
        effects=effects(planned, pair, found),
        withheld=withheld(found, pair),
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
