"""What a comparison must show, and how size, effect and power hang together for it.

The linear contrast mu_t - f mu_c - s of `contrast`: f = 1 and s = 0 for an effect, the margin in f or s for a
guardrail (Sasabuchi 1988; Schuirmann 1987). Its variance over all units N is v / N with
v = v_t / w_t + f² v_c / w_c, w the parts of the units, and each variance at the level that is assumed: for a
share the unpooled one, as it will be analysed. Normal; `student` has the t-version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from splitrun.infer.power.levels import Level
from splitrun.moments import FloatArray

__all__ = ["Demand", "Effect", "Margin", "Parts"]

HALVINGS = 120
"""More than a double needs between any two numbers that matter here."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of all units, those of other treatments included."""

    control: float
    treatment: float


@dataclass(frozen=True, slots=True)
class Effect:
    """That treatment differs from control, on the side where it does."""

    level: Level
    parts: Parts
    higher: bool
    """Whether the effect is expected upwards."""

    @property
    def furthest(self) -> float:
        """The largest size that an effect can have; of a share, up to 0 or 1."""
        if not self.level.yes:
            return np.inf
        return 1 - self.level.value if self.higher else self.level.value

    def slope(self, size: npt.ArrayLike) -> FloatArray:
        """Drift over the root of all units at a size of the effect, any shape."""
        moved = np.asarray(size, dtype=np.float64) * (1 if self.higher else -1)
        spread = self.level.after(moved) / self.parts.treatment + self.level.after(0.0) / self.parts.control
        return np.asarray(np.abs(moved) / np.sqrt(spread))


@dataclass(frozen=True, slots=True)
class Margin:
    """That treatment is not worse than control by a margin, where truly nothing changes."""

    level: Level
    parts: Parts
    higher: bool
    """Whether a higher value is better."""
    relative: bool
    """Whether margins are parts of control."""

    @property
    def furthest(self) -> float:
        """The largest margin that says anything; a relative one of 1 allows control to vanish."""
        if self.relative and self.higher:
            return 1.0
        if not self.level.yes or self.relative:
            return np.inf
        return self.level.value if self.higher else 1 - self.level.value

    def slope(self, size: npt.ArrayLike) -> FloatArray:
        """Drift over the root of all units at a margin, any shape; 0 where it can never be proved."""
        slack = np.asarray(size, dtype=np.float64) * (-1 if self.higher else 1)
        factor = 1 + slack if self.relative else np.ones_like(slack)
        room = np.abs(slack) * (self.level.value if self.relative else 1.0)
        own = self.level.after(0.0)
        spread = own / self.parts.treatment + factor**2 * own / self.parts.control
        return np.maximum(room, 0.0) / np.sqrt(spread)


@dataclass(frozen=True, slots=True)
class Demand:
    """One comparison's demand: what links its size, all units and the drift."""

    of: Effect | Margin

    def drift(self, size: npt.ArrayLike, units: npt.ArrayLike) -> FloatArray:
        """Drift at the planned end.

        Args:
            size: Of the true effect, or of the margin that is to be proved; above 0, any shape.
            units: Of all variants together, broadcast with `size`.
        """
        return np.asarray(self.of.slope(size) * np.sqrt(np.asarray(units, dtype=np.float64)))

    @np.errstate(divide="ignore")
    def units(self, size: npt.ArrayLike, drift: npt.ArrayLike) -> FloatArray:
        """Units of all variants together that give a drift; infinity where none do.

        Args:
            size: As for `drift`.
            drift: What the reading needs, above 0, broadcast with `size`.
        """
        return np.asarray((np.asarray(drift, dtype=np.float64) / self.of.slope(size)) ** 2)

    @np.errstate(divide="ignore", invalid="ignore")
    def size(self, units: npt.ArrayLike, drift: npt.ArrayLike) -> FloatArray:
        """The smallest effect or margin that gives a drift; NaN where none does.

        Args:
            units: Of all variants together, above 0, any shape.
            drift: What the reading needs, above 0, broadcast with `units`.
        """
        asked = np.asarray(drift, dtype=np.float64) / np.sqrt(np.asarray(units, dtype=np.float64))
        return root(self.of.slope, asked, self.of.furthest)


def root(rising: Callable[[FloatArray], FloatArray], asked: FloatArray, furthest: float) -> FloatArray:
    """Where a rising function reaches what is asked, by halving; NaN where it does not before `furthest`."""
    low = np.zeros_like(asked)
    high = np.full_like(asked, furthest if np.isfinite(furthest) else 1.0)
    if not np.isfinite(furthest):
        for _ in range(HALVINGS):
            high = np.where(rising(high) < asked, 2 * high, high)
    never = ~(rising(np.nextafter(high, 0)) >= asked)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = rising(middle) < asked
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(never, np.nan, high)
