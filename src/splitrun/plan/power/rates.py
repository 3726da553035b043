"""The plan's alpha, shared out before anything is seen; what is read is held to the same rates."""

from __future__ import annotations

from splitrun.infer.multiplicity import shares
from splitrun.spec.analysis import Multiplicity
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = ["GUARDRAIL", "error_rates"]

GUARDRAIL = 0.025
"""One-sided and never corrected: that every guardrail must hold makes shipping harder, not easier."""


def error_rates(plan: Plan) -> dict[str, float]:
    """Error rate of one comparison over all units before any is seen, by metric key.

    Primaries share alpha by weight over primaries x treatments (weighted Bonferroni) unless the plan says
    `none`; secondary and diagnostic metrics have alpha each.
    """
    primaries = [planned for planned in plan.metrics if planned.role is Role.PRIMARY]
    rates = {
        planned.key: GUARDRAIL if planned.role is Role.GUARDRAIL else plan.analysis.alpha
        for planned in plan.metrics
    }
    if plan.analysis.multiplicity is not Multiplicity.NONE and primaries and plan.treatments:
        weights = tuple(planned.weight for planned in primaries)
        parts = shares(plan.analysis.alpha, weights, len(plan.treatments))
        rates |= {planned.key: part for planned, part in zip(primaries, parts, strict=True)}
    return rates
