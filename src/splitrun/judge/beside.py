"""What stands beside an effect: its sides, the effect without adjustment or cap, and the parts of a ratio."""

from __future__ import annotations

import numpy as np

from splitrun.check.outcomes.denominator import ALARM, DENOMINATOR, NUMERATOR, chance, counted_over, sides
from splitrun.infer.estimate import Points, Unknown, Why
from splitrun.judge.effects import two
from splitrun.judge.levels.uncapped import uncapped
from splitrun.judge.readings import Reading
from splitrun.judge.readout import Adjusted, Arm, Capped, Part, Parts
from splitrun.measure.measured import Measured
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["adjusted_by", "capped", "counts", "parts", "side"]


def side(reading: Reading, which: int, index: int, *, blind: bool) -> Arm:
    """Control (0) or the treatment (1); before the first look without its level."""
    points = (reading.pair.control, reading.pair.treatment)[which]
    clusters = reading.pair.clusters
    return Arm(
        units=int(reading.pair.units[which, index]),
        exposed=int(reading.exposed[which, index]),
        mean=None if blind else level(points, index),
        clusters=None if clusters is None else int(clusters[which, index]),
    )


def level(points: Points, index: int) -> float | None:
    """A metric's level; one that is not finite is none."""
    value = float(points.value[index])
    return value if np.isfinite(value) else None


def part(reading: Reading, points: tuple[Points, Points], index: int, planned: PlannedMetric) -> Part:
    """Read another effect on the same grounds."""
    found = two(planned, points, reading.pair.total, reading.grounds)
    absolute = found.absolute.cell(index)
    blind = absolute == Unknown(Why.NO_ALPHA)
    return Part(
        control=None if blind else level(points[0], index),
        treatment=None if blind else level(points[1], index),
        absolute=absolute,
        relative=found.relative.cell(index),
    )


def adjusted_by(reading: Reading, index: int) -> Adjusted | None:
    """What adjustment took away, and the effect without it; None where a level keeps its own means."""
    found = reading.pair.adjustment
    if found is None or not found.used[index]:
        return None
    reduction = float(found.reduction[index])
    return Adjusted(
        covariates=found.covariates,
        reduction=reduction if np.isfinite(reduction) else None,
        unadjusted=part(reading, found.before, index, reading.planned),
    )


def counts(reading: Reading, measured: Measured, which: int) -> tuple[int | None, int | None]:
    """Units at zero and units capped, of control (0) or the treatment (1)."""
    column, variant = measured.columns[reading.planned.key], reading.index if which else 0
    zeros = None if column.zeros is None else int(column.zeros[variant])
    return zeros, None if column.capping is None else int(column.capping.capped[variant])


def capped(plan: Plan, measured: Measured, reading: Reading) -> Capped | None:
    """The cap of a metric, and the effect without it."""
    capping = measured.columns[reading.planned.key].capping
    if capping is None:
        return None
    free = uncapped(plan, reading.planned, reading.cut, reading.index)
    return Capped(
        at=tuple(cap if np.isfinite(cap) else None for cap in capping.at),
        origin=capping.origin,
        uncapped=None if free is None else part(reading, free, 0, reading.planned),
    )


def parts(measured: Measured, reading: Reading) -> Parts | None:
    """Numerator and denominator per unit; None for what is counted over units alone."""
    planned = reading.planned
    if not counted_over(planned.metric):
        return None
    # a part has no better side: both its ends are bounded
    free = planned.model_copy(update={"guardrail": None})
    over, under = (sides(measured, planned.key, reading.index, column) for column in (NUMERATOR, DENOMINATOR))
    return Parts(
        numerator=part(reading, over, 0, free) if planned.metric.kind == "ratio" else None,
        denominator=part(reading, under, 0, free),
        moved=chance(*under) < ALARM,
    )
