"""The plan: an experiment with everything resolved and every default written out. A readout is held to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from splitrun.spec.amount import Change, Portion, Window
from splitrun.spec.analysis import (
    Adjust,
    Duration,
    Hypothesis,
    Identity,
    Method,
    Mode,
    Multiplicity,
    OnBreach,
    Spending,
    Trigger,
)
from splitrun.spec.experiment import Frame, Holdback, Step
from splitrun.spec.metric import Metric
from splitrun.spec.model import Condition, Key, Model, Role, unsaid
from splitrun.spec.policy import Policy, Waivers
from splitrun.spec.power.baselines import Baselines
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, MomentsTable, Source

__all__ = [
    "Analysis",
    "Delivery",
    "Margin",
    "Plan",
    "PlannedMetric",
    "PlannedSegment",
    "PlannedSource",
    "PlannedTemplate",
    "PlannedVariant",
]


class PlannedVariant(Model):
    """A variant and its part of the traffic."""

    key: Key
    weight: int


class Margin(Model):
    """How a guardrail is judged."""

    margin: Change
    mode: Mode
    on_breach: OnBreach


class PlannedMetric(Model):
    """A metric in its role, by content."""

    key: Key
    role: Role
    metric: Metric
    weight: int = 1
    """Part of alpha among the primaries."""
    mei: Change | None = None
    """The minimum effect of interest, where the plan names one for this metric."""
    guardrail: Margin | None = None
    """Present on guardrails and only there."""


class PlannedSegment(Model):
    """A declared segment, by content."""

    key: Key
    segment: Segment


class PlannedSource(Model):
    """A source that some metric uses, by content."""

    key: Key
    source: Source


class Analysis(Model):
    """How it will be judged, with nothing left to a default."""

    method: Method
    alpha: float
    power: float
    multiplicity: Multiplicity
    looks: tuple[Window, ...] = ()
    """When effects are read, counted from the first exposure; the last is the planned end, and the only one
    but for group_sequential. Empty where no duration is planned."""
    spending: Spending = Spending.OBRIEN_FLEMING
    spending_parameter: float | None = None
    """Of `power` and `hsd`, and only there."""
    futility: bool = False
    planned_units: int | None = None
    """Over all variants together; None only under `fixed`."""
    adjust: Adjust | None = None
    """`lookback` is there where `pre_period` is a covariate, and only there."""


class Delivery(Model):
    """How the change reaches units. Carried for the record: no number of a readout rests on it."""

    flag: Key | None = None
    serves: dict[Key, str | int | float | bool] = Field(default_factory=dict)
    audience: Condition | None = None
    coverage: Portion | None = None
    layer: Key | None = None
    version: int = 1
    """Which deal of the units; it is in the salts."""
    salt: Key | None = None
    """A further part of the salt that deals units to variants, found by a search."""
    follows: int | None = None
    """The version that was restarted; none for the first."""
    parameters: dict[Key, dict[Key, object]] = Field(default_factory=dict)
    """Values of the layer's parameters, by variant."""
    frame: Frame | None = None
    holdback: Holdback | None = None
    ramp: tuple[Step, ...] = ()


class PlannedTemplate(Model):
    """A template that filled what the experiment did not say."""

    name: Key
    version: int


class Plan(Model):
    """An experiment, resolved: what will be done with the data. The readout engine takes nothing else."""

    form: Literal["splitrun.plan/1"] = "splitrun.plan/1"
    key: Key
    title: str | None = None
    owner: str | None
    unit: Key
    hypothesis: Hypothesis
    exposures: Exposures | None
    """None where `moments` is given."""
    moments: MomentsTable | None
    trigger: Trigger | None
    variants: tuple[PlannedVariant, ...]
    """Control first, then the treatments in the order written."""
    weights_known: bool
    """False where units were randomised elsewhere in unknown shares: no split test."""
    sources: tuple[PlannedSource, ...]
    metrics: tuple[PlannedMetric, ...]
    """By role in the order of the scorecard, within a role as written."""
    segments: tuple[PlannedSegment, ...]
    analysis: Analysis
    duration: Duration | None
    timezone: str
    """IANA name; times without a zone are read in it."""
    assumptions: tuple[str, ...]
    delivery: Delivery = Delivery()
    baselines: Baselines | None = Field(default=None, exclude_if=unsaid)
    """What was known of its metrics and units when it was planned; not written where nothing was."""
    reviewers: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    """Who reviews it."""
    signoffs: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    """Who must sign off before it starts."""
    waivers: Waivers = Field(default_factory=dict, exclude_if=unsaid)
    """The reason why each rule of the project is not kept."""
    policy: Policy | None = Field(default=None, exclude_if=unsaid)
    """The policy it was resolved under; not written where there was none. No number rests on it."""
    templates: tuple[PlannedTemplate, ...] = Field(default=(), exclude_if=unsaid)
    """The template it is made from, then what that extends, then those that brought guardrails."""
    identity: Identity | None = Field(default=None, exclude_if=unsaid)
    """Whether ids that an alias links are one unit; not written where the experiment says nothing: strict."""
    lateness: Window | None = Field(default=None, exclude_if=unsaid)
    """How long after it happened an event of the lake may come in; not written where nothing is said: as long
    as the lake takes it."""
    methods: dict[Key, str] = Field(default_factory=dict, exclude_if=unsaid)
    """Versions of the methods it will be judged by, by name; not written by a Splitrun that knew none."""

    @property
    def observation(self) -> timedelta:
        """How long the last unit enrolled is observed: the longest span of a primary or guardrail."""
        return max(
            (
                planned.metric.matures
                for planned in self.metrics
                if planned.role in {Role.PRIMARY, Role.GUARDRAIL} and planned.metric.matures is not None
            ),
            default=timedelta(0),
        )

    @property
    def treatments(self) -> tuple[Key, ...]:
        """The variants that are compared with control."""
        return tuple(variant.key for variant in self.variants[1:])
