"""What inference answers with: estimates over cells, and the view of one cell, `Estimate | Unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from splitrun.moments import FloatArray, IntArray

__all__ = ["Estimate", "Estimates", "Kind", "Points", "Reach", "Side", "Unknown", "Why", "first_of"]


class Why(IntEnum):
    """Why a cell has no number; 0 in the arrays means that it has one."""

    NO_UNITS = 1
    FEW_UNITS = 2
    NO_SPREAD = 3
    NO_DENOMINATOR = 4
    CONTROL_NEAR_ZERO = 5
    NOT_FINITE = 6
    BEYOND_DATA = 7
    NO_ALPHA = 8
    TIED = 9
    FEW_CLUSTERS = 10
    LOPSIDED_CLUSTERS = 11
    EXPLAINED = 12
    SUPPRESSED = 13

    @property
    def says(self) -> str:
        """The reason in words, for people."""
        return SENTENCES[self]


SENTENCES: dict[Why, str] = {
    Why.NO_UNITS: "no unit of one of the variants has a known outcome yet",
    Why.FEW_UNITS: "fewer than two units in one of the variants, so there is no spread to judge by",
    Why.NO_SPREAD: "every unit of both variants has the same value, so there is no spread to judge by",
    Why.NO_DENOMINATOR: "the ratio's denominator cannot be told from zero in one of the variants",
    Why.CONTROL_NEAR_ZERO: "control's lower bound is not above zero, so a relative effect says nothing",
    Why.NOT_FINITE: "the numbers are too large or too small for double precision",
    Why.BEYOND_DATA: (
        "too few values lie beyond the quantile in one of the variants to bound it: it takes 100 units, "
        "and 30 on either side of it"
    ),
    Why.TIED: (
        "so many values are the same at the quantile in one of the variants that its bounds are that value "
        "too, and how sure it is cannot be read off them"
    ),
    Why.FEW_CLUSTERS: (
        "fewer than two clusters in one of the variants, so there is no spread to judge by, "
        "however many units they hold"
    ),
    Why.LOPSIDED_CLUSTERS: (
        "a few clusters hold so many of the units in one of the variants that its level rests on these few "
        "alone, and its spread over clusters cannot be judged"
    ),
    Why.EXPLAINED: (
        "the covariates explain the metric wholly in both variants, so adjusted for them there is no spread "
        "to judge by"
    ),
    Why.SUPPRESSED: (
        "withheld: fewer units than may be shown, in a variant of this level or of one that it would give "
        "away"
    ),
    Why.NO_ALPHA: "no alpha may be spent now: the first planned look has not come, or all of it is spent",
}


class Side(StrEnum):
    """Which ends of an interval are bounded."""

    BOTH = "both"
    LOWER = "lower"
    """Only the low end is bounded."""
    UPPER = "upper"
    """Only the high end is bounded."""


class Kind(StrEnum):
    """What an interval promises."""

    FIXED = "fixed"
    """It holds at one look, at a moment chosen beforehand."""
    GROUP_SEQUENTIAL = "group_sequential"
    """It holds over all the looks that were planned."""
    ALWAYS_VALID = "always_valid"
    """It holds at every moment, however often it is looked at."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty."""

    effect: float
    stderr: float
    low: float | None
    """None where the side leaves it unbounded."""
    high: float | None
    level: float
    side: Side
    kind: Kind
    p: float
    """Two-sided for `both`; for `lower` of the null that the effect is 0 or less, for `upper` 0 or more."""
    dof: float | None
    """Degrees of freedom; None for a normal quantile."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No number, and why."""

    why: Why

    @property
    def says(self) -> str:
        """The reason in words, for people."""
        return self.why.says


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The level of one metric in one variant, cell by cell, with its sampling variance.

    All arrays have shape (cells,).
    """

    value: FloatArray
    """In the metric's unit; holds for one unit too, where `why` is `FEW_UNITS`."""
    variance: FloatArray
    """Squared standard error of `value`; may be 0 where every unit has the same value."""
    dof: FloatArray
    """n - 1 where a t quantile applies, infinity for a normal one."""
    n: FloatArray
    why: IntArray
    """A `Why`, or 0 where value and variance hold."""
    shared: FloatArray | None = None
    """What moves `value` together with the other variant's, in standard errors, shape (cells, errors): of the
    covariate mean that both are adjusted to, or of clusters that hold both. The squared length of treatment's
    less r times control's adds to the variance of their contrast. None where nothing is shared."""

    def at(self, cells: slice | IntArray) -> Points:
        """The points of these cells."""
        return Points(
            value=self.value[cells],
            variance=self.variance[cells],
            dof=self.dof[cells],
            n=self.n[cells],
            why=self.why[cells],
            shared=None if self.shared is None else self.shared[cells],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far intervals reach, where that is no quantile at a level: always-valid ones."""

    errors: FloatArray
    """In standard errors, shape (cells,); infinity where nothing may be concluded."""
    level: float
    """How often such intervals hold the true value."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Estimates over cells; every array has shape (cells,). `cell` gives the view of one.

    Where `why` is not 0 the numbers mean nothing (most are NaN, so that using them shows).
    """

    effect: FloatArray
    stderr: FloatArray
    low: FloatArray
    """-infinity where unbounded."""
    high: FloatArray
    """+infinity where unbounded."""
    p: FloatArray
    dof: FloatArray
    level: FloatArray
    why: IntArray
    side: Side = Side.BOTH
    kind: Kind = Kind.FIXED

    def at(self, cells: slice) -> Estimates:
        """The estimates of these cells."""
        return Estimates(
            effect=self.effect[cells],
            stderr=self.stderr[cells],
            low=self.low[cells],
            high=self.high[cells],
            p=self.p[cells],
            dof=self.dof[cells],
            level=self.level[cells],
            why=self.why[cells],
            side=self.side,
            kind=self.kind,
        )

    def cell(self, index: int) -> Estimate | Unknown:
        """The estimate of one cell, or why there is none."""
        if self.why[index]:
            return Unknown(Why(int(self.why[index])))
        return Estimate(
            effect=float(self.effect[index]),
            stderr=float(self.stderr[index]),
            low=None if self.side is Side.UPPER else float(self.low[index]),
            high=None if self.side is Side.LOWER else float(self.high[index]),
            level=float(self.level[index]),
            side=self.side,
            kind=self.kind,
            p=float(self.p[index]),
            dof=None if np.isinf(self.dof[index]) else float(self.dof[index]),
        )


def first_of(reasons: Mapping[Why, np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> IntArray:
    """The first reason that applies to each cell, in the order given; 0 where none does."""
    found = np.zeros(len(next(iter(reasons.values()))), dtype=np.int64)
    for why, applies in reversed(list(reasons.items())):
        found[applies] = int(why)
    return found
