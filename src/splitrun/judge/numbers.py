"""Numbers for people: an effect with as many digits as its interval bears, in the words of its metric."""

from __future__ import annotations

import math
from dataclasses import dataclass

from splitrun.infer.estimate import Estimate, Side
from splitrun.spec.amount import Size
from splitrun.spec.metric import Metric

__all__ = ["LIFT", "Scale", "decimals", "level_of", "plain", "scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a quantity is written: multiplied, then with its unit."""

    factor: float
    level: str
    """Unit of a level, with its space."""
    effect: str
    """Unit of an effect, with its space."""

    def at(self, value: float) -> str:
        """A level with four significant digits."""
        return plain(value * self.factor, decimals(abs(value) * self.factor, 4)) + self.level

    def between(self, start: float, end: float) -> str:
        """Two levels like `from 20.59 to 20.57`; where they differ, with digits enough to show it."""
        first, last, digits = self.at(start), self.at(end), 0
        if first == last and start != end:
            digits = decimals(abs(end - start) * self.factor, 1)
            first, last = (self._at(level, digits) for level in (start, end))
        if first == last and start != end:  # halves were rounded to the same even digit
            first, last = (self._at(level, digits + 1) for level in (start, end))
        return f"from {first} to {last}"

    def moved(self, estimate: Estimate) -> str:
        """The effect without its sign."""
        return self._written(abs(estimate.effect), estimate)

    def signed(self, estimate: Estimate) -> str:
        """The effect with its sign."""
        return ("+" if estimate.effect > 0 else "") + self._written(estimate.effect, estimate)

    def bounds(self, estimate: Estimate) -> str:
        """Where the true effect lies: `41.3 to 48.8 pp`, or `at least 41.3 pp` where one end is unbounded."""
        low, high = estimate.low, estimate.high
        if low is None or high is None:
            word, end = ("at most", high) if low is None else ("at least", low)
            return f"{word} {self._written(end or 0.0, estimate)}"
        digits = decimals(reach(estimate) * self.factor, 2)
        return self._ends(low, high, digits)

    def range(self, low: float, high: float) -> str:
        """Two effects like `-1.2 to 4.8 pp`, with two significant digits of what lies between them."""
        return self._ends(low, high, decimals((high - low) / 2 * self.factor, 2))

    def tolerance(self, size: Size) -> str:
        """A margin or minimum effect of interest."""
        if size.relative:
            return f"{size.value * 100:g} % of control"
        return f"{size.value * self.factor:g}{self.effect}"

    def _ends(self, low: float, high: float, digits: int) -> str:
        return f"{seen(low * self.factor, digits)} to {seen(high * self.factor, digits)}{self.effect}"

    def _at(self, value: float, digits: int) -> str:
        return plain(value * self.factor, digits) + self.level

    def _written(self, value: float, estimate: Estimate) -> str:
        return seen(value * self.factor, decimals(reach(estimate) * self.factor, 2)) + self.effect


LIFT = Scale(100.0, " %", " %")
"""Relative effects, in per cent of control."""

SHARE = Scale(100.0, " %", " pp")
PLAIN = Scale(1.0, "", "")


def scale(metric: Metric) -> Scale:
    """Shares, retention too, are written in per cent and points of it, all else in the metric's own unit."""
    return SHARE if metric.kind in {"share", "retention"} else PLAIN


def level_of(estimate: Estimate) -> str:
    """What an interval promises, like `95 % interval` or `97.5 % one-sided bound`."""
    return f"{estimate.level * 100:.4g} % " + (
        "interval" if estimate.side is Side.BOTH else "one-sided bound"
    )


def reach(estimate: Estimate) -> float:
    """Half the width of an interval, or how far its one bound lies from the effect."""
    ends = [abs(end - estimate.effect) for end in (estimate.low, estimate.high) if end is not None]
    return min(ends, default=0.0)


def decimals(size: float, significant: int) -> int:
    """Digits after the point that show a size with so many significant digits, at most twelve."""
    if not size or not math.isfinite(size):
        return 2
    # a hair above, so that a width of 0.001 that rounding made 0.00099 counts as what it is
    return min(12, max(0, significant - 1 - math.floor(math.log10(size) + 1e-9)))


def seen(value: float, digits: int) -> str:
    """A number with so many digits after the point, or with as many as it takes not to look like zero."""
    hidden = value and not plain(value, digits).strip("-0.,")
    return plain(value, decimals(abs(value), 1) if hidden else digits)


def plain(value: float, digits: int) -> str:
    """A number with commas between thousands; a very large or small one in scientific form; never `-0`."""
    if abs(value) >= 1e15 or (value and abs(value) < 1e-9):
        return f"{value:.3g}"
    text = f"{value:,.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
