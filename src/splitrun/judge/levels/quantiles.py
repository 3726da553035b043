"""Quantiles of control and a treatment over the levels of a cut, from what measurement counted and read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splitrun.infer.estimate import Points
from splitrun.infer.quantiles import correlation, probabilities, quantile_points, together
from splitrun.measure.measured import Quantiles
from splitrun.moments import FloatArray

__all__ = ["QuantileLevels", "quantile_levels"]


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
def quantile_levels(found: Quantiles, at: float, index: int) -> QuantileLevels:
    """Put a quantile's values, bounds and counts together.

    Args:
        found: As measured, with its bounds.
        at: Which quantile.
        index: The treatment's place among the variants.
    """
    variants, clustered = (0, index), found.across is not None
    shares = [probabilities(found.inside[each], at, clustered=clustered) for each in variants]
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
