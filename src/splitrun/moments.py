"""The parcel from measure to infer: counts, means and centred cross products over cells; adds with +."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "IntArray", "Moments"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Count, means and spread of a metric's columns over the units of one or more cells.

    A mean or a share has one column, a ratio two (numerator, denominator). The spread is centred: a raw sum of
    squares loses its last digits when the mean is large against the standard deviation, as revenue is.
    """

    n: FloatArray
    """Units, shape (cells,); whole numbers."""
    mean: FloatArray
    """In each column's own unit, shape (cells, columns); 0 where n is 0."""
    m2: FloatArray
    """Sum over units of (x - mean)(y - mean), shape (cells, columns, columns), symmetric."""

    def __add__(self, other: Moments) -> Moments:
        """Moments of two disjoint sets of units, cell by cell, as if read together (Chan, Golub, LeVeque 1979)."""
        return Moments.stacked([self, other]).gathered(np.tile(np.arange(len(self.n)), 2), len(self.n))

    @staticmethod
    def stacked(parts: Sequence[Moments]) -> Moments:
        """Lay the cells of several moments one after another; all have the same columns."""
        return Moments(
            n=np.concatenate([part.n for part in parts]),
            mean=np.concatenate([part.mean for part in parts]),
            m2=np.concatenate([part.m2 for part in parts]),
        )

    def at(self, cells: IntArray) -> Moments:
        """Pick the cells at these indices, shape (picked,)."""
        return Moments(n=self.n[cells], mean=self.mean[cells], m2=self.m2[cells])

    def gathered(self, group: IntArray, groups: int) -> Moments:
        """Add cells together: cell i goes to group[i]; the result has `groups` cells, empty ones with n = 0.

        Args:
            group: Target of every cell, shape (cells,), between 0 and groups - 1.
            groups: How many cells the result has.
        """
        n = np.bincount(group, weights=self.n, minlength=groups).astype(np.float64)
        columns = self.mean.shape[1]
        weighted = np.zeros((groups, columns))
        np.add.at(weighted, group, self.n[:, None] * self.mean)
        mean = np.divide(weighted, n[:, None], out=np.zeros_like(weighted), where=n[:, None] > 0)
        away = self.mean - mean[group]
        m2 = np.zeros((groups, columns, columns))
        np.add.at(m2, group, self.m2 + self.n[:, None, None] * away[:, :, None] * away[:, None, :])
        return Moments(n=n, mean=mean, m2=m2)
