"""A planned variant without units."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity

__all__ = ["empty_variant"]


def empty_variant(evidence: Evidence) -> Finding | None:
    """Name the variants that should have units and have none; a variant of weight zero may be empty."""
    plan, seen = evidence.plan, evidence.measured.units()[:, 0]
    due = [variant.weight > 0 or not plan.weights_known for variant in plan.variants]
    empty = [
        variant.key
        for variant, count, some in zip(plan.variants, seen, due, strict=True)
        if some and not count
    ]
    if not empty:
        return None
    named = ", ".join(empty)
    return Finding(
        code="empty_variant",
        severity=Severity.STOP,
        says=f"no unit of {named} is left to analyse, out of {seen.sum():,} units in all variants",
        next="compare the labels in the variant column with the plan's variants and the `variants:` mapping",
    )
