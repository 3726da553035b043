"""The base of every spec, and the small values that many of them hold."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError

from splitrun.errors import ExpressionError
from splitrun.terms.kinds import Sort, mismatches, sort_of
from splitrun.terms.parse import parse

__all__ = [
    "Choice",
    "Column",
    "Condition",
    "Direction",
    "Expression",
    "Key",
    "Model",
    "Note",
    "Person",
    "Quantity",
    "Role",
    "Sentence",
    "TemplateName",
    "unsaid",
]

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


def expression(text: str, sorts: frozenset[Sort], remedy: str) -> str:
    """Refuse text that is not of the expression language, cannot be anything but null, or gives another sort.

    Raises:
        PydanticCustomError: With the offset of the character in its context.
    """
    try:
        tree = parse(text)
    except ExpressionError as error:
        raise fault(error.says, error.remedy, error.at) from None
    for sentence in mismatches(tree, {}):
        raise fault(sentence, "compare values of one kind", 0)
    sort = sort_of(tree, {})
    if sort not in sorts:
        raise fault(f"this gives a {sort} for each row", remedy, 0)
    return text


def fault(says: str, remedy: str, at: int) -> PydanticCustomError:
    """Make an error that knows its character."""
    return PydanticCustomError("expression", "{says}", {"says": says, "next": remedy, "at": at})


def condition(text: str) -> str:
    """Refuse what is neither true nor false."""
    return expression(text, frozenset({Sort.BOOLEAN, Sort.NOTHING}), "write a condition, like amount > 0")


def quantity(text: str) -> str:
    """Refuse what is no number."""
    remedy = "write a column or arithmetic; for a share of units write kind: share and `where`"
    return expression(text, frozenset({Sort.NUMBER, Sort.NOTHING}), remedy)


def anything(text: str) -> str:
    """Refuse what no column could hold."""
    return expression(
        text, frozenset(Sort) - {Sort.VERSION}, "take `semver` out; text is told apart as it is"
    )


def sentence(text: str) -> str:
    """Refuse text that says nothing."""
    if not text.strip():
        raise ValueError("nothing is said here; write it in a sentence")
    return text


Column = Annotated[str, AfterValidator(column)]
"""The name of a column; it is quoted wherever it goes."""

Condition = Annotated[str, Field(max_length=10_000), AfterValidator(condition)]
"""Text in the expression language of `terms` that is true, false or null."""

Quantity = Annotated[str, Field(max_length=10_000), AfterValidator(quantity)]
"""Text in the expression language of `terms` that is a number or null."""

Expression = Annotated[str, Field(max_length=10_000), AfterValidator(anything)]
"""Text in the expression language of `terms` that gives a value of any kind."""

Sentence = Annotated[str, Field(max_length=2_000), AfterValidator(sentence)]
"""Free text that must say something."""

Note = Annotated[str, Field(max_length=10_000)]
"""Free text."""

TemplateName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}(@[1-9][0-9]{0,5})?$", max_length=135)
]
"""A template by its name, or by name and version: `conversion`, `conversion@1`."""

Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""A person or team, by the name or address they go by here."""


def unsaid(value: object) -> bool:
    """Whether nothing is said: such a field is left out of what a plan writes, and out of its digest."""
    return not value


class Model(BaseModel):
    """Strict, frozen, unknown keys refused; compared by value."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
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
