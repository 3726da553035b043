"""Where the bounds of quantiles are to be read, which measurement then does in a further pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from splitrun.infer.quantiles import probabilities
from splitrun.measure.measured import Measured
from splitrun.moments import FloatArray
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan

__all__ = ["bounds"]


def bounds(plan: Plan, measured: Measured) -> Mapping[tuple[str, str | None], tuple[FloatArray, FloatArray]]:
    """The probabilities of the lower and upper bounds of every quantile.

    Returns:
        By metric and segment, each of shape (variants, levels); NaN where a quantile has no bounds.
    """
    at: dict[str, float] = {}
    for planned in plan.metrics:
        match planned.metric:
            case Quantile(at=share):
                at[planned.key] = share
            case _:
                pass
    found = {}
    for (key, segment), quantiles in measured.quantiles.items():
        clustered = quantiles.across is not None
        shares = [probabilities(inside, at[key], clustered=clustered) for inside in quantiles.inside]
        found[key, segment] = (
            np.stack([share.low for share in shares]),
            np.stack([share.high for share in shares]),
        )
    return found
