"""A metric's levels in control and a treatment, made to be compared: adjusted, over clusters, or plain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.adjustment import adjusted, stratified
from splitrun.infer.contrast import variance
from splitrun.infer.estimate import Points
from splitrun.infer.means import means, skewness
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.infer.ratios import ratios
from splitrun.judge.levels.clustered import clustered
from splitrun.judge.levels.cuts import Cut, crossing, gathered
from splitrun.measure.measured import Column
from splitrun.moments import FloatArray, Moments
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["Adjustment", "Pair", "Spread", "pairs", "uncapped"]


@dataclass(frozen=True, slots=True, eq=False)
class Adjustment:
    """What adjustment did to a pair; arrays have shape (levels,)."""

    covariates: tuple[str, ...]
    reduction: FloatArray
    """Part of the variance that it took away."""
    used: FloatArray
    """Covariates that say something of their own; 0 where a level keeps its own means."""
    before: tuple[Points, Points]
    """The levels without it."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How far a pair's estimate can be from normal; conversions have shape (2, levels), skew (levels,)."""

    conversions: FloatArray
    """Units with a value other than 0."""
    skew: FloatArray
    """Skewness of the values; NaN where nobody measured it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A metric's levels in control and one treatment, over all units or the levels of a segment."""

    control: Points
    treatment: Points
    units: FloatArray
    """Units that count, shape (2, levels)."""
    spread: Spread
    adjustment: Adjustment | None = None
    clusters: FloatArray | None = None
    """Clusters with units, shape (2, levels)."""
    design_effect: FloatArray | None = None
    """How many times the variance is that of as many units on their own, shape (levels,)."""

    @property
    def total(self) -> FloatArray:
        """Units of both variants, shape (levels,)."""
        return np.asarray(self.units.sum(axis=0))


def pairs(plan: Plan, planned: PlannedMetric, cut: Cut) -> Iterator[Pair]:
    """Every treatment's pair with control, in the plan's order."""
    column, clusters = cut.measured.columns[planned.key], cut.measured.clusters
    by_variant = gathered(column.moments, cut)
    for index in range(1, len(by_variant)):
        both = (0, index)
        shown = [by_variant[variant] for variant in both]
        plain = Pair(
            control=unadjusted(planned, own(shown[0], column)),
            treatment=unadjusted(planned, own(shown[1], column)),
            units=np.stack([each.n for each in shown]),
            spread=spread_of(planned, column, shown, both),
        )
        match planned.metric:
            case Quantile(at=at):
                yield quantiles(planned, at, plain, (cut, index))
            case _ if clusters is not None and planned.key in clusters.sums:
                yield over_clusters(plain, planned, cut, index)
            case _:
                yield adjusting(plan, column, plain, (cut, index))


def unadjusted(planned: PlannedMetric, moments: Moments) -> Points:
    """A metric's level from the moments of its own columns."""
    return ratios(moments) if planned.metric.kind == "ratio" else means(moments)


def own(moments: Moments, column: Column) -> Moments:
    """The columns of the outcome, without the covariates."""
    width = moments.mean.shape[1] - len(column.covariates)
    return replace(moments, mean=moments.mean[:, :width], m2=moments.m2[:, :width, :width])


def spread_of(planned: PlannedMetric, column: Column, shown: list[Moments], both: tuple[int, int]) -> Spread:
    """Conversions and skewness; zeros are counted per variant, so levels of a segment get their part."""
    skew = skewness(*shown)
    conversions = np.stack([each.n for each in shown])
    if planned.metric.kind in {"quantile", "ratio"}:
        # what must be normal there is a share, or a residual: nobody measures its skewness
        return Spread(conversions, np.zeros_like(skew))
    if planned.metric.kind in {"share", "retention"}:
        conversions = np.stack([np.rint(each.n * each.mean[:, 0]) for each in shown])
    elif column.zeros is not None:
        totals = np.array([max(1.0, float(each.n.sum())) for each in shown])
        conversions = conversions * (1 - column.zeros[list(both)] / totals)[:, None]
    return Spread(conversions, skew)


def quantiles(planned: PlannedMetric, at: float, plain: Pair, place: tuple[Cut, int]) -> Pair:
    """The pair of a quantile metric: Woodruff's bounds, read from the values by measurement."""
    cut, index = place
    found = cut.quantiles[planned.key, cut.segment]
    sides = []
    for variant in (0, index):
        inside = found.inside[variant]
        sides.append(
            quantile_points(
                found.value[variant], found.low[variant], found.high[variant], probabilities(inside, at)
            )
        )
    return replace(plain, control=sides[0], treatment=sides[1])


def over_clusters(plain: Pair, planned: PlannedMetric, cut: Cut, index: int) -> Pair:
    """The pair with clusters and not units as what is independent."""
    control, treatment = clustered(planned, cut, index)
    with np.errstate(all="ignore"):
        before = variance(plain.control, plain.treatment, 1.0)
        design = variance(control, treatment, 1.0) / before
    return replace(
        plain,
        control=control,
        treatment=treatment,
        clusters=np.stack([control.n, treatment.n]),
        design_effect=np.where(np.isfinite(design) & (before > 0), design, np.nan),
    )


def adjusting(plan: Plan, column: Column, plain: Pair, place: tuple[Cut, int]) -> Pair:
    """The pair with the noise taken away that was known before exposure."""
    rules = plan.analysis.adjust
    if rules is None or not (column.covariates or rules.strata):
        return plain
    cut, index = place
    sides = gathered(column.moments, cut)
    control, treatment, count = sides[0], sides[index], len(column.covariates)
    if rules.strata:
        fine, strata = crossing(cut, rules.strata)
        apart = gathered(column.moments, fine)
        places = np.arange(len(cut.labels)) * strata
        control, treatment = stratified(
            [apart[0].at(places + stratum) for stratum in range(strata)],
            [apart[index].at(places + stratum) for stratum in range(strata)],
        )
        count += strata
    found = adjusted(control, treatment, covariates=count)
    return replace(
        plain,
        control=found.control,
        treatment=found.treatment,
        adjustment=Adjustment(
            covariates=(*column.covariates, *rules.strata),
            reduction=found.reduction,
            used=found.used.astype(np.float64),
            before=(plain.control, plain.treatment),
        ),
    )


def uncapped(plan: Plan, planned: PlannedMetric, whole: Cut, index: int) -> tuple[Points, Points] | None:
    """The levels of a capped metric without its cap; None without a cap, or where clusters are alike."""
    measured = whole.measured
    column = measured.columns[planned.key]
    if column.capping is None or (measured.clusters and planned.key in measured.clusters.sums):
        return None
    free = replace(column, moments=column.capping.uncapped, capping=None)
    bare = replace(measured, columns={**measured.columns, planned.key: free})
    pair = list(pairs(plan, planned, replace(whole, measured=bare)))[index - 1]
    return pair.control, pair.treatment
