"""The path that leads one unit to what a flag serves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.explanation import Explanation
from splitrun.conduct.rulesets import ruleset_at
from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested

__all__ = ["explain"]


def explain(
    flag: str,
    unit: str,
    attributes: Mapping[str, object],
    *,
    place: Path,
    environment: str | None = None,
    opted_out: bool = False,
) -> Explanation:
    """Explain what a unit gets of a flag, as clients with this ruleset would answer.

    Args:
        flag: Its key.
        unit: Id of the unit, of the flag's unit type.
        attributes: What is known of the unit.
        place: A ruleset's file, or a folder of a project.
        environment: Of the project; none: the first.
        opted_out: Whether the unit takes no part in experiments.

    Raises:
        SpecError: There is no such flag, or the project has mistakes.
        RulesetError: The file is no ruleset that clients would take.
    """
    evaluator = Evaluator(ruleset_at(place, environment))
    known = evaluator.ruleset.flags
    if flag not in known:
        raise SpecError([Mistake(f"there is no flag {flag[:128]!r}", suggested(flag, known))])
    return evaluator.explain(flag, unit, attributes, opted_out=opted_out)
