"""Unknown weights: units were randomised elsewhere, in shares that nobody wrote down."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity

__all__ = ["weights_unknown"]


def weights_unknown(evidence: Evidence) -> Finding | None:
    """Say that the split could not be tested."""
    if evidence.plan.weights_known:
        return None
    counts = zip(evidence.plan.variants, evidence.measured.exposed, strict=True)
    seen = ", ".join(f"{variant.key} {count:,}" for variant, count in counts)
    return Finding(
        code="weights_unknown",
        severity=Severity.NOTE,
        says=f"the weights are unknown, so no split test was possible; units seen: {seen}",
        next="write the weights that were used for randomisation, if anybody knows them",
    )
