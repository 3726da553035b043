"""Metrics so skewed, under variants so uneven, that the effect is far from normal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.outcomes.alike import asymmetry_over_clusters
from splitrun.check.words import listed
from splitrun.infer.looks.always import MOST_ASYMMETRY, MOST_ASYMMETRY_ONE_SIDED, asymmetry
from splitrun.infer.means import skewness
from splitrun.infer.ratios import ratio_skewness
from splitrun.measure.measured import Measured
from splitrun.spec.analysis import Method
from splitrun.spec.model import Role
from splitrun.spec.plan import PlannedMetric

__all__ = ["skewed"]


def skewed(evidence: Evidence) -> Finding | None:
    """Name metrics and treatments whose effect has a skewness beyond 0.1, or 0.05 for a guardrail.

    Always-valid intervals withhold their verdict there; others are told to be read with care.
    """
    if evidence.plan.analysis.method is Method.SEQUENTIAL:
        return None
    found = tuple(beyond(evidence))
    if not found:
        return None
    return Finding(
        code="skewed",
        severity=Severity.WARN,
        says=(
            f"values are so skewed, and variants so uneven, that the effect is no longer near normal "
            f"({listed(found)}): its interval misses on one side more often than it says"
        ),
        next="cap the metric, wait for more units, or reduce coverage instead of a variant's weight",
    )


def beyond(evidence: Evidence) -> Iterator[str]:
    """Every effect whose skewness, with the units of now, is known and beyond its limit."""
    for planned in evidence.plan.metrics:
        if planned.metric.kind == "quantile":
            continue
        for index, variant in enumerate(evidence.plan.treatments, start=1):
            g = lean(evidence.measured, planned, index)
            if np.isfinite(g) and abs(g) > most(planned):
                yield f"{planned.key} of {variant}: {g:+.2g}"


def lean(measured: Measured, planned: PlannedMetric, index: int) -> float:
    """The skewness of a treatment's effect, over clusters where these are counted."""
    code = measured.cells.variant.code
    found = asymmetry_over_clusters(measured, planned, index, (np.zeros_like(code), 1))
    if found is not None and measured.clusters is not None:
        # few clusters look skewed by chance: only what two standard errors of a skewness do not explain
        chance = 2 * np.sqrt(6) / max(1, len(np.unique(measured.clusters.code)))
        return float(np.sign(found[0]) * np.maximum(np.abs(found[0]) - chance, 0.0))
    _, parts = measured.by_variant(planned.key)
    skew = ratio_skewness if planned.metric.kind == "ratio" else skewness
    return float(asymmetry(skew(parts[0], parts[index]), parts[0].n, parts[index].n)[0])


def most(planned: PlannedMetric) -> float:
    """The largest skewness that leaves the error of an interval what it says: less where it has one end."""
    return MOST_ASYMMETRY_ONE_SIDED if planned.role is Role.GUARDRAIL else MOST_ASYMMETRY
