"""Balance: how far variants differ in what was known beforehand, in standard deviations.

The standardised difference of a treatment from control is the difference of their means over the root of
the mean of their two variances; a level of a label counts as 1 where a unit has it and 0 elsewhere, with
variance p (1 - p). It does not depend on the number of units, unlike a p: with randomised units the
hypothesis of a test is true anyway, and what matters is how far apart the variants came to lie.

Source: P. C. Austin, "Balance diagnostics for comparing the distribution of baseline covariates between
treatment groups in propensity-score matched samples", Statistics in Medicine 28 (2009), 3083-3107,
section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitrun.plan.designs.dealt import Strata
from splitrun.plan.designs.dice import Whole
from splitrun.plan.designs.roster import MISSING, Roster

__all__ = ["Difference", "Feature", "Splits", "apart", "balance", "features"]

Figures = NDArray[np.float64]

NO_SPREAD = "the column does not vary there, and the variants differ"
NO_UNITS = "a variant has no unit whose value is known there"


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """A number per unit whose mean is compared: a covariate, or whether a unit has a level."""

    covariate: str
    level: str | None
    """The level; none for a number."""
    values: Figures
    """Shape (units,)."""
    known: NDArray[np.bool_]
    """Shape (units,)."""
    shares: bool = False
    """Whether all values are 0 or 1, so that the variance is p (1 - p)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a treatment lies from control in one feature, in one stratum or over all."""

    of: str
    """What was compared: `unit`, or `cluster` where each cluster's mean counts once."""
    stratum: str | None
    """None over all units."""
    covariate: str
    level: str | None
    variant: str
    before: float | None
    """Under the simple assignment of the same seed; none where it has no number."""
    after: float | None
    """Under the design; none where it has no number."""
    why: str | None = None
    """Why there is no number."""


def features(roster: Roster, names: Sequence[str]) -> Iterator[Feature]:
    """Every covariate as numbers: itself, each of its levels, and whether it is missing."""
    everywhere = np.ones(len(roster.units), dtype=np.bool_)
    for name in names:
        if name in roster.numbers:
            column = roster.numbers[name]
            yield Feature(name, None, column.values, column.known)
            if not column.known.all():
                yield Feature(name, MISSING, (~column.known).astype(np.float64), everywhere, shares=True)
        else:
            labels = roster.labels[name]
            for index, level in enumerate(labels.levels):
                yield Feature(name, level, (labels.code == index).astype(np.float64), everywhere, shares=True)


def spread(feature: Feature, cell: Whole, cells: int) -> tuple[Figures, Figures, Figures]:
    """Count, mean and variance of a feature in each cell; a level's variance is p (1 - p)."""
    known = feature.known
    n = np.bincount(cell[known], minlength=cells).astype(np.float64)
    whole = np.maximum(n, 1.0)
    mean = np.bincount(cell[known], weights=feature.values[known], minlength=cells) / whole
    apart = (feature.values - mean[cell])[known] ** 2
    square = np.bincount(cell[known], weights=apart, minlength=cells)
    freedom = whole if feature.shares else np.maximum(n - 1.0, 1.0)
    return n, mean, square / freedom


def standardised(feature: Feature, strata: Strata, variant: Whole, arms: int) -> tuple[Figures, Figures]:
    """Standardised differences of every treatment, and the smaller count of units behind each.

    Returns:
        Differences of shape (strata, treatments), infinite where variants differ without spread, and
        counts of the same shape.
    """
    shape = (len(strata.names), arms)
    n, mean, variance = (
        part.reshape(shape) for part in spread(feature, strata.code * arms + variant, shape[0] * arms)
    )
    gap = apart(mean[:, 1:] - mean[:, :1], (variance[:, 1:] + variance[:, :1]) / 2)
    return gap, np.minimum(n[:, 1:], n[:, :1])


def apart(gap: Figures, variance: Figures) -> Figures:
    """Differences over the root of the mean of two variances; infinite where there is no spread."""
    scale = np.sqrt(variance)
    flat = np.where(gap == 0, 0.0, np.inf)
    return np.divide(gap, scale, out=flat, where=scale > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Two assignments of the same members, as places among the variants, control first."""

    variants: tuple[str, ...]
    before: Whole
    """What a simple assignment of the same seed would have given, shape (members,)."""
    after: Whole
    """Shape (members,)."""


def balance(told: Sequence[Feature], strata: Strata | None, splits: Splits, of: str) -> Iterator[Difference]:
    """Every standardised difference of some members.

    Args:
        told: What is compared.
        strata: A partition of the members, to look inside of each part; none: over all.
        splits: Before and after.
        of: What the members are.
    """
    names: tuple[str | None, ...] = (None,) if strata is None else strata.names
    part = Strata(("",), np.zeros(len(splits.after), dtype=np.int64)) if strata is None else strata
    arms = len(splits.variants)
    rows = [
        (each, standardised(each, part, splits.before, arms), standardised(each, part, splits.after, arms))
        for each in told
    ]
    for index, name in enumerate(names):
        for feature, (early, few), (late, scarce) in rows:
            for arm, variant in enumerate(splits.variants[1:]):
                units = scarce[index, arm]
                before = number(early[index, arm], few[index, arm])
                after = number(late[index, arm], units)
                why = None if after is not None else NO_SPREAD if units else NO_UNITS
                yield Difference(of, name, feature.covariate, feature.level, variant, before, after, why)


def number(value: float, units: float) -> float | None:
    """A difference as a number; none where it is not finite, or where a variant has no unit."""
    return float(value) if units and np.isfinite(value) else None
