"""The split: were units lost on the way to one variant (sample ratio mismatch; Fabijan et al. 2019)."""

from __future__ import annotations

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.units.erased import by_variant
from splitrun.infer.split import chi_square
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan

__all__ = ["ALARM", "split", "triggered_split"]

ALARM = 0.001
"""Read once, at the readout: read daily for 28 days it would alarm in 0.94 % of healthy experiments."""


def split(evidence: Evidence) -> Finding | None:
    """Compare the units exposed to each variant with the weights of the plan."""
    gone = evidence.measured.erased
    seen = evidence.measured.exposed
    return judged("split", "exposed", evidence.plan, seen, None if gone is None else gone.all)


def triggered_split(evidence: Evidence) -> Finding | None:
    """Compare the units that met the trigger with the weights: the change must not move the trigger."""
    if evidence.plan.trigger is None:
        return None
    gone, exposed = evidence.measured.erased, evidence.measured.exposed
    seen = evidence.measured.units()[:, 0]
    # whether those who are gone had met it, nobody knows any more: as many of them as of the others
    missing = None if gone is None else np.rint(gone.all * seen / np.maximum(exposed, 1)).astype(np.int64)
    return judged("triggered_split", "triggered", evidence.plan, seen, missing)


def judged(code: str, which: str, plan: Plan, seen: IntArray, gone: IntArray | None = None) -> Finding | None:
    """Test counts of units, shape (variants,), against the weights; unknown weights cannot be tested.

    Who was erased or opted out was not lost on the way: the weights are tested with them.
    """
    if not plan.weights_known:
        return None
    keys = [variant.key for variant in plan.variants]
    weights = np.array([variant.weight for variant in plan.variants])
    there = seen if gone is None else seen + gone
    test = chi_square(there, weights)
    if test.unplanned:
        stray = int(np.argmax((weights == 0) * seen))
        return Finding(
            code=code,
            severity=Severity.STOP,
            says=f"{keys[stray]} has weight 0 and yet {seen[stray]:,} {which} units; none was due there",
            next="find out who sent units there, then correct the weights or the data",
        )
    if test.p >= ALARM:
        return explained(code, which, plan, seen, there)
    seen = there
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


def explained(code: str, which: str, plan: Plan, seen: IntArray, there: IntArray) -> Finding | None:
    """Say that a split fits only with the units that were erased or opted out; None where it fits without."""
    test = chi_square(seen, np.array([variant.weight for variant in plan.variants]))
    if test.p >= ALARM:
        return None
    return Finding(
        code=code,
        severity=Severity.WARN,
        says=(
            f"the split of {which} units is explained by those who were erased or opted out "
            f"({by_variant(plan, there - seen)}): with them it fits the weights, without them it does not "
            f"(chi-square test, p = {test.p:.1g})"
        ),
        next="ask why one variant's units asked for it more often; effects hold for the units that are left",
    )
