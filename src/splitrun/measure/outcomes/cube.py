"""From units to cells: each combination of variant, segment labels and phase, with the metrics' moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.events import MET
from splitrun.measure.measured import Capping, Cells, Codes, Column
from splitrun.measure.outcomes.blocks import Block
from splitrun.measure.outcomes.caps import Ceiling
from splitrun.measure.outcomes.looks import matured
from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.segments import Levels
from splitrun.measure.sql import Work, column, relation, select, tree, whole
from splitrun.moments import FloatArray, IntArray, Moments, moved
from splitrun.spec.plan import PlannedMetric

__all__ = ["MOST", "Cube", "cubed"]

MOST = 100_000
"""Cells; the finest cube of more is no longer small."""
EXACT = 2**53
"""Numbers of cells up to which every one is told apart in a 64-bit float."""


@dataclass(frozen=True, slots=True)
class Cube:
    """What the units are cut by, and where their outcomes stand."""

    numbers: Numbers
    blocks: Mapping[str, tuple[Block, ...]]
    """By metric key, in the plan's order."""
    ceilings: Mapping[str, Ceiling]
    levels: Mapping[str, Levels]
    """By segment, in the plan's order."""
    phases: Levels
    clustered: bool
    name: str = ""
    """Tells its tables from those of another cube."""
    turns: tuple[tuple[int, int] | None, ...] = (None,)
    """The first and last n of the units taken at once; the one turn None is all, whose outcomes are kept."""

    @property
    def outcomes(self) -> str:
        """The table with a row per unit: n, cell, rank, start, g (its cluster) and the blocks' columns."""
        return f"_outcomes{self.name}"

    @property
    def centres(self) -> str:
        """The table with a row per cell, from the first pass."""
        return f"_cells{self.name}"

    @property
    def room(self) -> float:
        """How many cells there could be."""
        widths = [len(self.numbers.plan.variants), self.phases.width]
        return float(
            np.prod([float(each) for each in (*widths, *(one.width for one in self.levels.values()))])
        )

    def cell(self) -> exp.Expr:
        """The number of a unit's cell: its codes as the digits of one whole number."""
        number: exp.Expr = tree("u.rank")
        places = list(self.numbers.plan.segments)
        for place, planned in enumerate(places):
            if planned.key not in self.levels:
                continue
            each = self.levels[planned.key]
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
            variant=Codes(labels=tuple(variant.key for variant in self.numbers.plan.variants), code=number),
            segments=dict(reversed(list(codes.items()))),
            phase=self.phases.codes(phase),
            units=units,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What both passes found, turn by turn."""

    passes: Sequence[tuple[pa.Table, pa.Table]]

    def cells(self) -> IntArray:
        """The numbers of all cells, rising."""
        return np.unique(self._numbers())

    def whole(self, name: str) -> IntArray:
        """A count, added up over the turns, shape (cells,)."""
        counts = np.zeros(len(self.cells()), dtype=np.int64)
        np.add.at(counts, self._group(), np.concatenate([_whole(first, name) for first, _ in self.passes]))
        return counts

    def moments(self, block: Block) -> Moments:
        """The moments of a block's columns, put together over the turns in their order."""
        each = [_moments(block, first, second) for first, second in self.passes]
        if len(each) == 1:
            return each[0]
        return Moments.stacked(each).gathered(self._group(), len(self.cells()))

    def _numbers(self) -> IntArray:
        return np.concatenate([_whole(first, "cell") for first, _ in self.passes])

    def _group(self) -> IntArray:
        return np.searchsorted(self.cells(), self._numbers())


def cubed(work: Work, cube: Cube) -> tuple[Cells, dict[str, Column]] | None:
    """Reduce units to cells; None where there are more than `MOST`.

    Raises:
        DataError: A metric has a window and the exposures have no time.
    """
    if cube.room > EXACT:
        return None
    if cube.room > MOST:
        counted = select([("cells", tree("COUNT(DISTINCT :cell)", cell=cube.cell()))], relation(MET, "u"))
        if int(work.one("how many cells", counted.where(tree("u.met")))["cells"] or 0) > MOST:
            return None
    passes = []
    looks: dict[str, IntArray] = {}
    for turn in cube.turns:
        work.keep("outcomes", cube.outcomes, _outcomes(cube, turn))
        work.keep("cells", cube.centres, _centred(cube))
        first = work.ask("cells", exp.select("*").from_(relation(cube.centres, "k")).order_by(tree("cell")))
        passes.append((first, work.ask("moments", _spread(cube))))
        for key, counts in matured(work, cube.numbers, cube.outcomes).items():
            looks[key] = looks.get(key, np.zeros_like(counts)) + counts
        if turn is not None:
            work.forget(cube.outcomes)
            work.forget(cube.centres)
    taken = Taken(passes)
    cells = cube.cells(taken.cells(), taken.whole("units"))
    columns = {
        planned.key: _column(cube, planned, looks.get(planned.key), cells, taken)
        for planned in cube.numbers.plan.metrics
    }
    return cells, columns


def _outcomes(cube: Cube, turn: tuple[int, int] | None) -> exp.Select:
    named: list[tuple[str, exp.Expr]] = [
        ("n", tree("u.n")), ("cell", cube.cell()), ("rank", tree("u.rank")), ("start", tree("u.start")),
    ]  # fmt: skip
    if cube.clustered:
        named.append(("g", tree("u.g")))
    for block in _all(cube):
        named += block.columns()
    return cube.numbers.over(named, turn)


def _all(cube: Cube) -> list[Block]:
    return [block for listed in cube.blocks.values() for block in listed]


def _centred(cube: Cube) -> exp.Select:
    """The first pass: units, and a mean of every column to measure the second pass from."""
    named: list[tuple[str, exp.Expr]] = [("cell", tree("cell")), ("units", tree("COUNT(*)"))]
    for block in _all(cube):
        at = block.name
        named.append((f"i{at}", tree("SUM(:i)", i=column(f"i{at}"))))
        named.append((f"n{at}", tree("COUNT(:x)", x=column(f"x{at}_0"))))
        named.append((f"z{at}", tree("COUNT(CASE WHEN :x = 0 THEN 1 END)", x=column(f"x{at}_0"))))
        if block.cut is not None:
            named.append((f"h{at}", tree("SUM(:h)", h=column(f"h{at}"))))
        named += [
            (f"c{at}_{side}", tree("COALESCE(FAVG(:x), 0.0)", x=column(f"x{at}_{side}")))
            for side in range(block.width)
        ]
    return select(named, relation(cube.outcomes, "o")).group_by(tree("cell"))


def _spread(cube: Cube) -> exp.Select:
    """The second pass: what is left of sums and products once each cell's own mean is taken away."""
    named: list[tuple[str, exp.Expr]] = [("cell", tree("o.cell"))]
    for block in _all(cube):
        at = block.name
        away = [
            tree("(:x - :c)", x=column(f"x{at}_{side}", "o"), c=column(f"c{at}_{side}", "k"))
            for side in range(block.width)
        ]
        named += [(f"r{at}_{side}", tree("FSUM(:d)", d=each)) for side, each in enumerate(away)]
        named += [
            (f"m{at}_{one}_{other}", tree("FSUM(:a * :b)", a=away[one], b=away[other]))
            for one, other in combinations_with_replacement(range(block.width), 2)
        ]
        if block.cubed:
            named.append((f"t{at}", tree("FSUM(:d * :d * :d)", d=away[0])))
        if block.mixed:
            thirds = ((0, 0, 1), (0, 1, 1), (1, 1, 1))
            named += [
                (f"t{at}_{place}", tree("FSUM(:a * :b * :c)", a=away[a], b=away[b], c=away[c]))
                for place, (a, b, c) in enumerate(thirds)
            ]
    query = select(named, relation(cube.outcomes, "o"))
    query = query.join(relation(cube.centres, "k"), on=tree("o.cell = k.cell"))
    return query.group_by(tree("o.cell")).order_by(tree("o.cell"))


def _whole(table: pa.Table, name: str) -> IntArray:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _float(table: pa.Table, names: Sequence[str]) -> FloatArray:
    return np.stack([_number(table, name) for name in names], axis=1)


def _number(table: pa.Table, name: str) -> FloatArray:
    # a cell in which no unit has an outcome gives null, and its moments are those of nothing
    numbers = np.asarray(table.column(name).to_numpy(), dtype=np.float64)
    return np.nan_to_num(numbers, posinf=np.inf, neginf=-np.inf)


def _column(
    cube: Cube,
    planned: PlannedMetric,
    looks: IntArray | None,
    cells: Cells,
    taken: Taken,
) -> Column:
    main, *plain = cube.blocks[planned.key]
    variants = len(cube.numbers.plan.variants)
    n, immature = taken.whole(f"n{main.name}"), taken.whole(f"i{main.name}")
    roof = cube.ceilings.get(planned.key)
    capping = None
    if roof is not None:
        capping = Capping(
            at=roof.at,
            origin=roof.origin,
            capped=_by_variant(cells, taken.whole(f"h{main.name}"), variants),
            uncapped=taken.moments(plain[0]),
        )
    return Column(
        moments=taken.moments(main),
        immature=_by_variant(cells, immature, variants),
        missing=_by_variant(cells, cells.units - immature - n, variants),
        covariates=tuple(name for name, _ in main.covariates),
        zeros=_by_variant(cells, taken.whole(f"z{main.name}"), variants),
        capping=capping,
        looks=looks,
    )


def _moments(block: Block, first: pa.Table, second: pa.Table) -> Moments:
    """The moments around each cell's mean, from those around the mean of the first pass."""
    at, width = block.name, block.width
    n = _whole(first, f"n{at}").astype(np.float64)
    centre = _float(first, [f"c{at}_{side}" for side in range(width)])
    rest = _float(second, [f"r{at}_{side}" for side in range(width)])
    products = np.zeros((len(n), width, width))
    for one, other in combinations_with_replacement(range(width), 2):
        products[:, one, other] = products[:, other, one] = _float(second, [f"m{at}_{one}_{other}"])[:, 0]
    off = rest / np.maximum(n, 1.0)[:, None]
    m2 = products - rest[:, :, None] * off[:, None, :]
    diagonal = np.arange(width)
    m2[:, diagonal, diagonal] = np.maximum(m2[:, diagonal, diagonal], 0.0)
    m3 = None
    if block.cubed:
        own = off[:, 0]
        m3 = _float(second, [f"t{at}"])[:, 0] - 3 * own * products[:, 0, 0] + 2 * n * own**3
    found = Moments(n=n, mean=centre + off, m2=m2, m3=m3)
    if not block.mixed:
        return found
    around = replace(found, mixed=_float(second, [f"t{at}_{place}" for place in range(3)]))
    return replace(found, mixed=np.stack(moved(around, -off[:, 0], -off[:, 1]), axis=1))


def _by_variant(cells: Cells, counts: IntArray, variants: int) -> IntArray:
    summed = np.zeros(variants, dtype=np.int64)
    np.add.at(summed, cells.variant.code, counts)
    return summed
