"""What each method and each number of looks would cost, and what it would save."""

from __future__ import annotations

from dataclasses import dataclass, replace

from splitrun.infer.estimate import Side
from splitrun.infer.power.readings import Anytime, AtLooks, Once, Reading
from splitrun.plan.power.setting import Aim, Asked, Setting
from splitrun.spec.analysis import Method

__all__ = ["DAILY", "Price", "prices"]

LOOKS = (2, 3, 4, 5, 6, 10, 14)
DAILY = 28
"""Readings that are counted of somebody who looks every day for four weeks."""


@dataclass(frozen=True, slots=True)
class Price:
    """One way of reading, against one reading at the planned end."""

    method: Method
    looks: int
    """Planned looks; of an always-valid interval, the readings that count."""
    futility: bool
    chosen: bool
    """Whether it is what the plan does."""
    factor: float
    """Planned units over those of one reading with the same error and power."""
    with_effect: float
    """Units at which it ends on average if the effect is there, over the same."""
    without: float
    """The same without an effect."""
    units: int | None
    """Planned units of all variants; None where no minimum effect is named."""
    days: int | None


def prices(setting: Setting) -> tuple[Price, ...]:
    """Price every method for the first effect that is asked about; nothing where only margins are."""
    asked = next((each for each in setting.asked if each.aim is Aim.EFFECT), None)
    return () if asked is None else tuple(listed(setting, asked))


def listed(setting: Setting, asked: Asked) -> list[Price]:
    """One price after another; the plan's own way of looking stands where it differs from all of them."""
    rule, side = setting.rule, Side.BOTH if asked.sides == 2 else Side.LOWER
    found = [priced(setting, asked, Method.FIXED, Once(asked.tail))]
    own = rule.reading(asked)
    ways = [AtLooks(asked.tail, equal(number), rule.spending) for number in LOOKS]
    if rule.method is Method.GROUP_SEQUENTIAL:
        ways = [way for way in ways if way != own]
        found.append(priced(setting, asked, Method.GROUP_SEQUENTIAL, own))
    found += [priced(setting, asked, Method.GROUP_SEQUENTIAL, way) for way in ways]
    hybrid = replace(rule, method=Method.HYBRID).reading(asked)
    found.append(priced(setting, asked, Method.HYBRID, hybrid))
    for moments in (equal(1), equal(DAILY)):
        found.append(priced(setting, asked, Method.SEQUENTIAL, Anytime(asked.alpha, side, moments)))
    return found


def priced(setting: Setting, asked: Asked, method: Method, way: Reading) -> Price:
    """The price of one way of reading."""
    power, size = setting.split(setting.proved), asked.scaled(asked.size)
    factor = (way.needed(power) / Once(asked.tail).needed(power)) ** 2
    ends = way.sizes(power)
    units = None
    if size is not None:
        units = float(asked.demand(setting.parts).units(size, way.needed(power)))
    return Price(
        method=method,
        looks=readings(way),
        futility=rests(way),
        chosen=method is setting.rule.method and way == setting.rule.reading(asked),
        factor=factor,
        with_effect=factor * ends.with_effect / ends.planned,
        without=factor * ends.without / ends.planned,
        units=None if units is None else sum(setting.by_variant(units)),
        days=None if units is None else setting.flow.days(units),
    )


def readings(way: Reading) -> int:
    """How many readings count."""
    match way:
        case Once():
            return 1
        case AtLooks(fractions=fractions):
            return len(fractions)
        case Anytime(moments=moments):
            return len(moments)


def rests(way: Reading) -> bool:
    """Whether it stops where going on is futile."""
    match way:
        case AtLooks(beta=beta):
            return beta is not None
        case _:
            return False


def equal(number: int) -> tuple[float, ...]:
    """So many looks, equally far apart."""
    return tuple((count + 1) / number for count in range(number))
