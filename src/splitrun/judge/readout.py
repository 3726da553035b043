"""The readout: one reading of an experiment's effects, with its doubts and where everything came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from splitrun.check.evidence import Finding
from splitrun.infer.estimate import Estimate, Unknown
from splitrun.measure.measured import CapOrigin, SourceFacts, Statement
from splitrun.plan.sealing.deviations import Deviation
from splitrun.plan.sealing.reach import Reach
from splitrun.spec.analysis import Multiplicity
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = [
    "Adjusted",
    "Amendment",
    "Arm",
    "Call",
    "Capped",
    "Comparison",
    "Decision",
    "GuardrailOutcome",
    "Heterogeneity",
    "Lineage",
    "Look",
    "Outlook",
    "Part",
    "Parts",
    "Readout",
    "Registration",
    "UnitCount",
    "Verdict",
]


class Verdict(StrEnum):
    """What one comparison shows."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    EXPLORATORY = "exploratory"
    """Not as it was sealed: it explains and decides nothing."""


class GuardrailOutcome(StrEnum):
    """What a guardrail shows against its margin."""

    HOLDS = "holds"
    BREACHED = "breached"
    UNPROVEN = "unproven"
    NO_HARM_SEEN = "no_harm_seen"
    """In `watch` mode: no harm beyond the margin was shown; that there is none was not tried to prove."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison."""

    units: int | None
    """Units that count: matured, with a known outcome; None where the level is suppressed, never else."""
    exposed: int | None
    """Units of this variant and segment level, matured or not; None where the level is suppressed."""
    mean: float | None
    """The metric's level, adjusted where the effect is; None where there is none or no look yet."""
    clusters: int | None = None
    """Clusters of these units; None where none are named."""
    zeros: int | None = None
    """Units whose value is 0; None in segments and where nobody counted."""
    capped: int | None = None
    """Units whose value was cut down to the cap; None in segments and without a cap."""


@dataclass(frozen=True, slots=True)
class Part:
    """An effect beside the one that is judged: of a ratio's numerator or denominator, or without a cap."""

    control: float | None
    """Level in control; None where there is none."""
    treatment: float | None
    absolute: Estimate | Unknown
    relative: Estimate | Unknown


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What was known before exposure, and what it took away."""

    covariates: tuple[str, ...]
    """Covariates, then strata."""
    reduction: float | None
    """Part of the effect's variance that it took away; below 0 where it added some; None where unknown."""
    unadjusted: Part


@dataclass(frozen=True, slots=True)
class Capped:
    """The most that one unit counted for."""

    at: tuple[float | None, ...]
    """The cap of the value, or of numerator and denominator; None for a part without one."""
    origin: CapOrigin
    uncapped: Part | None
    """The effect without the cap; None where units are alike within clusters."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a ratio, or a quantile of events, is made of; levels are means per unit."""

    numerator: Part | None
    """None for a quantile of events."""
    denominator: Part
    moved: bool
    """Whether the treatment moves the denominator, as the check `denominator_moved` sees it."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The planned end as seen from a look; z and probabilities face the side that is better."""

    information: float
    """Matured units over planned units."""
    final: float
    """The same at the planned end, if units go on to come as they did."""
    z: float
    """The effect over its standard error, as a normal deviate; above 0 where treatment is better."""
    bound: float
    """z above which the interval of this look lies beyond 0."""
    futility: float | None
    """z below which going on is futile; None where the plan has no futility."""
    futile: bool
    low: float
    """The estimate at the planned end lies between `low` and `high` nine times of ten."""
    high: float
    better: float
    """Probability to end better, what is known of the effect being this data alone (predictive power)."""
    worse: float
    better_with_mei: float | None
    """Probability to end better if the truth is the minimum effect of interest (conditional power)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one treatment against control, over all units or in one level of a segment."""

    metric: str
    role: Role
    variant: str
    segment: str | None
    level: str | None
    """Level of the segment; None over all units."""
    control: Arm
    treatment: Arm
    absolute: Estimate | Unknown
    """In the metric's own unit."""
    relative: Estimate | Unknown
    """Lift, as a fraction of control."""
    p: float | None
    p_adjusted: float | None
    """Over primaries x treatments as the plan corrects, over secondaries x treatments by `bh`."""
    p_adjustment: Multiplicity | None
    """How; None where p is not adjusted."""
    verdict: Verdict
    guardrail: GuardrailOutcome | None
    says: str
    """The sentence that defends the verdict."""
    registered: bool
    adjusted: Adjusted | None = None
    """None where the effect is not adjusted."""
    capped: Capped | None = None
    """Over all units of a metric with a cap."""
    parts: Parts | None = None
    """Over all units of a ratio, or of a quantile of events."""
    design_effect: float | None = None
    """How many times clusters make the variance of the effect; None without clusters, or where unknown."""
    outlook: Outlook | None = None
    """Of a primary over all units at a look before the planned end."""
    withheld: str | None = None
    """Why it may have no verdict yet; where it has an effect `says` tells it too. None where it may."""
    exploratory: tuple[str, ...] = ()
    """The fields that are not as they were sealed, and that it rests on; empty where it is as sealed."""
    suppressed: int | None = None
    """Units that a level must have in every variant to be shown, where this one is not; None: it is."""


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Whether a treatment's effect on a metric differs between the levels of a segment (Cochran's Q)."""

    metric: str
    variant: str
    segment: str
    q: float | None
    """None where it is withheld, and so are both p."""
    dof: int
    p: float | None
    p_adjusted: float | None
    """Holm over primaries x treatments x segments: with it, equal effects seldom differ in any of them."""
    withheld: str | None = None
    """Why it may not be read yet; None where it may."""
    registered: bool = False
    """Whether it is as a plan that was sealed before the first exposure has it."""


@dataclass(frozen=True, slots=True)
class UnitCount:
    """Units of one variant."""

    variant: str
    weight: int | None
    """None where the weights are unknown."""
    exposed: int
    analysed: int


@dataclass(frozen=True, slots=True)
class Look:
    """The planned look that a readout counts as."""

    number: int
    """From 1; 0 before the first one."""
    planned: int
    at: datetime | None
    """Its moment; None before the first one."""
    following: datetime | None
    """The moment of the next look; None after the last."""


class Call(StrEnum):
    """What the default rule decides; the other decisions are not built yet."""

    ABANDON = "abandon"
    """Futile: no win may be expected any more."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the verdicts by the default rule."""

    value: Call
    says: str
    """The sentence that defends it."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a readout was made of."""

    plan_digest: str
    """`sha256:` of the plan in canonical JSON (RFC 8785)."""
    data: tuple[SourceFacts, ...]
    sql: tuple[Statement, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a sealed plan, and what had been seen when it was made."""

    number: int
    at: datetime
    by: str
    reason: str
    fields: tuple[str, ...]
    """Dotted paths of what it changed."""
    looks: int
    """How often somebody had looked."""
    effects: bool
    """Whether any look had shown an effect."""
    units: int | None
    """Units that were exposed then; None where nobody counted."""
    confirmatory: bool
    """Whether what it changed may still be confirmed: no effect had been seen."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The sealed plan that a readout is held to, and how far the readout keeps to it."""

    digest: str
    """`sha256:` of the sealed plan in force, with its amendments."""
    version: int
    amendment: int
    """0 as registered."""
    at: datetime
    """When this version was first sealed."""
    by: str
    late: str | None
    """Why it was sealed after units had been exposed; None: it was not."""
    exposures: int | None
    """How many had been exposed by then."""
    amendments: tuple[Amendment, ...]
    deviations: tuple[Deviation, ...]
    """Fields in which what was read is not what was sealed."""
    reach: Reach
    """What the deviations touch, and amendments that were made after effects had been seen."""
    recorded: bool
    """Whether this reading stands in the log as a look."""
    early: str | None = None
    """Why a plan for one reading was read before its end; None: it was not."""
    exposed_before: datetime | None = None
    """The first exposure in the data, where it was before the plan was sealed; else None."""

    @property
    def in_time(self) -> bool:
        """Whether it was sealed before the first unit was exposed, as far as log and data can tell."""
        return self.late is None and self.exposed_before is None

    @property
    def confirmatory(self) -> bool:
        """Whether the whole readout may confirm: sealed in time, and all as it was sealed."""
        return self.in_time and not self.reach


@dataclass(frozen=True, slots=True)
class Readout:
    """One look at an experiment: the doubts first, then the effects, each with interval and verdict."""

    plan: Plan
    registered: bool
    """Whether its plan was sealed before the first exposure, and nothing that touches all of it deviates."""
    made_at: datetime
    as_of: datetime | None
    first_exposure: datetime | None
    last_exposure: datetime | None
    units: tuple[UnitCount, ...]
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    heterogeneity: tuple[Heterogeneity, ...]
    limitations: tuple[str, ...]
    lineage: Lineage
    look: Look | None = None
    """Of a group-sequential plan; None elsewhere."""
    decision: Decision | None = None
    """None where the rule that is built decides nothing."""
    registration: Registration | None = None
    """None where no sealed plan is known."""
    post_hoc: tuple[str, ...] = ()
    """Sentences on what was read and not sealed so."""
