"""How the data will be judged: method, error rates, guardrails, duration."""

from __future__ import annotations

from splitrun.spec.amount import Change, Window
from splitrun.spec.model import Choice, Condition, Direction, Key, Model, Sentence

__all__ = [
    "Duration",
    "Expectation",
    "Hypothesis",
    "Method",
    "Mode",
    "Multiplicity",
    "OnBreach",
    "Trigger",
]


class Method(Choice):
    """How often effects may be read; only `fixed` is built: once."""

    FIXED = "fixed"


class Multiplicity(Choice):
    """How the primaries share alpha."""

    BONFERRONI = "bonferroni"
    NONE = "none"


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
