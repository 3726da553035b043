"""Evaluations as OpenFeature's resolution details, per type of value."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason

from splitrun.assign.evaluation import Detail, Evaluation
from splitrun.assign.ruleset import Type
from splitrun.sdk.inner.answers import ALIKE
from splitrun.sdk.inner.metadata import metadata

__all__ = [
    "Kind",
    "Structure",
    "boolean",
    "real",
    "refused",
    "string",
    "structure",
    "whole",
]

Value = TypeVar("Value")
Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]

MANY = 4_096
"""Resolutions that are kept; evaluations are made once per outcome, so there are few."""


class Kind(Generic[Value]):
    """One of OpenFeature's types: which flags serve it, and how what they serve is told.

    Args:
        wants: The flag's type.
        taken: Makes a value of a flag's; `None` where it cannot be one.
        exact: Whether every value of such flags is of this type; otherwise it is asked before it is exposed.
        shared: Whether callers may share a value, because it cannot be changed.
    """

    def __init__(
        self,
        wants: Type,
        taken: Callable[[object], Value | None],
        *,
        exact: bool = True,
        shared: bool = True,
    ) -> None:
        self.alike = ALIKE[wants]
        self.taken, self.exact, self.shared = taken, exact, shared
        self.known: dict[int, tuple[Evaluation, FlagResolutionDetails[Value]]] = {}
        """By the evaluation's identity, which is its own as long as it is kept here."""

    def told(self, answer: Evaluation, default: Value, flag_set: str) -> FlagResolutionDetails[Value]:
        """Tell an evaluation to OpenFeature; most were told before."""
        known = self.known.get(id(answer))
        if known is not None:
            return known[1]
        if answer.error is not None:
            return refused(default, ErrorCode(answer.error.value), answer.says)
        details = self.resolution(answer, default, flag_set)
        # an answer to a refusal is made for each call
        if self.shared and details.error_code is None and answer.detail is not Detail.CONSENT:
            if len(self.known) >= MANY:
                self.known.clear()
            self.known[id(answer)] = answer, details
        return details

    def resolution(self, answer: Evaluation, default: Value, flag_set: str) -> FlagResolutionDetails[Value]:
        """Write an evaluation as details; where its value is of another type the caller's default stands."""
        value = self.taken(answer.value)
        if value is None:
            says = f"flag {answer.flag!r} serves {answer.value!r:.60}; ask for another type, or mend the flag"
            return refused(default, ErrorCode.TYPE_MISMATCH, says)
        return FlagResolutionDetails(
            value=value,
            reason=Reason(answer.reason.value),
            variant=answer.variant,
            flag_metadata=metadata(answer, flag_set),
        )


def refused(default: Value, code: ErrorCode, says: str) -> FlagResolutionDetails[Value]:
    """Serve the caller's default, and say why."""
    return FlagResolutionDetails(default, error_code=code, error_message=says, reason=Reason.ERROR)


def boolean(value: object) -> bool | None:
    """Take a boolean."""
    return value if type(value) is bool else None


def string(value: object) -> str | None:
    """Take a text."""
    return value if type(value) is str else None


def whole(value: object) -> int | None:
    """Take a number without a fraction."""
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def real(value: object) -> float | None:
    """Take any number; a flag's 1 is the float 1.0."""
    return float(value) if type(value) in {int, float} else None  # type: ignore[arg-type] # asked just before


def structure(value: object) -> Structure | None:
    """Take a list or mapping, copied: what a product does to it stays with it."""
    return copy.deepcopy(value) if type(value) in {list, dict} else None  # type: ignore[return-value] # as above
