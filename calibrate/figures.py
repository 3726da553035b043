"""What is read from simulated experiments: false alarms, how uniform p is, and coverage; and its bands.

Bands hold 99.9 % of what a method that keeps its promise shows in as many runs (two-sided binomial; for the
Kolmogorov-Smirnov distance the 99.9th percentile).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from splitrun.infer.estimate import Estimates
from splitrun.infer.looks.always import MOST_ASYMMETRY, MOST_ASYMMETRY_ONE_SIDED
from splitrun.moments import FloatArray

__all__ = [
    "GATE",
    "ONE_SIDED",
    "Figure",
    "Part",
    "Row",
    "alarms",
    "anytime",
    "bounds",
    "covered",
    "fixed",
    "powered",
    "shown",
    "uniform",
]

GATE = MOST_ASYMMETRY
"""|g| beyond which no row is judged: the gate of always-valid looks, and a warning of fixed ones."""
ONE_SIDED = MOST_ASYMMETRY_ONE_SIDED
"""The same of what is read on one side."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number beside what it should be."""

    name: str
    """T1 to T5, or power."""
    value: float
    low: float
    high: float
    runs: int

    @property
    def holds(self) -> bool:
        """Whether it lies in its band."""
        return self.low <= self.value <= self.high


@dataclass(frozen=True, slots=True)
class Part:
    """What one method showed: its figures, and how large the experiments were."""

    method: str
    figures: tuple[Figure, ...]
    n: tuple[float, float]
    """Units (or clusters) of control and treatment."""
    g: float | None
    """Skewness of the effect; None where it is not the mean of a skewed metric that is judged."""
    most: float = GATE
    """|g| beyond which it is not judged."""
    few: bool = False
    """Whether the product gives no number with so few units."""


@dataclass(frozen=True, slots=True)
class Row:
    """One method in one world under one split."""

    method: str
    world: str
    split: str
    part: Part | None
    """None where the method has no meaning in this world."""
    seed: int
    again: Part | None = None
    """With a second seed, where the first was out of a band."""

    @property
    def verdict(self) -> str:
        """`holds`, `gated`, `does not hold` or `not defined`."""
        if self.part is None:
            return "not defined"
        if self.part.few or (self.part.g is not None and abs(self.part.g) > self.part.most):
            return "gated"
        return "does not hold" if self.missed else "holds"

    @property
    def missed(self) -> tuple[str, ...]:
        """Figures that lay out of their band with every seed."""
        if self.part is None:
            return ()
        first = {each.name for each in self.part.figures if not each.holds}
        if self.again is not None:
            first &= {each.name for each in self.again.figures if not each.holds}
        return tuple(sorted(first))

    @property
    def suspect(self) -> bool:
        """Whether a second seed is due: out of a band, and not gated."""
        return self.verdict == "does not hold" and self.again is None


def band(runs: int, rate: float) -> tuple[float, float]:
    """Two-sided binomial band of a share, 99.9 %."""
    low, high = stats.binom.interval(0.999, runs, rate)
    return float(low) / runs, float(high) / runs


def alarms(name: str, alarmed: FloatArray, alpha: float, *, at_most: bool = False) -> Figure:
    """How often there was an alarm without an effect.

    Args:
        name: Of the figure.
        alarmed: Of each run, 1 for an alarm; a part of one for a part of false discoveries, shape (runs,).
        alpha: How often there may be one.
        at_most: Whether fewer are as good.
    """
    low, high = band(len(alarmed), alpha)
    return Figure(name, float(np.mean(alarmed)), 0.0 if at_most else low, high, len(alarmed))


def bounds(found: Estimates, truth: Estimates, effect: float) -> tuple[Figure, ...]:
    """T1, T2 and T4 as bounds only, over the runs in which there is an interval.

    Args:
        found: Without an effect.
        truth: With one.
        effect: How large it is.
    """
    p, there = found.p[found.why == 0], truth.why == 0
    held = (truth.low[there] <= effect) & (effect <= truth.high[there])
    return (
        *(
            alarms(name, (p < alpha).astype(np.float64), alpha, at_most=True)
            for name, alpha in (("T1", 0.05), ("T2", 0.01))
        ),
        shown(held.astype(np.float64), at_least=True),
    )


def uniform(p: FloatArray) -> Figure:
    """How far p is from uniform, the Kolmogorov-Smirnov distance."""
    most = float(stats.kstwo.ppf(0.999, len(p)))
    return Figure("T3", float(stats.kstest(p, "uniform").statistic), 0.0, most, len(p))


def fixed(p: FloatArray) -> tuple[Figure, ...]:
    """T1, T2 and T3 of a p that is read once; a run without a p raised no alarm."""
    there = np.where(np.isnan(p), 1.0, p)
    alarmed = [(there < alpha).astype(np.float64) for alpha in (0.05, 0.01)]
    return alarms("T1", alarmed[0], 0.05), alarms("T2", alarmed[1], 0.01), uniform(there)


def covered(found: Estimates, truth: float) -> Figure:
    """How often an interval of 95 % held the truth; one that is not there did not."""
    held = (found.why == 0) & (found.low <= truth) & (truth <= found.high)
    return shown(held.astype(np.float64))


def shown(held: FloatArray, *, at_least: bool = False) -> Figure:
    """Coverage of 95 %, from whether the truth was held in each run."""
    low, high = band(len(held), 0.95)
    return Figure("T4", float(np.mean(held)), low, 1.0 if at_least else high, len(held))


def anytime(missed: FloatArray) -> Figure:
    """How often any look was wrong: an upper bound only."""
    _, high = band(len(missed), 0.05)
    return Figure("T5", float(np.mean(missed)), 0.0, high, len(missed))


def powered(won: FloatArray, power: float) -> Figure:
    """How often the effect that is planned for was found, as planned."""
    low, high = band(len(won), power)
    return Figure("power", float(np.mean(won)), low, high, len(won))
