"""Write `assign/vectors.json`: `python -m tests.assign.make_vectors`.

The answers come from the second interpreter in `naive`, never from the package. The file is frozen: a change
of a slot or an answer would change assignments in running products.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from tests.assign.naive import answered, parameters, slot
from tests.assign.rulesets import RULESETS

__all__ = ["written"]

FILE = Path(__file__).parents[2] / "src" / "splitrun" / "assign" / "vectors.json"

SALTS = (
    "variant:one-page-checkout:1",
    "variant:one-page-checkout:2",
    "coverage:one-page-checkout:1",
    "layer:checkout",
    "holdout:q4",
    "rollout:colour",
)

ODD = (
    "a", "A", "0", "1", "-1", "007", "7", "1e3", "1.0", "0x10", "true", " ", " a", "a ", "a:b", ":",
    "a,b;c|d", "\t",
    "line\nbreak", "quote'\"\\", "%_%", "{}", "user@example.org", "550e8400-e29b-41d4-a716-446655440000",
    "18446744073709551616", "1234567890123456789012345678901234567890", "é", "e\u0301", "ñandú", "straße",
    "STRASSE",
    "İstanbul", "привет", "ユーザー", "用户", "사용자", "مستخدم", "משתמש", "\u202eabc", "\u200bid",
    "\ufeffid", "😀",
    "👩\u200d👩\u200d👧", "🇩🇪", "\U0010ffff", "\x01", "\x7f", "\u0080", "\uffff", "a" * 55,
    "a" * 56, "a" * 63, "a" * 64,
    "a" * 119, "x" * 1_000, "é" * 2_048, "z" * 4_096,
)  # fmt: skip

UNITS = (*(f"user-{place}" for place in range(1, 11)), "ada", "ünïcode-ïd", "42")

CONTEXTS: tuple[dict[str, object], ...] = (
    {},
    {"country": "DE", "plan": "pro", "age": 18, "device_id": "device-1", "account_id": 42},
    {"country": "US", "plan": "free", "age": 64.5, "name": "Grace", "device_id": "device-2",
     "account_id": "acme"},
    {"country": "FR", "plan": "internal", "age": "18", "beta": True, "device_id": "device-3"},
    {"country": None, "plan": 3, "age": 65, "name": "Émile", "beta": 1, "account_id": "umbrella"},
)  # fmt: skip


WRONG = (
    "", "null", "None", "nil", "undefined", "NaN", "[object Object]", "00000000-0000-0000-0000-000000000000",
    "\0", "user-1\0", "z" * 4_097, "é" * 2_049,
)  # fmt: skip
"""Ids that cannot be one."""


def mistaken() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Ask with ids that cannot be one, of either unit type, and for flags and layers that are not there."""
    about: dict[str, object] = {"attributes": {}, "opted_out": False}
    flags = [
        {**about, "ruleset": "flags", "flag": key, "unit": unit}
        for key, units in (
            ("everybody", WRONG),
            ("colour", WRONG[:2]),
            ("off", WRONG[:2]),
            ("archived", WRONG[-3:-1]),
            ("nowhere", ("user-1", "")),
        )
        for unit in units
    ]
    flags += [
        {
            **about,
            "ruleset": "flags",
            "flag": "needs-device",
            "unit": "user-1",
            "attributes": {"device_id": odd},
        }
        for odd in WRONG
    ]
    flags.append({**about, "ruleset": "flags", "flag": "everybody", "unit": "null", "opted_out": True})
    layers = [
        {**about, "ruleset": "layers", "layer": key, "unit": unit}
        for key, units in (("shop", WRONG), ("nowhere", ("user-1", "")))
        for unit in units
    ]
    return flags, layers


def written() -> bytes:
    """Write the file: one slot, ruleset or case in a line."""
    bodies: dict[str, Any] = {name: msgspec.to_builtins(body) for name, body in RULESETS.items()}
    units = (*ODD, *(f"user-{place}" for place in range(110)))
    slots = [[salt, unit, slot(salt, unit)] for salt, unit in product(SALTS, units)]
    evaluations, layers = [], []
    for place, (name, body, unit, context) in enumerate(
        (name, body, unit, context) for name, body in bodies.items() for unit in UNITS for context in CONTEXTS
    ):
        about = {"ruleset": name, "unit": unit, "attributes": context, "opted_out": place % 11 == 0}
        for key in sorted(body.get("flags", {}))[place % 3 :: 3]:
            case = {**about, "flag": key}
            evaluations.append({**case, "answer": answered(body, case)})
        for key in sorted(body.get("layers", {})) if name == "layers" and place % 2 else ():
            case = {**about, "layer": key}
            layers.append({**case, "answer": parameters(body, case)})
    wrong = mistaken()
    evaluations += [{**case, "answer": answered(bodies[str(case["ruleset"])], case)} for case in wrong[0]]
    layers += [{**case, "answer": parameters(bodies[str(case["ruleset"])], case)} for case in wrong[1]]
    return b"\n".join(
        (
            b'{"form": "splitrun.vectors/1",',
            b'"rulesets": {' + b",\n".join(_line(k) + b": " + _line(v) for k, v in bodies.items()) + b"},",
            b'"slots": [\n' + b",\n".join(map(_line, slots)) + b"],",
            b'"evaluations": [\n' + b",\n".join(map(_line, evaluations)) + b"],",
            b'"parameters": [\n' + b",\n".join(map(_line, layers)) + b"]}",
            b"",
        )
    )


def _line(value: object) -> bytes:
    return msgspec.json.encode(value)


if __name__ == "__main__":
    FILE.write_bytes(written())
