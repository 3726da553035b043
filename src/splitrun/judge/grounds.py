"""On what grounds a comparison is judged: the promise of its intervals, and what keeps a verdict back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splitrun.check.times.looks import Occasion
from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import AlwaysValid, NotYet, asymmetry, hybrid, not_yet
from splitrun.infer.looks.spending import Shape
from splitrun.infer.looks.spending import Spending as Function
from splitrun.judge.levels.pairs import Pair
from splitrun.judge.promises import Always, AtLook, Once, Promise
from splitrun.measure.measured import Column
from splitrun.moments import IntArray
from splitrun.plan.library import sources_of
from splitrun.spec.analysis import Method, Mode, Spending
from splitrun.spec.metric import Metric
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.source import EXPOSURES

__all__ = ["HARM", "Grounds", "Scene", "grounds", "open_ended", "too_early", "withheld"]

HARM = 0.01
"""False alarms of all watched guardrails and treatments together, at any number of looks."""

SHAPES = {
    Spending.OBRIEN_FLEMING: Shape.OBRIEN_FLEMING,
    Spending.POCOCK: Shape.POCOCK,
    Spending.POWER: Shape.POWER,
    Spending.HSD: Shape.HSD,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Which comparison is judged, and when."""

    plan: Plan
    now: Occasion
    planned: PlannedMetric
    variant: str

    @property
    def units(self) -> float | None:
        """Planned units of control and the treatment together; None where none are planned."""
        total = self.plan.analysis.planned_units
        if total is None:
            return None
        weights = {variant.key: variant.weight for variant in self.plan.variants}
        both = weights[self.plan.variants[0].key] + weights[self.variant]
        return max(1.0, total * both / max(1, sum(weights.values())))


@dataclass(frozen=True, slots=True)
class Grounds:
    """How a comparison is judged over all units, or in the levels of a segment."""

    promise: Promise
    """Of the interval, or for a guardrail of the bound that proves."""
    harm: Promise
    """Of the bound that shows harm; the same where it is not watched apart."""
    watched: bool
    """Whether only harm is looked for."""
    descriptive: bool
    """Whether its totals have no end while the plan reads more than once: no promise then holds."""
    beside: Promise | None = None
    """Of harm that is watched at every moment beside a proof at planned ones; None where nothing is."""

    @property
    def shown(self) -> Promise:
        """The promise of the interval that is shown."""
        return self.harm if self.watched else self.promise

    def over(self, levels: int) -> Grounds:
        """The grounds of each of so many levels of a segment."""
        promise = self.promise.over(levels)
        harm = promise if self.harm is self.promise else self.harm.over(levels)
        return Grounds(promise=promise, harm=harm, watched=self.watched, descriptive=self.descriptive)


def grounds(scene: Scene, column: Column, alpha: float, base: float) -> tuple[Grounds, Grounds]:
    """Say how a metric is judged over all units, and how in segments before alpha is divided by their levels.

    Args:
        scene: Which comparison, and when.
        column: The metric as measured.
        alpha: Error rate of the comparison.
        base: The error rate known before the data, which always-valid intervals are tuned to.
    """
    planned, method = scene.planned, scene.plan.analysis.method
    one_sided = planned.role is Role.GUARDRAIL
    descriptive = method is not Method.FIXED and open_ended(planned.metric)
    promise = promised(scene, column, (alpha, base), one_sided=one_sided)
    if descriptive and (scene.now.looks or method is not Method.GROUP_SEQUENTIAL):
        promise = Once(alpha)
    watching = watch(scene, promise)
    mode = planned.guardrail is not None and planned.guardrail.mode is Mode.WATCH
    # a bound that is read once shows whatever that one shows
    sooner = method is Method.GROUP_SEQUENTIAL and not descriptive and watching is not promise
    whole = Grounds(
        promise=promise,
        harm=watching if mode else promise,
        watched=mode,
        descriptive=descriptive,
        beside=watching if sooner and not mode else None,
    )
    return whole, replace(whole, harm=watching, watched=one_sided, beside=None)


def promised(scene: Scene, column: Column, alphas: tuple[float, float], *, one_sided: bool) -> Promise:
    """The promise that the plan's method makes."""
    alpha, base = alphas
    rules = scene.plan.analysis
    match rules.method:
        case Method.FIXED:
            return Once(alpha)
        case Method.SEQUENTIAL:
            return always(scene, alpha, base, one_sided=one_sided)
        case Method.HYBRID:
            if scene.now.ended:
                return Once(hybrid(alpha).end, part=hybrid(alpha).end / alpha)
            running = hybrid(alpha).running
            sequence = always(scene, running, hybrid(base).running, one_sided=one_sided)
            return replace(sequence, part=running / alpha)
        case Method.GROUP_SEQUENTIAL:
            looks = np.zeros(0) if column.looks is None else column.looks
            return AtLook(
                alpha=alpha,
                whole=alpha,
                fractions=tuple(float(units) / (rules.planned_units or 1) for units in looks),
                spending=Function(
                    SHAPES[rules.spending],
                    rules.spending_parameter,
                    elapsed=tuple(look / rules.looks[-1] for look in rules.looks),
                ),
                ended=scene.now.ended,
            )


def always(scene: Scene, alpha: float, base: float, *, one_sided: bool) -> Always:
    """An always-valid promise, tuned to what is planned."""
    side = Side.LOWER if one_sided else Side.BOTH
    return Always(alpha=alpha, rho2=AlwaysValid.tuned(base, scene.units or 1.0, side).rho2)


def watch(scene: Scene, promise: Promise) -> Promise:
    """The promise of harm that is watched for: always valid where times and a size are planned."""
    plan = scene.plan
    timed = plan.exposures is not None and plan.exposures.time is not None
    if scene.planned.role is not Role.GUARDRAIL or not timed or scene.units is None:
        return promise
    guardrails = sum(planned.role is Role.GUARDRAIL for planned in plan.metrics)
    alpha = HARM / (guardrails * len(plan.treatments))
    return always(scene, alpha, alpha, one_sided=True)


def open_ended(metric: Metric) -> bool:
    """Whether totals grow for units that were read before: 7 to 24 % false positives, simulated."""
    return metric.matures is None and any(name != EXPOSURES for name, _ in sources_of(metric))


def withheld(found: Grounds, pair: Pair) -> tuple[str | None, ...]:
    """Why the levels of a pair may have no verdict yet; None where they may."""
    if found.descriptive:
        says = "its totals have no end and grow between looks, so its interval only describes"
        return (says,) * pair.levels
    match found.shown:
        case Always():
            what = "units" if pair.clusters is None else "clusters"
            return tuple(
                f"too early for a verdict: {NotYet(why).of(what)}" if why else None for why in too_early(pair)
            )
        case _:
            return (None,) * pair.levels


def too_early(pair: Pair) -> IntArray:
    """Why the levels of a pair may not be read at any moment yet: a `NotYet` or 0, shape (levels,)."""
    return not_yet(
        (pair.independent[0], pair.independent[1]),
        (pair.spread.conversions[0], pair.spread.conversions[1]),
        asymmetry(pair.spread.skew, *pair.units) if pair.spread.lean is None else pair.spread.lean,
    )
