"""What the default rule makes of futility: where no treatment may still be expected to win, abandon.

The rest of the rule (ship, roll back, wait, extend, iterate) is not built yet: then there is no decision.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitrun.judge.readout import Call, Comparison, Decision, GuardrailOutcome, Verdict
from splitrun.spec.model import Role

__all__ = ["decision"]


def decision(comparisons: Sequence[Comparison]) -> Decision | None:
    """Decide to abandon where every primary of every treatment is futile and nothing else comes first.

    A stop finding, a worse primary or a breached guardrail comes first, and so does a primary that is better.
    While a primary or guardrail is exploratory nothing is decided: what was sealed was not read.
    """
    whole = [found for found in comparisons if found.segment is None]
    primaries = [found for found in whole if found.role is Role.PRIMARY]
    first = {Verdict.INVALID, Verdict.WORSE, Verdict.BETTER}
    if any(found.verdict in first for found in primaries):
        return None
    deciding = {Role.PRIMARY, Role.GUARDRAIL}
    if any(found.verdict is Verdict.EXPLORATORY and found.role in deciding for found in whole):
        return None
    if any(found.guardrail is GuardrailOutcome.BREACHED for found in whole):
        return None
    if not primaries or not all(found.outlook is not None and found.outlook.futile for found in primaries):
        return None
    best = max(found.outlook.better for found in primaries if found.outlook is not None)
    return Decision(
        value=Call.ABANDON,
        says=(
            "abandon (futile): every primary lies below its futility bound, and the chance that any one ends "
            f"better is at most {best * 100:.2g} %; nobody is bound by it, and going on costs no alpha"
        ),
    )
