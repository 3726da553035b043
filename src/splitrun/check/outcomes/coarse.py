"""Quantiles that were read from a histogram, and how far off they may be."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed

__all__ = ["coarse_quantile"]


def coarse_quantile(evidence: Evidence) -> Finding | None:
    """Name quantiles that are not exact, because the engine has none."""
    coarse = tuple(off(evidence))
    if not coarse:
        return None
    return Finding(
        code="coarse_quantile",
        severity=Severity.NOTE,
        says=f"quantiles were read from a histogram, and may be off by at most so much: {listed(coarse)}",
        next="compare the effect with that; an engine with `quantile_disc` reads them exactly",
    )


def off(evidence: Evidence) -> Iterator[str]:
    """Every quantile and variant that may be off, over all units."""
    for (key, segment), quantiles in evidence.measured.quantiles.items():
        if segment is not None or quantiles.off is None:
            continue
        for variant, value, most in zip(
            evidence.plan.variants, quantiles.value[:, 0], quantiles.off[:, 0], strict=True
        ):
            if most > 0:
                yield f"{key} of {value:.4g} in {variant.key} by {most:.2g}"
