"""Levels over clusters, adjusted for covariates from before exposure.

Where every cluster has one variant, outcome and covariates are ratios of totals over clusters, both in the
linear form of their errors (Deng, Xu, Kohavi, Walker 2013, appendix B), and clusters take the place of units
in Lin's estimator (`linearised`, `nested_adjusted`; Su, Ding 2021 on cluster totals).

Where clusters hold both variants, units are regressed on treatment, centred covariates and their products
(Lin 2013) with the variance CR2 and Satterthwaite degrees of freedom (Bell, McCaffrey 2002; Pustejovsky,
Tipton 2018). Of each cluster only its cross products are needed: with X a cluster's rows in a basis in which
all rows of its variant have products of 1, (I - XX')^(-1/2) X = X (I - X'X)^(-1/2) (`crossed_adjusted`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from splitrun.infer.adjustment import COLLINEAR, EXACT, UNITS_PER_COVARIATE, Adjusted, adjusted, explained
from splitrun.infer.clusters import nested, paired, working_dof
from splitrun.infer.contrast import variance
from splitrun.infer.estimate import Points
from splitrun.moments import EPSILON, ROUNDING, FloatArray, Moments

__all__ = ["CLUSTERS_PER_STRATUM", "crossed_adjusted", "linearised", "nested_adjusted"]

CLUSTERS_PER_STRATUM = 10
"""Strata with units of fewer clusters in a variant are put together, as those with few units are."""
FULL = 1e-9
"""Distance from 1 at which a cluster alone decides a direction, so that nothing of it is left over."""


@np.errstate(all="ignore")
def linearised(outcome: FloatArray, units: FloatArray, covariates: FloatArray) -> Moments:
    """Moments of one variant over its clusters, with covariates as means per unit.

    Args:
        outcome: The metric's total and what it is counted over (a mean: its units), shape (clusters, 2).
        units: Units of every cluster, shape (clusters,).
        covariates: Totals of the covariates, shape (clusters, covariates).

    Returns:
        One cell: the two outcome columns as they are; of each covariate its mean per unit, and the products
        of (X - mean * units) / mean units, the linear part of that mean's error.
    """
    size = units.mean() if len(units) else 0.0
    mean = covariates.sum(axis=0) / units.sum() if size > 0 else np.zeros(covariates.shape[1])
    away = (covariates - mean * units[:, None]) / size
    found = Moments.of(np.concatenate([outcome, away], axis=1))
    return replace(found, mean=np.concatenate([found.mean[:, :2], mean[None, :]], axis=1))


def nested_adjusted(
    control: Moments,
    treatment: Moments,
    *,
    covariates: int,
    before: tuple[Points, Points] | None = None,
) -> Adjusted:
    """Adjust ratios of totals where every cluster has one variant; `n` counts clusters.

    Of the clusters' degrees of freedom, less those that the covariates take, as large a part is left as
    `uneven_dof` leaves without covariates: what makes them few are the sizes, which adjustment does not mend.

    Args:
        control: Of control as `linearised` answers, shape (cells, 2 + covariates).
        treatment: Of a treatment over the same cells.
        covariates: How many of the columns are covariates.
        before: The levels as they are, where they are known; else clusters are taken as of one size.
    """
    one, other = before or (unadjusted(control), unadjusted(treatment))
    plain, cells = laid(one, other), len(control.n)
    found = adjusted(control, treatment, covariates=covariates, before=plain)
    part = np.where(plain.n > 1, plain.dof / (plain.n - 1), 1.0)
    part = np.where(np.tile(found.used > 0, 2), part, 1.0)
    return replace(
        found,
        control=replace(found.control, dof=np.maximum(found.control.dof * part[:cells], 1.0)),
        treatment=replace(found.treatment, dof=np.maximum(found.treatment.dof * part[cells:], 1.0)),
    )


def unadjusted(moments: Moments) -> Points:
    """The levels of the outcome's two columns, as of clusters of one size."""
    return nested(Moments(moments.n, moments.mean[:, :2], moments.m2[:, :2, :2]))


def laid(one: Points, other: Points) -> Points:
    """Control's cells and then the treatment's; nothing is shared."""
    return Points(
        value=np.concatenate([one.value, other.value]),
        variance=np.concatenate([one.variance, other.variance]),
        dof=np.concatenate([one.dof, other.dof]),
        n=np.concatenate([one.n, other.n]),
        why=np.concatenate([one.why, other.why]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One variant's least squares over the units of its clusters, in a basis of its own."""

    slope: FloatArray
    """Of the metric per covariate, shape (covariates,)."""
    away: FloatArray
    """From the variant's covariate mean to the common one, shape (covariates,)."""
    score: FloatArray
    """What every cluster adds to the error of the level at the common mean, shape (clusters,)."""
    own: FloatArray
    """Its variance in the working model before anything is fitted, shape (clusters,)."""
    across: FloatArray
    """How it is drawn to the coefficients, shape (clusters, 1 + rank)."""
    rank: int


@np.errstate(all="ignore")
def crossed_adjusted(
    control: Moments, treatment: Moments, *, covariates: int, before: tuple[Points, Points]
) -> Adjusted:
    """Adjust the levels of one cell where clusters hold both variants, or some clusters do.

    The covariate mean that both levels are read at is an estimate; its error belongs to every cluster too.

    Args:
        control: Moments over the units of control in every cluster, shape (clusters, columns): the metric's
            columns first (one, or two of a ratio), then the covariates; n is 0 where a cluster has none.
        treatment: Moments of the same clusters and columns over a treatment.
        covariates: How many of the columns are covariates, one or more.
        before: The levels as they are, one cell each.
    """
    plain = Adjusted(before[0], before[1], np.zeros(1), np.zeros(1, dtype=np.int64))
    if any(each.why[0] for each in before):
        return plain
    sides, columns = (control, treatment), control.mean.shape[1] - covariates
    wholes = [each.gathered(np.zeros(len(each.n), dtype=np.int64), 1) for each in sides]
    units = sum(float(each.n[0]) for each in wholes)
    parts = [float(each.n[0]) / units * each.mean[0, columns:] for each in wholes]
    fits = [
        fitted(part, whole, columns, parts[0] + parts[1]) for part, whole in zip(sides, wholes, strict=True)
    ]
    held = np.stack([each.n > 0 for each in sides], axis=1)
    points = paired(
        held.sum(axis=0).astype(np.float64)[None, :],
        np.array([[each.value[0] + fit.slope @ fit.away for each, fit in zip(before, fits, strict=True)]]),
        np.stack([fit.score for fit in fits], axis=1)[None] + drift(sides, fits)[None],
        working_dof(
            (fits[0].own + fits[1].own)[None], np.concatenate([fit.across for fit in fits], axis=1)[None]
        ),
    )
    enough = [
        0 < UNITS_PER_COVARIATE * fit.rank <= count for fit, count in zip(fits, held.sum(axis=0), strict=True)
    ]
    if not all(enough) or any(each.why[0] for each in points):
        return plain
    noise, left = variance(*before, 1.0), variance(*points, 1.0)
    found = explained(points, noise)
    return Adjusted(
        control=found[0],
        treatment=found[1],
        reduction=np.where(noise > 0, 1 - left / noise, 0 * noise),
        used=np.array([max(fit.rank for fit in fits)]),
    )


def drift(sides: tuple[Moments, Moments], fits: Sequence[Fit]) -> FloatArray:
    """What every cluster adds to the levels by its part in the common covariate mean, shape (clusters, 2)."""
    count = len(fits[0].slope)
    units = float(sides[0].n.sum() + sides[1].n.sum())
    sums = [each.n[:, None] * each.mean[:, -count:] for each in sides]
    size = sides[0].n + sides[1].n
    away = sums[0] + sums[1] - size[:, None] * (sums[0].sum(axis=0) + sums[1].sum(axis=0)) / units
    many = float(np.sum(size > 0))
    off = finite(away * np.sqrt(many / (many - 1)) / units)
    return np.stack([off @ fit.slope for fit in fits], axis=1)


def fitted(part: Moments, whole: Moments, columns: int, common: FloatArray) -> Fit:
    """Fit the metric, a ratio in its linear form, to the covariates of one variant's units.

    Args:
        part: Moments of every cluster.
        whole: Of all clusters together.
        columns: How many columns are the metric's.
        common: The covariate mean that the level is read at.
    """
    n, total, centre = part.n, float(whole.n[0]), whole.mean[0]
    over = linear_form(centre[:columns])
    x = finite(part.mean[:, columns:] - centre[columns:]) * (n > 0)[:, None]
    y = finite((part.mean[:, :columns] - centre[:columns]) @ over) * (n > 0)
    products = finite(part.m2[:, columns:, columns:] + n[:, None, None] * x[:, :, None] * x[:, None, :])
    cross = finite(part.m2[:, columns:, :columns] @ over + n[:, None] * x * y[:, None])
    squares = float(np.sum(part.m2[:, :columns, :columns] @ over @ over + n * y**2))
    basis = orthonormal(products.sum(axis=0), total, centre[columns:])
    first = np.sqrt(n / total)
    inner = np.empty((len(n), basis.shape[1] + 1, basis.shape[1] + 1))
    inner[:, 0, 0] = n / total
    inner[:, 0, 1:] = inner[:, 1:, 0] = (n / np.sqrt(total))[:, None] * (x @ basis)
    inner[:, 1:, 1:] = basis.T @ products @ basis
    seen = np.concatenate([(first * np.sqrt(n) * y)[:, None], cross @ basis], axis=1)
    beta = seen.sum(axis=0)
    away = common - centre[columns:]
    weight = unleveraged(inner, np.concatenate([[1 / np.sqrt(total)], away @ basis]))
    across = np.einsum("gij,gj->gi", inner, weight)
    explained = squares - float(beta @ beta) <= max(EXACT * squares, total * flat(whole, columns, over))
    score = np.einsum("gi,gi->g", weight, seen - inner @ beta)
    return Fit(
        slope=basis @ beta[1:],
        away=away,
        score=np.zeros_like(n) if explained else score,
        own=np.sum(weight * across, axis=1),
        across=across,
        rank=basis.shape[1],
    )


def linear_form(centre: FloatArray) -> FloatArray:
    """What a unit's columns are added up with: the value, or (y - R d) / mean(d) of a ratio."""
    return np.ones(1) if len(centre) == 1 else np.array([1.0, -centre[0] / centre[1]]) / centre[1]


def flat(whole: Moments, columns: int, over: FloatArray) -> float:
    """The square of a metric's last digit: what a constant one leaves behind for each unit."""
    return float(np.sum((EPSILON * whole.mean[0, :columns] * over) ** 2))


def orthonormal(products: FloatArray, n: float, centre: FloatArray) -> FloatArray:
    """A basis in which centred products are 1, shape (covariates, rank), without what says nothing new."""
    lengths = np.diagonal(products)
    varies = np.isfinite(lengths) & (lengths > ROUNDING * n * centre**2)
    unit = np.where(varies, 1 / np.sqrt(lengths), 0.0)
    values, vectors = np.linalg.eigh(finite(products * unit[:, None] * unit[None, :]))
    held = values > COLLINEAR * values.max(initial=0.0)
    return np.asarray(unit[:, None] * vectors[:, held] / np.sqrt(values[held]))


def unleveraged(inner: FloatArray, row: FloatArray) -> FloatArray:
    """(I - X'X)^(-1/2) row for every cluster, by a generalised inverse; shape (clusters, 1 + rank)."""
    values, vectors = np.linalg.eigh(inner)
    root = np.where(values < 1 - FULL, 1 / np.sqrt(np.maximum(1 - values, FULL)), 0.0)
    return np.asarray(np.einsum("gij,gj->gi", vectors, root * np.einsum("gij,i->gj", vectors, row)))


def finite(numbers: FloatArray) -> FloatArray:
    """The numbers, 0 where they are none."""
    return np.where(np.isfinite(numbers), numbers, 0.0)
