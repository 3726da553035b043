"""The methods that a plan is judged by, each with its version; whoever changes what one answers counts it on.

A version is counted on where any number, verdict or finding of the method may come out differently on the
same data: tests/conduct/reading/answers.json holds what each version answers. A plan carries the versions it
was sealed with, and a readout made with another says so and is exploratory.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.spec.analysis import Method
from splitrun.spec.metric import Mean, Metric, Quantile, Ratio
from splitrun.spec.plan import Plan

__all__ = ["METHODS", "methods"]

METHODS: dict[str, str] = {
    "adjustment": "1",  # infer/adjustment, infer/clusters_adjusted: covariates and strata
    "always_valid": "1",  # infer/looks/always: confidence sequences
    "caps": "1",  # measure/outcomes/caps: the most that one unit counts for
    "checks": "1",  # check: what stops a readout or warns of it
    "clusters": "1",  # infer/clusters: effects where clusters are randomised
    "futility": "1",  # infer/looks/futility: when going on is futile
    "group_sequential": "1",  # infer/looks/spending, boundaries, repeated: alpha spent over looks
    "heterogeneity": "1",  # infer/heterogeneity: whether effects differ between levels
    "hybrid": "1",  # infer/looks/always: the parts of alpha on the way and at the end
    "means": "1",  # infer/means, infer/contrast: differences and lifts of means and shares
    "measurement": "1",  # measure: which rows count for which unit, and from when
    "multiplicity": "1",  # infer/multiplicity, judge/error_rates: how comparisons share alpha
    "quantiles": "1",  # infer/quantiles: effects on quantiles
    "ratios": "1",  # infer/ratios: effects on ratios of totals
    "verdicts": "1",  # judge/rule, judge/ahead: from interval, MEI and margin to verdict and decision
}
"""Versions by name; each line says where the method stands."""


def methods(plan: Plan) -> dict[str, str]:
    """The methods that a plan will be judged by, with the versions that this Splitrun has of them."""
    return {name: METHODS[name] for name in sorted(set(used(plan)))}


def used(plan: Plan) -> Iterator[str]:
    """The names of the methods that a plan needs."""
    yield from ("checks", "measurement", "multiplicity", "verdicts")
    for planned in plan.metrics:
        yield from estimators(planned.metric)
    if plan.exposures is not None and plan.exposures.cluster is not None:
        yield "clusters"
    if plan.analysis.adjust is not None:
        yield "adjustment"
    if plan.analysis.futility:
        yield "futility"
    if plan.segments:
        yield "heterogeneity"
    yield from promises(plan)


def promises(plan: Plan) -> Iterator[str]:
    """The methods behind the promise of the intervals; harm of guardrails is watched at any time."""
    match plan.analysis.method:
        case Method.GROUP_SEQUENTIAL:
            yield "group_sequential"
        case Method.SEQUENTIAL:
            yield "always_valid"
        case Method.HYBRID:
            yield from ("always_valid", "hybrid")
        case Method.FIXED:
            pass
    if any(planned.guardrail is not None for planned in plan.metrics):
        yield "always_valid"


def estimators(metric: Metric) -> Iterator[str]:
    """What estimates a metric's effect."""
    match metric:
        case Ratio(over=over, under=under):
            yield "ratios"
            if over.cap is not None or under.cap is not None:
                yield "caps"
        case Quantile():
            yield "quantiles"
        case Mean(cap=cap) if cap is not None:
            yield from ("caps", "means")
        case _:
            yield "means"
