"""An experiment as a person writes it: the question, who meets it, what is measured, how it is judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from splitrun.spec.amount import Change, Portion, Window
from splitrun.spec.analysis import (
    Adjust,
    Duration,
    Hypothesis,
    Identity,
    Looks,
    Method,
    Mode,
    Multiplicity,
    OnBreach,
    Spending,
    Trigger,
)
from splitrun.spec.metric import Here, MetricHere
from splitrun.spec.model import Column, Condition, Key, Model, Note, Person, Sentence, TemplateName
from splitrun.spec.policy import Waivers
from splitrun.spec.power.baselines import Baselines
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, MomentsTable, Source

__all__ = [
    "Experiment",
    "Frame",
    "GuardrailRule",
    "Holdback",
    "Metrics",
    "Rules",
    "Step",
    "Variant",
    "Weighted",
]


def reference_tag(written: object) -> str:
    """Say which form a metric has: its name, a definition, or a name with a weight."""
    match written:
        case dict() if "metric" in written or "weight" in written:
            return "weighted"
        case Weighted():
            return "weighted"
        case dict() | Here():
            return "defined"
        case _:
            return "named"


def guarded(written: object) -> object:
    """Refuse a guardrail that is only a name."""
    match written:
        case str():
            raise ValueError(
                f"guardrail {written[:60]!r} has no margin; "
                f"say how much harm is tolerated, like {{metric: {written[:60]}, margin: 1%}}"
            )
        case _:
            return written


def cuts_tag(written: object) -> str:
    """Say whether segments are named or defined."""
    match written:
        case dict():
            return "cut here"
        case _:
            return "listed"


Cuts = Annotated[
    Annotated[tuple[Key, ...], Tag("listed")] | Annotated[dict[Key, Segment], Tag("cut here")],
    Discriminator(cuts_tag),
]
"""Names of segments, or segments by name."""


class Variant(Model):
    """One arm: what it serves, and its part of the traffic."""

    serve: str | int | float | bool | None = None
    """What the flag serves; needed where the experiment names a flag."""
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Part of the traffic, as a whole number."""
    parameters: dict[Key, object] = Field(default_factory=dict)
    """Values of the layer's parameters for this variant; what is not named keeps the layer's default."""


Named = Annotated[
    Annotated[Key, Tag("named")] | Annotated[MetricHere, Tag("defined")], Discriminator(reference_tag)
]
"""A metric or group by name, or a definition with its key."""


class Weighted(Model):
    """A primary with its part of alpha."""

    metric: Named
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Part of alpha among the primaries, as a whole number."""


Primary = Annotated[
    Annotated[Key, Tag("named")]
    | Annotated[MetricHere, Tag("defined")]
    | Annotated[Weighted, Tag("weighted")],
    Discriminator(reference_tag),
]
"""A metric or group by name, a definition with its key, or either with a weight."""


class GuardrailRule(Model):
    """A metric that must not worsen beyond its margin."""

    metric: Named
    margin: Change
    """The largest tolerated harm: 1% of control, or 1pp and plain numbers in the metric's own unit."""
    mode: Mode = Mode.PROVE
    """`prove`: not worse than the margin, and shipping waits for it; `watch`: only harm is looked for."""
    on_breach: OnBreach = OnBreach.ROLLBACK
    """What a ramp does when the guardrail is breached."""
    ramp_window: Window | None = None
    """The window in which a ramp judges the guardrail."""


Guardrail = Annotated[GuardrailRule, BeforeValidator(guarded)]
"""A `GuardrailRule`; a name alone is told apart from it in words."""


class Metrics(Model):
    """The metrics, by role."""

    primary: Annotated[tuple[Primary, ...], Field(min_length=1)]
    """What decides."""
    guardrails: tuple[Guardrail, ...] = ()
    """What must not worsen beyond its margin."""
    secondary: tuple[Named, ...] = ()
    """What supports."""
    diagnostic: tuple[Named, ...] = ()
    """What explains."""


class Rules(Model):
    """How it will be judged."""

    method: Method | None = None
    """How often effects may be read; group_sequential where exposures have `time`, else `fixed`: once."""
    looks: Looks | None = None
    """When a group-sequential plan reads effects: `weekly`, `daily`, a number, or a list like [7d, 14d]."""
    spending: Spending | None = None
    """How alpha is spent over the looks; obrien_fleming where nothing is written."""
    spending_parameter: Annotated[float, Field(ge=-50, le=50)] | None = None
    """The exponent of `power`, or gamma of `hsd`."""
    futility: bool | None = None
    """Whether looks also tell that a win has become unlikely; it binds nobody."""
    planned_units: Annotated[int, Field(ge=2, le=10**12)] | None = None
    """Units planned over all variants together; the looks measure progress by it."""
    alpha: Annotated[float, Field(gt=0, le=0.5)] | None = None
    """False positives among experiments without effect, two-sided, shared by primaries and treatments."""
    power: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    """How often an effect of the MEI should be found."""
    multiplicity: Multiplicity | None = None
    """How the primaries and treatments share alpha."""
    adjust: Adjust | None = None
    """What was known before exposure, and takes noise out of the effects."""


class Step(Model):
    """One stage of a ramp."""

    coverage: Portion
    """Share of eligible units enrolled."""
    hold: Window | None = None
    """How long the stage lasts at least."""
    min_units: Annotated[int, Field(ge=1, le=10**12)] | None = None
    """Units needed before the next stage."""
    approval: bool = False
    """A person must agree before the next stage."""


class Frame(Model):
    """Whom the sample should represent."""

    population: Note
    """The source with its units."""
    by: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns known before exposure, whose shares should agree."""


class Holdback(Model):
    """Units that keep control after shipping."""

    share: Portion
    """Share of units kept."""
    lasts: Annotated[Window, Field(alias="for")]
    """For how long."""


class Experiment(Model):
    """A question put to units. Compared by value; never changed in place."""

    key: Key
    """The experiment's name, for ever."""
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Grows with every restart: a new version deals all units afresh."""
    salt: Key | None = None
    """What `splitrun assign --design salt-search` found; a part of the salt that deals units to variants."""
    title: Sentence | None = None
    """What people call it."""
    owner: Note | None = None
    """Who answers for it."""
    reviewers: tuple[Person, ...] = ()
    """Who reviews it."""
    signoffs: tuple[Person, ...] = ()
    """Who must sign off before it starts."""
    unit: Key
    """The unit type that is randomised: user, device, session, store."""
    template: TemplateName | None = None
    """A template that fills what is not said here, like `conversion`, or in one version, `conversion@1`."""
    extends: Key | None = None
    """Another experiment of the project that fills what is not said here."""
    flag: Key | None = None
    """The switch in the product through which units meet the change."""
    hypothesis: Hypothesis
    """What is changed, why it should matter, and what is expected of it."""
    audience: Condition | None = None
    """Which units are eligible."""
    coverage: Portion | None = None
    """Share of eligible units enrolled."""
    variants: Annotated[dict[Key, Variant], Field(min_length=2)]
    """Holds `control`; the others are treatments."""
    weights: Literal["unknown"] | None = None
    """`unknown` where units were randomised elsewhere in unknown shares."""
    identity: Identity | None = None
    """Whether ids that an alias links are one unit; `strict`, never, where nothing is written."""
    lateness: Window | None = None
    """How long after it happened an event of the lake may come in and still be counted."""
    layer: Key | None = None
    """The layer within which experiments exclude each other."""
    sources: dict[Key, Source] = Field(default_factory=dict)
    """Sources of this file alone."""
    exposures: Exposures | None = None
    """Rows that say which unit met which variant."""
    moments: MomentsTable | None = None
    """Sums that were made elsewhere, instead of exposures and sources."""
    trigger: Trigger | None = None
    """A later qualifying moment; only units that met it are analysed, from then on."""
    metrics: Metrics
    """The metrics, by role."""
    segments: Cuts = ()
    """Names of segments, or segments of this file alone."""
    analysis: Rules = Rules()
    """How it will be judged."""
    duration: Duration | None = None
    """How long units are enrolled."""
    frame: Frame | None = None
    """Whom the sample should represent."""
    holdback: Holdback | None = None
    """Units that keep control after shipping."""
    ramp: tuple[Step, ...] = ()
    """Staged growth of coverage."""
    assumptions: tuple[Sentence, ...] = ()
    """What must stay true for the readout to mean what it says."""
    timezone: Note | None = None
    """IANA name; times without a zone are read in it."""
    baselines: Baselines | None = None
    """What is known of its metrics and units before; its size is planned with it."""
    waivers: Waivers = Field(default_factory=dict)
    """Rules of the project that it does not keep, each with the reason."""

    @property
    def delivered(self) -> bool:
        """Whether Splitrun deals its units: it runs on a flag, or sets parameters of a layer."""
        sets = any(variant.parameters for variant in self.variants.values())
        return self.flag is not None or (self.layer is not None and sets)
