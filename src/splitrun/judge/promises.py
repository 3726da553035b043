"""What an interval promises, and how it is read so that it keeps it: once, at planned looks, or at any time.

All three are effect ± multiplier · standard error. A promise turns an ordinary contrast into its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from splitrun.infer.contrast import Level
from splitrun.infer.estimate import Estimates, Kind, Reach, Side, Why
from splitrun.infer.looks.always import AlwaysValid
from splitrun.infer.looks.boundaries import boundaries
from splitrun.infer.looks.repeated import adjusted_level, repeated_p
from splitrun.infer.looks.spending import Spending
from splitrun.moments import FloatArray

__all__ = ["Always", "AtLook", "Contrast", "Once", "Promise", "last_bound"]

Contrast = Callable[[Level], Estimates]
"""An ordinary contrast that waits for its level."""


@dataclass(frozen=True, slots=True)
class Once:
    """Holds at one look, at a moment chosen beforehand."""

    alpha: float | FloatArray
    """Of one comparison: two-sided, or one-sided where one end is bounded; one, or shape (cells,)."""
    part: float = 1.0
    """Of the alpha that the plan has for the comparison, where it reads in other ways too."""

    def read(self, contrast: Contrast, units: FloatArray) -> Estimates:
        """Read a contrast as it is; `units` says nothing here."""
        del units
        found = contrast(1 - self.alpha)
        return replace(found, p=in_part(found.p, self.part))

    def over(self, levels: int) -> Once:
        """The promise of one of so many levels of a segment."""
        return replace(self, alpha=self.alpha / max(1, levels))


@dataclass(frozen=True, slots=True)
class AtLook:
    """Holds over all planned looks (Lan and DeMets 1983; Jennison and Turnbull 1989)."""

    alpha: float
    whole: float
    """Alpha of the same comparison over all units, at which p and interval agree to the last digit."""
    fractions: tuple[float, ...]
    """Matured over planned units at the looks so far; none: the first look has not come."""
    spending: Spending
    ended: bool
    """Whether the last of them is the planned end."""

    @property
    def part(self) -> float:
        """All of the alpha that the plan has for the comparison is for its looks."""
        return 1.0

    def read(self, contrast: Contrast, units: FloatArray) -> Estimates:
        """Read a contrast at the level of its look; its p is the repeated one. `units` says nothing here."""
        del units
        usual = contrast(1 - self.alpha)
        level = self.level(usual.side)
        if level >= 1:
            return silent(usual)
        found = contrast(level)
        tail = self.whole / (2 if found.side is Side.BOTH else 1)
        p = repeated_p(deviate(found), self.fractions, tail, self.spending, ended=self.ended, side=found.side)
        return replace(
            found,
            kind=Kind.GROUP_SEQUENTIAL,
            level=np.full_like(found.effect, 1 - self.alpha),
            p=np.where(found.why == 0, p, np.nan),
        )

    def level(self, side: Side) -> float:
        """Level of the ordinary interval that is the repeated one of this look; 1 where nothing is spent."""
        if not self.fractions:
            return 1.0
        tail = self.alpha / (2 if side is Side.BOTH else 1)
        bound = last_bound(self.fractions, tail, self.spending, ended=self.ended)
        return float(adjusted_level(bound, side))

    def over(self, levels: int) -> AtLook:
        """The promise of one of so many levels of a segment."""
        return replace(self, alpha=self.alpha / max(1, levels))


@dataclass(frozen=True, slots=True)
class Always:
    """Holds at every moment (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021)."""

    alpha: float
    rho2: float
    """Mixing variance, tuned to the planned units of the two variants."""
    part: float = 1.0
    """Of the alpha that the plan has for the comparison, where it reads in other ways too."""

    def read(self, contrast: Contrast, units: FloatArray) -> Estimates:
        """Read a contrast with the multiplier of so many units of the two variants, shape (cells,)."""
        side = contrast(1 - self.alpha).side
        sequence = AlwaysValid(self.alpha, self.rho2, side)
        found = contrast(Reach(sequence.multiplier(units), 1 - self.alpha))
        p = sequence.p(np.where(found.why == 0, found.effect / found.stderr, 0.0), units)
        p = in_part(p, self.part)
        return replace(found, kind=Kind.ALWAYS_VALID, p=np.where(found.why == 0, p, np.nan))

    def over(self, levels: int) -> Always:
        """The promise of one of so many levels of a segment, each with its part of the planned units."""
        parts = max(1, levels)
        return replace(self, alpha=self.alpha / parts, rho2=self.rho2 * parts)


Promise = Once | AtLook | Always


@lru_cache(maxsize=1024)
def last_bound(fractions: tuple[float, ...], tail: float, spending: Spending, *, ended: bool) -> float:
    """The bound of z at the last look."""
    return float(boundaries(fractions, tail, spending, ended=ended)[-1])


def in_part(p: FloatArray, part: float) -> FloatArray:
    """The p that is below a whole alpha exactly where `p` is below this part of it (Bonferroni)."""
    return p if part == 1 else np.asarray(np.minimum(1.0, p / part))


def silent(usual: Estimates) -> Estimates:
    """No number where no alpha may be spent; what has none for another reason keeps it."""
    none = np.full_like(usual.effect, np.nan)
    why = np.where(usual.why > 0, usual.why, int(Why.NO_ALPHA))
    return replace(
        usual,
        effect=none,
        stderr=none,
        low=none,
        high=none,
        p=none,
        dof=none,
        why=why,
        kind=Kind.GROUP_SEQUENTIAL,
    )


@np.errstate(invalid="ignore")
def deviate(found: Estimates) -> FloatArray:
    """The normal deviate that has the contrast's p: with t quantiles p and interval then agree too."""
    p = np.where(found.why == 0, found.p, 1.0)
    match found.side:
        case Side.BOTH:
            return np.asarray(-ndtri(p / 2))
        case Side.LOWER:
            return np.asarray(-ndtri(p))
        case Side.UPPER:
            return np.asarray(ndtri(p))
