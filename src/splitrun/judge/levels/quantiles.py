"""Quantiles of control and a treatment over the levels of a cut, from what measurement counted and read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splitrun.infer.clusters_uneven import uneven_dof
from splitrun.infer.estimate import Points
from splitrun.infer.quantiles import correlation, probabilities, quantile_points, together
from splitrun.infer.ratios import residual
from splitrun.judge.levels.clustered import rolled
from splitrun.judge.levels.cuts import Cut
from splitrun.measure.measured import Quantiles
from splitrun.moments import FloatArray

__all__ = ["QuantileLevels", "dof_of", "quantile_levels"]


@dataclass(frozen=True, slots=True, eq=False)
class QuantileLevels:
    """A quantile in control and a treatment, over levels."""

    sides: tuple[Points, Points]
    """`n` counts clusters where the plan names them."""
    tied: FloatArray
    """Part of the values that equal the quantile, shape (2, levels)."""
    alone: FloatArray | None
    """Variance of the difference if units were independent, shape (levels,); None without clusters."""
    independent: FloatArray | None
    """As many independent values as say as much as those of the clusters, shape (2, levels); None without."""


@np.errstate(all="ignore")
def dof_of(found: Quantiles, key: str, cut: Cut, index: int) -> FloatArray | None:
    """Degrees of freedom that the sizes of clusters leave, shape (2, levels); None without clusters.

    Args:
        found: As measured.
        key: Of the metric.
        cut: The levels.
        index: The treatment's place among the variants.
    """
    clusters = cut.measured.clusters
    if clusters is None or found.alone is None:
        return None
    sums, both = clusters.sums[key].totals, (0, index)
    variant, level = cut.measured.cells.variant.code[clusters.cell], cut.code[clusters.cell]
    squares = [residual(found.alone[each]) for each in both]
    dof = np.full((2, len(cut.labels)), np.nan)
    for each in range(len(cut.labels)):
        up_to, counted, _ = rolled(
            clusters.code, (sums[:, 0], sums[:, 1], sums[:, 1]), (variant, level == each), both
        )
        errors = up_to - counted * (up_to.sum(axis=0) / counted.sum(axis=0))
        for side in range(2):
            held = counted[:, side] > 0
            left = squares[side][each : each + 1]
            dof[side, each] = uneven_dof(counted[None, held, side], errors[None, held, side], left)[0]
    return dof


@np.errstate(all="ignore")
def quantile_levels(found: Quantiles, at: float, index: int, dof: FloatArray | None = None) -> QuantileLevels:
    """Put a quantile's values, bounds and counts together.

    Args:
        found: As measured, with its bounds.
        at: Which quantile.
        index: The treatment's place among the variants.
        dof: What `dof_of` answered.
    """
    variants, clustered = (0, index), found.across is not None
    shares = [
        probabilities(found.inside[each], at, clustered=clustered, dof=None if dof is None else dof[side])
        for side, each in enumerate(variants)
    ]
    control, treatment = (
        quantile_points(found.value[each], found.low[each], found.high[each], share)
        for each, share in zip(variants, shares, strict=True)
    )
    tied = found.tied[list(variants)]
    if found.across is None or found.alone is None:
        return QuantileLevels((control, treatment), tied, None, None)
    units = [probabilities(found.alone[each], at).stderr for each in variants]
    alone = [
        side.variance * (unit / share.stderr) ** 2
        for side, unit, share in zip((control, treatment), units, shares, strict=True)
    ]
    alike = correlation(found.inside[0], found.inside[index], found.across[0, index])
    independent = np.stack([at * (1 - at) / share.stderr**2 for share in shares])
    return QuantileLevels(together(control, treatment, alike), tied, alone[0] + alone[1], independent)
