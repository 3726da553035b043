"""Sums over the units of each cell: plain ones, and once more around the mean where those say too little."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.outcomes.blocks import Block
from splitrun.measure.rows.crossing import Label
from splitrun.measure.sql import Work, column, relation, select, tree
from splitrun.moments import FloatArray, IntArray, Moments, added

__all__ = ["FAR", "Counts", "Pass", "passed"]

FAR = 100.0
"""How many times a sum of squares around the mean a plain one may be.

The sums are compensated, so that each is right to about 2**-52 of itself, and what is left around the mean to
100 times that. Beyond, the mean is more than ten standard deviations from 0, and a second pass takes each
cell's own mean away before it squares.

Third moments ask no more: with means within ten standard deviations of 0 the sum of |x|³ is at most
4 (b + 1,000) n sd³, b being the mean of |x - mean|³ / sd³: skewness is right to about 1e-12 (1 + b / 1,000).
"""
SMALLEST = 1e-290
"""Sums of squares below it may have lost digits on the way to 0."""
TRIPLES = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))
"""The places of the columns whose products make third moments: xxx, and of a ratio xxy, xyy and yyy too."""

Grouping = Callable[[IntArray], Sequence[IntArray]]
"""From the numbers of cells to what they are rolled up to: groups numbered from 0, one array each."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Units of every cell, arrays of shape (cells,)."""

    n: IntArray
    """With an outcome."""
    immature: IntArray
    zeros: IntArray
    capped: IntArray


@dataclass(frozen=True, slots=True)
class Sums:
    """A block's plain sums, by cell."""

    n: FloatArray
    """Shape (cells,)."""
    first: FloatArray
    """Shape (cells, width)."""
    second: FloatArray
    """Of squares and products, shape (cells, width, width)."""
    third: FloatArray
    """Of the products of three columns, shape (cells, 0, 1 or 4): see `TRIPLES`."""

    def settled(self, groups: Sequence[IntArray]) -> bool:
        """Whether they say all that is to be said around the mean of every group of cells."""
        squares = np.diagonal(self.second, axis1=1, axis2=2)
        left = squares - self.first * self.first / np.maximum(self.n, 1.0)[:, None]
        plain = (squares >= SMALLEST) & (squares <= FAR * left)
        # what is left around the means of cells is left around the mean of all of them too, and more
        if np.all(plain | ((squares == 0) & (self.first == 0))):
            return True
        return all(self._settled(group, squares) for group in groups)

    def _settled(self, group: IntArray, squares: FloatArray) -> bool:
        size = int(group.max(initial=-1)) + 1
        n = added(self.n, group, size)
        for side in range(squares.shape[1]):
            first, second = added(self.first[:, side], group, size), added(squares[:, side], group, size)
            left = second - first * first / np.maximum(n, 1.0)
            # one unit has nothing around its mean, and a column of zeros neither
            plain = (second >= SMALLEST) & (second <= FAR * left)
            if not np.all(plain | (n <= 1) | ((second == 0) & (first == 0))):
                return False
        return True

    def moments(self) -> Moments:
        """The moments that they say."""
        held = np.maximum(self.n, 1.0)
        mean = self.first / held[:, None]
        m2 = self.second - self.first[:, :, None] * self.first[:, None, :] / held[:, None, None]
        _clip(m2)
        m3, mixed = _thirds(self.n, mean, self.second, self.third)
        return Moments(n=self.n, mean=mean, m2=m2, m3=m3, mixed=mixed)


@dataclass(frozen=True, slots=True)
class Pass:
    """What was found of the units of one turn."""

    cell: IntArray
    """The numbers of its cells, rising, shape (cells,)."""
    units: IntArray
    counts: Mapping[str, Counts]
    """By block."""
    sums: Mapping[str, Sums]
    around: pa.Table | None
    """The second pass over the blocks in `near`."""
    near: Collection[str]

    def moments(self, block: Block) -> Moments:
        """The moments of a block's columns in the cells of this turn."""
        plain = self.sums[block.name]
        if self.around is None or block.name not in self.near:
            return plain.moments()
        return _around(block, plain, self.around)


def passed(
    work: Work,
    tables: tuple[str, str],
    blocks: Sequence[Block],
    grouping: Grouping,
    cells: tuple[exp.Expr, Sequence[Label]],
) -> Pass:
    """Add up the units of a turn.

    Args:
        work: Where SQL runs.
        tables: That of the units' outcomes, and the one to make with a row per cell.
        blocks: What is added up.
        grouping: What the cells are rolled up to.
        cells: The number of a cell, made of labels; and the labels to group by in place of it, if any.
    """
    outcomes, centres = tables
    alike = _alike(blocks)
    work.keep("cells", centres, _numbered(outcomes, _plain(blocks, alike), cells))
    first = work.ask("cells", exp.select("*").from_(relation(centres, "k")).order_by(tree("cell")))
    cell = _whole(first, "cell")
    groups = grouping(cell)
    sums = {block.name: _sums(first, block, alike) for block in blocks}
    near = [block for block in blocks if not sums[block.name].settled(groups)]
    return Pass(
        cell=cell,
        units=_whole(first, "units"),
        counts={block.name: _counts(first, block, alike) for block in blocks},
        sums=sums,
        around=work.ask("moments", _spread(tables, near, alike)) if near else None,
        near=frozenset(block.name for block in near),
    )


def _alike(blocks: Sequence[Block]) -> dict[str, str]:
    """For each column of the outcomes the first that is written like it: nothing is added up twice."""
    first: dict[str, str] = {}
    return {name: first.setdefault(each.sql(), name) for block in blocks for name, each in block.columns()}


def _sides(block: Block, alike: Mapping[str, str]) -> list[str]:
    return [alike[f"x{block.name}_{side}"] for side in range(block.width)]


def _pairs(sides: Sequence[str]) -> list[tuple[int, int, str]]:
    """The places of two columns, and what their product is called."""
    return [
        (one, other, "q" + "_".join(sorted((sides[one], sides[other]))))
        for one, other in combinations_with_replacement(range(len(sides)), 2)
    ]


def _triples(block: Block) -> tuple[tuple[int, int, int], ...]:
    if not block.cubed:
        return ()
    return TRIPLES if block.mixed else TRIPLES[:1]


def _third(sides: Sequence[str], triple: tuple[int, int, int]) -> str:
    return "t" + "_".join(sorted(sides[place] for place in triple))


def _numbered(
    outcomes: str, sums: Mapping[str, exp.Expr], cells: tuple[exp.Expr, Sequence[Label]]
) -> exp.Select:
    """A row for each cell with its number: found unit by unit, or else from the labels of the sums."""
    number, labels = cells
    if not labels:
        named = [("cell", tree("cell")), *sums.items()]
        return select(named, relation(outcomes, "o")).group_by(tree("cell"), copy=False)
    raws = [column(each.name, "u") for each in labels]
    written = [("rank", tree("rank")), *((each.name, each.written) for each in labels)]
    inner = select([*written, *sums.items()], relation(outcomes, "u"))
    inner = inner.group_by(tree("u.rank"), *raws, copy=False)
    return select([("cell", number)], inner.subquery("u", copy=False)).select("u.*", copy=False)


def _plain(blocks: Sequence[Block], alike: Mapping[str, str]) -> dict[str, exp.Expr]:
    named: dict[str, exp.Expr] = {"units": tree("COUNT(*)")}
    for block in blocks:
        sides = _sides(block, alike)
        immature = alike[f"i{block.name}"]
        named[immature] = (
            tree("CAST(SUM(:i) AS BIGINT)", i=column(immature)) if block.ripens else tree("CAST(0 AS BIGINT)")
        )
        named[f"n{sides[0]}"] = tree("COUNT(:x)", x=column(sides[0]))
        if block.filled:
            # what every unit has need not be counted: one sum less
            named[f"n{sides[0]}"] = tree("COUNT(*) - :i", i=named[immature])
        named[f"z{sides[0]}"] = tree("COUNT(CASE WHEN :x = 0 THEN 1 END)", x=column(sides[0]))
        if block.cut is not None:
            named[f"h{block.name}"] = tree("CAST(SUM(:h) AS BIGINT)", h=column(f"h{block.name}"))
        for name in sides:
            named[f"s{name}"] = tree("COALESCE(FSUM(:x), 0.0)", x=column(name))
        for one, other, name in _pairs(sides):
            named[name] = tree("COALESCE(FSUM(:a * :b), 0.0)", a=column(sides[one]), b=column(sides[other]))
        for triple in _triples(block):
            a, b, c = (column(sides[place]) for place in triple)
            named[_third(sides, triple)] = tree("COALESCE(FSUM(:a * :b * :c), 0.0)", a=a, b=b, c=c)
        if block.binary:
            named |= _ones(block, sides, named[f"n{sides[0]}"])
    return named


def _ones(block: Block, sides: Sequence[str], n: exp.Expr) -> dict[str, exp.Expr]:
    """The sums of an outcome of ones and zeros, of its squares and of its cubes: how many ones there are.

    They are written alike, and a database counts once what is written alike; the rest are zeros.
    """
    ones = tree("COUNT(CASE WHEN :x = 1 THEN 1 END)", x=column(sides[0]))
    square = next(name for one, other, name in _pairs(sides) if one == other == 0)
    alike = [f"s{sides[0]}", square, *(_third(sides, triple) for triple in _triples(block))]
    named = {name: tree("CAST(:ones AS DOUBLE)", ones=ones) for name in alike}
    return named | {f"z{sides[0]}": tree("(:n) - :ones", n=n, ones=ones)}


def _spread(tables: tuple[str, str], near: Sequence[Block], alike: Mapping[str, str]) -> exp.Select:
    """What is left of sums and products once each cell's own mean is taken away."""
    outcomes, centres = tables
    named: list[tuple[str, exp.Expr]] = [("cell", tree("o.cell"))]
    for block in near:
        at, sides = block.name, _sides(block, alike)
        away = [
            tree(
                "(:x - :s / GREATEST(:n, 1))",
                x=column(name, "o"), s=column(f"s{name}", "k"), n=column(f"n{sides[0]}", "k"),
            )
            for name in sides
        ]  # fmt: skip
        named += [
            (f"r{at}_{side}", tree("COALESCE(FSUM(:d), 0.0)", d=each)) for side, each in enumerate(away)
        ]
        named += [
            (f"m{at}_{one}_{other}", tree("COALESCE(FSUM(:a * :b), 0.0)", a=away[one], b=away[other]))
            for one, other in combinations_with_replacement(range(block.width), 2)
        ]
        named += [
            (f"t{at}_{place}", tree("COALESCE(FSUM(:a * :b * :c), 0.0)", a=away[a], b=away[b], c=away[c]))
            for place, (a, b, c) in enumerate(_triples(block))
        ]
    query = select(named, relation(outcomes, "o"))
    query = query.join(relation(centres, "k"), on=tree("o.cell = k.cell"), copy=False)
    return query.group_by(tree("o.cell"), copy=False).order_by(tree("o.cell"), copy=False)


def _counts(first: pa.Table, block: Block, alike: Mapping[str, str]) -> Counts:
    n = _whole(first, f"n{alike[f'x{block.name}_0']}")
    return Counts(
        n=n,
        immature=_whole(first, alike[f"i{block.name}"]),
        zeros=_whole(first, f"z{alike[f'x{block.name}_0']}"),
        capped=np.zeros_like(n) if block.cut is None else _whole(first, f"h{block.name}"),
    )


def _sums(first: pa.Table, block: Block, alike: Mapping[str, str]) -> Sums:
    sides = _sides(block, alike)
    n = _whole(first, f"n{sides[0]}").astype(np.float64)
    second = _square(len(n), block.width)
    for one, other, name in _pairs(sides):
        second[:, one, other] = second[:, other, one] = _number(first, name)
    return Sums(
        n=n,
        first=_side_by_side(first, [f"s{name}" for name in sides]),
        second=second,
        third=_side_by_side(first, [_third(sides, triple) for triple in _triples(block)]),
    )


def _around(block: Block, plain: Sums, around: pa.Table) -> Moments:
    """The moments around each cell's mean, from those around the mean of the first pass."""
    at, width, n = block.name, block.width, plain.n
    held = np.maximum(n, 1.0)[:, None]
    rest = _side_by_side(around, [f"r{at}_{side}" for side in range(width)])
    products = _square(len(n), width)
    for one, other in combinations_with_replacement(range(width), 2):
        products[:, one, other] = products[:, other, one] = _number(around, f"m{at}_{one}_{other}")
    off = rest / held
    m2 = products - rest[:, :, None] * off[:, None, :]
    _clip(m2)
    third = _side_by_side(around, [f"t{at}_{place}" for place in range(plain.third.shape[1])])
    m3, mixed = _thirds(n, off, products, third)
    return Moments(n=n, mean=plain.first / held + off, m2=m2, m3=m3, mixed=mixed)


def _thirds(
    n: FloatArray, mean: FloatArray, second: FloatArray, third: FloatArray
) -> tuple[FloatArray | None, FloatArray | None]:
    """Third moments around the means: that of the first column, and those with the second column.

    Σ(x-a)(y-b)(z-c) = Σxyz - aΣyz - bΣxz - cΣxy + 2nabc, as a, b and c are the means of x, y and z.
    """
    found = [
        third[:, place]
        - mean[:, a] * second[:, b, c]
        - mean[:, b] * second[:, a, c]
        - mean[:, c] * second[:, a, b]
        + 2 * n * mean[:, a] * mean[:, b] * mean[:, c]
        for place, (a, b, c) in enumerate(TRIPLES[: third.shape[1]])
    ]
    return found[0] if found else None, np.stack(found[1:], axis=1) if found[1:] else None


def _clip(m2: FloatArray) -> None:
    diagonal = np.arange(m2.shape[1])
    m2[:, diagonal, diagonal] = np.maximum(m2[:, diagonal, diagonal], 0.0)


def _whole(table: pa.Table, name: str) -> IntArray:
    return np.frombuffer(_bytes(table, name), dtype=np.int64)


def _number(table: pa.Table, name: str) -> FloatArray:
    return np.frombuffer(_bytes(table, name), dtype=np.float64)


def _side_by_side(table: pa.Table, names: Sequence[str]) -> FloatArray:
    columns = [_number(table, name) for name in names]
    return np.stack(columns).T if columns else np.zeros((table.num_rows, 0))


def _square(cells: int, width: int) -> FloatArray:
    """Zeros of shape (cells, width, width), those of a place side by side, as cells are added up."""
    return np.zeros((width, width, cells)).transpose(2, 0, 1)


def _bytes(table: pa.Table, name: str) -> memoryview:
    """A column of 64-bit numbers without nulls; Arrow's own `to_numpy` imports all of pandas first."""
    values = table.column(name).combine_chunks()
    held = values.buffers()[1]
    if held is None:
        return memoryview(b"")
    return memoryview(held)[8 * values.offset : 8 * (values.offset + len(values))]
