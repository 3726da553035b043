"""Labels in the variant column that name no variant of the plan."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed

__all__ = ["no_variant", "unknown_variant"]


def unknown_variant(evidence: Evidence) -> Finding | None:
    """Name labels that the plan does not know; their rows were left out."""
    unknown = evidence.measured.dirt.unknown_variants
    if not unknown:
        return None
    rows = sum(count for _, count in unknown)
    labels = listed(f"{label!r} ({counted(count, 'row')})" for label, count in unknown)
    planned = ", ".join(variant.key for variant in evidence.plan.variants)
    return Finding(
        code="unknown_variant",
        severity=Severity.WARN,
        says=(
            f"{counted(rows, 'exposure row')} of {max(rows, evidence.measured.dirt.exposure_rows):,} with a "
            f"variant that is not in the plan ({planned}) left out: {labels}"
        ),
        next="map these labels in `exposures.variants`, or leave them if they are another experiment's",
    )


def no_variant(evidence: Evidence) -> Finding | None:
    """Count rows whose variant is null; they were left out."""
    rows = evidence.measured.dirt.no_variant
    if not rows:
        return None
    return Finding(
        code="no_variant",
        severity=Severity.NOTE,
        says=f"{counted(rows, 'exposure row')} without a variant (null) left out",
        next="check that the rows without a variant are units that were never enrolled",
    )
