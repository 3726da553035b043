"""What every experiment of a project must keep to, and the names of the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from splitrun.spec.amount import Window
from splitrun.spec.analysis import Method
from splitrun.spec.model import Choice, Key, Model, Role, Sentence

__all__ = [
    "AlphaPolicy",
    "Approved",
    "BaselinesPolicy",
    "DurationPolicy",
    "Kept",
    "Policy",
    "PolicyRule",
    "Retained",
    "Waivers",
    "span",
]

Kept = Literal["events", "exposures"]
"""What is kept of units."""

Approved = Literal["start", "amend", "decide", "ramp"]
"""What people may have to agree to."""

Retained = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}(d|w|mo|y)$")]
"""How long data is kept, like 13mo."""

SaltPattern = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9._-]{0,126})?\*?$", min_length=1)]
"""A salt, or the beginning of salts followed by `*`."""

DAYS = {"d": 1, "w": 7, "mo": 30, "y": 365}
"""Days of each unit; a month and a year as short as they are told."""


def span(retained: str) -> timedelta:
    """Give a retention as a span of time: a month has 30 days, a year 365."""
    digits = retained.rstrip("dwmoy")
    return timedelta(days=int(digits) * DAYS[retained[len(digits) :]])


class PolicyRule(Choice):
    """The rules, by the name that a waiver writes."""

    UNIT_TYPES = "unit_types"
    SALTS = "salts"
    METHODS = "methods"
    ALPHA = "alpha"
    MINIMUM_DURATION = "minimum_duration"
    WHOLE_WEEKS = "whole_weeks"
    REQUIRED_GUARDRAILS = "required_guardrails"
    CERTIFIED_METRICS = "certified_metrics"
    APPROVALS = "approvals"
    RETENTION = "retention"
    STALE_BASELINES = "stale_baselines"
    """What was measured before is not older than the project takes; asked on the day of sealing."""
    UNDERPOWERED = "underpowered"
    """A plan must have the power it asks for; every project has this rule."""


Waivers = dict[PolicyRule, Sentence]
"""The reason why each rule is not kept."""


class AlphaPolicy(Model):
    """Limits of alpha."""

    max: Annotated[float, Field(gt=0, le=0.5)]
    """The largest alpha an experiment may write."""


class DurationPolicy(Model):
    """Limits of enrolment."""

    min: Window | None = None
    """The shortest enrolment."""
    whole_weeks: bool = False
    """Enrolment must cover whole weeks."""


class BaselinesPolicy(Model):
    """Limits of what was measured on history."""

    max_age: Window
    """How long ago the history may have ended, like 30d, when a plan is sealed."""


class Policy(Model):
    """What every experiment of the project must keep to."""

    units: tuple[Key, ...] | None = None
    """Unit types that may be randomised; none written: all of the project's."""
    salts: tuple[SaltPattern, ...] | None = None
    """Salts that experiments may name, like `search-*`; an empty list: none may be named."""
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] | None = None
    """Methods that experiments may be judged by."""
    alpha: AlphaPolicy | None = None
    duration: DurationPolicy | None = None
    guardrails: tuple[Key, ...] = ()
    """Metrics that every experiment must guard."""
    certified: tuple[Role, ...] = ()
    """Roles whose metrics must be certified, like [primary, guardrail]."""
    approvals: dict[Approved, Annotated[int, Field(ge=0, le=9)]] = Field(default_factory=dict)
    """How many people must agree."""
    baselines: BaselinesPolicy | None = None
    retention: dict[Kept, Retained] = Field(default_factory=dict)
    """The longest that data may be kept; an experiment must be over by then."""
    lateness: Window | None = None
    """How late an event of the lake may come in, where the experiment does not say."""
    binding: tuple[PolicyRule, ...] = ()
    """Rules that no experiment may waive."""
