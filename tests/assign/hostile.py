"""The largest rulesets of every kind, and what reading them costs: `python -m tests.assign.hostile`."""

from __future__ import annotations

import hashlib
import sys
import time
import tracemalloc
from collections.abc import Callable

import msgspec

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import FORM
from splitrun.assign.sound import FLAGS
from splitrun.assign.transmission import LONGEST, opened
from splitrun.errors import RulesetError

__all__ = ["LARGE", "Cost", "enclosed"]


class Cost(msgspec.Struct, frozen=True):
    """What one document costs to be read, or refused, and asked once."""

    seconds: float
    """CPU, the better of two."""
    held: int
    """Bytes at the peak."""
    error: str


def enclosed(body: bytes, form: str = FORM) -> bytes:
    """An envelope with the right digest around anything."""
    digest = hashlib.sha256(body).hexdigest()
    return b'{"form":"%s","digest":"sha256:%s","body":%s}' % (form.encode(), digest.encode(), body)


def large(make: Callable[[int], dict[str, object]]) -> bytes:
    """The largest document of a kind."""
    count = 1_000_000
    body = {"project": "p", "environment": "e", "version": 1, "units": {"user": "user_id"}}
    while len(document := enclosed(msgspec.json.encode({**body, **make(count)}))) > LONGEST:
        count = count * 9 * LONGEST // (10 * len(document))
    return document


def flags(count: int, **more: object) -> dict[str, object]:
    flag = {"type": "boolean", "unit": "user", "variants": {"a": True}, "default": "a", **more}
    return {"flags": {str(place): flag for place in range(count)}}


def on_one_flag(count: int, part: object, name: str = "rules") -> dict[str, object]:
    return flags(1, **{name: [part] * count})


def when(tree: object) -> dict[str, object]:
    return flags(1, rules=[{"rule": "serve", "serve": "a", "when": tree}])


def nested(levels: int) -> dict[str, object]:
    tree: dict[str, object] = {"node": "null"}
    for _ in range(min(levels, 400)):
        tree = {"node": "not", "of": tree}
    return when(tree)


def match(pattern: str) -> dict[str, object]:
    of = [{"node": "column", "name": "v"}, {"node": "text", "value": pattern}]
    return {"node": "call", "function": "regexp_matches", "of": of}


LARGE: dict[str, Callable[[int], dict[str, object]]] = {
    "flags": flags,
    "as many flags as may be": lambda _: flags(FLAGS),
    "rules": lambda count: on_one_flag(count, {"rule": "serve", "serve": "a"}),
    "lists": lambda count: {"lists": {"l": {"salt": "s", "hashes": ["0" * 32] * count}}},
    "nodes": lambda count: when({"node": "and", "of": [{"node": "null"}] * count}),
    "members": lambda count: when(
        {"node": "in", "value": {"node": "null"}, "of": [{"node": "number", "value": 1}] * count}
    ),
    "levels": nested,
    "patterns": lambda count: when(
        {"node": "and", "of": [match(f"{place}(a{{1,30}}){{1,30}}") for place in range(min(count, 8_000))]}
    ),
    "one pattern": lambda count: when(match("a" * count)),
    "a wide pattern": lambda _: when(match(r"((\pL{1,100}){1,100}){1,100}")),
    "empty values": lambda count: flags(1, variants={"a": True, "b": [{}] * count}),
    "values in values": lambda count: flags(1, variants={"a": True, "b": [[[[]]]] * count}),
    "variants": lambda count: flags(1, variants={"a": True, **{str(place): True for place in range(count)}}),
    "a long name": lambda count: flags(1, default="x" * count),
    "unit types": lambda count: {"units": {str(place): "" for place in range(count)}},
    "prerequisites": lambda count: on_one_flag(count, {"flag": "0", "variants": ["a"]}, "requires"),
    "holdouts": lambda count: {
        "holdouts": {"h": {"unit": "user", "salt": "s", "below": 1}},
        "flags": {
            "f": {
                "type": "boolean", "unit": "user", "variants": {"a": True}, "default": "a",
                "rules": [{"rule": "run", "experiment": "e"}],
            }
        },
        "experiments": {
            "e": {
                "flag": "f", "unit": "user", "version": 1, "phase": 1, "salt": "s", "holdouts": ["h"] * count,
                "arms": [{"variant": "a", "serve": "a", "below": 2**32}],
            }
        },
    },
}  # fmt: skip


def tried(document: bytes) -> str:
    try:
        evaluator = Evaluator(opened(document))
    except RulesetError as refused:
        return str(refused)
    return evaluator.evaluate("0", "user-1", {"v": "a" * 1_000}).says


def cost(document: bytes) -> Cost:
    taken = []
    for _ in range(2):
        begun = time.thread_time()
        error = tried(document)
        taken.append(time.thread_time() - begun)
    tracemalloc.start()
    error = tried(document)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(min(taken), held, error)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode({kind: cost(large(make)) for kind, make in LARGE.items()}))
