"""The split: were units lost on the way to one variant (sample ratio mismatch; Fabijan et al. 2019)."""

from __future__ import annotations

import numpy as np

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
    if not plan.weights_known:
        return None
    keys = [variant.key for variant in plan.variants]
    weights = np.array([variant.weight for variant in plan.variants])
    test = chi_square(seen, weights)
    if test.unplanned:
        stray = int(np.argmax((weights == 0) * seen))
        return Finding(
            code=code,
            severity=Severity.STOP,
            says=f"{keys[stray]} has weight 0 and yet {seen[stray]:,} {which} units; none was due there",
            next="find out who sent units there, then correct the weights or the data",
        )
    if test.p >= ALARM:
        return None
    away = np.abs(seen - test.expected) / np.sqrt(np.maximum(test.expected, 1))
    worst = int(np.argmax(away))
    return Finding(
        code=code,
        severity=Severity.STOP,
        says=(
            f"{keys[worst]} has {seen[worst]:,} {which} units where {test.expected[worst]:,.0f} were due "
            f"(chi-square test of the weights, p = {test.p:.1g})"
        ),
        next="look for lost events, a redirect or a filter that hits one variant before reading any metric",
    )
