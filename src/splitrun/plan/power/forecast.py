"""From a setting to its forecast: units, days, what is detected, and what guardrails and looks cost."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from splitrun.infer.power.readings import Reading
from splitrun.plan.power.advice import Stand, advised
from splitrun.plan.power.prices import Price, prices
from splitrun.plan.power.setting import DAY, Advice, Aim, Asked, Setting
from splitrun.spec.analysis import Method
from splitrun.spec.model import Role
from splitrun.spec.plan import PlannedVariant

__all__ = ["Cost", "Forecast", "Need", "Point", "Split", "forecast"]

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)
"""Points of the curve, as parts of the units that the plan needs or has."""


@dataclass(frozen=True, slots=True)
class Split:
    """Units of one variant."""

    variant: str
    units: int


@dataclass(frozen=True, slots=True)
class Need:
    """What one metric needs, and what the plan gives it; sizes are in the metric's unit."""

    metric: str
    role: Role
    aim: Aim
    """Whether an effect is to be found, or harm beyond a margin ruled out."""
    must: bool
    """Whether the plan's size rests on it."""
    baseline: float
    share: bool
    """Whether it is a share of units, whose effects are told in points."""
    size: float | None
    """Minimum effect of interest or margin; None where the plan names none."""
    relative: float | None
    """The same as a part of control."""
    alpha: float
    """Of one comparison."""
    sides: int
    power: float
    """Asked of this metric alone, after the split over proved guardrails."""
    units: int | None
    """Of all variants together; None where no size is named, or no number of units is enough."""
    by_variant: tuple[Split, ...]
    days: int | None
    """Until they are enrolled and matured; None where nobody knows how units come."""
    detectable: float | None
    """Smallest effect found, or margin proved, with this power at the planned end; None where none is."""
    detectable_relative: float | None
    reached: float | None
    """Power at the planned end for the size asked; None where none is named."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one proved guardrail costs."""

    metric: str
    units_alone: int | None
    """That it needs by itself, with the plan's whole power."""
    units_without: int | None
    """That the plan would need without it."""
    factor: float | None
    """Units that the plan needs, over those it would need without."""


@dataclass(frozen=True, slots=True)
class Point:
    """The plan at another size."""

    units: int
    days: int | None
    power: float | None
    """To find the minimum effect of interest; None where none is named."""
    detectable: float | None
    """Smallest effect found with the power asked, in the metric's unit."""
    detectable_relative: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan can see before its first unit is enrolled."""

    key: str
    method: Method
    power: float
    """Asked of the plan as a whole."""
    each: float
    """Asked of each metric: the chance to miss is split over proved guardrails and the primary."""
    variants: tuple[PlannedVariant, ...]
    needs: tuple[Need, ...]
    units: int | None
    """That all metrics which must be shown need, over all variants; None where any has no number."""
    by_variant: tuple[Split, ...]
    days: int | None
    enrolment: int | None
    """Of these, days of enrolment; the rest is observation."""
    planned: int | None
    """Units of all variants at the planned end, as units come; None where nothing says."""
    planned_days: int | None
    together: float | None
    """Least chance that all of them are shown at the planned end, however they hang together."""
    independent: float | None
    """The same if they were independent."""
    costs: tuple[Cost, ...]
    prices: tuple[Price, ...]
    """Of the first primary's reading, by method and number of looks."""
    curve: tuple[Point, ...]
    """Of the first metric asked about."""
    advice: tuple[Advice, ...]


def forecast(setting: Setting) -> Forecast:
    """Say what a plan can see, how many units and days that takes, and what it pays for it."""
    each, planned = setting.split(setting.proved), setting.flow.planned
    units = total(setting, setting.asked, each)
    whole = None if units is None else sum(setting.by_variant(units))
    end = planned or whole
    needs = tuple(need(setting, asked, each, end) for asked in setting.asked)
    must = [found for found in needs if found.must]
    reached = [found.reached for found in must if found.reached is not None]
    known = bool(must) and len(reached) == len(must)
    return Forecast(
        key=setting.key,
        method=setting.rule.method,
        power=setting.rule.power,
        each=each,
        variants=setting.variants,
        needs=needs,
        units=whole,
        by_variant=splits(setting, units),
        days=None if units is None else setting.flow.days(units),
        enrolment=None if units is None else setting.flow.enrolment(units),
        planned=None if planned is None else int(planned),
        planned_days=None if planned is None else days_planned(setting, planned),
        together=max(0.0, 1 - sum(1 - part for part in reached)) if known else None,
        independent=float(np.prod(reached)) if known else None,
        costs=tuple(cost(setting, asked, units) for asked in guards(setting)),
        prices=prices(setting),
        curve=curve(setting, each, end),
        advice=advised(setting, tuple(stand(setting, asked, each, end) for asked in setting.asked)),
    )


def days_planned(setting: Setting, planned: float) -> int | None:
    """Days until the planned end."""
    flow = setting.flow
    return flow.days(planned) if flow.enrol is None else -(-(flow.enrol + flow.observation) // DAY)


def guards(setting: Setting) -> tuple[Asked, ...]:
    """The guardrails that must be proved."""
    return tuple(asked for asked in setting.asked if asked.must and asked.aim is Aim.MARGIN)


def reading(setting: Setting, asked: Asked, units: float | None) -> Reading:
    """How a metric is read; an always-valid interval is tuned to what the plan names."""
    reached = 1.0 if setting.tuned is None or units is None else units / setting.tuned
    return setting.rule.reading(asked, reached=reached)


def needed(setting: Setting, asked: Asked, power: float) -> float | None:
    """Units of all variants that one metric needs; None where no size is named or none is enough."""
    size = asked.scaled(asked.size)
    if size is None:
        return None
    drift = setting.rule.reading(asked).needed(power)
    found = float(asked.demand(setting.parts).units(size, drift))
    return found if isfinite(found) else None


def total(setting: Setting, every: tuple[Asked, ...], power: float) -> float | None:
    """Units of all variants that give every metric which must be shown its power."""
    each = [needed(setting, asked, power) for asked in every if asked.must]
    known = [units for units in each if units is not None]
    return max(known) if known and len(known) == len(each) else None


def splits(setting: Setting, units: float | None) -> tuple[Split, ...]:
    """Units of every variant."""
    if units is None:
        return ()
    each = setting.by_variant(units)
    return tuple(Split(variant.key, n) for variant, n in zip(setting.variants, each, strict=True))


def smallest(setting: Setting, asked: Asked, units: float, power: float) -> float | None:
    """The smallest effect or margin that so many units show; None where they show none."""
    drift = reading(setting, asked, units).needed(power)
    found = float(asked.demand(setting.parts).size(units, drift))
    return found if isfinite(found) else None


def chance(setting: Setting, asked: Asked, units: float) -> float | None:
    """Power of so many units for the size asked; None where none is named."""
    size = asked.scaled(asked.size)
    if size is None:
        return None
    drift = asked.demand(setting.parts).drift(size, units)
    return float(reading(setting, asked, units).power(drift))


def need(setting: Setting, asked: Asked, power: float, end: float | None) -> Need:
    """What one metric needs, and what the planned end gives it."""
    units, size = needed(setting, asked, power), asked.scaled(asked.size)
    seen = None if end is None else smallest(setting, asked, end, power)
    absolute, relative = (None, None) if size is None else asked.both(size)
    detectable, detectable_relative = (None, None) if seen is None else asked.both(seen)
    return Need(
        metric=asked.metric,
        role=asked.role,
        aim=asked.aim,
        must=asked.must,
        baseline=asked.level.value,
        share=asked.level.yes,
        size=absolute,
        relative=relative,
        alpha=asked.alpha,
        sides=asked.sides,
        power=power,
        units=None if units is None else sum(setting.by_variant(units)),
        by_variant=splits(setting, units),
        days=None if units is None else setting.flow.days(units),
        detectable=detectable,
        detectable_relative=detectable_relative,
        reached=None if end is None else chance(setting, asked, end),
    )


def cost(setting: Setting, guard: Asked, units: float | None) -> Cost:
    """What the plan would need without one guardrail, its part of the chance to miss given back."""
    rest = tuple(asked for asked in setting.asked if asked is not guard)
    without = total(setting, rest, setting.split(setting.proved - 1))
    alone = needed(setting, guard, setting.rule.power)
    return Cost(
        metric=guard.metric,
        units_alone=None if alone is None else sum(setting.by_variant(alone)),
        units_without=None if without is None else sum(setting.by_variant(without)),
        factor=None if units is None or without is None else units / without,
    )


def curve(setting: Setting, power: float, end: float | None) -> tuple[Point, ...]:
    """The first metric at other sizes, an always-valid interval tuned to each of them."""
    if end is None:
        return ()
    asked = setting.asked[0]
    demand, how, size = asked.demand(setting.parts), setting.rule.reading(asked), asked.scaled(asked.size)
    units = np.array([max(4.0, end * part) for part in GRID])
    found = demand.size(units, how.needed(power))
    powers = None if size is None else how.power(demand.drift(size, units))
    points = []
    for index, (n, seen) in enumerate(zip(units.tolist(), found.tolist(), strict=True)):
        detectable, relative = asked.both(seen) if isfinite(seen) else (None, None)
        power_there = None if powers is None else float(powers[index])
        points.append(Point(round(n), setting.flow.days(n), power_there, detectable, relative))
    return tuple(points)


def stand(setting: Setting, asked: Asked, power: float, end: float | None) -> Stand:
    """Where a metric stands, for those who give advice."""
    return Stand(
        asked=asked,
        power=power,
        needed=needed(setting, asked, power),
        end=end,
        reached=None if end is None else chance(setting, asked, end),
        smallest=None if end is None else smallest(setting, asked, end, power),
    )
