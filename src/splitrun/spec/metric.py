"""Metrics: what is counted or added up per unit, over which window, and where better lies."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from splitrun.spec.amount import Window, written_window
from splitrun.spec.model import (
    Choice,
    Condition,
    Direction,
    Expression,
    Key,
    Model,
    Note,
    Person,
    Quantity,
    unsaid,
)

__all__ = [
    "ActiveDays",
    "ActiveDaysHere",
    "Cap",
    "Certificate",
    "Count",
    "Distinct",
    "DistinctHere",
    "Here",
    "Mean",
    "MeanHere",
    "Metric",
    "MetricHere",
    "Per",
    "Quantile",
    "QuantileHere",
    "Ratio",
    "RatioHere",
    "Retention",
    "RetentionHere",
    "Share",
    "ShareHere",
    "Total",
]

DAY = timedelta(days=1)


class Certificate(Model):
    """Who says that a definition measures what it says, and since when."""

    by: Person
    """Who certified it."""
    at: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[01][0-9]-[0-3][0-9]$")]
    """The day, like 2026-03-01."""


class Definition(Model):
    """What every metric has."""

    better: Direction
    """Where better lies."""
    owner: Note | None = None
    """Who answers for the definition."""
    describe: Note | None = None
    """What it measures, in words."""
    certified: Certificate | None = Field(default=None, exclude_if=unsaid)
    """Who answers for it being right, and since when; a project may demand it."""


class Windowed(Definition):
    """A metric whose events may be limited to a window after exposure."""

    window: Window | None = None
    """Events in [exposure, exposure + window) count, a unit once its window has passed; none: all events."""

    @property
    def matures(self) -> timedelta | None:
        """How long after its exposure a unit's value is known for good; None: never."""
        return self.window


class Cap(Model):
    """The most that one unit may count for; what lies above counts as the cap."""

    at: Annotated[float, Field(gt=0)] | None = None
    """The cap, in the metric's own unit."""
    quantile: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    """The cap as a quantile of the units' values that are not zero, like 0.999."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.at is None) == (self.quantile is None):
            raise ValueError("a cap is a number or a quantile; write `at: 500` or `quantile: 0.999`")
        return self


class Share(Windowed):
    """Share of units with at least one row that the condition selects."""

    kind: Literal["share"]
    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    where: Condition | None = None
    """Condition on the source's rows."""


class Mean(Windowed):
    """Mean over units of a value added up over their rows; without `value` the rows are counted."""

    kind: Literal["mean"]
    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    value: Quantity | None = None
    """What is added up over a unit's rows; without it the rows are counted."""
    where: Condition | None = None
    """Condition on the source's rows."""
    cap: Cap | None = None
    """The most that one unit may count for."""


class Total(Model):
    """One part of a ratio: a value added up over a unit's rows."""

    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    value: Quantity
    """What is added up over a unit's rows."""
    where: Condition | None = None
    """Condition on the source's rows."""
    cap: Cap | None = None
    """The most that one unit may count for."""


class Count(Model):
    """One part of a ratio: a unit's rows, counted."""

    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    count: Literal["rows"]
    """Always `rows`."""
    where: Condition | None = None
    """Condition on the source's rows."""
    cap: Cap | None = None
    """The most that one unit may count for."""


def part_tag(written: object) -> str:
    """Say which part of a ratio is meant: rows counted, or a value added up."""
    match written:
        case {"count": _}:
            return "counted"
        case Count():
            return "counted"
        case _:
            return "added"


Part = Annotated[Annotated[Total, Tag("added")] | Annotated[Count, Tag("counted")], Discriminator(part_tag)]


class Ratio(Windowed):
    """Total of one thing over total of another; the unit stays what was randomised."""

    kind: Literal["ratio"]
    over: Part
    """The numerator."""
    under: Part
    """The denominator."""


class Distinct(Windowed):
    """Mean over units of how many different values their rows hold."""

    kind: Literal["distinct"]
    source: Key
    """Name of a source with events."""
    value: Expression
    """What is told apart; null is no value."""
    where: Condition | None = None
    """Condition on the source's rows."""


class Retention(Definition):
    """Share of units with a row in [exposure + from, exposure + to)."""

    kind: Literal["retention"]
    source: Key
    """Name of a source with events."""
    since: Annotated[Window, Field(alias="from")]
    """How long after exposure the span begins."""
    to: Window
    """How long after exposure the span ends; a unit counts from then on."""
    where: Condition | None = None
    """Condition on the source's rows."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.since >= self.to:
            since, to = written_window(self.since), written_window(self.to)
            raise ValueError(f"no time lies from {since} to {to}; write `to` later than `from`")
        return self

    @property
    def matures(self) -> timedelta:
        """How long after its exposure a unit's value is known for good."""
        return self.to


class Per(Choice):
    """What a quantile is taken over."""

    UNIT = "unit"
    """The units' values, each added up over the unit's rows."""
    EVENT = "event"
    """The rows' values; units stay what was randomised."""


class Quantile(Windowed):
    """A quantile of units' values, or of the values of their events."""

    kind: Literal["quantile"]
    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    at: Annotated[float, Field(gt=0, lt=1)]
    """Which quantile, like 0.95."""
    per: Per
    """`unit`: of values added up per unit; `event`: of single rows."""
    value: Quantity
    """What is added up per unit, or taken of each row."""
    where: Condition | None = None
    """Condition on the source's rows."""


class ActiveDays(Windowed):
    """Mean over units of the share of their window's days, counted from exposure, that hold a row."""

    kind: Literal["active_days"]
    source: Key
    """Name of a source with events."""
    window: Window
    """Whole days after exposure, each of 24 hours; a unit counts once they have passed."""
    where: Condition | None = None
    """Condition on the source's rows."""

    @model_validator(mode="after")
    def _whole_days(self) -> Self:
        if self.window % DAY:
            raise ValueError(
                f"{written_window(self.window)} is no whole number of days; write the window in days, like 7d"
            )
        return self


class Here(Model):
    """What a metric has that is defined where it is used."""

    key: Key


class ShareHere(Here, Share):
    """A share defined where it is used."""


class MeanHere(Here, Mean):
    """A mean defined where it is used."""


class RatioHere(Here, Ratio):
    """A ratio defined where it is used."""


class DistinctHere(Here, Distinct):
    """A count of different values defined where it is used."""


class RetentionHere(Here, Retention):
    """A retention defined where it is used."""


class QuantileHere(Here, Quantile):
    """A quantile defined where it is used."""


class ActiveDaysHere(Here, ActiveDays):
    """A rate of active days defined where it is used."""


MetricHere = Annotated[
    ShareHere | MeanHere | RatioHere | DistinctHere | RetentionHere | QuantileHere | ActiveDaysHere,
    Field(discriminator="kind"),
]
"""A metric with its key, defined where it is used."""

Metric = Annotated[
    Share | Mean | Ratio | Distinct | Retention | Quantile | ActiveDays, Field(discriminator="kind")
]
"""What is measured, by content."""
