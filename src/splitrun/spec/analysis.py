"""How the data will be judged: method, error rates, guardrails, duration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from splitrun.spec.amount import Change, Window
from splitrun.spec.model import Choice, Column, Condition, Direction, Key, Model, Sentence

__all__ = [
    "MOST_LOOKS",
    "PRE_PERIOD",
    "Adjust",
    "Duration",
    "Expectation",
    "Hypothesis",
    "Identity",
    "Looks",
    "Method",
    "Mode",
    "Multiplicity",
    "OnBreach",
    "Rhythm",
    "Spending",
    "Trigger",
]

MOST_LOOKS = 14
"""Looks of a group-sequential plan; more cost alpha and tell little."""

PRE_PERIOD = "pre_period"
"""The covariate that is each metric's own value before exposure."""


class Method(Choice):
    """How often effects may be read."""

    FIXED = "fixed"
    """Once, at the planned end."""
    GROUP_SEQUENTIAL = "group_sequential"
    """At a few looks that are planned."""
    SEQUENTIAL = "sequential"
    """At any time; intervals are always valid, and wider."""
    HYBRID = "hybrid"
    """At any time with a small part of alpha, and once at the planned end with the rest."""


class Rhythm(Choice):
    """How often a group-sequential plan looks."""

    WEEKLY = "weekly"
    DAILY = "daily"


def looks_tag(written: object) -> str:
    """Say how looks are written: as a number, as a list of moments, or as a rhythm."""
    match written:
        case int() | float():
            return "number"
        case list() | tuple():
            return "moments"
        case _:
            return "rhythm"


Looks = Annotated[
    Annotated[Rhythm, Tag("rhythm")]
    | Annotated[int, Field(ge=1, le=MOST_LOOKS), Tag("number")]
    | Annotated[tuple[Window, ...], Field(min_length=1, max_length=MOST_LOOKS), Tag("moments")],
    Discriminator(looks_tag),
]
"""`weekly`, `daily`, how many, or spans after the first exposure."""


class Spending(Choice):
    """How alpha is spent over the looks (Lan and DeMets 1983)."""

    OBRIEN_FLEMING = "obrien_fleming"
    """Hardly anything early."""
    POCOCK = "pocock"
    """Nearly the same bound at every look."""
    POWER = "power"
    """alpha x fraction ** parameter."""
    HSD = "hsd"
    """Hwang, Shih and DeCani's gamma family, with gamma as parameter."""


class Multiplicity(Choice):
    """How the primaries and treatments share alpha."""

    BONFERRONI = "bonferroni"
    """Each comparison has its part, by weight."""
    HOLM = "holm"
    """Step down: keeps the familywise error."""
    BH = "bh"
    """Benjamini and Hochberg: keeps the part of false discoveries."""
    BY = "by"
    """Benjamini and Yekutieli: the same under any dependence."""
    DUNNETT = "dunnett"
    """Several treatments against one control."""
    NONE = "none"


class Adjust(Model):
    """What was known before exposure, and takes noise out of the effects."""

    lookback: Window | None = None
    """How long before exposure `pre_period` begins; 14d where nothing is written."""
    covariates: tuple[Column, ...] = ()
    """Numeric columns among `pre_exposure`; `pre_period` is each metric's own value before exposure."""
    strata: tuple[Key, ...] = ()
    """Segments within which variants are compared."""


class Mode(Choice):
    """What a guardrail must show."""

    PROVE = "prove"
    """That it is not worse than its margin; blocks shipping until shown."""
    WATCH = "watch"
    """Only harm beyond its margin is looked for."""


class OnBreach(Choice):
    """What a ramp does when a guardrail is breached."""

    ROLLBACK = "rollback"
    PAUSE = "pause"


class Expectation(Model):
    """What is expected of which metric, and how much would matter."""

    metric: Key
    """One of the primary metrics."""
    direction: Direction
    """Where the metric is expected to go."""
    mei: Change
    """The minimum effect of interest: what would matter."""


class Hypothesis(Model):
    """What is changed, why it should matter, and what is expected of it."""

    change: Sentence
    """What is different for treated units."""
    because: Sentence
    """Why it should matter."""
    expect: Expectation
    """What is expected, of which metric."""


class Identity(Choice):
    """Whether ids that an alias links are one unit."""

    FIRST_SEEN = "first_seen"
    """They are one unit from its first exposure."""
    STRICT = "strict"
    """Ids are never joined."""


class Trigger(Model):
    """A later qualifying moment; only units that met it are analysed, from then on."""

    source: Key
    """The event source that has the qualifying rows."""
    where: Condition | None = None
    """Condition that selects the qualifying rows."""


class Duration(Model):
    """How long units are enrolled."""

    enrol: Window
    """How long units are enrolled."""
    whole_weeks: bool = True
    """Enrolment covers each day of the week equally often."""
