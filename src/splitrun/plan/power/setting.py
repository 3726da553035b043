"""What a forecast is made from: who is compared, what must be shown of which metric, and how units come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil

from splitrun.infer.estimate import Side
from splitrun.infer.looks.always import hybrid
from splitrun.infer.looks.spending import OBRIEN_FLEMING, Spending
from splitrun.infer.power.demands import Demand, Effect, Margin, Parts
from splitrun.infer.power.levels import Level
from splitrun.infer.power.readings import Anytime, AtLooks, Once, Reading
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Method
from splitrun.spec.model import Role
from splitrun.spec.plan import PlannedVariant

__all__ = ["DAY", "Advice", "Aim", "Asked", "Flow", "Rule", "Setting"]

DAY = timedelta(days=1)
WEEK = 7


class Aim(StrEnum):
    """What is to be shown of a metric."""

    EFFECT = "effect"
    MARGIN = "margin"


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that a plan should know of itself, and what to do."""

    code: str
    says: str
    next: str
    metric: str = ""
    """Of which metric; empty where it is of the plan."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one metric, for every treatment alike."""

    metric: str
    role: Role
    aim: Aim
    level: Level
    size: Size | None
    """The minimum effect of interest, or the margin; None where the plan names none."""
    higher: bool
    """Where the effect is expected, or where better lies."""
    alpha: float
    """Of one comparison."""
    sides: int
    shares: tuple[float, ...] = (1.0,)
    """Part of the planned units that has matured at each look that adds some."""
    must: bool = True
    """Whether the plan needs it: a primary with a minimum effect, a guardrail to be proved."""

    @property
    def tail(self) -> float:
        """Error of one tail."""
        return self.alpha / self.sides

    def demand(self, parts: Parts) -> Demand:
        """The demand that links size, units and drift."""
        if self.aim is Aim.EFFECT:
            return Demand(Effect(self.level, parts, self.higher))
        return Demand(Margin(self.level, parts, self.higher, self.size is None or self.size.relative))

    def scaled(self, size: Size | None) -> float | None:
        """A size in the unit of the demand: of an effect the metric's, of a margin as it is written."""
        if size is None:
            return None
        part = size.relative and self.aim is Aim.EFFECT
        return size.value * (abs(self.level.value) if part else 1.0)

    def both(self, size: float) -> tuple[float, float | None]:
        """A size of the demand in the metric's unit and as a part of control; None of a control at zero."""
        base = abs(self.level.value)
        if self.aim is Aim.MARGIN and (self.size is None or self.size.relative):
            return size * base, size
        return size, (size / base if base else None)


@dataclass(frozen=True, slots=True)
class Rule:
    """How often effects are read, and how likely they are to be found."""

    method: Method
    power: float
    spending: Spending = OBRIEN_FLEMING
    futility: bool = False

    def reading(self, asked: Asked, *, reached: float = 1.0) -> Reading:
        """How a metric is read.

        Args:
            asked: What is asked of it.
            reached: Units at the planned end over the units that an always-valid interval is tuned to.
        """
        match self.method:
            case Method.FIXED:
                return Once(asked.tail)
            case Method.GROUP_SEQUENTIAL:
                beta = 1 - self.power if self.futility and asked.aim is Aim.EFFECT else None
                return AtLooks(asked.tail, asked.shares, self.spending, beta)
            case Method.SEQUENTIAL:
                side = Side.BOTH if asked.sides == 2 else Side.LOWER
                return Anytime(asked.alpha, side, reached=reached)
            case Method.HYBRID:
                return Once(hybrid(asked.alpha).end / asked.sides)


@dataclass(frozen=True, slots=True)
class Flow:
    """How units come."""

    eligible: float | None = None
    """New each day; None where nobody knows."""
    coverage: float = 1.0
    enrol: timedelta | None = None
    """None where no duration is planned."""
    whole_weeks: bool = True
    observation: timedelta = timedelta(0)
    """How long the last unit is observed."""
    units: int | None = None
    """Over all variants, where the size is planned and not the time."""

    @property
    def daily(self) -> float | None:
        """Units enrolled each day."""
        return None if self.eligible is None else self.eligible * self.coverage

    @property
    def planned(self) -> float | None:
        """Units of all variants at the planned end; None where nothing says."""
        if self.daily is not None and self.enrol is not None:
            return self.daily * (self.enrol / DAY)
        return self.units

    def enrolment(self, units: float) -> int | None:
        """Days until so many units are enrolled, whole weeks where the plan has them."""
        if self.daily is None:
            return None
        # a quotient that is off by rounding alone is no further day
        days = max(1, ceil(units / self.daily * (1 - 1e-12)))
        return ceil(days / WEEK) * WEEK if self.whole_weeks else days

    def days(self, units: float) -> int | None:
        """Days until so many units have matured."""
        enrolment = self.enrolment(units)
        return None if enrolment is None else enrolment + ceil(self.observation / DAY)


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that a forecast rests on."""

    key: str
    variants: tuple[PlannedVariant, ...]
    """Control first."""
    asked: tuple[Asked, ...]
    rule: Rule
    flow: Flow
    advice: tuple[Advice, ...] = field(default=())
    """What was noticed when it was put together."""
    further: int = 0
    """Guardrails that must be proved besides those asked about."""
    tuned: int | None = None
    """Units of all variants that always-valid intervals are tuned to; None: to the planned end."""

    @property
    def whole(self) -> int:
        """Sum of the weights."""
        return sum(variant.weight for variant in self.variants)

    @property
    def parts(self) -> Parts:
        """Control's part, and that of the smallest treatment: the others are seen at least as well."""
        least = min(variant.weight for variant in self.variants[1:])
        return Parts(self.variants[0].weight / self.whole, least / self.whole)

    @property
    def proved(self) -> int:
        """Guardrails over which, and the primary, the chance to miss is split."""
        return self.further + sum(asked.must and asked.aim is Aim.MARGIN for asked in self.asked)

    def split(self, guardrails: int) -> float:
        """Power of each metric so that all of them together have the plan's."""
        return 1 - (1 - self.rule.power) / (guardrails + 1)

    def by_variant(self, units: float) -> tuple[int, ...]:
        """Units of each variant, whole."""
        return tuple(ceil(units * variant.weight / self.whole * (1 - 1e-12)) for variant in self.variants)
