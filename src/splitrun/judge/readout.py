"""The readout: one reading of an experiment's effects, with its doubts and where everything came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from splitrun.check.evidence import Finding
from splitrun.infer.estimate import Estimate, Unknown
from splitrun.measure.measured import SourceFacts, Statement
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = [
    "Arm",
    "Comparison",
    "GuardrailOutcome",
    "Heterogeneity",
    "Lineage",
    "Readout",
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

    units: int
    """Units that count: matured, with a known outcome."""
    exposed: int
    """Units of this variant and segment level, matured or not."""
    mean: float | None
    """The metric's level; None where there is none."""


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
    """Holm over primaries x treatments; None elsewhere."""
    verdict: Verdict
    guardrail: GuardrailOutcome | None
    says: str
    """The sentence that defends the verdict."""
    registered: bool


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Whether a treatment's effect on a metric differs between the levels of a segment (Cochran's Q)."""

    metric: str
    variant: str
    segment: str
    q: float
    dof: int
    p: float
    p_adjusted: float
    """Holm over primaries x treatments x segments: with it, equal effects seldom differ in any of them."""


@dataclass(frozen=True, slots=True)
class UnitCount:
    """Units of one variant."""

    variant: str
    weight: int | None
    """None where the weights are unknown."""
    exposed: int
    analysed: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a readout was made of."""

    plan_digest: str
    """`sha256:` of the plan in canonical JSON (RFC 8785)."""
    data: tuple[SourceFacts, ...]
    sql: tuple[Statement, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """One look at an experiment: the doubts first, then the effects, each with interval and verdict."""

    plan: Plan
    registered: bool
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
