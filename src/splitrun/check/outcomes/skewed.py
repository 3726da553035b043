"""Metrics so skewed, under variants so uneven, that the effect is far from normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.outcomes.totals import cluster_totals
from splitrun.check.words import listed
from splitrun.infer.looks.always import MOST_ASYMMETRY, MOST_ASYMMETRY_ONE_SIDED, asymmetry
from splitrun.infer.means import skewness
from splitrun.infer.ratios import ratio_skewness
from splitrun.measure.measured import Measured
from splitrun.moments import FloatArray, Moments
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
        (control, *others), skew = spread_over(evidence.measured, planned)
        for variant, treatment in zip(evidence.plan.treatments, others, strict=True):
            g = asymmetry(skew(control, treatment), control.n, treatment.n)[0]
            if np.isfinite(g) and abs(g) > most(planned):
                yield f"{planned.key} of {variant}: {g:+.2g}"


def spread_over(
    measured: Measured, planned: PlannedMetric
) -> tuple[tuple[Moments, ...], Callable[[Moments, Moments], FloatArray]]:
    """A metric over what is independent, by variant, and how its skewness is read."""
    variant, count = measured.cells.variant.code, len(measured.cells.variant.labels)
    totals = cluster_totals(measured, planned, variant, count)
    if totals is not None:
        return tuple(totals.at(np.array([index])) for index in range(count)), ratio_skewness
    _, parts = measured.by_variant(planned.key)
    return parts, ratio_skewness if planned.metric.kind == "ratio" else skewness


def most(planned: PlannedMetric) -> float:
    """The largest skewness that leaves the error of an interval what it says: less where it has one end."""
    return MOST_ASYMMETRY_ONE_SIDED if planned.role is Role.GUARDRAIL else MOST_ASYMMETRY
