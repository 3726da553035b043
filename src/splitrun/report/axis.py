"""One axis for all bars: from the lifts of every row to places on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.readout import Comparison
from splitrun.spec.amount import Size
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import PlannedMetric

__all__ = ["Axis", "Bar", "axis", "bar"]

OUTLIER = 4.0
"""A row that reaches further than this many times the median row is clipped, for the others to be read."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Lifts from low to high, as fractions of control; zero is always on it."""

    low: float
    high: float

    def place(self, lift: float) -> float:
        """Where a lift lies between 0 (low) and 1 (high); outside of that when it is off the axis."""
        return (lift - self.low) / (self.high - self.low)

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends, for people."""
        return f"{self.low * 100:+.6g} %", f"{self.high * 100:+.6g} %"


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval on the axis, in places between 0 and 1."""

    low: float
    high: float
    effect: float | None
    """None where the effect itself is off the axis."""
    near: float
    """The effect, or the end of the axis beyond which it lies."""
    more_below: bool
    """Whether the interval goes on beyond the low end of the axis."""
    more_above: bool
    unbounded_below: bool
    """Whether the interval has no low end at all."""
    unbounded_above: bool
    lines: tuple[float, ...]
    """Places of the minimum effect of interest, or of a guardrail's margin."""


def axis(comparisons: Sequence[Comparison]) -> Axis:
    """Choose an axis that holds zero, every primary over all units, and what else is no outlier."""
    spans = [span for found in comparisons for span in spanned(found.relative)]
    deciding = [
        max(abs(low), abs(high))
        for found in comparisons
        if found.role is Role.PRIMARY and found.segment is None
        for low, high in spanned(found.relative)
    ]
    usual = OUTLIER * median(max(abs(low), abs(high)) for low, high in spans) if spans else 0.0
    limit = max([usual, *deciding])
    low = max(min((low for low, _ in spans), default=0.0), -limit)
    high = min(max((high for _, high in spans), default=0.0), limit)
    step = round_step((max(high, 0.0) - min(low, 0.0)) / 10)
    # at least a step on each side, so that zero never lies on the frame
    return Axis(
        low=step * min(-1, math.floor(low / step + 1e-9)), high=step * max(1, math.ceil(high / step - 1e-9))
    )


def spanned(lift: Estimate | Unknown) -> list[tuple[float, float]]:
    """From where to where a lift wants to be seen: its bounded ends, its effect in place of others."""
    match lift:
        case Unknown():
            return []
        case Estimate(effect=effect, low=low, high=high):
            return [(effect if low is None else low, effect if high is None else high)]


def round_step(size: float) -> float:
    """The next of 1, 2 and 5 times a power of ten; one per cent where there is nothing to show."""
    if size <= 0:
        return 0.01
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= size * (1 - 1e-9))


def bar(found: Comparison, planned: PlannedMetric, scope: Axis) -> Bar | None:
    """The interval of a comparison's lift on the axis; None without a lift."""
    match found.relative:
        case Unknown():
            return None
        case Estimate(effect=effect, low=low, high=high):
            start = -math.inf if low is None else scope.place(low)
            end = math.inf if high is None else scope.place(high)
            place = scope.place(effect)
            drawn = (scope.place(line) for line in lines(planned, found.control.mean))
            return Bar(
                low=min(1.0, max(0.0, start)),
                high=min(1.0, max(0.0, end)),
                effect=place if 0 <= place <= 1 else None,
                near=min(1.0, max(0.0, place)),
                more_below=start < 0,
                more_above=end > 1,
                unbounded_below=low is None,
                unbounded_above=high is None,
                lines=tuple(line for line in drawn if 0 <= line <= 1),
            )


def lines(planned: PlannedMetric, control: float | None) -> list[float]:
    """What the plan draws, as lifts: the minimum of interest on both sides, a margin on the bad one."""
    if planned.guardrail is not None:
        bad = -1 if planned.metric.better is Direction.HIGHER else 1
        return [bad * line for line in as_lift(planned.guardrail.margin, control)]
    return (
        [] if planned.mei is None else [s * line for line in as_lift(planned.mei, control) for s in (-1, 1)]
    )


def as_lift(size: Size, control: float | None) -> list[float]:
    """A size as a fraction of control's level; none where control has no level above zero."""
    if size.relative:
        return [size.value]
    return [size.value / control] if control is not None and control > 0 else []
