"""From the arrays of a reading to comparisons, each with its verdict and the sentence that defends it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from splitrun.infer.estimate import Estimate, Unknown, Why
from splitrun.judge.beside import adjusted_by, side
from splitrun.judge.grounds import too_early
from splitrun.judge.numbers import scale
from splitrun.judge.readings import Reading
from splitrun.judge.readout import Comparison, GuardrailOutcome, Verdict
from splitrun.judge.rule import Reach, guardrail_outcome, guardrail_verdict, reach, sign, verdict
from splitrun.judge.sentences import (
    breached_between,
    breached_unseen,
    defended,
    explored,
    guarded,
    kept_back,
    moved,
    unread,
    without_number,
)
from splitrun.spec.model import Direction

__all__ = ["comparisons"]


def comparisons(
    reading: Reading, stops: tuple[str, ...], *, registered: bool, exploratory: tuple[str, ...] = ()
) -> Iterator[Comparison]:
    """The comparisons of one reading, level by level.

    Args:
        reading: One metric and treatment, over all units or by segment.
        stops: Codes of the findings that forbid every verdict.
        registered: Whether the plan was sealed before the first unit was exposed.
        exploratory: The fields it rests on that are not as they were sealed; with any there is no verdict.
    """
    for index, level in enumerate(reading.cut.labels):
        absolute = reading.effects.absolute.cell(index)
        outcome, judged, says = ruling(reading, index, absolute)
        if exploratory:
            outcome, judged, says = None, Verdict.EXPLORATORY, explored(says, exploratory)
        blind = absolute == Unknown(Why.NO_ALPHA)
        yield Comparison(
            metric=reading.planned.key,
            role=reading.planned.role,
            variant=reading.variant,
            segment=reading.segment,
            level=None if reading.segment is None else level,
            control=side(reading, 0, index, blind=blind),
            treatment=side(reading, 1, index, blind=blind),
            absolute=absolute,
            relative=reading.effects.relative.cell(index),
            p=p_of(reading, index),
            p_adjusted=None,
            p_adjustment=None,
            verdict=Verdict.INVALID if stops else judged,
            guardrail=None if stops else outcome,
            says=unread(stops) if stops else says,
            registered=registered and not exploratory,
            adjusted=None if blind else adjusted_by(reading, index),
            design_effect=design_effect(reading, index),
            withheld=None if stops else reading.withheld[index],
            exploratory=exploratory,
        )


def ruling(
    reading: Reading, index: int, absolute: Estimate | Unknown
) -> tuple[GuardrailOutcome | None, Verdict, str]:
    """What the rule says of one level, and the sentence that defends it."""
    match absolute:
        case Unknown():
            outcome, planned = guardrail(reading, index), reading.planned
            if outcome is GuardrailOutcome.BREACHED and planned.guardrail is not None:
                line = scale(planned.metric).tolerance(planned.guardrail.margin)
                return outcome, Verdict.WORSE, breached_unseen(planned.key, line, absolute)
            tied = reading.pair.tied
            parts = [] if tied is None else tied[:, index].tolist()
            return outcome, Verdict.INCONCLUSIVE, without_number(reading.planned.key, absolute, parts)
        case Estimate():
            return told(reading, index, absolute)


def told(reading: Reading, index: int, absolute: Estimate) -> tuple[GuardrailOutcome | None, Verdict, str]:
    """The ruling on a level that has an effect."""
    planned, units = reading.planned, scale(reading.planned.metric)
    means = float(reading.pair.control.value[index]), float(reading.pair.treatment.value[index])
    seen, why = moved(planned.key, absolute, means, units), reading.withheld[index]
    outcome = guardrail(reading, index)
    if why is not None:
        return outcome, Verdict.INCONCLUSIVE, kept_back(seen, why)
    if outcome is not None and planned.guardrail is not None:
        judged = guardrail_verdict(outcome, absolute, planned.metric.better)
        if outcome is GuardrailOutcome.BREACHED and not shown_by_looks(reading, index):
            return outcome, judged, breached_between(seen, units.tolerance(planned.guardrail.margin))
        return outcome, judged, guarded(seen, planned, outcome, planned.guardrail.margin, units)
    size = interest(reading, index)
    judged = verdict(absolute, size, planned.metric.better)
    mei = None if planned.mei is None else units.tolerance(planned.mei)
    return None, judged, defended(seen, absolute, judged, size, mei)


def guardrail(reading: Reading, index: int) -> GuardrailOutcome | None:
    """The outcome of a guardrail; None for every other role."""
    lines = reading.effects.tolerance
    if lines is None:
        return None
    if reading.withheld[index] is not None:
        return GuardrailOutcome.UNPROVEN
    if harmed(reading, index):
        return GuardrailOutcome.BREACHED
    return guardrail_outcome(
        lines.proof.cell(index),
        lines.harm.cell(index),
        reading.planned.metric.better,
        watched=reading.grounds.watched,
    )


def harmed(reading: Reading, index: int) -> bool:
    """Whether harm was seen that is watched at every moment, beside a proof that has its moments."""
    lines = reading.effects.tolerance
    if lines is None or lines.beside is None or too_early(reading.pair)[index]:
        return False
    return sign(lines.beside.cell(index)) == (-1 if reading.planned.metric.better is Direction.HIGHER else 1)


def shown_by_looks(reading: Reading, index: int) -> bool:
    """Whether the plan's own bound shows the breach of a guardrail."""
    lines = reading.effects.tolerance
    return lines is not None and sign(lines.harm.cell(index)) != 0


def interest(reading: Reading, index: int) -> Reach | None:
    """How the effect compares with the minimum of interest; None where the plan names none."""
    lines = reading.effects.interest
    return None if lines is None else reach(lines.above_lower.cell(index), lines.above_upper.cell(index))


def p_of(reading: Reading, index: int) -> float | None:
    """The p that belongs to the verdict: of no difference, or for a guardrail of its margin's null."""
    lines = reading.effects.tolerance
    tested = reading.effects.absolute
    if lines is not None:
        tested = lines.harm if reading.grounds.watched else lines.proof
    p = float(tested.p[index])
    return None if np.isnan(p) else p


def design_effect(reading: Reading, index: int) -> float | None:
    """What clusters make of the variance, where they are used and it is known."""
    found = reading.pair.design_effect
    return None if found is None or np.isnan(found[index]) else float(found[index])
