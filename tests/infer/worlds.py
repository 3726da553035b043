"""Points from raw values, for the tests of this room."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splitrun.infer.estimate import Estimate, Estimates, Points
from splitrun.infer.means import means
from splitrun.infer.ratios import ratios
from splitrun.moments import FloatArray, Moments

__all__ = ["cells_of", "known", "mean_of", "point", "ratio_of"]


def mean_of(values: npt.ArrayLike) -> Points:
    """One cell from the values of its units."""
    return means(Moments.of(np.asarray(values, dtype=np.float64)[:, None]))


def ratio_of(over: npt.ArrayLike, under: npt.ArrayLike) -> Points:
    """One cell from numerators and denominators of its units."""
    return ratios(Moments.of(np.column_stack([over, under]).astype(np.float64)))


def point(value: float, variance: float, *, dof: float, n: float) -> Points:
    """One cell from its level and sampling variance."""
    arrays = [np.array([each]) for each in (value, variance, dof, n)]
    return Points(value=arrays[0], variance=arrays[1], dof=arrays[2], n=arrays[3], why=np.array([0]))


def cells_of(values: FloatArray) -> Moments:
    """Many cells of the same size: values of shape (cells, units, columns)."""
    mean = values.mean(axis=1)
    away = values - mean[:, None, :]
    return Moments(
        n=np.full(len(values), float(values.shape[1])),
        mean=mean,
        m2=np.einsum("cui,cuj->cij", away, away),
    )


def known(estimates: Estimates) -> Estimate:
    """The estimate of the first cell, which must be there."""
    cell = estimates.cell(0)
    assert isinstance(cell, Estimate), cell
    return cell
