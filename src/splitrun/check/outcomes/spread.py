"""Metrics whose value is the same for every unit of a variant."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.times.looks import blinded
from splitrun.check.words import listed

__all__ = ["zero_spread"]


def zero_spread(evidence: Evidence) -> Finding | None:
    """Name metrics without spread in some variant; without spread in both there is no interval.

    As long as no effect may be shown, only what holds for all variants alike is told.
    """
    constant = tuple(flat(evidence))
    if not constant:
        return None
    return Finding(
        code="zero_spread",
        severity=Severity.WARN,
        says=f"every unit has the same value ({listed(constant)})",
        next="check that the metric's condition and value find its rows",
    )


def flat(evidence: Evidence) -> Iterator[str]:
    """Every metric and variant of two units or more in which nothing varies."""
    hidden = blinded(evidence)
    for planned in evidence.plan.metrics:
        if planned.metric.kind == "quantile":
            continue  # its moments count values up to it, and not the values
        _, parts = evidence.measured.by_variant(planned.key)
        own = parts[0].mean.shape[1] - len(evidence.measured.columns[planned.key].covariates)
        flats = [part.n[0] >= 2 and not part.m2[0, :own, :own].any() for part in parts]
        if hidden:
            if all(flats) and len({float(part.mean[0, 0]) for part in parts}) == 1:
                units = sum(float(part.n[0]) for part in parts)
                yield f"{planned.key} is {parts[0].mean[0, 0]:g} for all {units:,.0f} units"
            continue
        for variant, part, still in zip(evidence.plan.variants, parts, flats, strict=True):
            if still:
                yield f"{planned.key} is {part.mean[0, 0]:g} for all {part.n[0]:,.0f} units of {variant.key}"
