"""How far what differs from a sealed plan reaches: to everything, or to some metrics and segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from splitrun.plan.library import sources_of
from splitrun.plan.sealing.deviations import Difference, told
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["NOTHING", "Reach", "joined", "reach"]

FAMILY = frozenset({"role", "weight"})
"""Fields of a metric in which it takes alpha from its family."""

SHARING = (Role.PRIMARY, Role.GUARDRAIL)
"""Roles whose metrics share alpha: who comes or goes changes the intervals of the others."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The fields that differ and matter, by what they touch; each part in order and without repeats."""

    whole: tuple[str, ...] = ()
    """Touch every comparison."""
    metrics: tuple[tuple[str, str], ...] = ()
    """Metric and field: touch its comparisons, also in segments."""
    segments: tuple[tuple[str, str], ...] = ()
    """Segment and field: touch the comparisons in its levels."""
    tests: tuple[str, ...] = ()
    """Touch every test of differences between levels, and secondaries' adjusted p."""

    def __bool__(self) -> bool:
        """Whether anything is touched, or was taken out."""
        return bool(self.whole or self.metrics or self.segments or self.tests)

    def of(self, metric: str, segment: str | None = None) -> tuple[str, ...]:
        """The fields that touch the comparisons of a metric, over all units or in a segment."""
        own = [field for key, field in self.metrics if key == metric]
        cut = [field for key, field in self.segments if key == segment]
        return tuple(dict.fromkeys((*self.whole, *own, *cut)))


NOTHING = Reach()
"""What does not differ touches nothing."""


def joined(parts: Iterable[Reach]) -> Reach:
    """Everything that several of them touch."""
    every = tuple(parts)
    return Reach(
        whole=tuple(dict.fromkeys(field for one in every for field in one.whole)),
        metrics=tuple(dict.fromkeys(pair for one in every for pair in one.metrics)),
        segments=tuple(dict.fromkeys(pair for one in every for pair in one.segments)),
        tests=tuple(dict.fromkeys(field for one in every for field in one.tests)),
    )


def reach(found: Iterable[Difference], sealed: Plan, now: Plan) -> Reach:
    """Say what differences touch; those that no number rests on touch nothing.

    Args:
        found: As `differences(sealed, now)` gives them.
        sealed: The plan that was sealed.
        now: The plan that is there now.
    """
    return joined(touched(one, sealed, now) for one in found if told(one).confirmatory)


def touched(one: Difference, sealed: Plan, now: Plan) -> Reach:
    """What one difference touches."""
    field = ".".join(one.path)
    match one.path:
        case ("metrics", key, *rest):
            return of_metric(key, rest, field, (sealed, now))
        case ("segments", key, *_):
            return of_segment(key, field, sealed, now)
        case ("sources", key, *_):
            return of_source(key, field, (sealed, now))
        case ("hypothesis", "expect", "mei", *_):
            return Reach(metrics=((now.hypothesis.expect.metric, field),))
        case _:
            return Reach(whole=(field,))


def of_metric(key: str, rest: list[str], field: str, plans: tuple[Plan, Plan]) -> Reach:
    """What a metric that differs touches: itself, and those it shares alpha with."""
    before, after = (named(plan, key) for plan in plans)
    roles = {planned.role for planned in (before, after) if planned is not None}
    family = not rest or rest[0] in FAMILY
    shared = [
        (planned.key, field)
        for planned in plans[1].metrics
        if family and planned.role in roles and planned.role in SHARING
    ]
    # secondaries' p and the tests between levels are corrected for all that were planned
    corrected = family and (before is not None or Role.PRIMARY in roles)
    return Reach(metrics=((key, field), *shared), tests=(field,) if corrected else ())


def of_segment(key: str, field: str, sealed: Plan, now: Plan) -> Reach:
    """What a segment that differs touches: its levels; everything where variants are compared within it."""
    if any(plan.analysis.adjust is not None and key in plan.analysis.adjust.strata for plan in (sealed, now)):
        return Reach(whole=(field,))
    gone = any(planned.key == key for planned in sealed.segments)
    return Reach(segments=((key, field),), tests=(field,) if gone else ())


def of_source(key: str, field: str, plans: tuple[Plan, Plan]) -> Reach:
    """What a source that differs touches: the metrics made from it; everything where it triggers."""
    if any(plan.trigger is not None and plan.trigger.source == key for plan in plans):
        return Reach(whole=(field,))
    return Reach(metrics=tuple((metric, field) for plan in plans for metric in made_from(plan, key)))


def made_from(plan: Plan, source: str) -> Iterator[str]:
    """The metrics that are made from a source."""
    for planned in plan.metrics:
        if any(name == source for name, _ in sources_of(planned.metric)):
            yield planned.key


def named(plan: Plan, key: str) -> PlannedMetric | None:
    """A metric of a plan by its key."""
    return next((planned for planned in plan.metrics if planned.key == key), None)
