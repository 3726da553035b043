"""Sums over clusters within cells, where the plan names a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.adding.block import Block
from splitrun.measure.measured import Clusters, ClusterSums
from splitrun.measure.sql import Work, column, number, relation, select, tree
from splitrun.moments import FloatArray, Moments
from splitrun.spec.plan import Plan

__all__ = ["clustered"]


def clustered(
    work: Work, plan: Plan, blocks: Mapping[str, tuple[Block, ...]], outcomes: str, lost: int
) -> Clusters:
    """Add the metrics up over every cluster within every cell.

    Args:
        work: Where SQL runs.
        plan: The plan.
        blocks: The metrics' columns.
        outcomes: The table of the units' outcomes.
        lost: Units without a cluster, which were left out.
    """
    # a metric, and behind it the same without its cap where it has one
    summed = {each.key: blocks[each.key] for each in plan.metrics if each.metric.kind != "quantile"}
    sums = [block for listed in summed.values() for block in listed]
    named: list[tuple[str, exp.Expr]] = [("g", tree("o.g")), ("cell", tree("o.cell"))]
    for block in sums:
        named.append((f"n{block.name}", tree("COUNT(:x)", x=_side(block, 0))))
        named.append((f"q{block.name}", tree("COALESCE(FSUM(:x * :x), 0.0)", x=_side(block, 0))))
        named += [
            (f"t{block.name}_{side}", tree("COALESCE(FSUM(:x), 0.0)", x=_side(block, side)))
            for side in range(len(block.outcome))
        ]
    middle = None if plan.analysis.adjust is None else _centres(work, sums, outcomes)
    if middle is not None:
        named += _around(sums, middle)
    query = select(named, relation(outcomes, "o")).group_by(tree("o.g"), tree("o.cell"))
    rows = work.ask("clusters", query.order_by(tree("o.g"), tree("o.cell")))
    # every unit belongs to a cluster here, so that no cell is without one
    _, cell = np.unique(np.asarray(rows.column("cell").to_numpy(), dtype=np.int64), return_inverse=True)
    return Clusters(
        code=np.asarray(rows.column("g").to_numpy(), dtype=np.int64),
        cell=cell,
        sums={key: _sums(listed, rows, middle) for key, listed in summed.items()},
        lost=lost,
    )


def _sums(listed: Sequence[Block], rows: pa.Table, middle: Mapping[str, float] | None) -> ClusterSums:
    """The sums of a metric, and those without its cap."""
    block, *bare = listed
    return ClusterSums(
        units=_float(rows, f"n{block.name}"),
        totals=np.stack(
            [_float(rows, f"t{block.name}_{side}") for side in range(len(block.outcome))], axis=1
        ),
        squares=_float(rows, f"q{block.name}"),
        moments=None if middle is None else _moments(block, rows, middle),
        uncapped=_sums(bare, rows, middle) if bare else None,
    )


def _centres(work: Work, sums: Sequence[Block], outcomes: str) -> dict[str, float]:
    """The mean of every column over all units, from which sums are measured."""
    named = [
        (f"c{block.name}_{side}", tree("COALESCE(FAVG(:x), 0.0)", x=_side(block, side)))
        for block in sums
        for side in range(block.width)
    ]
    row = work.one("centres of clusters", select(named, relation(outcomes, "o")))
    return {name: float(row[name] or 0.0) for name, _ in named}


def _around(sums: Sequence[Block], centres: Mapping[str, float]) -> list[tuple[str, exp.Expr]]:
    """What moments are made of: sums and products of all columns, measured from their centres."""
    named: list[tuple[str, exp.Expr]] = []
    for block in sums:
        away = [
            tree("(:x - :c)", x=_side(block, side), c=number(centres[f"c{block.name}_{side}"]))
            for side in range(block.width)
        ]
        named += [(f"r{block.name}_{side}", tree("FSUM(:d)", d=each)) for side, each in enumerate(away)]
        named += [
            (f"m{block.name}_{one}_{other}", tree("FSUM(:a * :b)", a=away[one], b=away[other]))
            for one, other in combinations_with_replacement(range(block.width), 2)
        ]
    return named


def _moments(block: Block, rows: pa.Table, centres: Mapping[str, float]) -> Moments:
    """The moments of every row around its own mean."""
    at, sides = block.name, range(block.width)
    n = _float(rows, f"n{at}")
    rest = np.stack([_some(rows, f"r{at}_{side}") for side in sides], axis=1)
    centre = np.array([centres[f"c{at}_{side}"] for side in sides])
    off = rest / np.maximum(n, 1.0)[:, None]
    m2 = np.empty((len(n), block.width, block.width))
    for one, other in combinations_with_replacement(sides, 2):
        products = _some(rows, f"m{at}_{one}_{other}") - rest[:, one] * off[:, other]
        m2[:, one, other] = m2[:, other, one] = np.maximum(products, 0.0) if one == other else products
    return Moments(n=n, mean=np.where(n[:, None] > 0, centre + off, 0.0), m2=m2)


def _some(rows: pa.Table, name: str) -> FloatArray:
    # a row in which no unit has an outcome gives null: nothing was added up
    return np.nan_to_num(_float(rows, name), posinf=np.inf, neginf=-np.inf)


def _side(block: Block, side: int) -> exp.Expr:
    return column(f"x{block.name}_{side}", "o")


def _float(rows: pa.Table, name: str) -> FloatArray:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.float64)
