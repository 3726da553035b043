"""The split: were units lost on the way to one variant (sample ratio mismatch; Fabijan et al. 2019)."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.infer.split import chi_square
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan

__all__ = ["ALARM", "split", "triggered_split"]

ALARM = 0.001
"""Read once, at the readout: read daily for 28 days it would alarm in 0.94 % of healthy experiments."""


def split(evidence: Evidence) -> Finding | None:
    """Compare the units exposed to each variant with the weights of the plan."""
    return judged("split", "exposed", evidence.plan, evidence.measured.exposed)


def triggered_split(evidence: Evidence) -> Finding | None:
    """Compare the units that met the trigger with the weights: the change must not move the trigger."""
    if evidence.plan.trigger is None:
        return None
    return judged("triggered_split", "triggered", evidence.plan, evidence.measured.units()[:, 0])


def judged(code: str, which: str, plan: Plan, seen: IntArray) -> Finding | None:
    """Test counts of units, shape (variants,), against the weights; unknown weights cannot be tested."""
    if not plan.weights_known or not seen.sum():
        return None
    weights = [variant.weight for variant in plan.variants]
    stray = [index for index, weight in enumerate(weights) if weight == 0 and seen[index] > 0]
    if stray:
        return Finding(
            code=code,
            severity=Severity.STOP,
            says=(
                f"{plan.variants[stray[0]].key} has weight 0 and yet {seen[stray[0]]:,} {which} units; "
                "no unit was due there"
            ),
            next="find out who sent units there, then correct the weights or the data",
        )
    p = chi_square([int(count) for count in seen], weights)
    if p >= ALARM:
        return None
    due = [weight / sum(weights) * int(seen.sum()) for weight in weights]
    worst = max(
        range(len(due)),
        key=lambda index: abs(seen[index] - due[index]) / due[index] ** 0.5 if due[index] else 0,
    )
    return Finding(
        code=code,
        severity=Severity.STOP,
        says=(
            f"{plan.variants[worst].key} has {seen[worst]:,} {which} units where {due[worst]:,.0f} were due "
            f"(chi-square test of the weights, p = {p:.1g})"
        ),
        next="look for lost events, a redirect or a filter that hits one variant before reading any metric",
    )
