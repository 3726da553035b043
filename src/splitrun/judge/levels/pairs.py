"""A metric's levels in control and a treatment, made to be compared: adjusted, over clusters, or plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from splitrun.infer.adjustment import Adjusted, adjusted, stratified
from splitrun.infer.contrast import variance
from splitrun.infer.estimate import Points
from splitrun.infer.means import means, skewness
from splitrun.infer.quantiles import enough
from splitrun.infer.ratios import ratio_skewness, ratios
from splitrun.judge.levels.clustered import adjusted_clusters, clustered, joined, lean_of
from splitrun.judge.levels.cuts import Cut, crossing
from splitrun.judge.levels.quantiles import dof_of, quantile_levels
from splitrun.judge.levels.strips import Strip, gathered, strip_of
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["Adjustment", "Pair", "Spread", "pairs"]


class Form(Enum):
    """How a level is read from moments."""

    MEAN = auto()
    RATIO = auto()
    QUANTILE = auto()


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
    lean: FloatArray | None = None
    """Skewness of the effect itself, where it is counted over clusters, shape (levels,)."""

    def at(self, levels: slice) -> Spread:
        """How far it can be in these levels."""
        lean = None if self.lean is None else self.lean[levels]
        return Spread(self.conversions[:, levels], self.skew[levels], lean)


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
    tied: FloatArray | None = None
    """Part of the values that equal a quantile, shape (2, levels); None of other metrics."""

    @property
    def levels(self) -> int:
        """How many levels the pair has."""
        return int(self.units.shape[1])

    @property
    def independent(self) -> FloatArray:
        """How many there are of what is independent, clusters or else units, shape (2, levels)."""
        return self.units if self.clusters is None else self.clusters

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
            spread=self.spread.at(levels),
            adjustment=None if self.adjustment is None else self.adjustment.at(levels),
            clusters=None if self.clusters is None else self.clusters[:, levels],
            design_effect=None if self.design_effect is None else self.design_effect[levels],
            tied=None if self.tied is None else self.tied[:, levels],
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What metrics have in common that are read as one vector."""

    form: Form
    columns: int
    """Of the outcome and the covariates together."""
    covariates: tuple[str, ...]
    cubes: bool
    """Whether third moments are known."""
    clustered: bool
    """Whether clusters and not units are independent."""

    @property
    def own(self) -> int:
        """Columns of the outcome."""
        return self.columns - len(self.covariates)

    @property
    def adjustable(self) -> bool:
        """Whether its covariates can be adjusted for."""
        return bool(self.covariates) and not self.clustered and self.form is not Form.QUANTILE


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Metrics of one shape over the levels of a strip, one after another: cells are metrics x levels."""

    shape: Shape
    metrics: Sequence[PlannedMetric]
    strip: Strip
    cells: Moments
    """Of all variants; `rows` says where each is."""
    points: Points
    """The levels as they are, of the same cells."""

    def rows(self, variant: int) -> IntArray:
        """Where the cells of a variant are."""
        return self.strip.rows(variant, len(self.metrics))


def pairs(plan: Plan, metrics: Sequence[PlannedMetric], strip: Strip) -> Mapping[str, tuple[Pair, ...]]:
    """Every treatment's pair with control over the levels of a strip, in the plan's order, by metric.

    Metrics of the same shape are read as one vector, to the last digit as if each were read alone.
    """
    shapes: dict[Shape, list[PlannedMetric]] = {}
    for planned in metrics:
        shapes.setdefault(shape_of(planned, strip), []).append(planned)
    return {
        key: found for shape, alike in shapes.items() for key, found in of_shape(plan, shape, alike, strip)
    }


def shape_of(planned: PlannedMetric, strip: Strip) -> Shape:
    """The shape of a metric as it was measured."""
    measured = strip.cuts[0].measured
    column = measured.columns[planned.key]
    match planned.metric.kind:
        case "quantile":
            form = Form.QUANTILE
        case "ratio":
            form = Form.RATIO
        case _:
            form = Form.MEAN
    return Shape(
        form=form,
        columns=column.moments.mean.shape[1],
        covariates=column.covariates,
        cubes=all(roll.home.columns[planned.key].moments.m3 is not None for roll in strip.rolls),
        clustered=measured.clusters is not None and planned.key in measured.clusters.sums,
    )


def of_shape(
    plan: Plan, shape: Shape, metrics: Sequence[PlannedMetric], strip: Strip
) -> Iterator[tuple[str, tuple[Pair, ...]]]:
    """Read metrics of one shape together, then finish each by what is its own."""
    moments = [[roll.home.columns[planned.key].moments for roll in strip.rolls] for planned in metrics]
    cells = gathered(moments, strip)
    laid = Laid(shape, metrics, strip, cells, unadjusted(own(cells, shape.own), shape.form))
    treatments = [pair_of(plan, laid, index) for index in range(1, len(strip.variants))]
    width = len(strip.variants[0])
    for place, planned in enumerate(metrics):
        levels = slice(place * width, (place + 1) * width)
        yield (
            planned.key,
            tuple(
                finished(plan, planned, pair.at(levels), (strip, index))
                for index, pair in enumerate(treatments, 1)
            ),
        )


def pair_of(plan: Plan, laid: Laid, index: int) -> Pair:
    """Control and one treatment over all metrics and levels, adjusted where that needs no strata."""
    rows = [laid.rows(variant) for variant in (0, index)]
    shown = [laid.cells.at(each) for each in rows]
    both, half = laid.points.at(np.concatenate(rows)), len(rows[0])
    plain = Pair(
        control=both.at(slice(None, half)),
        treatment=both.at(slice(half, None)),
        units=np.stack([each.n for each in shown]),
        spread=spread_of(laid, shown, index),
    )
    rules, shape = plan.analysis.adjust, laid.shape
    if rules is None or rules.strata or not shape.adjustable:
        return plain
    found = adjusted(shown[0], shown[1], covariates=len(shape.covariates), before=both)
    return with_adjustment(plain, [found], shape.covariates)


def finished(plan: Plan, planned: PlannedMetric, pair: Pair, place: tuple[Strip, int]) -> Pair:
    """What a metric needs that is read for it alone: bounds of a quantile, clusters, strata.

    Args:
        plan: What to adjust for.
        planned: The metric in its role.
        pair: The pair as far as it is read with others of its shape.
        place: The strip, and the treatment's place among the variants.
    """
    (strip, index), rules = place, plan.analysis.adjust
    clusters = strip.cuts[0].measured.clusters
    match planned.metric:
        case Quantile(at=at):
            return quantiles(planned, at, pair, place)
        case _ if clusters is not None and planned.key in clusters.sums:
            return over_clusters(plan, pair, planned, place)
        case _ if rules is not None and rules.strata:
            covariates = strip.cuts[0].measured.columns[planned.key].covariates
            found = [in_strata(planned, rules.strata, cut, index) for cut in strip.cuts]
            return with_adjustment(pair, found, (*covariates, *rules.strata))
        case _:
            return pair


def unadjusted(moments: Moments, form: Form) -> Points:
    """A metric's level from the moments of its own columns."""
    return ratios(moments) if form is Form.RATIO else means(moments)


def own(moments: Moments, width: int) -> Moments:
    """The columns of the outcome, without the covariates."""
    return Moments(moments.n, moments.mean[:, :width], moments.m2[:, :width, :width], moments.m3)


def spread_of(laid: Laid, shown: Sequence[Moments], index: int) -> Spread:
    """Conversions and skewness of control's and a treatment's moments."""
    units = np.stack([each.n for each in shown])
    match laid.shape.form:
        case Form.QUANTILE:
            # what must be normal there is a share of values: nobody measures its skewness
            return Spread(units, np.zeros(units.shape[1]))
        case Form.RATIO:
            return Spread(units, ratio_skewness(*shown))
        case Form.MEAN:
            pass
    shares = [planned.metric.kind in {"share", "retention"} for planned in laid.metrics]
    ones = np.rint(units * np.stack([each.mean[:, 0] for each in shown]))
    yes = np.repeat(shares, len(laid.strip.variants[0]))
    return Spread(np.where(yes, ones, not_zero(laid, units, index)), skewness(*shown))


def not_zero(laid: Laid, units: FloatArray, index: int) -> FloatArray:
    """Units with a value other than 0: zeros are counted per variant, so levels of a segment get their part.

    Args:
        laid: Metrics over a strip.
        units: Of control and the treatment, shape (2, metrics * levels).
        index: The treatment's place among the variants.
    """
    cuts, zeros = laid.strip.cuts, np.zeros((2, len(laid.metrics), len(laid.strip.cuts)))
    for one, planned in enumerate(laid.metrics):
        for other, cut in enumerate(cuts):
            counted = cut.measured.columns[planned.key].zeros
            if counted is not None:
                zeros[:, one, other] = counted[0], counted[index]
    widths = [len(cut.labels) for cut in cuts]
    totals = units.reshape(2, len(laid.metrics), -1) @ np.repeat(np.eye(len(cuts)), widths, axis=0)
    parts = 1 - zeros / np.maximum(1.0, totals)
    return units * np.repeat(parts, widths, axis=2).reshape(units.shape)


def quantiles(planned: PlannedMetric, at: float, plain: Pair, place: tuple[Strip, int]) -> Pair:
    """The pair of a quantile metric: Woodruff's bounds, read from the values by measurement."""
    strip, index = place
    found = []
    for cut in strip.cuts:
        counts = cut.quantiles[planned.key, cut.segment]
        found.append(quantile_levels(counts, at, index, dof_of(counts, planned.key, cut, index)))
    counted = [each.independent for each in found if each.independent is not None]
    independent = np.concatenate(counted, axis=1) if counted else plain.units
    sides = [enough(joined([each.sides[side] for each in found]), independent[side], at) for side in range(2)]
    pair = replace(
        plain,
        control=sides[0],
        treatment=sides[1],
        tied=np.concatenate([each.tied for each in found], axis=1),
    )
    alone = [each.alone for each in found if each.alone is not None]
    return with_clusters(pair, np.concatenate(alone)) if alone else pair


def over_clusters(plan: Plan, plain: Pair, planned: PlannedMetric, place: tuple[Strip, int]) -> Pair:
    """The pair with clusters and not units as what is independent, adjusted where the plan does."""
    (strip, index), rules = place, plan.analysis.adjust
    strata = () if rules is None else rules.strata
    parts = [
        clustered(planned, cut.measured.clusters, cut, index)
        for cut in strip.cuts
        if cut.measured.clusters is not None
    ]
    control, treatment = (joined([part[side] for part in parts]) for side in range(2))
    spread = replace(plain.spread, lean=np.concatenate([lean_of(planned, cut, index) for cut in strip.cuts]))
    pair = with_clusters(
        replace(plain, control=control, treatment=treatment, spread=spread),
        variance(plain.control, plain.treatment, 1.0),
    )
    found = [
        each
        for cut, before in zip(strip.cuts, parts, strict=True)
        if (each := adjusted_clusters(planned, strata, cut, index, before)) is not None
    ]
    covariates = strip.cuts[0].measured.columns[planned.key].covariates
    return with_adjustment(pair, found, (*covariates, *strata)) if found else pair


@np.errstate(all="ignore")
def with_clusters(pair: Pair, alone: FloatArray) -> Pair:
    """The pair with its clusters, and what they cost against the variance of units on their own."""
    design = variance(pair.control, pair.treatment, 1.0) / alone
    return replace(
        pair,
        clusters=np.stack([pair.control.n, pair.treatment.n]),
        design_effect=np.where(np.isfinite(design) & (alone > 0), design, np.nan),
    )


def with_adjustment(plain: Pair, found: Sequence[Adjusted], covariates: tuple[str, ...]) -> Pair:
    """The pair with the noise taken away that was known before exposure.

    Args:
        plain: The pair as it is.
        found: The same levels adjusted, one part after another.
        covariates: What they are adjusted for.
    """
    return replace(
        plain,
        control=joined([each.control for each in found]),
        treatment=joined([each.treatment for each in found]),
        adjustment=Adjustment(
            covariates=covariates,
            reduction=np.concatenate([each.reduction for each in found]),
            used=np.concatenate([each.used for each in found]).astype(np.float64),
            before=(plain.control, plain.treatment),
        ),
    )


def in_strata(planned: PlannedMetric, keys: Sequence[str], cut: Cut, index: int) -> Adjusted:
    """The levels of one cut, adjusted for strata and covariates."""
    fine, strata = crossing(cut, keys)
    column, strip = cut.measured.columns[planned.key], strip_of([fine])
    cells = gathered([[column.moments]], strip)
    places = np.arange(len(cut.labels)) * strata
    control, treatment = (
        [cells.at(strip.variants[variant][places + stratum]) for stratum in range(strata)]
        for variant in (0, index)
    )
    return adjusted(*stratified(control, treatment), covariates=len(column.covariates) + strata)
