"""The base of every spec, and the small values that many of them hold."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError

from splitrun.errors import ExpressionError
from splitrun.terms.parse import parse

__all__ = ["Choice", "Column", "Direction", "Expression", "Key", "Model", "Note", "Role", "Sentence"]

FORBIDDEN_IN_COLUMNS = re.compile(r"[\x00-\x1f\x7f\"`;\\]|--|/\*")

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")]
"""A name that may stand in a file, a URL or SQL: lower case, no colon."""


def column(name: str) -> str:
    """Refuse what could not be a column's name, or would not survive being quoted everywhere."""
    if not name.strip() or len(name) > 255 or FORBIDDEN_IN_COLUMNS.search(name):
        raise ValueError(
            f"{name[:60]!r} is no column name; "
            "write the name of one column, without quotes, semicolons, backslashes or comment signs"
        )
    return name


def expression(text: str) -> str:
    """Refuse text that is not of the expression language.

    Raises:
        PydanticCustomError: With the offset of the character in its context.
    """
    try:
        parse(text)
    except ExpressionError as error:
        raise PydanticCustomError(
            "expression", "{says}", {"says": error.says, "next": error.remedy, "at": error.at}
        ) from None
    return text


def sentence(text: str) -> str:
    """Refuse text that says nothing."""
    if not text.strip():
        raise ValueError("nothing is said here; write it in a sentence")
    return text


Column = Annotated[str, AfterValidator(column)]
"""The name of a column; it is quoted wherever it goes."""

Expression = Annotated[str, Field(max_length=10_000), AfterValidator(expression)]
"""Text in the expression language of `terms`."""

Sentence = Annotated[str, Field(max_length=2_000), AfterValidator(sentence)]
"""Free text that must say something."""

Note = Annotated[str, Field(max_length=10_000)]
"""Free text."""


class Model(BaseModel):
    """Strict, frozen, unknown keys refused; compared by value."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Choice(StrEnum):
    """One of a few words; read from its text even where all else is strict."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Choice], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let text stand for the member it names."""
        schema = handler(source)
        return {**schema, "strict": False} if schema["type"] == "enum" else schema


class Direction(Choice):
    """Where better lies."""

    HIGHER = "higher"
    LOWER = "lower"


class Role(Choice):
    """What a metric is there for, in the order of the scorecard."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SECONDARY = "secondary"
    DIAGNOSTIC = "diagnostic"
