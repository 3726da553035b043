"""Which labels stand together: every combination of variant, segment labels and phase, with its units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from splitrun.measure.sql import Work, column, relation, select, tree, whole

__all__ = ["MOST", "Crossing", "Label", "crossed"]

MOST = 100_000
"""Combinations, or cells; a cube of more is no longer small."""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing that units are cut by."""

    name: str
    """The column with the label."""
    raw: exp.Expr
    """What is grouped by, of the units: a column of a file costs far less than a label made of it."""
    written: exp.Expr
    """The label, made of the raw value in a column of the same name as the label's."""
    text: bool = False
    """Whether the raw value is a text that is the label itself, or is missing."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The combinations that are there."""

    rows: int
    """How many there are."""
    sizes: Mapping[str, list[tuple[str, int]]]
    """By the column with a label: labels with their units, the largest first, by their text where alike."""
    labels: tuple[Label, ...]
    plain: bool
    """Whether no two raw values have one label, so that units may be grouped by raw values alone."""


def crossed(work: Work, table: str, cuts: Sequence[Label]) -> Crossing | None:
    """Count the combinations of all units in a table; None where there are more than `MOST`."""
    if not cuts:
        return None
    inner = select(
        [("rank", tree("u.rank")), *((cut.name, cut.raw) for cut in cuts), ("units", tree("COUNT(*)"))],
        relation(table, "u"),
    )
    inner = inner.group_by(tree("u.rank"), *(cut.raw for cut in cuts), copy=False)
    inner = inner.limit(whole(MOST + 1), copy=False)
    labels = [(cut.name, cut.written) for cut in cuts]
    outer = select(
        [
            ("rank", tree("rank")),
            *labels,
            ("units", tree("CAST(SUM(units) AS BIGINT)")),
            ("raws", tree("COUNT(*)")),
        ],
        inner.subquery("u", copy=False),
    )
    outer = outer.group_by(tree("rank"), *(label for _, label in labels), copy=False)
    rows = work.ask(
        "labels that stand together",
        outer.order_by(tree("rank"), *(column(n) for n, _ in labels), copy=False),
    )
    raws = sum(int(each) for each in rows.column("raws").to_pylist() if each)
    if raws > MOST:
        return None
    sizes = {cut.name: _sizes(rows, cut.name) for cut in cuts}
    return Crossing(rows=rows.num_rows, sizes=sizes, labels=tuple(cuts), plain=raws == rows.num_rows)


def _sizes(rows: pa.Table, name: str) -> list[tuple[str, int]]:
    added: Counter[str] = Counter()
    for label, units in zip(rows.column(name).to_pylist(), rows.column("units").to_pylist(), strict=True):
        added[str(label)] += int(units or 0)
    return sorted(added.items(), key=lambda each: (-each[1], each[0]))
