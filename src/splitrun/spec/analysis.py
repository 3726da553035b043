"""How the data will be judged: method, error rates, guardrails, duration."""

from __future__ import annotations

from enum import StrEnum

from splitrun.spec.amount import Change, Window
from splitrun.spec.model import Direction, Key, Model

__all__ = [
    "Duration",
    "Expectation",
    "Guardrail",
    "Hypothesis",
    "Method",
    "Mode",
    "Multiplicity",
    "OnBreach",
    "Trigger",
]


class Method(StrEnum):
    """How often effects may be read; only `fixed` is built: once."""

    FIXED = "fixed"


class Multiplicity(StrEnum):
    """How the primaries share alpha."""

    BONFERRONI = "bonferroni"
    NONE = "none"


class Mode(StrEnum):
    """What a guardrail must show."""

    PROVE = "prove"
    """That it is not worse than its margin; blocks shipping until shown."""
    WATCH = "watch"
    """Only harm beyond its margin is looked for."""


class OnBreach(StrEnum):
    """What a ramp does when a guardrail is breached."""

    ROLLBACK = "rollback"
    PAUSE = "pause"


class Expectation(Model):
    """What is expected of which metric, and how much would matter."""

    metric: Key
    direction: Direction
    """Where the metric is expected to go."""
    mei: Change


class Hypothesis(Model):
    """What is changed, why it should matter, and what is expected of it."""

    change: str
    because: str
    expect: Expectation


class Guardrail(Model):
    """A metric that must not worsen beyond its margin."""

    metric: Key
    margin: Change
    mode: Mode = Mode.PROVE
    on_breach: OnBreach = OnBreach.ROLLBACK
    ramp_window: Window | None = None


class Trigger(Model):
    """A later qualifying moment; only units that met it are analysed, from then on."""

    source: Key
    where: str | None = None


class Duration(Model):
    """How long units are enrolled."""

    enrol: Window
    whole_weeks: bool = True
