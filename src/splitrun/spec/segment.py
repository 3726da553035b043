"""Declared cuts of units by what was known of them before exposure."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from splitrun.spec.model import Column, Condition, Model, Note

__all__ = ["Segment"]


class Segment(Model):
    """Either the values of a column, or a condition that is true, false or missing."""

    values: Column | None = None
    """Column whose values are the levels."""
    keep: Annotated[tuple[Note, ...] | None, Field(min_length=1)] = None
    """Levels shown by name; the rest is `other`."""
    when: Condition | None = None
    """Condition that cuts units into true, false and missing."""

    @model_validator(mode="after")
    def _one_cut(self) -> Self:
        if (self.values is None) == (self.when is None):
            raise ValueError(
                "a segment is cut either by values or by a condition; write `values: COLUMN` or `when: CONDITION`"
            )
        if self.keep is not None and self.values is None:
            raise ValueError(
                "`keep` chooses among the levels of `values`, and there are none beside `when`; take it out"
            )
        return self
