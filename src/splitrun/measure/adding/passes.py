"""Sums over the units of each cell: plain ones, and once more around the mean where those say too little."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.adding.arrow import values
from splitrun.measure.adding.block import Block
from splitrun.measure.adding.cells import Added, Digit, added_up, small
from splitrun.measure.adding.sums import TRIPLES, Sum, alike, asked, pairs, sides, triple_name, triples
from splitrun.measure.adding.trust import MistrustedError, Trial
from splitrun.measure.kinds import LARGEST
from splitrun.measure.rows.crossing import Label
from splitrun.measure.sql import Work, column, relation, select, tree
from splitrun.moments import FloatArray, IntArray, Moments, added

__all__ = ["FAR", "Counts", "Numbering", "Pass", "passed"]

FAR = 100.0
"""How many times a sum of squares around the mean a plain one may be.

The sums are compensated, or taken pairwise, so that each is right to a few times 2**-52 of itself, and what
is left around the mean to 100 times that. Beyond, the mean is more than ten standard deviations from 0, and a
second pass takes each cell's own mean away before it squares.

Third moments ask no more: with means within ten standard deviations of 0 the sum of |x|³ is at most
4 (b + 1,000) n sd³, b being the mean of |x - mean|³ / sd³: skewness is right to about 1e-12 (1 + b / 1,000).
"""
SMALLEST = 1e-290
"""Sums of squares below it may have lost digits on the way to 0."""

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

    @np.errstate(all="ignore")
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

    @property
    def bounded(self) -> bool:
        """Whether no number is NaN, infinite or larger than may be added up."""
        most = float(LARGEST) ** 2
        return all(
            bool(np.all(np.diagonal(each.second, axis1=1, axis2=2) <= most)) for each in self.sums.values()
        )

    def moments(self, block: Block) -> Moments:
        """The moments of a block's columns in the cells of this turn."""
        plain = self.sums[block.name]
        if self.around is None or block.name not in self.near:
            return plain.moments()
        return _around(block, plain, self.around)


@dataclass(frozen=True, slots=True)
class Numbering:
    """How units come by the number of their cell."""

    number: exp.Expr
    """Made of labels, which are u's columns."""
    labels: Sequence[Label]
    """The labels to group by in place of the number, if any."""
    digits: Sequence[Digit]
    """Columns of the outcomes that the number is made of; none where the engine hands over no rows."""
    room: float
    """How many cells there could be."""
    grouping: Grouping
    """What the cells are rolled up to."""
    trial: Trial | None
    """What looks at rows that were taken at their word; None where they were looked at before."""


def passed(work: Work, tables: tuple[str, str], blocks: Sequence[Block], cells: Numbering) -> Pass:
    """Add up the units of a turn.

    Where the engine hands over rows, they are added up here, which costs a third of what it costs a database
    where there are many cells; unless that says too little of some block.

    Args:
        work: Where SQL runs.
        tables: That of the units' outcomes, and the one to make with a row per cell.
        blocks: What is added up.
        cells: The numbers of the cells.

    Raises:
        MistrustedError: Rows that were taken at their word are not what they were taken for, or are not to
            be had here, so that nobody looked.
    """
    outcomes, centres = tables
    same = alike(blocks)
    named = asked(blocks, same)
    if small(cells.digits, cells.room, named):
        wanted = list(dict.fromkeys(name for each in named.values() for name in each.columns))
        rows = work.rows("units with their cells", _rows(outcomes, cells, wanted))
        if cells.trial is not None:
            rows = cells.trial.passing(rows, ["rank", *wanted])
        found = _pass(*added_up(rows, cells.digits, named), (blocks, same), cells.grouping)
        if cells.trial is not None and not (found.bounded and cells.trial.passed()):
            raise MistrustedError
        if not found.near:
            return found
    elif cells.trial is not None:
        raise MistrustedError
    work.keep("cells", centres, _numbered(outcomes, named, cells))
    table = work.ask("cells", exp.select("*").from_(relation(centres, "k")).order_by(tree("cell")))
    first = {
        name: _whole(table, name) if each.whole else _number(table, name) for name, each in named.items()
    }
    found = _pass(_whole(table, "cell"), first, (blocks, same), cells.grouping)
    near = [block for block in blocks if block.name in found.near]
    return replace(found, around=work.ask("moments", _spread(tables, near, same))) if near else found


def _pass(
    cell: IntArray, first: Added, what: tuple[Sequence[Block], Mapping[str, str]], grouping: Grouping
) -> Pass:
    blocks, same = what
    plain = {block.name: _sums(first, block, same) for block in blocks}
    groups = grouping(cell)
    return Pass(
        cell=cell,
        units=first["units"],
        counts={block.name: _counts(first, block, same) for block in blocks},
        sums=plain,
        around=None,
        near=frozenset(name for name, each in plain.items() if not each.settled(groups)),
    )


def _rows(outcomes: str, cells: Numbering, wanted: Sequence[str]) -> exp.Select:
    """The digits of each unit's cell, and the columns that are added up."""
    whole = {each.name: "INTEGER" for each in cells.digits}
    if cells.trial is not None and cells.trial.ids is not None:
        whole[cells.trial.ids] = "BIGINT"
    kinds = whole | dict.fromkeys(wanted, "DOUBLE")
    return select(
        [(name, tree(f"CAST(:c AS {kind})", c=column(name, "o"))) for name, kind in kinds.items()],
        relation(outcomes, "o"),
    )


def _numbered(outcomes: str, named: Mapping[str, Sum], cells: Numbering) -> exp.Select:
    """A row for each cell with its number: found unit by unit, or else from the labels of the sums."""
    sums = {name: each.written() for name, each in named.items()}
    if not cells.labels:
        columns = [("cell", tree("cell")), *sums.items()]
        return select(columns, relation(outcomes, "o")).group_by(tree("cell"), copy=False)
    raws = [column(each.name, "u") for each in cells.labels]
    written = [("rank", tree("rank")), *((each.name, each.written) for each in cells.labels)]
    inner = select([*written, *sums.items()], relation(outcomes, "u"))
    inner = inner.group_by(tree("u.rank"), *raws, copy=False)
    return select([("cell", cells.number)], inner.subquery("u", copy=False)).select("u.*", copy=False)


def _spread(tables: tuple[str, str], near: Sequence[Block], same: Mapping[str, str]) -> exp.Select:
    """What is left of sums and products once each cell's own mean is taken away."""
    outcomes, centres = tables
    named: list[tuple[str, exp.Expr]] = [("cell", tree("o.cell"))]
    for block in near:
        at, listed = block.name, sides(block, same)
        away = [
            tree(
                "(:x - :s / GREATEST(:n, 1))",
                x=column(name, "o"), s=column(f"s{name}", "k"), n=column(f"n{listed[0]}", "k"),
            )
            for name in listed
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
            for place, (a, b, c) in enumerate(triples(block))
        ]
    query = select(named, relation(outcomes, "o"))
    query = query.join(relation(centres, "k"), on=tree("o.cell = k.cell"), copy=False)
    return query.group_by(tree("o.cell"), copy=False).order_by(tree("o.cell"), copy=False)


def _counts(first: Added, block: Block, same: Mapping[str, str]) -> Counts:
    outcome = sides(block, same)[0]
    n = first[f"n{outcome}"]
    return Counts(
        n=n,
        immature=first[same[f"i{block.name}"]],
        zeros=first[f"z{outcome}"],
        capped=np.zeros_like(n) if block.cut is None else first[f"h{block.name}"],
    )


def _sums(first: Added, block: Block, same: Mapping[str, str]) -> Sums:
    listed = sides(block, same)
    n = first[f"n{listed[0]}"].astype(np.float64)
    second = _square(len(n), block.width)
    for one, other, name in pairs(listed):
        second[:, one, other] = second[:, other, one] = first[name]
    return Sums(
        n=n,
        first=_side_by_side(first, [f"s{name}" for name in listed], len(n)),
        second=second,
        third=_side_by_side(first, [triple_name(listed, triple) for triple in triples(block)], len(n)),
    )


def _around(block: Block, plain: Sums, around: pa.Table) -> Moments:
    """The moments around each cell's mean, from those around the mean of the first pass."""
    at, width, n = block.name, block.width, plain.n
    found = {name: _number(around, name) for name in around.column_names if name != "cell"}
    held = np.maximum(n, 1.0)[:, None]
    rest = _side_by_side(found, [f"r{at}_{side}" for side in range(width)], len(n))
    products = _square(len(n), width)
    for one, other in combinations_with_replacement(range(width), 2):
        products[:, one, other] = products[:, other, one] = found[f"m{at}_{one}_{other}"]
    off = rest / held
    m2 = products - rest[:, :, None] * off[:, None, :]
    _clip(m2)
    third = _side_by_side(found, [f"t{at}_{place}" for place in range(plain.third.shape[1])], len(n))
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
    return values(table.column(name).combine_chunks(), np.int64)


def _number(table: pa.Table, name: str) -> FloatArray:
    return values(table.column(name).combine_chunks(), np.float64)


def _side_by_side(found: Added, names: Sequence[str], cells: int) -> FloatArray:
    columns = [found[name] for name in names]
    return np.stack(columns).T if columns else np.zeros((cells, 0))


def _square(cells: int, width: int) -> FloatArray:
    """Zeros of shape (cells, width, width), those of a place side by side, as cells are added up."""
    return np.zeros((width, width, cells)).transpose(2, 0, 1)
