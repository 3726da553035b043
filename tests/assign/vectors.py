"""The vectors that ship in the wheel, read as a typed value."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from splitrun.assign.evaluation import Evaluation
from splitrun.assign.ruleset import Ruleset

__all__ = ["BYTES", "VECTORS", "Answer", "Asked", "said"]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    detail: str
    value: object = None
    values: dict[str, object] | None = None
    variant: str | None = None
    experiment: str | None = None
    version: int = 0
    phase: int = 0
    enrolling: bool = True
    error: str | None = None


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ruleset: str
    unit: str
    attributes: dict[str, object]
    opted_out: bool
    answer: Answer
    flag: str = ""
    layer: str = ""


class Vectors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: str
    rulesets: dict[str, Ruleset]
    slots: list[tuple[str, str, int]]
    evaluations: list[Asked]
    parameters: list[Asked]


BYTES = files("splitrun.assign").joinpath("vectors.json").read_bytes()
VECTORS = msgspec.json.decode(BYTES, type=Vectors)


def said(found: Evaluation) -> Answer:
    """What of an evaluation the vectors hold."""
    return Answer(
        str(found.reason),
        str(found.detail),
        found.value,
        None,
        found.variant,
        found.experiment,
        found.version,
        found.phase,
        found.enrolling,
        None if found.error is None else str(found.error),
    )
