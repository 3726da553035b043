"""The base of every spec, and the small values that many of them hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

__all__ = ["Direction", "Key", "Model", "Role"]

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")]
"""A name that may stand in a file, a URL or SQL: lower case, no colon."""


class Model(BaseModel):
    """Strict, frozen, unknown keys refused; compared by value."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Direction(StrEnum):
    """Where better lies."""

    HIGHER = "higher"
    LOWER = "lower"


class Role(StrEnum):
    """What a metric is there for, in the order of the scorecard."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SECONDARY = "secondary"
    DIAGNOSTIC = "diagnostic"
