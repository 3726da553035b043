"""What a plan that sees too little can do about it, with the numbers that would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log10

from splitrun.plan.power.setting import Advice, Aim, Asked, Setting

__all__ = ["SHORT", "Stand", "advised"]

SHORT = 0.005
"""Power may fall short of what is asked by so much, half a point, without a word."""
FEW = 100
"""Units of a variant below which the normal approximation is worth a word."""
RARE = 10
"""Units with and without the outcome, expected in the smallest variant; below, a share is far from normal."""
MOST_EXPLAINED = 0.9
"""Part of the variance that nobody should hope to explain."""
LONG = 84
"""Days of enrolment beyond which nobody should wait for an answer without being told."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one metric stands; units are of all variants."""

    asked: Asked
    power: float
    """Asked of it."""
    needed: float | None
    end: float | None
    """Units at the planned end."""
    reached: float | None
    smallest: float | None
    """Smallest effect or margin that the planned end shows, in the unit of its demand."""


def advised(setting: Setting, stands: tuple[Stand, ...]) -> tuple[Advice, ...]:
    """Everything that the plan should know, what was noticed before first."""
    found = list(setting.advice)
    for stand in stands:
        found += [*hopeless(stand), *underpowered(setting, stand), *small(setting, stand)]
    return (*found, *slow(setting, stands))


def hopeless(stand: Stand) -> Iterator[Advice]:
    """A margin that no number of units proves."""
    if stand.asked.must and stand.needed is None and stand.asked.size is not None:
        yield Advice(
            "unprovable",
            f"{stand.asked.metric}: no number of units shows a margin of {stand.asked.size.written} for a "
            f"baseline of {stand.asked.level.value:g}",
            "write the margin as a plain number, in the metric's own unit",
            stand.asked.metric,
        )


def underpowered(setting: Setting, stand: Stand) -> Iterator[Advice]:
    """A metric that must be shown and is not likely enough to be, with every way out."""
    if not stand.asked.must or stand.reached is None or stand.reached >= stand.power - SHORT:
        return
    what = "the minimum effect of" if stand.asked.aim is Aim.EFFECT else "a margin of"
    size = stand.asked.scaled(stand.asked.size)
    sought = "" if size is None else worded(stand.asked, size)
    end = 0.0 if stand.end is None else stand.end
    yield Advice(
        "underpowered",
        f"{stand.asked.metric}: {end:,.0f} units at the planned end show {what} {sought} with a power of "
        f"{stand.reached:.0%}, and {stand.power:.0%} is asked",
        "; or ".join(ways_out(setting, stand)),
        stand.asked.metric,
    )


def ways_out(setting: Setting, stand: Stand) -> Iterator[str]:
    """What would do: a larger effect, more time, more coverage, less noise."""
    flow, asked = setting.flow, stand.asked
    if stand.smallest is not None:
        yield f"ask for {worded(asked, stand.smallest)} or more, which these units show"
    if stand.needed is None or stand.end is None:
        return
    enrolment = flow.enrolment(stand.needed)
    if enrolment is not None:
        yield f"enrol for {enrolment} days ({sum(setting.by_variant(stand.needed)):,} units)"
    else:
        yield f"plan {sum(setting.by_variant(stand.needed)):,} units"
    wider = flow.coverage * stand.needed / stand.end
    if flow.daily is not None and flow.enrol is not None and flow.coverage < wider <= 1:
        yield f"raise coverage from {flow.coverage:.0%} to {percent_up(wider)}"
    left = 1 - stand.end / stand.needed
    if left <= MOST_EXPLAINED:
        part = percent_up(left)
        yield f"adjust for what is known before exposure, where that explains {part} of the variance"
    if asked.aim is Aim.MARGIN:
        yield "watch this guardrail instead of proving it (mode: watch)"


def percent_up(part: float) -> str:
    """A part as a whole percentage, rounded up so that it still does."""
    return f"{ceil(part * 100 - 1e-9)}%"


def small(setting: Setting, stand: Stand) -> Iterator[Advice]:
    """Too few units, or too few with the outcome, for a normal approximation."""
    if not stand.asked.must or stand.end is None:
        return
    least = min(setting.by_variant(stand.end))
    level = stand.asked.level
    rarer = least * min(level.value, 1 - level.value)
    if least < FEW:
        yield Advice(
            "few_units",
            f"{stand.asked.metric}: the smallest variant has {least} units, and power is counted as if "
            "means were normal",
            f"plan a few units more, or {FEW} and more for every variant",
        )
    elif level.yes and rarer < RARE:
        yield Advice(
            "rare",
            f"{stand.asked.metric}: {rarer:.1f} units with the rarer outcome are expected in the smallest "
            "variant",
            f"plan for {RARE} and more, so that the share is near normal",
        )


def slow(setting: Setting, stands: tuple[Stand, ...]) -> Iterator[Advice]:
    """An enrolment that takes too long to be kept."""
    days = [
        setting.flow.enrolment(stand.needed)
        for stand in stands
        if stand.asked.must and stand.needed is not None
    ]
    longest = max((each for each in days if each is not None), default=0)
    if longest > LONG:
        yield Advice(
            "slow",
            f"it takes {longest:,} days to enrol the units; identities change meanwhile",
            "ask for a larger effect, take less noisy a metric, or raise coverage",
        )


def worded(asked: Asked, size: float) -> str:
    """A size of a demand as people write it, rounded up to three digits so that it still is enough."""
    absolute, relative = asked.both(size)
    if relative is not None and (asked.size is None or asked.size.relative):
        return f"{raised(relative * 100):g}%"
    return f"{raised(absolute * 100):g}pp" if asked.level.yes else f"{raised(absolute):g}"


def raised(number: float) -> float:
    """A number above 0, rounded up to three digits."""
    step = 10.0 ** (floor(log10(number)) - 2)
    return ceil(number / step * (1 - 1e-9)) * step
