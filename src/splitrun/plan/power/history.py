"""What was looked at in history before an experiment, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines

__all__ = ["History", "days_of", "stretch"]

FORTNIGHT = 14
"""Days of history where the plan says nothing of enrolment."""
WEEK = 7


@dataclass(frozen=True, slots=True)
class History:
    """Units of the past, counted and measured as if they had been enrolled then."""

    key: str
    """Of the experiment that is planned."""
    source: str
    """Whose units they are, in words."""
    since: date
    until: date
    """The first day that counts no more."""
    timezone: str
    """In which days begin."""
    measured_on: date
    units: int
    """Of all variants where a past experiment had several."""
    control: int
    """Of which the metrics were measured."""
    baselines: Baselines
    unknown: tuple[tuple[str, str], ...]
    """Metrics that could not be measured, with why."""
    notes: tuple[str, ...] = ()
    """What was left out of account."""

    @property
    def days(self) -> int:
        """Days that were looked at."""
        return (self.until - self.since).days


def days_of(plan: Plan) -> int:
    """How many days of history are like the experiment's enrolment, in whole weeks.

    Units come back: seven days hold more than half as many as fourteen. So as many days are looked at as
    will be enrolled.
    """
    if plan.duration is None:
        return FORTNIGHT
    return max(1, -(-plan.duration.enrol // timedelta(days=WEEK))) * WEEK


def stretch(plan: Plan, asked: tuple[date | None, date | None, int | None], last: date) -> tuple[date, date]:
    """From which day to which history is looked at.

    Args:
        plan: What is planned.
        asked: The first day, the first day that counts no more, the number of days, where they are named.
        last: The first day that counts no more where none is named: that on which the windows of all units
            of the days before have passed.
    """
    since, until, days = asked
    length = timedelta(days=days_of(plan) if days is None else days)
    if until is None:
        until = last if since is None or days is None else since + length
    return (until - length if since is None else since), until
