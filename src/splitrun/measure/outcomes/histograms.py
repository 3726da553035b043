"""Quantiles on engines that have none: from counts, smallest and largest values of narrow bins.

Bins are evenly spaced on a logarithmic scale, so that values of one bin differ by no more than 1.005 % of
themselves (Masson, Rim, Lee 2019); smallest and largest values narrow each further down to what it holds.
Such rows add up over any parts of the data. Within a bin values are taken as evenly spaced: a quantile then
lies between the smallest and the largest value of its bin, which is the bound that is answered beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.sql import choice, column, number, relation, select, tree, whole
from splitrun.moments import FloatArray

__all__ = ["Bins", "binned", "bins", "chosen"]

WIDTH = float(np.log1p(0.005) - np.log1p(-0.005))
"""Of a bin, in natural logarithms: half a percent to either side of its middle."""
BEYOND = 200_000
"""More than the bin of any double lies from that of 1, so that positive bins have numbers above 0."""
FUZZ = 1e-9
"""Part of a value by which n times a share is above a whole number for rounding alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The values of one group, rising; every array has shape (bins,)."""

    n: FloatArray
    low: FloatArray
    """The smallest value of each."""
    high: FloatArray

    def at(self, share: float) -> tuple[float, float]:
        """The quantile of type 1, and how far at most the sample's own can lie from it."""
        upto = np.cumsum(self.n)
        rank = max(1.0, np.ceil(share * upto[-1] * (1 - FUZZ)))
        place = int(np.searchsorted(upto, rank))
        n, low, high = self.n[place], float(self.low[place]), float(self.high[place])
        within = rank - (upto[place] - n)
        if within in {1, n}:
            return (low if within == 1 else high), 0.0
        value = low + (high - low) * float((within - 1) / (n - 1))
        return value, max(value - low, high - value)


def binned(rows: exp.Select, group: exp.Expr) -> exp.Select:
    """Count the values v of rows e by group and bin.

    Args:
        rows: Selects from rows named e.
        group: What is counted apart.

    Returns:
        The rows g, n, low, high.
    """
    size = tree("CEIL(LN(ABS(e.v)) / :w) + :beyond", w=number(WIDTH), beyond=whole(BEYOND))
    bin_of = choice([(tree("e.v > 0"), size), (tree("e.v < 0"), tree("-(:s)", s=size))], otherwise=whole(0))
    named = [
        ("g", group), ("n", tree("COUNT(*)")), ("low", tree("MIN(e.v)")), ("high", tree("MAX(e.v)")),
    ]  # fmt: skip
    query = rows.select(*(exp.alias_(value, name, quoted=True) for name, value in named), append=False)
    return query.where(tree("e.v IS NOT NULL")).group_by(group, bin_of)


def bins(rows: pa.Table) -> dict[int, Bins]:
    """Take rows of `binned` apart by group."""
    group, n, low, high = (
        np.asarray(rows.column(name).to_numpy(), dtype=np.float64) for name in ("g", "n", "low", "high")
    )
    found = {}
    for each in np.unique(group):
        mine = np.flatnonzero(group == each)
        mine = mine[np.argsort(low[mine], kind="stable")]
        found[int(each)] = Bins(n[mine], low[mine], high[mine])
    return found


def chosen(kept: str, values: Mapping[int, float]) -> exp.Select:
    """Write quantiles that were found here as rows g, q.

    Args:
        kept: The table of `binned`, whose groups these are.
        values: By group.
    """
    own = choice([(tree("h.g = :g", g=whole(group)), number(value)) for group, value in values.items()])
    return select([("g", column("g", "h")), ("q", own)], relation(kept, "h")).distinct()
