"""Sums over clusters within cells, where the plan names a cluster."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.measured import Clusters, ClusterSums
from splitrun.measure.outcomes.blocks import Block
from splitrun.measure.sql import Work, column, relation, select, tree
from splitrun.moments import FloatArray
from splitrun.spec.plan import Plan

__all__ = ["clustered"]


def clustered(
    work: Work, plan: Plan, blocks: Mapping[str, tuple[Block, ...]], tables: tuple[str, str], lost: int
) -> Clusters:
    """Add the metrics up over every cluster within every cell.

    Args:
        work: Where SQL runs.
        plan: The plan.
        blocks: The metrics' columns.
        tables: That of the units' outcomes, and that of the cells.
        lost: Units without a cluster, which were left out.
    """
    sums = {
        planned.key: blocks[planned.key][0] for planned in plan.metrics if planned.metric.kind != "quantile"
    }
    named: list[tuple[str, exp.Expr]] = [("g", tree("o.g")), ("cell", tree("o.cell"))]
    for block in sums.values():
        named.append((f"n{block.name}", tree("COUNT(:x)", x=_side(block, 0))))
        named.append((f"q{block.name}", tree("COALESCE(FSUM(:x * :x), 0.0)", x=_side(block, 0))))
        named += [
            (f"t{block.name}_{side}", tree("COALESCE(FSUM(:x), 0.0)", x=_side(block, side)))
            for side in range(len(block.outcome))
        ]
    outcomes, centres = tables
    query = select(named, relation(outcomes, "o")).group_by(tree("o.g"), tree("o.cell"))
    rows = work.ask("clusters", query.order_by(tree("o.g"), tree("o.cell")))
    cells = work.ask(
        "cells of clusters", select([("cell", tree("cell"))], relation(centres, "k")).order_by(tree("cell"))
    )
    numbers = np.asarray(cells.column("cell").to_numpy(), dtype=np.int64)
    return Clusters(
        code=np.asarray(rows.column("g").to_numpy(), dtype=np.int64),
        cell=np.searchsorted(numbers, np.asarray(rows.column("cell").to_numpy(), dtype=np.int64)),
        sums={
            key: ClusterSums(
                units=_float(rows, f"n{block.name}"),
                totals=np.stack(
                    [_float(rows, f"t{block.name}_{side}") for side in range(len(block.outcome))], axis=1
                ),
                squares=_float(rows, f"q{block.name}"),
            )
            for key, block in sums.items()
        },
        lost=lost,
    )


def _side(block: Block, side: int) -> exp.Expr:
    return column(f"x{block.name}_{side}", "o")


def _float(rows: pa.Table, name: str) -> FloatArray:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.float64)
