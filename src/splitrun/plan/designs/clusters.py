"""Whole clusters randomised: what is dealt is clusters, and what is known grows with their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splitrun.errors import DataError
from splitrun.plan.designs.balance import Feature
from splitrun.plan.designs.dice import Whole
from splitrun.plan.designs.roster import Labels

__all__ = ["FEW", "Sizes", "above", "doubts", "means", "present", "sizes"]

FEW = 10
"""Fewer clusters in a variant leave even CR2 little to see a spread in (Cameron, Gelbach, Miller 2008)."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How clusters are made up."""

    clusters: int
    smallest: int
    median: float
    largest: int
    effective: float
    """Clusters of equal size that would tell as much where units of one are alike: (sum m)² / sum m²."""


def present(name: str, column: Labels) -> Labels:
    """Refuse units without a cluster.

    Raises:
        DataError: Their number.
    """
    if column.gaps:
        lost = int((column.code == len(column.levels) - 1).sum())
        raise DataError(
            f"{lost:,} of {len(column.code):,} units have no value in the cluster column {name!r}; "
            "fill it in, or take these units out of the frame"
        )
    return column


def above(clusters: Labels, columns: Mapping[str, Labels]) -> dict[str, Labels]:
    """Columns of the units as columns of their clusters.

    Raises:
        DataError: A cluster holds several values of one.
    """
    _, first = np.unique(clusters.code, return_index=True)
    for name, column in columns.items():
        mixed = np.flatnonzero(column.code != column.code[first][clusters.code])
        if len(mixed):
            cluster = clusters.levels[clusters.code[mixed[0]]]
            held = {column.levels[code] for code in column.code[clusters.code == clusters.code[mixed[0]]]}
            listed = ", ".join(repr(level) for level in sorted(held)[:3])
            raise DataError(
                f"the cluster {cluster!r} holds several values of the stratum {name!r} ({listed}); "
                "whole clusters are dealt, so name columns that are the same in all units of a cluster"
            )
    return {name: Labels(column.levels, column.code[first], column.gaps) for name, column in columns.items()}


def sizes(clusters: Labels) -> Sizes:
    """How many clusters there are, and how large they are."""
    counts = np.bincount(clusters.code)
    return Sizes(
        clusters=len(counts),
        smallest=int(counts.min()),
        median=float(np.median(counts)),
        largest=int(counts.max()),
        effective=float(counts.sum() ** 2 / (counts**2).sum()),
    )


def means(told: Sequence[Feature], clusters: Labels) -> Iterator[Feature]:
    """Features of units as features of clusters: the mean over a cluster's units whose value is known."""
    for each in told:
        code = clusters.code[each.known]
        n = np.bincount(code, minlength=len(clusters.levels))
        total = np.bincount(code, weights=each.values[each.known], minlength=len(clusters.levels))
        yield Feature(each.covariate, each.level, total / np.maximum(n, 1), n > 0)


def doubts(found: Sizes, variants: Sequence[str], dealt: Whole) -> Iterator[str]:
    """What few or unequal clusters take from a design."""
    counts = np.bincount(dealt, minlength=len(variants))
    few = [f"{variant} {count}" for variant, count in zip(variants, counts, strict=True) if count < FEW]
    if few:
        yield (
            f"few clusters: {', '.join(few)}, where at least {FEW} in each variant are needed before an "
            "interval can be trusted; more units in the same clusters tell little"
        )
    if found.effective < 0.8 * found.clusters:
        yield (
            f"clusters hold from {found.smallest:,} to {found.largest:,} units: the {found.clusters:,} "
            f"clusters may tell only as much as {found.effective:.0f} of equal size"
        )
