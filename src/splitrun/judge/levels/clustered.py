"""Levels over clusters: ratios of totals, or CR2 where clusters hold units of both variants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from splitrun.check.outcomes.alike import asymmetry_over_clusters
from splitrun.infer.adjustment import UNITS_PER_STRATUM, Adjusted
from splitrun.infer.clusters import crossed, nested
from splitrun.infer.clusters_adjusted import (
    CLUSTERS_PER_STRATUM,
    crossed_adjusted,
    linearised,
    nested_adjusted,
)
from splitrun.infer.clusters_uneven import uneven_dof
from splitrun.infer.estimate import Points
from splitrun.infer.means import spread
from splitrun.infer.ratios import residual
from splitrun.judge.levels.cuts import Cut, crossing
from splitrun.measure.measured import Clusters
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.plan import PlannedMetric

__all__ = ["adjusted_clusters", "clustered", "is_nested", "joined", "lean_of", "rolled"]


def clustered(planned: PlannedMetric, clusters: Clusters, cut: Cut, index: int) -> tuple[Points, Points]:
    """The levels of control and a treatment; `n` counts clusters."""
    sums, variant = clusters.sums[planned.key], cut.measured.cells.variant.code[clusters.cell]
    ratio = planned.metric.kind == "ratio"
    # a ratio counts what its denominator counts, a mean its units
    over = sums.totals[:, 1] if ratio else sums.units
    level = cut.code[clusters.cell]
    parts = [
        rolled(clusters.code, (over, sums.totals[:, 0], sums.units), (variant, level == each), (0, index))
        for each in range(len(cut.labels))
    ]
    if is_nested(clusters, variant):
        squares = squares_of(planned, cut, (0, index))
        found = [
            (of_one(part, 0, squares[0, each], ratio=ratio), of_one(part, 1, squares[1, each], ratio=ratio))
            for each, part in enumerate(parts)
        ]
    else:
        found = [crossed(units[None], totals[None], under[None]) for under, totals, units in parts]
    return joined([each[0] for each in found]), joined([each[1] for each in found])


def squares_of(planned: PlannedMetric, cut: Cut, both: tuple[int, int]) -> FloatArray:
    """Sum over units of (y - R d)², d being 1 of a mean, in two variants; shape (2, levels)."""
    levels, variant = len(cut.labels), cut.measured.cells.variant.code
    mine = np.flatnonzero(np.isin(variant, both))
    place = cut.code[mine] + levels * (variant[mine] == both[1])
    found = cut.measured.columns[planned.key].moments.at(mine).gathered(place, 2 * levels)
    left = residual(found) if planned.metric.kind == "ratio" else spread(found)[:, 0, 0]
    return left.reshape(2, levels)


def of_one(
    part: tuple[FloatArray, FloatArray, FloatArray], side: int, squares: float, *, ratio: bool
) -> Points:
    """One variant's level where its clusters have no other.

    Args:
        part: What the metric is counted over, its totals and units, each of shape (clusters, 2).
        side: 0 for control, 1 for the treatment.
        squares: Sum over units of what is left over of the metric, squared.
        ratio: Whether it is counted over something else than units.
    """
    held = part[2][:, side] > 0
    over, totals, units = (each[held, side] for each in part)
    columns = (totals, over, units) if ratio else (totals, units)
    with np.errstate(all="ignore"):
        errors = totals - over * (totals.sum() / over.sum())
    dof = uneven_dof(units[None], errors[None], np.array([squares]))
    return nested(Moments.of(np.stack(columns, axis=1)), dof=dof)


def adjusted_clusters(
    planned: PlannedMetric, strata: Sequence[str], cut: Cut, index: int, before: tuple[Points, Points]
) -> Adjusted | None:
    """The levels of control and a treatment, adjusted; None where nothing is known from before.

    Args:
        planned: The metric.
        strata: Segments whose levels are strata.
        cut: The levels.
        index: The treatment's place among the variants.
        before: The levels as they are.

    Returns:
        None too where there are no levels, since no unit is there yet.
    """
    clusters = cut.measured.clusters
    held = None if clusters is None else clusters.sums[planned.key].moments
    known = len(cut.measured.columns[planned.key].covariates)
    if clusters is None or held is None or not (known or strata) or not cut.labels:
        return None
    variant, level = cut.measured.cells.variant.code[clusters.cell], cut.code[clusters.cell]
    fine, count = crossing(cut, strata)
    stratum = fine.code[clusters.cell] % count
    width, covariates = held.mean.shape[1] - known, known + count * bool(strata)
    parts = []
    for each in range(len(cut.labels)):
        mine = np.flatnonzero((level == each) & np.isin(variant, (0, index)) & (held.n > 0))
        rows, second = held.at(mine), (variant[mine] == index).astype(np.int64)
        names, code = np.unique(clusters.code[mine], return_inverse=True)
        if strata:
            rows = with_dummies(rows, stratum[mine], count, (code, second))
        both = rows.gathered(code * 2 + second, 2 * len(names))
        parts.append([both.at(np.arange(side, 2 * len(names), 2)) for side in range(2)])
    if is_nested(clusters, variant):
        sides = [Moments.stacked([totals(part[side], width) for part in parts]) for side in range(2)]
        return nested_adjusted(sides[0], sides[1], covariates=covariates, before=before)
    found = [
        crossed_adjusted(*part, covariates=covariates, before=(before[0].at(one), before[1].at(one)))
        for part, one in ((part, slice(each, each + 1)) for each, part in enumerate(parts))
    ]
    return Adjusted(
        control=joined([each.control for each in found]),
        treatment=joined([each.treatment for each in found]),
        reduction=np.concatenate([each.reduction for each in found]),
        used=np.concatenate([each.used for each in found]),
    )


def lean_of(planned: PlannedMetric, cut: Cut, index: int) -> FloatArray:
    """Skewness of a treatment's effect over clusters, shape (levels,)."""
    levels = len(cut.labels)
    found = asymmetry_over_clusters(cut.measured, planned, index, (cut.code, levels))
    return np.full(levels, np.nan) if found is None else found


def totals(units: Moments, width: int) -> Moments:
    """Moments over the clusters of one variant that have units, from moments over each one's units."""
    held = units.at(np.flatnonzero(units.n > 0))
    sums = held.n[:, None] * held.mean
    outcome = np.stack([sums[:, 0], sums[:, 1] if width == 2 else held.n], axis=1)
    return linearised(outcome, held.n, sums[:, width:])


def with_dummies(rows: Moments, stratum: IntArray, count: int, places: tuple[IntArray, IntArray]) -> Moments:
    """Give rows a column for each stratum, at 1 in its rows where it has units and clusters enough.

    Args:
        rows: Moments over units.
        stratum: Of every row.
        count: How many strata there are.
        places: The cluster and the variant (0 or 1) of every row.
    """
    code, second = places
    group, groups = stratum * 2 + second, 2 * count
    units = np.bincount(group, weights=rows.n, minlength=groups).reshape(count, 2)
    seen = np.unique(np.stack([group, code]), axis=1)[0]
    clusters = np.bincount(seen, minlength=groups).reshape(count, 2)
    large = (units >= UNITS_PER_STRATUM).all(axis=1) & (clusters >= CLUSTERS_PER_STRATUM).all(axis=1)
    return Moments(
        n=rows.n,
        mean=np.concatenate([rows.mean, np.eye(count)[stratum] * large], axis=1),
        m2=np.pad(rows.m2, ((0, 0), (0, count), (0, count))),
    )


def is_nested(clusters: Clusters, variant: IntArray) -> bool:
    """Whether every cluster has all its units in one variant."""
    held = np.unique(np.stack([clusters.code, variant], axis=1), axis=0)
    return len(held) == len(np.unique(clusters.code))


def rolled(
    code: IntArray,
    columns: tuple[FloatArray, FloatArray, FloatArray],
    where: tuple[IntArray, npt.NDArray[np.bool_]],
    both: tuple[int, int],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Add rows up to clusters in two variants of one level; columns of shape (clusters, 2)."""
    variant, here = where
    mine = here & np.isin(variant, both)
    _, own = np.unique(code[mine], return_inverse=True)
    place, rows = own * 2 + (variant[mine] == both[1]), 2 * (int(own.max()) + 1 if len(own) else 0)
    over, totals, units = (
        np.bincount(place, weights=column[mine], minlength=rows).astype(np.float64).reshape(-1, 2)
        for column in columns
    )
    return over, totals, units


def joined(parts: Sequence[Points]) -> Points:
    """Points of several levels, or none, one after another; what one does not share is 0 there."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0)
        return Points(none, none, none, none, np.zeros(0, dtype=np.int64))
    errors = max(1 if part.shared is None else part.shared.shape[1] for part in parts)
    shared, begun = np.zeros((sum(len(part.n) for part in parts), errors)), 0
    for part in parts:
        if part.shared is not None:
            shared[begun : begun + len(part.n), : part.shared.shape[1]] = part.shared
        begun += len(part.n)
    return Points(
        value=np.concatenate([part.value for part in parts]),
        variance=np.concatenate([part.variance for part in parts]),
        dof=np.concatenate([part.dof for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        why=np.concatenate([part.why for part in parts]),
        shared=shared,
    )
