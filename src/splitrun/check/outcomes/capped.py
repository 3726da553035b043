"""Caps that were taken from the experiment's own values."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed, percent
from splitrun.measure.measured import CapOrigin

__all__ = ["cap_from_experiment"]

LARGEST = 1e308
"""A cap beyond it is none: nothing was there to take a quantile of."""


def cap_from_experiment(evidence: Evidence) -> Finding | None:
    """Note which caps are quantiles over all variants, because there was nothing before exposure."""
    found = tuple(caps(evidence))
    if not found:
        return None
    return Finding(
        code="cap_from_experiment",
        severity=Severity.NOTE,
        says=f"without values from before exposure, caps are quantiles over all variants ({listed(found)})",
        next="compare the effect without the cap; write the cap as a number to know it beforehand",
    )


def caps(evidence: Evidence) -> Iterator[str]:
    """Every such cap, with the units that it cut and those whose value is 0."""
    for planned in evidence.plan.metrics:
        column = evidence.measured.columns[planned.key]
        capping = column.capping
        if capping is None or capping.origin is not CapOrigin.EXPERIMENT or min(capping.at) > LARGEST:
            continue
        units = max(1.0, float(column.moments.n.sum()))
        cut, ends = (
            int(capping.capped.sum()),
            " and ".join(f"{end:.6g}" for end in capping.at if end < LARGEST),
        )
        zeros = "" if column.zeros is None else f", {percent(int(column.zeros.sum()), units)} zero"
        yield f"{planned.key} at {ends}: {cut:,} units capped ({percent(cut, units)}){zeros}"
