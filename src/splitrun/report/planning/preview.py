"""What `register` would seal, before it does, with all that stands in its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from splitrun.errors import Mistake
from splitrun.plan.power.forecast import Forecast
from splitrun.plan.power.setting import Advice
from splitrun.plan.sealing.deviations import Deviation
from splitrun.spec.plan import Plan

__all__ = ["Preview", "Rule", "Seal", "Standing"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the project that the plan does not keep."""

    name: str
    says: str
    next: str
    path: str
    waiver: str | None
    """The reason that stands in the plan; None where it is not waived."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The plan that is sealed already."""

    digest: str
    version: int
    amendment: int
    at: datetime
    actor: str
    deviations: tuple[Deviation, ...]
    """Fields in which the plan at hand is another; they would need an amendment."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registry of the project holds of the experiment."""

    registry: str
    """Its name, without any password."""
    applied: bool
    """Whether the registry knows the experiment."""
    unread: str | None = None
    """Why the registry could not be read, or what it holds makes no plan."""
    differs: tuple[Deviation, ...] = ()
    """Fields in which the registry's definitions make another plan than the files."""
    states: tuple[tuple[str, str], ...] = ()
    """By environment, where the experiment has had a move."""
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan before it is sealed."""

    plan: Plan
    """With what is known of its metrics."""
    digest: str
    canonical: str
    """The JSON that would be sealed."""
    forecast: Forecast | None
    """None where too little is known."""
    refusals: tuple[Mistake, ...]
    """Why it may not be sealed."""
    rules: tuple[Rule, ...]
    """Of the project, that it does not keep."""
    advice: tuple[Advice, ...]
    """What stands in no one's way and should be known."""
    file: str | None
    """Where its baselines were measured to; None where nobody measured any."""
    age: int | None
    """Days since the history of its baselines ended; None where nobody wrote when."""
    start: date
    """The day that dates are counted from."""
    standing: Standing | None
    """None where there is no registry."""

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way of sealing."""
        return not self.refusals and all(rule.waiver is not None for rule in self.rules)
