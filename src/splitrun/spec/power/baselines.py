"""Baselines: where metrics lie before the experiment, how much units differ, and how many come each day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from splitrun.spec.amount import Portion
from splitrun.spec.model import Key, Model, Note, unsaid
from splitrun.spec.reading import checked
from splitrun.spec.written.document import Written
from splitrun.spec.written.text import document

__all__ = [
    "Baseline",
    "Baselines",
    "Clustering",
    "Day",
    "MeanBaseline",
    "RatioBaseline",
    "ShareBaseline",
    "Total",
    "read_baselines",
]


class Clustering(Model):
    """How alike units of one cluster are."""

    size: Annotated[float, Field(ge=1)]
    """Mean units per cluster."""
    icc: Annotated[float, Field(ge=0, le=1)]
    """Intracluster correlation: part of the variance that lies between clusters."""
    spread: Annotated[float, Field(ge=0)] = 0.0
    """Standard deviation of the clusters' sizes over their mean."""


class Known(Model):
    """What every baseline may say."""

    r2: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Part of the variance that the plan's covariates explain."""
    clusters: Clustering | None = None
    """How units are alike, where clusters are randomised."""


class Varying(Model):
    """A mean over units, and how much they differ."""

    mean: float
    """Mean per unit."""
    sd: Annotated[float, Field(gt=0)] | None = None
    """Standard deviation over units."""
    variance: Annotated[float, Field(gt=0)] | None = None
    """The same squared; one of the two is written."""

    @model_validator(mode="after")
    def _one_spread(self) -> Self:
        if (self.sd is None) == (self.variance is None):
            raise ValueError("how much units differ is written once; write `sd` or `variance`")
        return self

    @property
    def squared(self) -> float:
        """The variance, however it was written."""
        return self.variance if self.variance is not None else (self.sd or 0.0) ** 2


def read_inner(written: object) -> object:
    """Refuse a share at which every unit is the same."""
    match written:
        case str() if written.strip() in {"0%", "100%"}:
            shown = written.strip()
        case bool():
            return written
        case int() | float() if written <= 0 or written >= 1:
            shown = f"{written:g}"
        case _:
            return written
    raise ValueError(f"{shown} is no baseline of a share; write one above 0% and below 100%, like 12%")


class ShareBaseline(Known):
    """Where a share of units lies; its variance follows."""

    share: Annotated[Portion, BeforeValidator(read_inner)]
    """Between 0% and 100%, like 12%."""


class MeanBaseline(Known, Varying):
    """Where a mean over units lies; of a quantile or a ratio, with the variance of one unit's part."""


class Total(Varying):
    """One part of a ratio, per unit."""


class RatioBaseline(Known):
    """Where a ratio of two totals lies, by the moments of its parts."""

    over: Total
    """The numerator."""
    under: Total
    """The denominator."""
    correlation: Annotated[float, Field(ge=-1, le=1)]
    """Of the two, over units."""


def tag(written: object) -> str:
    """Say which baseline is meant, in a word that is no key of any."""
    match written:
        case {"share": _} | ShareBaseline():
            return "counted"
        case {"over": _} | {"under": _} | RatioBaseline():
            return "divided"
        case _:
            return "averaged"


Baseline = Annotated[
    Annotated[ShareBaseline, Tag("counted")]
    | Annotated[MeanBaseline, Tag("averaged")]
    | Annotated[RatioBaseline, Tag("divided")],
    Discriminator(tag),
]
"""A metric before the experiment: `{share: 12%}`, `{mean: 8, sd: 20}` or `{over: ..., under: ...}`."""


def day(text: str) -> str:
    """Refuse what is no day."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no day; write it like 2026-11-27") from None


Day = Annotated[str, AfterValidator(day)]
"""A day in ISO 8601."""


class Baselines(Model):
    """What is known before an experiment."""

    units_per_day: Annotated[float, Field(gt=0)] | None = None
    """Eligible units that come new each day, before coverage takes its part."""
    metrics: dict[Key, Baseline] = Field(default_factory=dict)
    """By the key of the metric."""
    measured: Note | None = None
    """Where and when they were measured."""
    until: Day | None = Field(default=None, exclude_if=unsaid)
    """The day on which the history that they were measured on ends; from it their age is counted."""

    def age(self, today: date) -> int | None:
        """Days since that history ended; None where nobody wrote when."""
        return None if self.until is None else (today - date.fromisoformat(self.until)).days


def read_baselines(text: str | bytes, file: str) -> Written[Baselines]:
    """Read a file of baselines, YAML or JSON.

    Raises:
        SpecError: All mistakes.
    """
    return checked(Baselines, document(text, file))
