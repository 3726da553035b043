"""Levels over clusters: ratios of totals, or CR2 where clusters hold units of both variants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from splitrun.infer.clusters import crossed, nested
from splitrun.infer.estimate import Points
from splitrun.judge.levels.cuts import Cut
from splitrun.measure.measured import Clusters
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.plan import PlannedMetric

__all__ = ["clustered", "is_nested", "joined"]


def clustered(planned: PlannedMetric, clusters: Clusters, cut: Cut, index: int) -> tuple[Points, Points]:
    """The levels of control and a treatment; `n` counts clusters."""
    sums, variant = clusters.sums[planned.key], cut.measured.cells.variant.code[clusters.cell]
    # a ratio counts what its denominator counts, a mean its units
    over = sums.totals[:, 1] if planned.metric.kind == "ratio" else sums.units
    level = cut.code[clusters.cell]
    parts = [
        rolled(clusters.code, (over, sums.totals[:, 0], sums.units), (variant, level == each), (0, index))
        for each in range(len(cut.labels))
    ]
    if is_nested(clusters, variant):
        sides = [nested(Moments.stacked([over_clusters(*part, side) for part in parts])) for side in range(2)]
        return sides[0], sides[1]
    found = [crossed(units[None], totals[None]) for units, totals, _ in parts]
    return joined([each[0] for each in found]), joined([each[1] for each in found])


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


def over_clusters(over: FloatArray, totals: FloatArray, units: FloatArray, side: int) -> Moments:
    """Moments of one variant over its clusters: the metric's total, then what it is counted over."""
    held = units[:, side] > 0
    return Moments.of(np.stack([totals[held, side], over[held, side]], axis=1))


def joined(parts: Sequence[Points]) -> Points:
    """Points of several levels, one after another; what one of them does not share is 0 there."""
    if len(parts) == 1:
        return parts[0]
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
