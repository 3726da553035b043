"""Metrics: what is counted or added up per unit, over which window, and where better lies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from splitrun.spec.amount import Window
from splitrun.spec.model import Direction, Key, Model

__all__ = ["Count", "Mean", "Metric", "Ratio", "Share", "Total"]


class Definition(Model):
    """What every metric has."""

    better: Direction
    owner: str | None = None
    describe: str | None = None
    window: Window | None = None
    """Events in [exposure, exposure + window) count, a unit counts once its window has passed; none: all events."""


class Share(Definition):
    """Share of units with at least one row that the condition selects."""

    kind: Literal["share"]
    source: Key
    where: str | None = None


class Mean(Definition):
    """Mean over units of a value added up over their rows; without `value` the rows are counted."""

    kind: Literal["mean"]
    source: Key
    value: str | None = None
    where: str | None = None


class Total(Model):
    """One part of a ratio: a value added up over a unit's rows."""

    source: Key
    value: str
    where: str | None = None


class Count(Model):
    """One part of a ratio: a unit's rows, counted."""

    source: Key
    count: Literal["rows"]
    where: str | None = None


class Ratio(Definition):
    """Total of one thing over total of another; the unit stays what was randomised."""

    kind: Literal["ratio"]
    over: Total | Count
    """The numerator."""
    under: Total | Count
    """The denominator."""


Metric = Annotated[Share | Mean | Ratio, Field(discriminator="kind")]
