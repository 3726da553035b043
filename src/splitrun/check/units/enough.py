"""Too few units for the normal approximation that every interval rests on."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.times.looks import blinded
from splitrun.check.words import counted, listed

__all__ = ["CONVERSIONS", "UNITS", "too_few_units"]

UNITS = 50
CONVERSIONS = 5
"""Below 50 units or 5 conversions per variant numbers are withheld elsewhere (Flagsmith); here doubted."""


def too_few_units(evidence: Evidence) -> Finding | None:
    """Name variants and metrics with fewer than 50 units, or fewer than 5 with or without the outcome.

    How many have the outcome is told once effects may be shown.
    """
    scarce = tuple(few(evidence))
    if not scarce:
        return None
    return Finding(
        code="too_few_units",
        severity=Severity.WARN,
        says=f"too few to trust an interval: {listed(scarce)}",
        next=f"wait for at least {UNITS} units and {CONVERSIONS} conversions per variant",
    )


def few(evidence: Evidence) -> Iterator[str]:
    """Every variant, or metric in a variant, that is scarce; empty ones are another check's."""
    variants = [variant.key for variant in evidence.plan.variants]
    scarce, hidden = set(), blinded(evidence)
    for variant, units in zip(variants, evidence.measured.units()[:, 0], strict=True):
        if 0 < units < UNITS:
            scarce.add(variant)
            yield f"{variant} has {counted(int(units), 'unit')}"
    for planned in evidence.plan.metrics:
        _, parts = evidence.measured.by_variant(planned.key)
        for variant, part in zip(variants, parts, strict=True):
            units = int(part.n[0])
            if units == 0 or variant in scarce:
                continue
            if units < UNITS:
                yield f"{planned.key} has {counted(units, 'unit')} in {variant}"
            elif planned.metric.kind in {"share", "retention"} and not hidden:
                yield from rare(planned.key, variant, units, round(float(part.mean[0, 0]) * units))


def rare(metric: str, variant: str, units: int, conversions: int) -> Iterator[str]:
    """Say that too few units of a variant have the outcome, or lack it; none at all is `zero_spread`."""
    if 0 < conversions < CONVERSIONS:
        yield f"{metric} has {counted(conversions, 'conversion')} among {units:,} units of {variant}"
    elif 0 < units - conversions < CONVERSIONS:
        yield f"{metric} lacks only {units - conversions:,} among {units:,} units of {variant}"
