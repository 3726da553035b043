"""A metric's levels in control and a treatment, made to be compared: adjusted, over clusters, or plain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.adjustment import Adjusted, adjusted, stratified
from splitrun.infer.contrast import variance
from splitrun.infer.estimate import Points
from splitrun.infer.means import means, skewness
from splitrun.infer.quantiles import probabilities, quantile_points
from splitrun.infer.ratios import ratio_skewness, ratios
from splitrun.judge.levels.clustered import clustered, joined
from splitrun.judge.levels.cuts import Cut, crossing
from splitrun.judge.levels.strips import Strip, gathered, strip_of
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

    def at(self, levels: slice) -> Adjustment:
        """What it did to these levels."""
        return Adjustment(
            covariates=self.covariates,
            reduction=self.reduction[levels],
            used=self.used[levels],
            before=(self.before[0].at(levels), self.before[1].at(levels)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How far a pair's estimate can be from normal; conversions have shape (2, levels), skew (levels,)."""

    conversions: FloatArray
    """Units with a value other than 0."""
    skew: FloatArray
    """Skewness of the values; NaN where nobody measured it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A metric's levels in control and one treatment, over all units, the levels of a segment, or a strip."""

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

    def at(self, levels: slice) -> Pair:
        """The pair in these levels."""
        return Pair(
            control=self.control.at(levels),
            treatment=self.treatment.at(levels),
            units=self.units[:, levels],
            spread=Spread(self.spread.conversions[:, levels], self.spread.skew[levels]),
            adjustment=None if self.adjustment is None else self.adjustment.at(levels),
            clusters=None if self.clusters is None else self.clusters[:, levels],
            design_effect=None if self.design_effect is None else self.design_effect[levels],
        )


def pairs(plan: Plan, planned: PlannedMetric, strip: Strip) -> Iterator[Pair]:
    """Every treatment's pair with control over the levels of a strip, in the plan's order."""
    measured = strip.cuts[0].measured
    column, clusters = measured.columns[planned.key], measured.clusters
    cells = gathered([roll.home.columns[planned.key].moments for roll in strip.rolls], strip)
    points = unadjusted(planned, own(cells, column))
    for index in range(1, len(strip.variants)):
        both = points.at(np.concatenate([strip.variants[0], strip.variants[index]]))
        half = len(strip.variants[0])
        shown = [cells.at(strip.variants[variant]) for variant in (0, index)]
        plain = Pair(
            control=both.at(slice(None, half)),
            treatment=both.at(slice(half, None)),
            units=np.stack([each.n for each in shown]),
            spread=spread_of(planned, strip, shown, index),
        )
        match planned.metric:
            case Quantile(at=at):
                yield quantiles(planned, at, plain, (strip, index))
            case _ if clusters is not None and planned.key in clusters.sums:
                yield over_clusters(plain, planned, (strip, index))
            case _:
                yield adjusting(plan, planned, (plain, both), shown, (strip, index))


def unadjusted(planned: PlannedMetric, moments: Moments) -> Points:
    """A metric's level from the moments of its own columns."""
    return ratios(moments) if planned.metric.kind == "ratio" else means(moments)


def own(moments: Moments, column: Column) -> Moments:
    """The columns of the outcome, without the covariates."""
    width = moments.mean.shape[1] - len(column.covariates)
    return replace(moments, mean=moments.mean[:, :width], m2=moments.m2[:, :width, :width])


def spread_of(planned: PlannedMetric, strip: Strip, shown: list[Moments], index: int) -> Spread:
    """Conversions and skewness; zeros are counted per variant, so levels of a segment get their part."""
    units = np.stack([each.n for each in shown])
    if planned.metric.kind == "ratio":
        return Spread(units, ratio_skewness(*shown))
    if planned.metric.kind == "quantile":
        # what must be normal there is a share of values: nobody measures its skewness
        return Spread(units, np.zeros(units.shape[1]))
    skew = skewness(*shown)
    if planned.metric.kind in {"share", "retention"}:
        return Spread(np.stack([np.rint(each.n * each.mean[:, 0]) for each in shown]), skew)
    conversions = units.copy()
    for cut, place in zip(strip.cuts, strip.places, strict=True):
        zeros = cut.measured.columns[planned.key].zeros
        if zeros is not None:
            totals = np.maximum(1.0, units[:, place].sum(axis=1))
            conversions[:, place] *= (1 - zeros[[0, index]] / totals)[:, None]
    return Spread(conversions, skew)


def quantiles(planned: PlannedMetric, at: float, plain: Pair, place: tuple[Strip, int]) -> Pair:
    """The pair of a quantile metric: Woodruff's bounds, read from the values by measurement."""
    strip, index = place
    sides = []
    for variant in (0, index):
        found = [cut.quantiles[planned.key, cut.segment] for cut in strip.cuts]
        parts = [
            quantile_points(
                each.value[variant],
                each.low[variant],
                each.high[variant],
                probabilities(each.inside[variant], at),
            )
            for each in found
        ]
        sides.append(joined(parts))
    return replace(plain, control=sides[0], treatment=sides[1])


def over_clusters(plain: Pair, planned: PlannedMetric, place: tuple[Strip, int]) -> Pair:
    """The pair with clusters and not units as what is independent."""
    strip, index = place
    parts = [
        clustered(planned, cut.measured.clusters, cut, index)
        for cut in strip.cuts
        if cut.measured.clusters is not None
    ]
    control, treatment = (joined([part[side] for part in parts]) for side in range(2))
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


def adjusting(
    plan: Plan,
    planned: PlannedMetric,
    before: tuple[Pair, Points],
    shown: list[Moments],
    place: tuple[Strip, int],
) -> Pair:
    """The pair with the noise taken away that was known before exposure.

    Args:
        plan: What to adjust for.
        planned: The metric in its role.
        before: The pair as it is, and the same levels of control and then of the treatment.
        shown: Moments of control and of the treatment over the levels.
        place: The strip, and the treatment's place among the variants.
    """
    (plain, both), (strip, index) = before, place
    rules, covariates = plan.analysis.adjust, strip.cuts[0].measured.columns[planned.key].covariates
    if rules is None or not (covariates or rules.strata):
        return plain
    if rules.strata:
        found = [in_strata(planned, rules.strata, cut, index) for cut in strip.cuts]
    else:
        found = [adjusted(shown[0], shown[1], covariates=len(covariates), before=both)]
    return replace(
        plain,
        control=joined([each.control for each in found]),
        treatment=joined([each.treatment for each in found]),
        adjustment=Adjustment(
            covariates=(*covariates, *rules.strata),
            reduction=np.concatenate([each.reduction for each in found]),
            used=np.concatenate([each.used for each in found]).astype(np.float64),
            before=(plain.control, plain.treatment),
        ),
    )


def in_strata(planned: PlannedMetric, keys: Sequence[str], cut: Cut, index: int) -> Adjusted:
    """The levels of one cut, adjusted for strata and covariates."""
    fine, strata = crossing(cut, keys)
    column, strip = cut.measured.columns[planned.key], strip_of([fine])
    cells = gathered([column.moments], strip)
    places = np.arange(len(cut.labels)) * strata
    control, treatment = (
        [cells.at(strip.variants[variant][places + stratum]) for stratum in range(strata)]
        for variant in (0, index)
    )
    return adjusted(*stratified(control, treatment), covariates=len(column.covariates) + strata)


def uncapped(plan: Plan, planned: PlannedMetric, whole: Cut, index: int) -> tuple[Points, Points] | None:
    """The levels of a capped metric without its cap; None without a cap, or where clusters are alike."""
    measured = whole.measured
    column = measured.columns[planned.key]
    if column.capping is None or (measured.clusters and planned.key in measured.clusters.sums):
        return None
    free = replace(column, moments=column.capping.uncapped, capping=None)
    bare = replace(measured, columns={**measured.columns, planned.key: free})
    pair = list(pairs(plan, planned, strip_of([replace(whole, measured=bare)])))[index - 1]
    return pair.control, pair.treatment
