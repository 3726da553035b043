"""Units that are not like the population that the plan says they should represent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed, percent
from splitrun.measure.segments import OTHER
from splitrun.plan.representation.frame import represented, standardised
from splitrun.spec.power.baselines import FrameLevel

__all__ = ["unrepresentative"]

NOTABLE = 0.1
"""A standardised difference beyond it is notable (Austin 2009)."""
CHANCE = 4.0
"""Standard errors that a share may lie off by chance."""


def unrepresentative(evidence: Evidence) -> Finding | None:
    """Name levels of declared segments whose share among the units is notably not that of the population.

    What is compared: attributes of the declared frame that are the values of a segment, over all variants.
    """
    apart = tuple(unlike(evidence))
    if not apart:
        return None
    return Finding(
        code="unrepresentative",
        severity=Severity.WARN,
        says=f"units are not like the population: {listed(apart)}",
        next="claim effects for units like these, or find out what keeps the others away",
    )


def unlike(evidence: Evidence) -> Iterator[str]:
    """Every level that is."""
    found = represented(evidence.plan)
    if found is None:
        return
    for planned in evidence.plan.segments:
        name = planned.segment.values
        if name is None or name not in found.by:
            continue
        counts = evidence.measured.units(planned.key).sum(axis=0)
        there = dict(zip(evidence.measured.labels(planned.key), map(int, counts), strict=True))
        for level in found.by[name]:
            yield from told(name, level, there, found.units)


def told(name: str, level: FrameLevel, there: Mapping[str, int], population: int) -> Iterator[str]:
    """One level, where its share lies off by more than chance and notably; small levels are passed over."""
    units = sum(there.values())
    # what the readout shows as `other` may hold the level
    if level.levels > 1 or not units or (level.label not in there and OTHER in there):
        return
    here, whole = there.get(level.label, 0) / units, level.population / population
    gap = standardised(here, whole)
    if abs(here - whole) > CHANCE * sqrt(whole * (1 - whole) / units) and (gap is None or abs(gap) > NOTABLE):
        far = "" if gap is None else f" (standardised difference {gap:+.3f})"
        yield f"{name} = {level.label} is {percent(here, 1)} of them and {percent(whole, 1)} of it{far}"
