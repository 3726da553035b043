"""OpenFeature's test flags as a ruleset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from splitrun.assign.ruleset import Flag, Ruleset, Serve, Type
from splitrun.terms.parse import parse

__all__ = ["ruleset"]

HERE = Path(__file__).parent

CONDITIONS = {
    "email == 'ballmer@macrosoft.com' ? 'zero' : ''": ("zero", "email = 'ballmer@macrosoft.com'"),
    "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": (
        "internal",
        "not customer and email = 'ballmer@macrosoft.com' and age > 10",
    ),
}
"""Their conditions in our language, and the variant that they serve."""

TYPES = {bool: Type.BOOLEAN, str: Type.STRING, int: Type.NUMBER, float: Type.NUMBER, dict: Type.OBJECT}

CONTEXT_AWARE = Flag(
    Type.STRING,
    "user",
    {"internal": "INTERNAL", "external": "EXTERNAL"},
    "external",
    rules=(
        Serve(
            "internal",
            parse("fn = 'Sulisław' and ln = 'Świętopełk' and age = 29 and customer = false"),
        ),
    ),
)
"""Asked for in evaluation.feature, missing in the file; written after what the scenario says."""


def ruleset() -> Ruleset:
    """Translate the flags; those without a default variant are asked by no scenario and left out."""
    told = json.loads((HERE / "test-flags.json").read_text(encoding="utf-8"))
    flags = {key: translated(flag) for key, flag in told.items() if flag.get("defaultVariant") is not None}
    return Ruleset("openfeature", "test", 1, {"user": "user_id"}, flags | {"context-aware": CONTEXT_AWARE})


def translated(flag: dict[str, Any]) -> Flag:
    """Translate one flag."""
    variants = flag["variants"]
    rules: tuple[Serve, ...] = ()
    if "contextEvaluator" in flag:
        serve, condition = CONDITIONS[flag["contextEvaluator"]]
        rules = (Serve(serve, parse(condition)),)
    return Flag(
        TYPES[type(next(iter(variants.values())))],
        "user",
        variants,
        flag["defaultVariant"],
        on=not flag.get("disabled", False),
        rules=rules,
    )
