"""What is added up of each block's columns: asked of the engine, or of its rows in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations_with_replacement
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from splitrun.measure.outcomes.blocks import Block
from splitrun.measure.sql import column, tree
from splitrun.moments import FloatArray, IntArray

__all__ = [
    "DENSE",
    "TRIPLES",
    "Added",
    "Digit",
    "Sum",
    "added_up",
    "alike",
    "asked",
    "pairs",
    "sides",
    "triple_name",
    "triples",
]

TRIPLES = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))
"""The places of the columns whose products make third moments: xxx, and of a ratio xxy, xyy and yyy too."""
DENSE = 2**16
"""Numbers of cells below which rows are sorted by them in one go over each."""
MOST = 2**20
"""Sums of cells that are added up here, all in all: 8 MB, and so much again for each doubling of batches."""


class Of(Enum):
    """What of a unit's columns is added up."""

    ONE = auto()
    """1 for each unit."""
    THERE = auto()
    """1 where the column has a value."""
    ZERO = auto()
    """1 where it is 0."""
    ONES = auto()
    """1 where it is 1: of a column that is 0 or 1 all that there is to know."""
    FLAG = auto()
    """The column itself, which is 0 or 1 and never missing."""
    PRODUCT = auto()
    """The product of one, two or three columns, where none is missing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One sum over the units of each cell."""

    of: Of
    columns: tuple[str, ...] = ()

    def written(self) -> exp.Expr:
        """The sum in SQL."""
        listed = [column(name) for name in self.columns]
        match self.of:
            case Of.ONE:
                return tree("COUNT(*)")
            case Of.THERE:
                return tree("COUNT(:x)", x=listed[0])
            case Of.ZERO:
                return tree("COUNT(CASE WHEN :x = 0 THEN 1 END)", x=listed[0])
            case Of.ONES:
                return tree("COUNT(CASE WHEN :x = 1 THEN 1 END)", x=listed[0])
            case Of.FLAG:
                return tree("CAST(SUM(:x) AS BIGINT)", x=listed[0])
            case Of.PRODUCT:
                product = " * ".join(f":x{place}" for place in range(len(listed)))
                holes = {f"x{place}": each for place, each in enumerate(listed)}
                return tree(f"COALESCE(FSUM({product}), 0.0)", **holes)


UNITS = Term(Of.ONE)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum less others."""

    of: Term
    less: tuple[Term, ...] = ()
    whole: bool = True
    """Whether it is a count."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        return tuple(name for term in (self.of, *self.less) for name in term.columns)

    def written(self) -> exp.Expr:
        """The sum in SQL: what is written alike a database adds up once."""
        found = self.of.written()
        for each in self.less:
            found = tree("(:a) - (:b)", a=found, b=each.written())
        return found if self.whole or self.of.of is Of.PRODUCT else tree("CAST(:n AS DOUBLE)", n=found)


Found = tuple[IntArray, FloatArray]
"""The numbers of cells, rising, and sums of shape (terms, cells)."""
Added = Mapping[str, npt.NDArray[Any]]
"""By name, arrays of shape (cells,): counts of units as whole numbers, all else as 64-bit floats."""


def alike(blocks: Sequence[Block]) -> dict[str, str]:
    """For each column of the outcomes the first that is written like it: nothing is added up twice."""
    first: dict[str, str] = {}
    return {name: first.setdefault(each.sql(), name) for block in blocks for name, each in block.columns()}


def sides(block: Block, same: Mapping[str, str]) -> list[str]:
    """The columns of a block's outcome and covariates."""
    return [same[f"x{block.name}_{side}"] for side in range(block.width)]


def pairs(listed: Sequence[str]) -> list[tuple[int, int, str]]:
    """The places of two columns, and what their product is called."""
    return [
        (one, other, "q" + "_".join(sorted((listed[one], listed[other]))))
        for one, other in combinations_with_replacement(range(len(listed)), 2)
    ]


def triples(block: Block) -> tuple[tuple[int, int, int], ...]:
    """The places of three columns whose products are added up."""
    if not block.cubed:
        return ()
    return TRIPLES if block.mixed else TRIPLES[:1]


def triple_name(listed: Sequence[str], triple: tuple[int, int, int]) -> str:
    """What the product of three columns is called."""
    return "t" + "_".join(sorted(listed[place] for place in triple))


def asked(blocks: Sequence[Block], same: Mapping[str, str]) -> dict[str, Sum]:
    """All that is added up, by name."""
    named = {"units": Sum(UNITS)}
    for block in blocks:
        listed = sides(block, same)
        first = listed[0]
        waits = (Term(Of.FLAG, (same[f"i{block.name}"],)),) if block.ripens else ()
        named[same[f"i{block.name}"]] = Sum(waits[0]) if waits else Sum(UNITS, (UNITS,))
        # what every unit has need not be counted: one sum less
        named[f"n{first}"] = Sum(UNITS, waits) if block.filled else Sum(Term(Of.THERE, (first,)))
        named[f"z{first}"] = Sum(Term(Of.ZERO, (first,)))
        if block.cut is not None:
            named[f"h{block.name}"] = Sum(Term(Of.FLAG, (f"h{block.name}",)))
        products: dict[str, tuple[str, ...]] = {f"s{name}": (name,) for name in listed}
        products |= {name: (listed[one], listed[other]) for one, other, name in pairs(listed)}
        for triple in triples(block):
            a, b, c = triple
            products[triple_name(listed, triple)] = (listed[a], listed[b], listed[c])
        if block.binary:
            ones = Term(Of.ONES, (first,))
            # the sums of its powers are one count, and the rest of the units have a 0
            named |= {name: Sum(ones, whole=False) for name, each in products.items() if {*each} == {first}}
            counted = named[f"n{first}"]
            named[f"z{first}"] = Sum(counted.of, (*counted.less, ones))
        named |= {
            name: Sum(Term(Of.PRODUCT, each), whole=False)
            for name, each in products.items()
            if name not in named
        }
    return named


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit of a cell's number: a column of whole numbers below its width."""

    name: str
    width: int
    missing: int = 0
    """What stands where the column is null."""


def added_up(
    batches: Iterable[pa.RecordBatch], digits: Sequence[Digit], named: Mapping[str, Sum]
) -> tuple[IntArray, Added, bool]:
    """Add up rows batch by batch: the numbers of the cells that are there, rising, and their sums.

    Last it says whether every row had a value in every column.

    Pairwise within a batch, in the order of the rows, and pairwise over the batches: a sum is right to some
    twenty units in the last place of the sum of absolute values, and mostly to one, however many rows there
    are (Higham 1993, "The accuracy of floating point summation").
    """
    terms = _terms(named)
    # of 1, 2, 4, … batches each, the most first
    held: list[tuple[int, Found]] = []
    full, columns = True, {name for term in terms for name in term.columns}
    with np.errstate(all="ignore"):
        for batch in batches:
            if batch.num_rows:
                full = full and not any(batch.column(name).null_count for name in columns)
                many, found = 1, _Rows.of(batch, digits).sums(terms)
                while held and held[-1][0] == many:
                    found = _together(held.pop()[1], found)
                    many *= 2
                held.append((many, found))
        cell, sums = np.zeros(0, dtype=np.int64), np.zeros((len(terms), 0))
        for _, each in reversed(held):
            cell, sums = _together(each, (cell, sums))
    place = dict(zip(terms, sums, strict=True))
    return cell, {name: _made(each, place) for name, each in named.items()}, full


def _together(one: Found, other: Found) -> Found:
    """The sums of two sets of rows, cell by cell."""
    if np.array_equal(one[0], other[0]):
        return one[0], one[1] + other[1]
    cells = np.union1d(one[0], other[0])
    sums = np.zeros((len(one[1]), len(cells)))
    for cell, each in (one, other):
        sums[:, np.searchsorted(cells, cell)] += each
    return cells, sums


def _terms(named: Mapping[str, Sum]) -> list[Term]:
    """All that is added up; a product of three is made from that of the first two, while that is at hand."""
    terms = dict.fromkeys(term for each in named.values() for term in (each.of, *each.less))
    return sorted(terms, key=lambda term: (term.of is Of.PRODUCT, term.columns[:2], len(term.columns)))


def small(digits: Sequence[Digit], room: float, named: Mapping[str, Sum]) -> bool:
    """Whether there are so few sums of so few cells that rows are to be added up here.

    Args:
        digits: What the numbers of cells are made of; none where there are no rows to be had.
        room: How many cells there could be.
        named: What is added up.
    """
    numbers = prod(digit.width for digit in digits)
    return bool(digits) and numbers < DENSE and min(numbers, room) * len(_terms(named)) <= MOST


def _made(wanted: Sum, found: Mapping[Term, FloatArray]) -> FloatArray | IntArray:
    value = found[wanted.of]
    for each in wanted.less:
        value = value - found[each]
    return value.astype(np.int64) if wanted.whole else value


class _Rows:
    """The rows of a batch, sorted by their cell."""

    def __init__(self, batch: pa.RecordBatch, code: npt.NDArray[np.uint16]) -> None:
        self._batch = batch
        self._order = np.argsort(code, kind="stable")
        counts = np.bincount(code)
        self._cells = np.flatnonzero(counts)
        self._counts = counts[self._cells]
        self._starts = np.cumsum(self._counts) - self._counts
        self._values: dict[str, FloatArray] = {}
        self._there: dict[str, FloatArray | None] = {}
        self._made = np.empty(batch.num_rows)
        self._of: tuple[str, ...] = ()

    @staticmethod
    def of(batch: pa.RecordBatch, digits: Sequence[Digit]) -> _Rows:
        """Sort the rows of a batch."""
        code = np.zeros(batch.num_rows, dtype=np.uint16)
        for digit in digits:
            code *= np.uint16(digit.width)
            code += _whole(batch.column(digit.name), digit.missing)
        return _Rows(batch, code)

    def sums(self, terms: Sequence[Term]) -> Found:
        """The sums of every term over the rows of each cell."""
        sums = np.empty((len(terms), len(self._cells)))
        for term, into in zip(terms, sums, strict=True):
            self._sum(term, into)
        return self._cells, sums

    def _sum(self, term: Term, into: FloatArray) -> None:
        """Add up one term."""
        match term.of:
            case Of.ONE:
                into[:] = self._counts
                return
            case Of.THERE:
                there = self._known(term.columns[0])
                if there is None:
                    into[:] = self._counts
                    return
                values = there
            case Of.ZERO:
                name = term.columns[0]
                there = self._known(name)
                values = (self._column(name) == 0).astype(np.float64)
                values = values if there is None else values * there
            case _:
                values = self._product(term.columns)
        np.add.reduceat(values, self._starts, out=into)

    def _product(self, names: tuple[str, ...]) -> FloatArray:
        if len(names) == 1:
            return self._column(names[0])
        if self._of != names[:2]:
            np.multiply(self._column(names[0]), self._column(names[1]), out=self._made)
            self._of = names[:2]
        return self._made if len(names) == 2 else self._made * self._column(names[2])

    def _column(self, name: str) -> FloatArray:
        """Its values in the order of the cells, 0 where there is none."""
        if name not in self._values:
            self._known(name)
        return self._values[name]

    def _known(self, name: str) -> FloatArray | None:
        """Ones and zeros that say where a column has a value; None where it has one everywhere."""
        if name in self._there:
            return self._there[name]
        held = self._batch.column(name)
        values = _values(held, np.float64)
        there = None
        if held.null_count:
            there = _bits(held).astype(np.float64)
            # what stands where there is no value may be anything
            values = np.where(there == 1, values, 0.0)
            there = there.take(self._order, mode="clip")
        self._values[name], self._there[name] = values.take(self._order, mode="clip"), there
        return there


def _whole(held: pa.Array[Any], missing: int) -> npt.NDArray[np.uint16]:
    return _values(held.fill_null(missing) if held.null_count else held, np.int32).astype(np.uint16)


def _values(held: pa.Array[Any], kind: type[Any]) -> npt.NDArray[Any]:
    values: Any = held.buffers()[1]
    found: npt.NDArray[Any] = np.zeros(0, dtype=kind) if values is None else np.frombuffer(values, kind)
    return found[held.offset : held.offset + len(held)]


def _bits(held: pa.Array[Any]) -> npt.NDArray[np.uint8]:
    """Whether there is a value, one number each; Arrow's own way imports all of pandas first."""
    there: Any = held.buffers()[0]
    bits: npt.NDArray[np.uint8] = np.unpackbits(np.frombuffer(there, np.uint8), bitorder="little")
    return bits[held.offset : held.offset + len(held)]
