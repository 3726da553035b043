"""Baselines from several places as one, and how old they are."""

from __future__ import annotations

from datetime import date

from splitrun.plan.power.setting import Advice
from splitrun.spec.power.baselines import Baselines

__all__ = ["STALE", "aged", "joined", "only"]

STALE = 30
"""Days after which what was measured is told to be old."""


def joined(wins: Baselines, others: Baselines) -> Baselines:
    """What is known from two places; where both say something of a metric, the first counts.

    Args:
        wins: What counts where both say something.
        others: What fills the rest.
    """
    return Baselines(
        units_per_day=wins.units_per_day or others.units_per_day,
        metrics={**others.metrics, **wins.metrics},
        measured=wins.measured or others.measured,
        until=wins.until or others.until,
    )


def only(known: Baselines, metrics: frozenset[str]) -> Baselines:
    """What is known of some metrics: those that the plan still has."""
    return known.model_copy(
        update={"metrics": {key: each for key, each in known.metrics.items() if key in metrics}}
    )


def aged(known: Baselines, today: date, key: str) -> tuple[Advice, ...]:
    """A word where baselines are old."""
    days = known.age(today)
    if days is None or days <= STALE:
        return ()
    says = f"the baselines are of a history that ended {days:,} days ago, on {known.until}"
    return (Advice("old_baselines", says, f"measure them again with `splitrun baseline {key}`"),)
