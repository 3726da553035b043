from __future__ import annotations

from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.readout import GuardrailOutcome
from splitrun.judge.rule import guardrail_outcome
from splitrun.spec.model import Direction


def test_a_watched_guardrail_without_a_number_has_not_been_seen_unharmed() -> None:
    nothing = Unknown(Why.NO_SPREAD)

    outcome = guardrail_outcome(nothing, nothing, Direction.HIGHER, watched=True)

    assert outcome is GuardrailOutcome.UNPROVEN
