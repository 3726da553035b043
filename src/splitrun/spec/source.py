"""Where rows come from: a file, a table, a query, a data frame."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from splitrun.spec.model import Key, Model

__all__ = ["EXPOSURES", "FORMS", "Exposures", "MomentsTable", "Rows", "Source"]

EXPOSURES = "exposures"
"""The name under which a metric finds the exposure rows themselves."""

FORMS = ("csv", "parquet", "table", "query", "frame", "lake")


class Rows(Model):
    """Exactly one of the forms says where the rows are."""

    csv: str | None = None
    parquet: str | None = None
    table: str | None = None
    query: str | None = None
    frame: str | None = None
    """Name of a data frame handed over from Python."""
    lake: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        named = [form for form in FORMS if getattr(self, form) is not None]
        if len(named) != 1:
            raise ValueError(
                f"exactly one of {', '.join(FORMS)} must say where the rows are, "
                f"not {', '.join(named) or 'none of them'}"
            )
        return self

    @property
    def form(self) -> str:
        """Which of the forms is written."""
        return next(form for form in FORMS if getattr(self, form) is not None)

    @property
    def where(self) -> str:
        """What is written for that form: a path, a name or a query."""
        return str(getattr(self, self.form))


class Source(Rows):
    """Rows that metrics are made from."""

    unit: str | dict[Key, str] | None = None
    """The column with the unit's id, or a column for each unit type."""
    time: str | None = None
    """The column with the moment of the event."""


class Exposures(Rows):
    """Rows that say which unit met which variant, and when."""

    unit: str
    """A column, or `row` where each row is a unit of its own."""
    variant: str
    variants: dict[str | int | float | bool, Key] = Field(default_factory=dict)
    """From the values in the variant column to variant keys; empty where they are the same."""
    time: str | None = None
    phase: str | None = None
    cluster: str | None = None
    pre_exposure: tuple[str, ...] = ()
    """Columns known before exposure; only these may be segments."""


class RatioSums(Model):
    """Columns with a ratio's sums over units, their squares and their products."""

    sum_num: str
    sum_den: str
    sumsq_num: str
    sumsq_den: str
    sum_num_den: str


class MeanSums(Model):
    """Columns with a mean's sum over units and sum of squares."""

    sum: str
    sumsq: str


class MomentsTable(Rows):
    """A table of sums that was made elsewhere: a row per variant, or per variant and segment level."""

    variant: str
    variants: dict[str | int | float | bool, Key] = Field(default_factory=dict)
    segment: str | None = None
    n: str
    metrics: dict[Key, MeanSums | RatioSums]
