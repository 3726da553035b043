"""Salt search: the salt, out of many, under which the online hash balances the covariates best.

It is rerandomisation (Morgan and Rubin 2012) with the best of a fixed number of draws: variants come out
more alike in the covariates than chance would make them. Estimates stay unbiased with equal weights, and
their true spread shrinks; an analysis that does not know of it keeps intervals that are too wide and p
that are too large. Adjusting for the same covariates gives the gain back.

Source: K. L. Morgan, D. B. Rubin, "Rerandomization to improve covariate balance in experiments", Annals
of Statistics 40 (2012), 1263-1282.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitrun.assign.slots import dealing_salt
from splitrun.plan.designs.balance import Feature
from splitrun.plan.designs.dealt import hashed
from splitrun.plan.designs.design import SaltSearch, Score
from splitrun.plan.designs.dice import Whole

__all__ = ["Search", "names", "search", "warning"]

Figures = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a search tried and found."""

    name: str
    """The best, as an experiment's file names it: `salt: NAME`."""
    salt: str
    """The same as clients use it."""
    score: Score
    best: float
    first: float
    """The score of the first candidate: a draw without a search."""
    quantiles: tuple[tuple[float, float], ...]
    """Of the scores of all candidates, with their levels."""
    worst: float
    refused: int
    """Candidates that left a variant without units."""
    before: Whole
    """The assignment of the first candidate, shape (units,)."""
    after: Whole
    """The assignment of the best, shape (units,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Features side by side, centred, 0 where not known; shape (features, units)."""

    values: Figures
    squares: Figures
    known: Figures
    shares: NDArray[np.bool_]
    """Shape (features,)."""
    inverse: Figures
    """Of the covariance over all units; where columns say the same twice, its pseudo-inverse."""


def names(design: SaltSearch, seed: int) -> list[str]:
    """The candidates, in order, as an experiment's file may name them."""
    return [f"{seed}-{index}" for index in range(1, design.candidates + 1)]


def panel(told: Sequence[Feature]) -> Panel:
    """Set features side by side."""
    known = np.array([feature.known for feature in told], dtype=np.float64)
    raw = np.array([feature.values for feature in told])
    middle = (raw * known).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    values = (raw - middle) * known
    inverse = np.linalg.pinv(np.atleast_2d(np.cov(values)), hermitian=True)
    shares = np.array([feature.shares for feature in told])
    return Panel(values, values**2, known, shares, inverse)


def scored(sheet: Panel, split: Whole, arms: int, score: Score) -> float | None:
    """The score of an assignment, control first; none where a variant has no unit of known values."""
    marks = np.zeros((len(split), arms))
    marks[np.arange(len(split)), split] = 1.0
    units, n = marks.sum(axis=0), sheet.known @ marks
    if not n.all():
        return None
    mean = sheet.values @ marks / n
    gap = mean[:, 1:] - mean[:, :1]
    if score is Score.MAHALANOBIS:
        weight = units[1:] * units[0] / (units[1:] + units[0])
        return float((weight * np.einsum("it,ij,jt->t", gap, sheet.inverse, gap)).max())
    # a level's square around its own mean is p (1 - p); a number's has one degree of freedom less
    square = sheet.squares @ marks - n * mean**2
    variance = square / np.where(sheet.shares[:, None], n, np.maximum(n - 1, 1))
    scale = np.sqrt((variance[:, 1:] + variance[:, :1]) / 2)
    return float(np.abs(np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)).max())


def search(design: SaltSearch, told: Sequence[Feature], units: Sequence[bytes], seed: int) -> Search | None:
    """Try every candidate and keep the best; the first of equals.

    Returns:
        What was found; none where every candidate leaves a variant without units.
    """
    sheet, weights = panel(told), list(design.variants.values())
    best: tuple[float, str, str, Whole] | None = None
    first: tuple[float, Whole] | None = None
    scores = []
    for name in names(design, seed):
        salt = dealing_salt(design.key or "", design.version, name)
        split = hashed(salt, units, weights)
        found = scored(sheet, split, len(weights), design.score)
        if found is None:
            continue
        scores.append(found)
        first = first or (found, split)
        if best is None or found < best[0]:
            best = (found, name, salt, split)
    if best is None or first is None:
        return None
    return Search(
        name=best[1], salt=best[2], score=design.score, best=best[0], first=first[0],
        quantiles=tuple((level, float(np.quantile(scores, level))) for level in QUANTILES),
        worst=max(scores), refused=design.candidates - len(scores), before=first[1], after=best[3],
    )  # fmt: skip


def warning(design: SaltSearch) -> str:
    """What a search does to the analysis."""
    listed = ", ".join(design.covariates)
    return (
        f"the salt was chosen among {design.candidates:,} for its balance, so the variants are more alike in "
        f"{listed} than chance makes them: without adjustment intervals are too wide and p too large "
        f"(Morgan and Rubin 2012); adjust the analysis for {listed}, and expect no balance "
        "among units that come later"
    )
