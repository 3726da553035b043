"""Who leaves: did units of one variant opt out or withdraw their consent more often than their shares say.

Differential attrition: units that left are in no reading from then on, so what drives them away in one
variant takes them out of its effect (What Works Clearinghouse, Standards Handbook 5.0, chapter II). The test
is that of the split (Fabijan et al. 2019).
"""

from __future__ import annotations

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.units.erased import by_variant
from splitrun.infer.split import chi_square
from splitrun.moments import IntArray

__all__ = ["ALARM", "FEW", "leaving"]

ALARM = 0.001
"""As for the split; read once, at the readout."""
FEW = 5
"""Where fewer are due the chi-square distribution is no guide (Cochran 1954); nothing is tested."""


def leaving(evidence: Evidence) -> Finding | None:
    """Compare who opted out, and who withdrew, with the shares of the variants."""
    gone, withdrew = evidence.measured.erased, evidence.withdrew
    out = None if gone is None or not gone.left_out.any() else gone.left_out
    told: list[tuple[str, float | None]] = []
    if out is not None and (p := tested(evidence, out)) is not None:  # fewer are told with the erased
        told.append((told_of(evidence, "opted out", out), p))
    if withdrew is not None and withdrew.any():
        told.append((told_of(evidence, "withdrew consent", withdrew), tested(evidence, withdrew)))
    if not told:
        return None
    alarm = any(p is not None and p < ALARM for _, p in told)
    tests = [", too few to test" if p is None else f" (chi-square, p = {p:.2g})" for _, p in told]
    says = "; ".join(one + test for (one, _), test in zip(told, tests, strict=True))
    return Finding(
        code="leaving",
        severity=Severity.WARN if alarm else Severity.NOTE,
        says=f"after exposure {says}" + (": one variant drives units away" if alarm else ""),
        next=(
            "ask what in that variant makes units leave; effects hold for the units that are left"
            if alarm
            else "nothing; tested against the shares of the variants"
        ),
    )


def told_of(evidence: Evidence, way: str, units: IntArray) -> str:
    """Write who left one way."""
    return f"{int(units.sum()):,} {way} ({by_variant(evidence.plan, units)})"


def tested(evidence: Evidence, units: IntArray) -> float | None:
    """Test counts, shape (variants,), against the shares; None where too few were due."""
    plan, exposed = evidence.plan, evidence.measured.exposed
    weights = np.array([one.weight for one in plan.variants]) if plan.weights_known else exposed + units
    test = chi_square(units, weights)
    due = test.expected[np.asarray(weights) > 0]
    return None if due.size == 0 or due.min() < FEW else test.p
