

def test_a_watched_guardrail_without_a_number_has_not_been_seen_unharmed() -> None:
    nothing = Unknown(Why.NO_SPREAD)

    outcome = guardrail_outcome(nothing, nothing, Direction.HIGHER, watched=True)

    assert outcome is GuardrailOutcome.UNPROVEN
