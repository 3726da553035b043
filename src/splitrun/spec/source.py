"""Where rows come from: a file, a table, a query, a data frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from splitrun.spec.model import Column, Key, Model

__all__ = [
    "EVENTS",
    "EXPOSURES",
    "FORMS",
    "LAKE",
    "LOGGED",
    "MOMENTS",
    "ROW",
    "Exposures",
    "MeanSums",
    "MomentsTable",
    "RatioSums",
    "Rows",
    "Source",
]

EXPOSURES = "exposures"
"""The name under which a metric finds the exposure rows themselves."""

MOMENTS = "moments"
"""The name under which a metric finds the table of sums that was made elsewhere."""

ROW = "row"
"""Stands for the unit's column where each exposure row is a unit of its own."""

EVENTS = "events"
"""The source that every experiment has: the events of the lake."""

LAKE = ("exposures", "events", "triggers")
"""What a lake holds for an experiment: who met which variant, what units did, later qualifying moments."""

FORMS = ("csv", "parquet", "table", "query", "frame", "lake")

TABLE = re.compile(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*){0,2}")


def file(name: str) -> str:
    """Refuse what is no path of a file on this machine."""
    if not name.strip() or len(name) > 1024 or re.search(r"[\x00-\x1f\x7f]", name):
        raise ValueError(f"{name[:60]!r} is no path of a file; write a path like data/orders.csv")
    if "://" in name:
        raise ValueError(
            f"{name[:60]!r} lies on a network, where nothing is read; fetch the file and name its path"
        )
    return name


def table(name: str) -> str:
    """Refuse what is no table name."""
    if len(name) > 255 or not TABLE.fullmatch(name):
        raise ValueError(f"{name[:60]!r} is no table name; write a name like shop.orders, or use `query`")
    return name


def query(text: str) -> str:
    """Refuse a query without words; what it may do is judged where it would run."""
    if not text.strip():
        raise ValueError("the query is empty; write one SELECT statement")
    return text


def lake(name: str) -> str:
    """Refuse what is no table of the lake."""
    if name not in LAKE:
        raise ValueError(f"{name[:60]!r} is no table of the lake; write one of {', '.join(LAKE)}")
    return name


def of_lake(written: object, columns: Mapping[str, str]) -> object:
    """Name the columns of a table of the lake where they are not named: they are always the same."""
    match written:
        case dict():
            # a list of JSON would be refused here, where JSON is no longer known to be it
            said = {name: tuple(value) if type(value) is list else value for name, value in written.items()}
            return said if said.get("lake") is None else {**columns, **said}
        case _:
            return written


File = Annotated[str, AfterValidator(file)]
Table = Annotated[str, AfterValidator(table)]
LakeTable = Annotated[Key, AfterValidator(lake), WithJsonSchema({"type": "string", "enum": list(LAKE)})]
Query = Annotated[str, Field(max_length=100_000), AfterValidator(query)]


class Rows(Model):
    """Exactly one of the forms says where the rows are."""

    csv: File | None = None
    """Path of a CSV file, from the project's folder or else from the folder of the experiment's file."""
    parquet: File | None = None
    """Path of a Parquet file, or a pattern like data/*.parquet."""
    table: Table | None = None
    """Table in the engine's database."""
    query: Query | None = None
    """One SELECT statement."""
    frame: Key | None = None
    """Name of a data frame handed over from Python."""
    lake: LakeTable | None = None
    """Table of the project's lake: exposures, events or triggers."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        named = [form for form in FORMS if getattr(self, form) is not None]
        if len(named) != 1:
            raise ValueError(
                f"{' and '.join(named) or 'nothing'} {'say' if named else 'says'} where the rows are; "
                f"write exactly one of {', '.join(FORMS)}"
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


def unit_tag(written: object) -> str:
    """Say whether one column is meant, or one for each unit type."""
    match written:
        case dict():
            return "columns"
        case _:
            return "column"


UnitColumns = Annotated[
    Annotated[Column, Tag("column")] | Annotated[dict[Key, Column], Tag("columns")], Discriminator(unit_tag)
]


class Source(Rows):
    """Rows that metrics are made from."""

    unit: UnitColumns | None = None
    """The column with the unit's id, or a column for each unit type."""
    time: Column | None = None
    """The column with the moment of the event."""

    @model_validator(mode="before")
    @classmethod
    def _lake(cls, written: object) -> object:
        return of_lake(written, {"unit": "unit_key", "time": "time"})


class Exposures(Rows):
    """Rows that say which unit met which variant, and when."""

    unit: Column
    """A column, or `row` where each row is a unit of its own."""
    variant: Column
    """The column that says which variant the unit met."""
    variants: dict[str | int | float | bool, Key] = Field(default_factory=dict)
    """From the values in the variant column to variant keys; empty where they are the same."""
    time: Column | None = None
    """The column with the moment of exposure; without it there are no windows and no series."""
    phase: Column | None = None
    """The column that names the phase."""
    cluster: Column | None = None
    """The column that names what was randomised together."""
    pre_exposure: tuple[Column, ...] = ()
    """Columns known before exposure; only these may be segments. All that the lake's exposures carry is."""

    @model_validator(mode="before")
    @classmethod
    def _lake(cls, written: object) -> object:
        known = {"unit": "unit_key", "variant": "variant", "time": "time", "phase": "phase"}
        return of_lake(written, known)

    def before(self, column: str) -> bool:
        """Whether a column was known before exposure: attributes in the lake were written down at it."""
        return self.lake is not None or column in self.pre_exposure


LOGGED = Exposures.model_validate({"lake": "exposures"})
"""Where an experiment on a flag is exposed if it names no other rows."""


class RatioSums(Model):
    """Columns with a ratio's sums over units, their squares and their products."""

    sum_num: Column
    sum_den: Column
    sumsq_num: Column
    sumsq_den: Column
    sum_num_den: Column


class MeanSums(Model):
    """Columns with a mean's sum over units and sum of squares."""

    sum: Column
    sumsq: Column


def sums_tag(written: object) -> str:
    """Say which sums are meant: a ratio's, or a mean's."""
    match written:
        case RatioSums():
            return "two"
        case {"sum_num": _} | {"sum_den": _} | {"sum_num_den": _}:
            return "two"
        case _:
            return "one"


Sums = Annotated[Annotated[MeanSums, Tag("one")] | Annotated[RatioSums, Tag("two")], Discriminator(sums_tag)]


class MomentsTable(Rows):
    """A table of sums that was made elsewhere: a row per variant, or per variant and segment level."""

    variant: Column
    """The column that names the variant."""
    variants: dict[str | int | float | bool, Key] = Field(default_factory=dict)
    """From the values in the variant column to variant keys; empty where they are the same."""
    segment: Column | None = None
    """The column with the level of a segment; null over all units."""
    n: Column
    """The column that counts units."""
    metrics: Annotated[dict[Key, Sums], Field(min_length=1)]
    """The columns with each metric's sums."""
