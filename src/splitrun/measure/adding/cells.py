"""Rows added up in this process: sorted by their cell, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from splitrun.measure.adding.arrow import there, values
from splitrun.measure.adding.sums import Of, Sum, Term, terms
from splitrun.moments import FloatArray, IntArray

__all__ = ["Added", "Digit", "added_up", "small"]

DENSE = 2**16
"""Numbers of cells below which rows are sorted by them in one go over each."""
MOST = 2**20
"""Sums of cells that are added up here, all in all: 8 MB, and so much again for each doubling of batches."""

Found = tuple[IntArray, FloatArray]
"""The numbers of cells, rising, and sums of shape (terms, cells)."""
Added = Mapping[str, npt.NDArray[Any]]
"""By name, arrays of shape (cells,): counts of units as whole numbers, all else as 64-bit floats."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit of a cell's number: a column of whole numbers below its width."""

    name: str
    width: int
    missing: int = 0
    """What stands where the column is null."""


def added_up(
    batches: Iterable[pa.RecordBatch], digits: Sequence[Digit], named: Mapping[str, Sum]
) -> tuple[IntArray, Added]:
    """Add up rows batch by batch: the numbers of the cells that are there, rising, and their sums.

    Pairwise within a batch, in the order of the rows, and pairwise over the batches: a sum is right to some
    twenty units in the last place of the sum of absolute values, and mostly to one, however many rows there
    are (Higham 1993, "The accuracy of floating point summation").
    """
    wanted = terms(named)
    # of 1, 2, 4, … batches each, the most first
    held: list[tuple[int, Found]] = []
    with np.errstate(all="ignore"):
        for batch in batches:
            if batch.num_rows:
                many, found = 1, _Rows(batch, digits).sums(wanted)
                while held and held[-1][0] == many:
                    found = _together(held.pop()[1], found)
                    many *= 2
                held.append((many, found))
        cell, sums = np.zeros(0, dtype=np.int64), np.zeros((len(wanted), 0))
        for _, each in reversed(held):
            cell, sums = _together(each, (cell, sums))
    place = dict(zip(wanted, sums, strict=True))
    return cell, {name: _made(each, place) for name, each in named.items()}


def _together(one: Found, other: Found) -> Found:
    """The sums of two sets of rows, cell by cell; the first are overwritten."""
    if np.array_equal(one[0], other[0]):
        np.add(one[1], other[1], out=one[1])
        return one
    cells = np.union1d(one[0], other[0])
    sums = np.zeros((len(one[1]), len(cells)))
    for cell, each in (one, other):
        sums[:, np.searchsorted(cells, cell)] += each
    return cells, sums


def small(digits: Sequence[Digit], room: float, named: Mapping[str, Sum]) -> bool:
    """Whether there are so few sums of so few cells that rows are to be added up here.

    Args:
        digits: What the numbers of cells are made of; none where there are no rows to be had.
        room: How many cells there could be.
        named: What is added up.
    """
    numbers = prod(digit.width for digit in digits)
    return bool(digits) and numbers < DENSE and min(numbers, room) * len(terms(named)) <= MOST


def _made(wanted: Sum, found: Mapping[Term, FloatArray]) -> FloatArray | IntArray:
    value = found[wanted.of]
    for each in wanted.less:
        value = value - found[each]
    return value.astype(np.int64) if wanted.whole else value


class _Rows:
    """The rows of a batch, sorted by their cell."""

    def __init__(self, batch: pa.RecordBatch, digits: Sequence[Digit]) -> None:
        code = np.zeros(batch.num_rows, dtype=np.uint16)
        for digit in digits:
            held = batch.column(digit.name)
            code *= np.uint16(digit.width)
            code += values(held.fill_null(digit.missing) if held.null_count else held, np.int32).astype(
                np.uint16
            )
        counts = np.bincount(code)
        self._batch = batch
        self._order = np.argsort(code, kind="stable")
        self._cells = np.flatnonzero(counts)
        self._counts = counts[self._cells]
        self._starts = np.cumsum(self._counts) - self._counts
        self._columns: dict[str, tuple[FloatArray, FloatArray | None]] = {}
        self._pair: tuple[str, ...] = ()
        self._of_pair, self._made = np.empty(batch.num_rows), np.empty(batch.num_rows)

    def sums(self, terms: Sequence[Term]) -> Found:
        """The sums of every term over the rows of each cell."""
        sums = np.empty((len(terms), len(self._cells)))
        for term, into in zip(terms, sums, strict=True):
            each = self._each(term)
            if each is None:
                into[:] = self._counts
            else:
                np.add.reduceat(each, self._starts, out=into)
        return self._cells, sums

    def _each(self, term: Term) -> FloatArray | None:
        """What is added up, row by row; None for 1 in every row."""
        match term.of:
            case Of.ONE:
                return None
            case Of.THERE:
                return self._column(term.columns[0])[1]
            case Of.ZERO:
                column, known = self._column(term.columns[0])
                zero: FloatArray = (column == 0).astype(np.float64)
                return zero if known is None else zero * known
            case _:
                return self._product(term.columns)

    def _product(self, names: tuple[str, ...]) -> FloatArray:
        first, *others = (self._column(name)[0] for name in names)
        if not others:
            return first
        if self._pair != names[:2]:
            np.multiply(first, others[0], out=self._of_pair)
            self._pair = names[:2]
        return self._of_pair if len(names) == 2 else np.multiply(self._of_pair, others[1], out=self._made)

    def _column(self, name: str) -> tuple[FloatArray, FloatArray | None]:
        """Its values by cell, 0 where there is none; and where some are missing 1 for each that is there."""
        if name not in self._columns:
            held = self._batch.column(name)
            column, known = values(held, np.float64), None
            if held.null_count:
                known = there(held).astype(np.float64)
                # what stands where there is no value may be anything
                column = np.where(known == 1, column, 0.0)
                known = known.take(self._order, mode="clip")
            self._columns[name] = column.take(self._order, mode="clip"), known
        return self._columns[name]
