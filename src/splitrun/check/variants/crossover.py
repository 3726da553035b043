"""Crossover: units that were seen in two or more variants.

The bands are those in use elsewhere (0.1, 1 and 10 %: Statsig, for assignment made by others; 0.1 % under an
uneven split: PostHog). Analysed as first exposed, crossovers dilute an effect and do not bias it. Left out,
they bias it under uneven weights: with 10 % in treatment and 5 % of people with two ids, heavy users three
times as often, the lift under the null was simulated at -7.3 %.
"""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, percent

__all__ = ["crossover"]

FEW, SOME, MANY = 0.001, 0.01, 0.1


def crossover(evidence: Evidence) -> Finding | None:
    """Count the units seen in several variants and weigh how far they can be trusted."""
    dirt = evidence.measured.dirt
    if not dirt.crossover_units:
        return None
    left_out = dirt.crossover_units if dirt.crossovers_left_out else 0
    units = max(int(evidence.measured.exposed.sum()) + left_out, dirt.crossover_units)
    treated = "left out, because without a time nobody can say which came first"
    if not dirt.crossovers_left_out:
        treated = "analysed in the variant they met first, which dilutes the effect"
    linked = dirt.logged.get("linked", 0)
    if linked:
        treated += f"; {counted(linked, 'unit')} of them only because linked ids were joined"
    return Finding(
        code="crossover",
        severity=weight(dirt.crossover_units / units, evidence),
        says=(
            f"{counted(dirt.crossover_units, 'unit')} of {units:,} ({percent(dirt.crossover_units, units)}) "
            f"seen in two or more variants, {treated}"
        ),
        next="look for identities that change (sign-in, shared devices) or an assignment that is not sticky",
    )


def weight(share: float, evidence: Evidence) -> Severity:
    """How much a share of crossover units weighs."""
    if not evidence.measured.dirt.crossovers_left_out:
        bands = (FEW, MANY)
    else:
        bands = (0.0, SOME if even(evidence) else FEW)
    if share > bands[1]:
        return Severity.STOP
    return Severity.WARN if share > bands[0] else Severity.NOTE


def even(evidence: Evidence) -> bool:
    """Whether every variant is known to have the same weight."""
    return evidence.plan.weights_known and len({variant.weight for variant in evidence.plan.variants}) == 1
