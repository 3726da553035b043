"""Levels adjusted for covariates from before: one least-squares fit per variant, read at the common mean.

Lin 2013 ("Agnostic notes on regression adjustments"), from cross products only. Several covariates, missing
indicators, stratum dummies (post-stratification: Miratrix, Sekhon, Yu 2013) and ratios, linearised (Deng, Xu,
Kohavi, Walker 2013, appendix B), take the same path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from splitrun.infer.contrast import variance
from splitrun.infer.estimate import Points, Why
from splitrun.infer.means import TINY, means, spread
from splitrun.infer.ratios import ratios, residual
from splitrun.moments import ROUNDING, FloatArray, IntArray, Moments

__all__ = ["Adjusted", "adjusted", "explained", "stratified"]

COLLINEAR = 1e-10
"""Part of the largest eigenvalue of the covariates' correlations below which a direction is none."""
EXACT = 1e-12
"""Part of a metric's spread below which what the covariates leave over is rounding."""
UNITS_PER_COVARIATE = 10
"""With fewer units per covariate in a variant a cell keeps its own mean: fitting noise costs precision. The
choice looks at units and covariates only, never at the metric."""
UNITS_PER_STRATUM = 50
"""Strata with fewer units in a variant are put together."""


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """The levels of two variants at their common covariate mean, to be compared with each other only."""

    control: Points
    treatment: Points
    reduction: FloatArray
    """Part of the variance of the difference that adjustment took away, shape (cells,); below 0 where it
    added some, NaN where a variant has no number."""
    used: IntArray
    """Covariates that say something of their own, shape (cells,); 0 where a cell keeps its own means."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Least squares of a metric on its covariates, each variant's cells on their own."""

    n: FloatArray
    spread: FloatArray
    """Sum of squares of the metric around its mean, shape (cells,)."""
    left: FloatArray
    """Part of it that the covariates leave over, shape (cells,)."""
    slope: FloatArray
    """Of the metric per covariate, shape (cells, covariates)."""
    inverse: FloatArray
    """Pseudo-inverse of the covariates' centred products, shape (cells, covariates, covariates)."""
    rank: IntArray


@np.errstate(all="ignore")
def adjusted(
    control: Moments, treatment: Moments, *, covariates: int, before: Points | None = None
) -> Adjusted:
    """Adjust the levels of two variants to the covariate mean of both together, cell by cell.

    Missing values of a covariate are 0 with an indicator as one more covariate. A covariate that is constant
    in a variant, or that others say already, changes nothing there. A metric that its covariates explain
    wholly in both variants keeps its levels, and says `EXPLAINED`: no variance is left to judge by.

    Args:
        control: Moments over the control variant, shape (cells, columns): the metric's columns first (one for
            a mean or a share, two for a ratio), then the covariates.
        treatment: Moments of the same columns and cells over a treatment.
        covariates: How many of the columns are covariates.
        before: The levels as they are, control's cells and then treatment's, where they are known.

    Returns:
        Points for `difference`, `lift`, `beyond` and `noninferior`, each with what it shares with the other.
    """
    columns, cells = control.mean.shape[1] - covariates, len(control.n)
    both = Moments.stacked([control, treatment])
    plain, fit = before or unadjusted(both, columns), fitted(both, columns)
    total = control.n + treatment.n
    apart = finite(treatment.mean - control.mean)[:, columns:]
    products = (control.m2 + treatment.m2)[:, columns:, columns:]
    root = half(products) / np.sqrt((total - 2) * total)[:, None, None]
    # how far each variant's mean lies from the common one
    away = np.concatenate([-apart * (treatment.n / total)[:, None], apart * (control.n / total)[:, None]])
    read = at_common(plain, fit, away)
    shared = np.einsum("cij,cj->ci", np.concatenate([root, root]), fit.slope)
    fitting = holds(read, fit, shared).reshape(2, cells).all(axis=0)
    found = chosen(plain, read, shared, np.concatenate([fitting, fitting]))
    sides = slice(None, cells), slice(cells, None)
    noise, left = (variance(each.at(sides[0]), each.at(sides[1]), 1.0) for each in (plain, found))
    first, second = explained((found.at(sides[0]), found.at(sides[1])), noise)
    return Adjusted(
        control=first,
        treatment=second,
        reduction=np.where(noise > 0, 1 - left / noise, 0 * noise),
        used=np.where(fitting, fit.rank.reshape(2, cells).max(axis=0), 0),
    )


def explained(points: tuple[Points, Points], noise: FloatArray) -> tuple[Points, Points]:
    """Say `EXPLAINED` where adjustment leaves neither variant any variance of its own.

    Args:
        points: Adjusted levels of control and treatment.
        noise: Variance of their difference before, shape (cells,); where it is 0 nothing varied at all.
    """
    wholly = (noise > 0) & (points[0].variance == 0) & (points[1].variance == 0)
    control, treatment = (
        replace(
            each,
            variance=np.where(wholly, np.nan, each.variance),
            dof=np.where(wholly, np.nan, each.dof),
            why=np.where(wholly, int(Why.EXPLAINED), each.why),
        )
        for each in points
    )
    return control, treatment


def stratified(
    control: Sequence[Moments], treatment: Sequence[Moments], *, smallest: int = UNITS_PER_STRATUM
) -> tuple[Moments, Moments]:
    """Put strata together, with a dummy column for each: post-stratification is `adjusted` over these.

    Strata with fewer than `smallest` units in one of the variants share a dummy of zero, cell by cell.

    Args:
        control: Moments of every stratum over the control variant, each of shape (cells, columns).
        treatment: Moments of the same strata, columns and cells over a treatment.
        smallest: Units per variant from which on a stratum stands for itself.

    Returns:
        Moments of control and treatment, shape (cells, columns + strata).
    """
    large = np.stack(
        [np.minimum(c.n, t.n) >= smallest for c, t in zip(control, treatment, strict=True)], axis=1
    )
    return dummied(control, large), dummied(treatment, large)


def dummied(strata: Sequence[Moments], large: npt.NDArray[np.bool_]) -> Moments:
    """Add up strata of one variant, each with its own dummy at 1 where it is large, shape (cells, strata)."""
    cells, count = large.shape
    parts = [
        Moments(
            n=part.n,
            mean=np.concatenate([part.mean, large * np.eye(count)[index]], axis=1),
            m2=np.pad(part.m2, ((0, 0), (0, count), (0, count))),
        )
        for index, part in enumerate(strata)
    ]
    return Moments.stacked(parts).gathered(np.tile(np.arange(cells), count), cells)


def unadjusted(moments: Moments, columns: int) -> Points:
    """Levels of the metric's own columns: a mean of one, a ratio of two."""
    own = Moments(moments.n, moments.mean[:, :columns], moments.m2[:, :columns, :columns])
    return ratios(own) if columns == 2 else means(own)


@np.errstate(all="ignore")
def fitted(moments: Moments, columns: int) -> Fit:
    """Fit the metric, a ratio in its linear form, to the covariates of one variant."""
    metric, cross = linear(moments, columns)
    x = moments.m2[:, columns:, columns:]
    lengths = np.diagonal(x, axis1=1, axis2=2)
    rounding = ROUNDING * moments.n[:, None] * moments.mean[:, columns:] ** 2
    varies = np.isfinite(lengths) & (lengths > rounding) & np.isfinite(cross)
    unit = np.where(varies, 1 / np.sqrt(lengths), 0.0)
    correlations = np.where(
        varies[:, :, None] & varies[:, None, :], x * unit[:, :, None] * unit[:, None, :], 0.0
    )
    values, vectors = spectrum(finite(correlations))
    held = values > COLLINEAR * values.max(axis=1, initial=0.0)[:, None]
    inverse = vectors * np.where(held, 1 / values, 0.0)[:, None, :] @ vectors.transpose(0, 2, 1)
    size = np.sqrt(metric)
    with_metric = np.where(varies & (size > 0)[:, None], cross * unit / size[:, None], 0.0)
    partial = np.einsum("cij,cj->ci", inverse, with_metric)
    left = 1 - np.sum(with_metric * partial, axis=1)
    return Fit(
        n=moments.n,
        spread=metric,
        left=np.where(left > EXACT, left, 0.0),
        slope=partial * unit * size[:, None],
        inverse=inverse * unit[:, :, None] * unit[:, None, :],
        rank=held.sum(axis=1),
    )


def linear(moments: Moments, columns: int) -> tuple[FloatArray, FloatArray]:
    """Spread of the metric around its mean and its products with the covariates.

    Those of a ratio are of (y - R x) / mean(x), the linear part of its error, shapes (cells,) and
    (cells, covariates).
    """
    if columns == 1:
        return spread(moments)[:, 0, 0], moments.m2[:, columns:, 0]
    under = moments.mean[:, 1]
    ratio = moments.mean[:, 0] / under
    cross = moments.m2[:, columns:, 0] - ratio[:, None] * moments.m2[:, columns:, 1]
    return residual(moments) / under**2, cross / under[:, None]


def finite(numbers: FloatArray) -> FloatArray:
    """The numbers, 0 where they are none."""
    return np.where(np.isfinite(numbers), numbers, 0.0)


def spectrum(symmetric: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues, shape (cells, rows), and eigenvectors, (cells, rows, rows); one number is its own."""
    if symmetric.shape[1] == 1:
        return symmetric[:, :, 0], np.ones_like(symmetric)
    values, vectors = np.linalg.eigh(symmetric)
    return values, vectors


def half(products: FloatArray) -> FloatArray:
    """A matrix H with H'H = products, cell by cell, of any rank; zero for columns that are not finite."""
    lengths = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    unit = np.where(np.isfinite(lengths) & (lengths > 0), 1 / lengths, 0.0)
    scaled = np.where(
        unit[:, :, None] * unit[:, None, :] > 0, products * unit[:, :, None] * unit[:, None, :], 0.0
    )
    values, vectors = spectrum(finite(scaled))
    roots = np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.transpose(0, 2, 1)
    return np.asarray(roots * np.where(unit > 0, lengths, 0.0)[:, None, :])


def at_common(plain: Points, fit: Fit, away: FloatArray) -> Points:
    """Read a variant's fit at the common covariate mean; its own lies `away` from that."""
    dof = fit.n - 1 - fit.rank
    lever = 1 / fit.n + np.einsum("ci,cij,cj->c", away, fit.inverse, away)
    return replace(
        plain,
        value=plain.value - np.sum(fit.slope * away, axis=1),
        variance=fit.left * fit.spread / dof * lever,
        dof=np.where(np.isinf(plain.dof), plain.dof, dof),
    )


def holds(read: Points, fit: Fit, shared: FloatArray) -> npt.NDArray[np.bool_]:
    """Cells with units enough for their covariates, and numbers that double precision holds."""
    size = np.where(read.variance == 0, 1.0, read.variance)
    finite = np.isfinite(read.value) & (size >= TINY) & np.isfinite(size + shared.sum(axis=1))
    enough = (fit.rank > 0) & (fit.n >= UNITS_PER_COVARIATE * fit.rank)
    return np.asarray((read.why == 0) & finite & enough)


def chosen(plain: Points, read: Points, shared: FloatArray, fitting: npt.NDArray[np.bool_]) -> Points:
    """The adjusted levels where they hold in both variants, the variant's own elsewhere."""
    return replace(
        plain,
        value=np.where(fitting, read.value, plain.value),
        variance=np.where(fitting, read.variance, plain.variance),
        dof=np.where(fitting, read.dof, plain.dof),
        shared=np.where(fitting[:, None], shared, 0.0),
    )
