"""Metrics: what is counted or added up per unit, over which window, and where better lies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from splitrun.spec.amount import Window
from splitrun.spec.model import Condition, Direction, Key, Model, Note, Quantity

__all__ = [
    "Count",
    "Mean",
    "MeanHere",
    "Metric",
    "MetricHere",
    "Ratio",
    "RatioHere",
    "Share",
    "ShareHere",
    "Total",
]


class Definition(Model):
    """What every metric has."""

    better: Direction
    """Where better lies."""
    owner: Note | None = None
    """Who answers for the definition."""
    describe: Note | None = None
    """What it measures, in words."""
    window: Window | None = None
    """Events in [exposure, exposure + window) count, a unit once its window has passed; none: all events."""


class Share(Definition):
    """Share of units with at least one row that the condition selects."""

    kind: Literal["share"]
    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    where: Condition | None = None
    """Condition on the source's rows."""


class Mean(Definition):
    """Mean over units of a value added up over their rows; without `value` the rows are counted."""

    kind: Literal["mean"]
    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    value: Quantity | None = None
    """What is added up over a unit's rows; without it the rows are counted."""
    where: Condition | None = None
    """Condition on the source's rows."""


class Total(Model):
    """One part of a ratio: a value added up over a unit's rows."""

    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    value: Quantity
    """What is added up over a unit's rows."""
    where: Condition | None = None
    """Condition on the source's rows."""


class Count(Model):
    """One part of a ratio: a unit's rows, counted."""

    source: Key
    """Name of a source, or `exposures` for the exposure table itself."""
    count: Literal["rows"]
    """Always `rows`."""
    where: Condition | None = None
    """Condition on the source's rows."""


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


class Ratio(Definition):
    """Total of one thing over total of another; the unit stays what was randomised."""

    kind: Literal["ratio"]
    over: Part
    """The numerator."""
    under: Part
    """The denominator."""


class ShareHere(Share):
    """A share defined where it is used."""

    key: Key


class MeanHere(Mean):
    """A mean defined where it is used."""

    key: Key


class RatioHere(Ratio):
    """A ratio defined where it is used."""

    key: Key


MetricHere = Annotated[ShareHere | MeanHere | RatioHere, Field(discriminator="kind")]
"""A metric with its key, defined where it is used."""

Metric = Annotated[Share | Mean | Ratio, Field(discriminator="kind")]
