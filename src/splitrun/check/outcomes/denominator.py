"""Denominators that the change moves: a ratio then speaks of other things than before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed
from splitrun.infer.clusters import crossed
from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Points
from splitrun.infer.means import means
from splitrun.measure.measured import Measured
from splitrun.moments import FloatArray, Moments
from splitrun.spec.metric import Metric, Per, Quantile, Ratio

__all__ = ["ALARM", "DENOMINATOR", "NUMERATOR", "chance", "counted_over", "denominator_moved", "sides"]

ALARM = 0.01
NUMERATOR, DENOMINATOR = 0, 1
"""Columns of what a ratio is made of."""


def denominator_moved(evidence: Evidence) -> Finding | None:
    """Compare what ratios and quantiles of events are counted over (p < 0.01)."""
    moved = tuple(moving(evidence))
    if not moved:
        return None
    return Finding(
        code="denominator_moved",
        severity=Severity.WARN,
        says=(
            f"the change moves what these metrics are counted over ({listed(moved)}): the ratio compares "
            "different sets (survivorship) and may move although nothing got better"
        ),
        next="read numerator and denominator apart, and judge by one of them per unit",
    )


def moving(evidence: Evidence) -> Iterator[str]:
    """Every metric and treatment whose denominator per unit differs from control's."""
    for planned in evidence.plan.metrics:
        if not counted_over(planned.metric):
            continue
        for index, variant in enumerate(evidence.plan.treatments, start=1):
            control, treatment = sides(evidence.measured, planned.key, index, DENOMINATOR)
            p = chance(control, treatment)
            if p < ALARM:
                yield (
                    f"{planned.key} of {variant}: {control.value[0]:.4g} to {treatment.value[0]:.4g} "
                    f"per unit, p = {p:.1g}"
                )


def chance(control: Points, treatment: Points) -> float:
    """Give p of the null that a treatment leaves the denominator per unit alone."""
    return float(difference(control, treatment, level=0.95).p[0])


def counted_over(metric: Metric) -> bool:
    """Whether a metric is counted over something that units have more or less of."""
    match metric:
        case Ratio():
            return True
        case Quantile(per=per):
            return per is Per.EVENT
        case _:
            return False


def sides(measured: Measured, metric: str, treatment: int, column: int) -> tuple[Points, Points]:
    """One column per unit in control and in a treatment; over clusters where units are alike in them."""
    clusters = measured.clusters
    if clusters is None or metric not in clusters.sums:
        _, parts = measured.by_variant(metric)
        return means(one(parts[0], column)), means(one(parts[treatment], column))
    sums, variant = clusters.sums[metric], measured.cells.variant.code[clusters.cell]
    units = np.stack([added(clusters.code, sums.units, variant == of) for of in (0, treatment)], axis=1)
    totals = np.stack(
        [added(clusters.code, sums.totals[:, column], variant == of) for of in (0, treatment)], axis=1
    )
    held = units.sum(axis=1) > 0
    return crossed(units[None, held], totals[None, held])


def added(
    code: np.typing.NDArray[np.int64], values: FloatArray, mine: np.typing.NDArray[np.bool_]
) -> FloatArray:
    """Add up the rows of one variant by cluster, shape (clusters,)."""
    return np.bincount(code, weights=np.where(mine, values, 0.0)).astype(np.float64)


def one(moments: Moments, column: int) -> Moments:
    """One column alone."""
    mine = slice(column, column + 1)
    return Moments(n=moments.n, mean=moments.mean[:, mine], m2=moments.m2[:, mine, mine])
