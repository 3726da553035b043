"""From units to cells: each combination of variant, segment labels and phase, with the metrics' moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.errors import DataError, EngineError
from splitrun.measure.events import MET
from splitrun.measure.measured import Cells, Codes, Column
from splitrun.measure.parts import Part, parts
from splitrun.measure.segments import Levels
from splitrun.measure.sql import Work, column, every, relation, select, tree, whole
from splitrun.measure.units import MICROSECOND
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.source import EXPOSURES

__all__ = ["MOST", "Cube", "cubed"]

OUTCOMES = "_outcomes"
CELLS = "_cells"
MOST = 100_000
"""Cells; the finest cube of more is no longer small."""


@dataclass(frozen=True, slots=True)
class Cube:
    """What the units are cut by, and where their outcomes stand."""

    plan: Plan
    parts: tuple[Part, ...]
    levels: Mapping[str, Levels]
    """By segment, in the plan's order."""
    phases: Levels
    tables: Mapping[str, str]
    """By source: the table with its columns."""
    as_of: int | None
    timed: bool

    def cell(self) -> exp.Expr:
        """The number of a unit's cell: its codes as the digits of one whole number."""
        number: exp.Expr = tree("u.rank")
        for place, each in enumerate(self.levels.values()):
            number = tree(
                "CAST(:n AS BIGINT) * :w + :c", n=number, w=whole(each.width), c=each.code(f"s{place}")
            )
        return tree(
            "CAST(:n AS BIGINT) * :w + :c", n=number, w=whole(self.phases.width), c=self.phases.code("phase")
        )

    def cells(self, number: IntArray, units: IntArray) -> Cells:
        """Take the numbers of cells apart again."""
        number, phase = np.divmod(number, self.phases.width)
        codes: dict[str, Codes] = {}
        for key, each in reversed(list(self.levels.items())):
            number, code = np.divmod(number, each.width)
            codes[key] = each.codes(code)
        return Cells(
            variant=Codes(labels=tuple(variant.key for variant in self.plan.variants), code=number),
            segments=dict(reversed(list(codes.items()))),
            phase=self.phases.codes(phase),
            units=units,
        )


def cubed(work: Work, cube: Cube) -> tuple[Cells, dict[str, Column]]:
    """Reduce units to cells.

    Raises:
        EngineError: There are too many cells.
        DataError: A metric has a window and the exposures have no time.
    """
    if np.prod([float(each.width) for each in (*cube.levels.values(), cube.phases)]) > 2**53:
        raise EngineError(
            "the segments cut the units into too many cells; declare fewer segments or `keep` fewer levels"
        )
    work.keep("outcomes", OUTCOMES, _outcomes(cube))
    work.keep("cells", CELLS, _centred(cube))
    first = work.ask("cells", exp.select("*").from_(relation(CELLS, "k")).order_by(tree("cell")))
    if first.num_rows > MOST:
        raise EngineError(
            f"the segments cut the units into {first.num_rows:,} cells, more than {MOST:,}; "
            "declare fewer segments or `keep` fewer levels"
        )
    second = work.ask("moments", _spread(cube))
    cells = cube.cells(_whole(first, "cell"), _whole(first, "units"))
    columns = {
        planned.key: _column(cube, place, planned, cells, first, second)
        for place, planned in enumerate(cube.plan.metrics)
    }
    return cells, columns


def _outcomes(cube: Cube) -> exp.Select:
    place_of = {part: place for place, part in enumerate(cube.parts)}
    named: list[tuple[str, exp.Expr]] = [("cell", cube.cell())]
    for place, planned in enumerate(cube.plan.metrics):
        mature = _mature(cube, planned)
        outcome = [_number(cube, part, place_of[part]) for part in parts(planned.metric)]
        there = every([mature, *(tree("(:x) IS NOT NULL", x=each) for each in outcome)])
        named.append((f"i{place}", tree("CASE WHEN :m THEN 0 ELSE 1 END", m=mature)))
        named += [
            (f"x{place}_{side}", tree("CASE WHEN :there THEN :x END", there=there, x=each))
            for side, each in enumerate(outcome)
        ]
    query = select(named, relation(MET, "u")).where(tree("u.met"))
    for source, table in cube.tables.items():
        alias = _alias(cube, source)
        query = query.join(
            relation(table, alias), on=tree("u.n = :n", n=column("n", alias)), join_type="left"
        )
    return query


def _alias(cube: Cube, source: str) -> str:
    return f"e{list(cube.tables).index(source)}"


def _number(cube: Cube, part: Part, place: int) -> exp.Expr:
    """A unit's number of a part: a unit without any event has a true 0."""
    if part.source == EXPOSURES:
        return column(f"p{place}", "u")
    alias = _alias(cube, part.source)
    return tree(
        "CASE WHEN :n IS NULL THEN 0.0 ELSE :p END", n=column("n", alias), p=column(f"p{place}", alias)
    )


def _mature(cube: Cube, planned: PlannedMetric) -> exp.Expr:
    window = planned.metric.window
    if window is None:
        return exp.true()
    if not cube.timed or cube.as_of is None:
        raise DataError(
            f"metric {planned.key!r} has a window, but the exposures name no time; "
            "name `exposures.time` or leave the window out"
        )
    return tree("u.start <= :last", last=whole(cube.as_of - window // MICROSECOND))


def _sides(cube: Cube) -> list[tuple[int, int]]:
    """Each metric's place, and how many columns it has."""
    return [(place, len(parts(planned.metric))) for place, planned in enumerate(cube.plan.metrics)]


def _centred(cube: Cube) -> exp.Select:
    """The first pass: units, and a mean of every column to measure the second pass from."""
    named: list[tuple[str, exp.Expr]] = [("cell", tree("cell")), ("units", tree("COUNT(*)"))]
    for place, sides in _sides(cube):
        named.append((f"i{place}", tree("SUM(:i)", i=column(f"i{place}"))))
        named.append((f"n{place}", tree("COUNT(:x)", x=column(f"x{place}_0"))))
        named += [
            (f"c{place}_{side}", tree("COALESCE(FAVG(:x), 0.0)", x=column(f"x{place}_{side}")))
            for side in range(sides)
        ]
    return select(named, relation(OUTCOMES, "o")).group_by(tree("cell"))


def _spread(cube: Cube) -> exp.Select:
    """The second pass: what is left of sums and products once each cell's own mean is taken away."""
    named: list[tuple[str, exp.Expr]] = [("cell", tree("o.cell"))]
    for place, sides in _sides(cube):
        away = [
            tree("(:x - :c)", x=column(f"x{place}_{side}", "o"), c=column(f"c{place}_{side}", "k"))
            for side in range(sides)
        ]
        named += [(f"r{place}_{side}", tree("FSUM(:d)", d=each)) for side, each in enumerate(away)]
        named += [
            (f"m{place}_{one}{other}", tree("FSUM(:a * :b)", a=away[one], b=away[other]))
            for one, other in combinations_with_replacement(range(sides), 2)
        ]
    query = select(named, relation(OUTCOMES, "o"))
    query = query.join(relation(CELLS, "k"), on=tree("o.cell = k.cell"))
    return query.group_by(tree("o.cell")).order_by(tree("o.cell"))


def _whole(table: pa.Table, name: str) -> IntArray:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _float(table: pa.Table, names: Sequence[str]) -> FloatArray:
    # a cell in which no unit has an outcome gives null, and its moments are those of nothing
    return np.stack(
        [np.nan_to_num(np.asarray(table.column(name).to_numpy(), dtype=np.float64)) for name in names], axis=1
    )


def _column(
    cube: Cube, place: int, planned: PlannedMetric, cells: Cells, first: pa.Table, second: pa.Table
) -> Column:
    sides = len(parts(planned.metric))
    n = _whole(first, f"n{place}")
    immature = _whole(first, f"i{place}")
    centre = _float(first, [f"c{place}_{side}" for side in range(sides)])
    rest = _float(second, [f"r{place}_{side}" for side in range(sides)])
    products = np.zeros((len(n), sides, sides))
    for one, other in combinations_with_replacement(range(sides), 2):
        products[:, one, other] = products[:, other, one] = _float(second, [f"m{place}_{one}{other}"])[:, 0]
    divisor = np.maximum(n, 1).astype(np.float64)
    m2 = products - rest[:, :, None] * rest[:, None, :] / divisor[:, None, None]
    diagonal = np.arange(sides)
    m2[:, diagonal, diagonal] = np.maximum(m2[:, diagonal, diagonal], 0.0)
    mean = centre + rest / divisor[:, None]
    variants = len(cube.plan.variants)
    missing = cells.units - immature - n
    return Column(
        moments=Moments(n=n.astype(np.float64), mean=mean, m2=m2),
        immature=_by_variant(cells, immature, variants),
        missing=_by_variant(cells, missing, variants),
    )


def _by_variant(cells: Cells, counts: IntArray, variants: int) -> IntArray:
    summed = np.zeros(variants, dtype=np.int64)
    np.add.at(summed, cells.variant.code, counts)
    return summed
