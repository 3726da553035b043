"""The parcel from measure to infer: counts, means and centred cross products over cells; adds with +."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "Groups", "IntArray", "Moments", "added", "moved"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EPSILON = float(np.finfo(np.float64).eps)
"""Relative distance of neighbouring doubles."""
ROUNDING = 4 * EPSILON
"""The part of a difference's terms that rounding alone can leave behind."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Count, means and spread of a metric's columns over the units of one or more cells.

    A mean or a share has one column, a ratio two (numerator, denominator). The spread is centred: a raw sum
    of squares loses its last digits when the mean is large against the standard deviation, as revenue is.
    """

    n: FloatArray
    """Units, shape (cells,); whole numbers."""
    mean: FloatArray
    """In each column's own unit, shape (cells, columns); 0 where n is 0."""
    m2: FloatArray
    """Sum over units of (x - mean)(y - mean), shape (cells, columns, columns), symmetric."""
    m3: FloatArray | None = None
    """Sum over units of (x - mean)³ of the first column, shape (cells,); None where nobody asked for it."""
    mixed: FloatArray | None = None
    """Sums over units of x²y, xy² and y³, x and y being the first two columns less their means, shape
    (cells, 3): with `m3` all third moments of a numerator and a denominator. None where nobody asked."""

    def __add__(self, other: Moments) -> Moments:
        """Moments of two disjoint sets of units, cell by cell, as if read together (Chan et al. 1979)."""
        return Moments.stacked([self, other]).gathered(np.tile(np.arange(len(self.n)), 2), len(self.n))

    @staticmethod
    @np.errstate(all="ignore")
    def of(values: FloatArray) -> Moments:
        """Moments of one cell from the values themselves, in two passes.

        Args:
            values: One row per unit, one column per column of the metric, shape (units, columns).
        """
        units, columns = values.shape
        if units == 0:
            none = np.zeros((1, columns)), np.zeros((1, columns, columns)), np.zeros(1)
            return Moments(np.zeros(1), *none, np.zeros((1, 3)) if columns > 1 else None)
        rough = values.mean(axis=0)
        away = values - rough
        # the mean of large values is off by their rounding; what it is off by is left over in `away`
        rest = away.mean(axis=0)
        m2 = away.T @ away - units * np.outer(rest, rest)
        own = (away - rest)[:, :2].T
        m3 = np.sum(own[0] ** 3, keepdims=True)
        mixed = None
        if columns > 1:
            x, y = own
            mixed = np.array([[np.sum(x * x * y), np.sum(x * y * y), np.sum(y**3)]])
        return Moments(np.array([float(units)]), (rough + rest)[None, :], m2[None, :, :], m3, mixed)

    @staticmethod
    @np.errstate(all="ignore")
    def from_sums(
        n: FloatArray, sums: FloatArray, products: FloatArray, cubes: FloatArray | None = None
    ) -> Moments:
        """Moments from raw sums, as another warehouse keeps them.

        A spread no larger than the rounding of the sums it is the difference of is taken as none. The
        rounding of a plain running sum grows with n (measured on constants: up to 0.3 n epsilon of the sum
        of squares, up or down), so a constant would otherwise pass for a metric of extreme precision.

        Args:
            n: Units, shape (cells,).
            sums: Sum of every column, shape (cells, columns).
            products: Sum of x * y for every pair of columns, shape (cells, columns, columns).
            cubes: Sum of x³ of the first column, shape (cells,), where it is known.
        """
        mean = np.where(n[:, None] > 0, sums / n[:, None], 0.0)
        m2 = products - sums[:, :, None] * mean[:, None, :]
        raw = np.diagonal(products, axis1=1, axis2=2)
        spread = np.diagonal(m2, axis1=1, axis2=2)
        flat = (spread <= EPSILON * np.clip(n, 4, 1e6)[:, None] * raw) | (n[:, None] == 0)
        m2 = np.where(flat[:, :, None] | flat[:, None, :], 0.0, m2)
        first = mean[:, 0]
        m3 = None if cubes is None else cubes - 3 * first * products[:, 0, 0] + 2 * n * first**3
        m3 = None if m3 is None else np.where(flat[:, 0], 0.0, m3)
        return Moments(n=n.astype(np.float64), mean=mean, m2=(m2 + m2.transpose(0, 2, 1)) / 2, m3=m3)

    @staticmethod
    def stacked(parts: Sequence[Moments]) -> Moments:
        """Lay the cells of several moments one after another; all have the same columns."""
        if len(parts) == 1:
            return parts[0]
        cubes = [part.m3 for part in parts if part.m3 is not None]
        mixed = [part.mixed for part in parts if part.mixed is not None]
        return Moments(
            n=np.concatenate([part.n for part in parts]),
            mean=np.concatenate([part.mean for part in parts]),
            m2=np.concatenate([part.m2 for part in parts]),
            m3=np.concatenate(cubes) if len(cubes) == len(parts) else None,
            mixed=np.concatenate(mixed) if len(mixed) == len(parts) else None,
        )

    def at(self, cells: IntArray) -> Moments:
        """Pick the cells at these indices, shape (picked,)."""
        m3 = None if self.m3 is None else self.m3.take(cells)
        mixed = None if self.mixed is None else self.mixed.take(cells, axis=0)
        mean, m2 = self.mean.take(cells, axis=0), self.m2.take(cells, axis=0)
        return Moments(self.n.take(cells), mean, m2, m3, mixed)

    def gathered(self, group: IntArray, groups: int) -> Moments:
        """Add cells together: cell i goes to group[i]; the result has `groups` cells, empty ones with n = 0.

        Numbers too large to be added give infinities, which inference answers with `NOT_FINITE`.

        Args:
            group: Target of every cell, shape (cells,), between 0 and groups - 1.
            groups: How many cells the result has.
        """
        return self.into(Groups.of(group, groups))

    @np.errstate(all="ignore")
    def into(self, into: Groups) -> Moments:
        """Add cells together where these groups say, as `gathered` does."""
        group, groups = into.group, into.count
        n = into.added(self.n)
        over = np.where(n > 0, n, 1.0)
        # means are averaged as distances from one of them: large offsets then lose nothing
        full, one_of = np.flatnonzero(n > 0), np.zeros(groups, dtype=np.int64)
        held = np.arange(len(group)) if np.all(self.n > 0) else np.flatnonzero(self.n > 0)
        one_of[group if len(held) == len(group) else group[held]] = held
        mean, m2 = np.zeros((groups, self.mean.shape[1])), np.empty((groups, *self.m2.shape[1:]))
        mean[full] = self.mean[one_of[full]]
        away, lever = [], []
        for one, values in enumerate(np.ascontiguousarray(self.mean.T)):
            mean[:, one] += into.added(self.n * (values - mean[:, one].take(group))) / over
            away.append(values - mean[:, one].take(group))
            lever.append(self.n * away[one])
            for other in range(one + 1):
                products = self.m2[:, one, other] + lever[one] * away[other]
                m2[:, one, other] = m2[:, other, one] = into.added(products)
        if self.m3 is None:
            return Moments(n=n, mean=mean, m2=m2)
        cubes = self.m3 + away[0] * (3 * self.m2[:, 0, 0] + lever[0] * away[0])
        found = Moments(n=n, mean=mean, m2=m2, m3=into.added(cubes))
        if self.mixed is None:
            return found
        thirds = moved(self, away[0], away[1])
        return replace(found, mixed=np.stack([into.added(each) for each in thirds], axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Where cells are added together."""

    group: IntArray
    """Of every cell."""
    count: int
    starts: IntArray | None
    """The first cell of every group that has any, where those of a group lie one after another; else None.
    Adding up runs takes a third of the time that adding up scattered cells takes."""

    @staticmethod
    def of(group: IntArray, count: int) -> Groups:
        """Look at how the groups lie."""
        steps = group[1:] - group[:-1]
        if not len(group) or np.any(steps < 0):
            return Groups(group, count, None)
        return Groups(group, count, np.concatenate([[0], np.flatnonzero(steps) + 1]))

    def added(self, values: FloatArray) -> FloatArray:
        """Add values up by group, shape (groups,)."""
        if self.starts is None:
            return added(values, self.group, self.count)
        sums = np.add.reduceat(values, self.starts)
        if len(self.starts) == self.count:
            return np.asarray(sums)
        whole = np.zeros(self.count)
        whole[self.group[self.starts]] = sums
        return whole


def moved(moments: Moments, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The mixed third moments around another mean.

    Args:
        moments: Cells that have them.
        x: How far the mean of the first column lies above the other mean, shape (cells,).
        y: The same of the second column.
    """
    n, m2, mixed = moments.n, moments.m2, np.zeros((len(x), 3)) if moments.mixed is None else moments.mixed
    xx, xy, yy = m2[:, 0, 0], m2[:, 0, 1], m2[:, 1, 1]
    return (
        mixed[:, 0] + 2 * x * xy + y * xx + n * x * x * y,
        mixed[:, 1] + x * yy + 2 * y * xy + n * x * y * y,
        mixed[:, 2] + y * (3 * yy + n * y * y),
    )


def added(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Add values up by group in the order of the cells, shape (groups,)."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64, copy=False)
