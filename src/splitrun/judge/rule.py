"""The rule of a verdict: from an interval, the minimum effect of interest and the margin.

Equivalent when the interval lies inside (-MEI, +MEI), which outranks better; better or worse when it lies
beyond 0; else inconclusive. A guardrail is judged by its margin, one-sided (decision record 0002).
"""

from __future__ import annotations

from enum import StrEnum

from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.readout import GuardrailOutcome, Verdict
from splitrun.spec.model import Direction

__all__ = ["Reach", "guardrail_outcome", "guardrail_verdict", "reach", "sign", "verdict"]

Reading = Estimate | Unknown


class Reach(StrEnum):
    """How an effect compares with the minimum effect of interest."""

    INSIDE = "inside"
    """The whole interval is smaller than it, on either side."""
    OPEN = "open"
    """The interval holds smaller and larger effects."""
    PAST = "past"
    """The whole interval is larger than it, on one side."""


def reach(above_lower: Reading, above_upper: Reading) -> Reach:
    """Compare an effect with the minimum of interest from where treatment lies to the two lines it draws."""
    if sign(above_lower) > 0 and sign(above_upper) < 0:
        return Reach.INSIDE
    return Reach.PAST if sign(above_upper) > 0 or sign(above_lower) < 0 else Reach.OPEN


def unknown(reading: Reading) -> bool:
    """Whether there is no number: then nothing was seen, harm or none."""
    match reading:
        case Unknown():
            return True
        case Estimate():
            return False


def sign(reading: Reading) -> int:
    """1 where the whole interval lies above 0, -1 where it lies below, else 0."""
    match reading:
        case Unknown():
            return 0
        case Estimate(low=low, high=high):
            return int(low is not None and low > 0) - int(high is not None and high < 0)


def verdict(absolute: Reading, size: Reach | None, better: Direction) -> Verdict:
    """Judge a primary, secondary or diagnostic comparison."""
    if size is Reach.INSIDE:
        return Verdict.EQUIVALENT
    match sign(absolute) * (1 if better is Direction.HIGHER else -1):
        case 1:
            return Verdict.BETTER
        case -1:
            return Verdict.WORSE
        case _:
            return Verdict.INCONCLUSIVE


def guardrail_outcome(proof: Reading, harm: Reading, better: Direction, *, watched: bool) -> GuardrailOutcome:
    """Judge a guardrail against its margin; proof and harm say how treatment lies to the line it draws."""
    good = 1 if better is Direction.HIGHER else -1
    if sign(harm) == -good:
        return GuardrailOutcome.BREACHED
    if watched:
        return GuardrailOutcome.UNPROVEN if unknown(harm) else GuardrailOutcome.NO_HARM_SEEN
    return GuardrailOutcome.HOLDS if sign(proof) == good else GuardrailOutcome.UNPROVEN


def guardrail_verdict(outcome: GuardrailOutcome, absolute: Reading, better: Direction) -> Verdict:
    """Say a guardrail's outcome in the words of a verdict.

    Better where the bound that proves lies beyond 0, equivalent where it is not worse by more than its
    margin, worse where it is breached; what was only watched can be worse or nothing.
    """
    match outcome:
        case GuardrailOutcome.BREACHED:
            return Verdict.WORSE
        case GuardrailOutcome.HOLDS:
            good = 1 if better is Direction.HIGHER else -1
            return Verdict.BETTER if sign(absolute) == good else Verdict.EQUIVALENT
        case GuardrailOutcome.UNPROVEN | GuardrailOutcome.NO_HARM_SEEN:
            return Verdict.INCONCLUSIVE
