"""What stands beside an effect, in words: adjustment, cap, zeros, clusters, parts of a ratio, the outlook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.numbers import LIFT, Scale, decimals, level_of, plain
from splitrun.judge.readout import (
    Adjusted,
    Arm,
    Capped,
    Comparison,
    GuardrailOutcome,
    Outlook,
    Part,
    Parts,
)
from splitrun.measure.measured import CapOrigin
from splitrun.report.printable import printable

__all__ = ["Note", "mean", "notes", "reading"]

PER_UNIT = Scale(1.0, "", "")
"""Parts of a ratio are means per unit, in whatever they count."""

ORIGINS: dict[CapOrigin, str] = {
    CapOrigin.WRITTEN: "as the plan says",
    CapOrigin.BASELINE: "a quantile of values from before exposure",
    CapOrigin.EXPERIMENT: "a quantile of the experiment's own values",
}
CLUSTERED = "the effect without the cap is not read over clusters"
MOVED = "the change moves it, so the variants are compared over different sets: judge by what stands per unit"
ONLY_HARM = "only harm is looked for in segments"
YES_OR_NO = {"share", "retention"}
"""Kinds whose zeros are told by the level itself."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing beside an effect; texts hold nothing that a terminal would obey."""

    name: str
    says: str
    brief: str | None = None
    """The same in a few words, for the levels of a segment; None where they do without."""
    warning: str | None = None
    """Why it changes what the effect means."""


def notes(found: Comparison, kind: str, units: Scale) -> tuple[Note, ...]:
    """What stands beside an effect, in the order in which a reader would ask for it.

    Args:
        found: The comparison.
        kind: Of its metric.
        units: How the metric's own numbers are written.
    """
    return (
        *([] if found.segment is None else held_back(found)),
        *([] if found.adjusted is None else adjusted(found.adjusted, units)),
        *([] if found.capped is None else capped(found, found.capped, units)),
        *([] if kind in YES_OR_NO else zeros(found)),
        *clusters(found),
        *([] if found.parts is None else parts(found.parts)),
        *([] if found.outlook is None else [ahead(found.outlook, units)]),
    )


def ahead(found: Outlook, units: Scale) -> Note:
    """What the planned end may bring, seen from a look before it, and where the bounds of this look lie."""
    at_mei = (
        "" if found.better_with_mei is None else f" ({chance(found.better_with_mei)} if the truth is the MEI)"
    )
    futile = "" if found.futility is None else f", futile below {found.futility:.2f}"
    ends = f"better with a probability of {chance(found.better)}{at_mei}, worse with {chance(found.worse)}"
    says = (
        f"at the planned end {ends}; the estimate then lies at {units.range(found.low, found.high)}, nine "
        f"times of ten; {percent(found.information)} of the planned information is in; z is {found.z:.2f}, "
        f"decided beyond {found.bound:.2f}{futile}"
    )
    return Note("ahead", says)


def chance(probability: float) -> str:
    """A probability as people write it: none is called certain."""
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else f"{probability * 100:.3g} %"


def held_back(found: Comparison) -> Iterator[Note]:
    """Why a level has no verdict, or no more of one; over all units the verdict's sentence says it."""
    match found.absolute:
        case Estimate() if found.withheld is not None:
            yield Note("verdict", found.withheld, found.withheld)
        case Estimate() if found.guardrail is GuardrailOutcome.NO_HARM_SEEN:
            yield Note("verdict", ONLY_HARM, ONLY_HARM)
        case _:
            return


def adjusted(found: Adjusted, units: Scale) -> Iterator[Note]:
    """What adjustment took away, and the effect without it."""
    took = less(found.reduction)
    without = reading(found.unadjusted.absolute, units)
    says = f"by {', '.join(found.covariates)}; {took}; without it {without}"
    yield Note("adjusted", printable(says), f"adjusted: {took}")


def less(reduction: float | None) -> str:
    """How much less the variance is for it."""
    if reduction is None:
        return "how much variance it takes away is unknown"
    return f"{percent(abs(reduction))} {'more' if reduction < 0 else 'less'} variance"


def capped(found: Comparison, cap: Capped, units: Scale) -> Iterator[Note]:
    """The cap, how many units it cut, and the effect without it."""
    cut = counted(found, found.control.capped, found.treatment.capped)
    without = CLUSTERED if cap.uncapped is None else f"without it {reading(cap.uncapped.absolute, units)}"
    says = "; ".join([f"at {caps(cap, units)} ({ORIGINS[cap.origin]})", *cut, without])
    yield Note("capped", says)


def caps(cap: Capped, units: Scale) -> str:
    """The most that one unit counted for."""
    if len(cap.at) == 1:
        return mean(cap.at[0], units)
    return ", ".join(
        f"{mean(at, PER_UNIT)} for the {name}"
        for name, at in zip(("numerator", "denominator"), cap.at, strict=True)
        if at is not None
    )


def zeros(found: Comparison) -> Iterator[Note]:
    """Units whose value is 0, where they were counted."""
    for says in counted(found, found.control.zeros, found.treatment.zeros):
        yield Note("zeros", says)


def counted(found: Comparison, control: int | None, treatment: int | None) -> Iterator[str]:
    """Units of both variants with their share; nothing where nobody counted."""
    if control is not None and treatment is not None:
        yield f"{share(control, found.control)} in control, {share(treatment, found.treatment)} in treatment"


def share(units: int, of: Arm) -> str:
    """Some units of a variant, and which part of it they are."""
    part = f" ({percent(units / of.units)})" if of.units else ""
    return f"{units:,} of {of.units:,} units{part}"


def percent(part: float) -> str:
    """A part in per cent, with three significant digits."""
    return f"{plain(100 * part, decimals(100 * part, 3))} %"


def clusters(found: Comparison) -> Iterator[Note]:
    """Clusters of both variants, and what they do to the variance; nothing where none are named."""
    control, treatment, times = found.control.clusters, found.treatment.clusters, found.design_effect
    if control is None or treatment is None:
        return
    design = "design effect unknown" if times is None else f"design effect {times:.3g}"
    than = "" if times is None else " (the effect's variance over that with as many single units)"
    says = f"{control:,} against {treatment:,}"
    yield Note("clusters", f"{says}; {design}{than}", f"{says} clusters, {design}")


def parts(found: Parts) -> Iterator[Note]:
    """Numerator and denominator per unit, with a warning where the denominator moves."""
    if found.numerator is not None:
        yield Note("numerator", part(found.numerator))
    name = "events" if found.numerator is None else "denominator"
    yield Note(name, part(found.denominator), warning=MOVED if found.moved else None)


def part(found: Part) -> str:
    """A part's levels, effect and lift."""
    match found.absolute:
        case Unknown(why=why):
            return f"no effect to show: {why.says}"
        case Estimate():
            levels = f"{mean(found.control, PER_UNIT)} → {mean(found.treatment, PER_UNIT)} per unit"
            effect = reading(found.absolute, PER_UNIT)
            return f"{levels}, effect {effect}, lift {reading(found.relative, LIFT)}"


def mean(value: float | None, units: Scale) -> str:
    """A level, or that there is none."""
    return "none" if value is None else units.at(value)


def reading(found: Estimate | Unknown, units: Scale) -> str:
    """An effect with its interval and level, or why there is none."""
    match found:
        case Unknown():
            return found.says
        case Estimate():
            return f"{units.signed(found)} ({level_of(found)} {units.bounds(found)})"
