"""Metrics so skewed, under variants so uneven, that the effect is far from normal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed
from splitrun.infer.looks.always import MOST_ASYMMETRY, asymmetry
from splitrun.infer.means import skewness
from splitrun.spec.analysis import Method

__all__ = ["skewed"]


def skewed(evidence: Evidence) -> Finding | None:
    """Name metrics and treatments whose effect has a skewness beyond 0.1.

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
    """Every effect whose skewness is known and beyond the limit."""
    for planned in evidence.plan.metrics:
        if planned.metric.kind == "quantile":
            continue
        _, (control, *others) = evidence.measured.by_variant(planned.key)
        for variant, treatment in zip(evidence.plan.treatments, others, strict=True):
            g = asymmetry(skewness(control, treatment), control.n, treatment.n)[0]
            if np.isfinite(g) and abs(g) > MOST_ASYMMETRY:
                yield f"{planned.key} of {variant}: {g:+.2g}"
