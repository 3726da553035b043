"""Where a reading stands among the looks that were planned, and what speaks against reading now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed
from splitrun.measure.measured import Measured
from splitrun.spec.amount import written_window
from splitrun.spec.analysis import Method
from splitrun.spec.plan import Plan

__all__ = ["Occasion", "alpha_spent", "before_first_look", "early_look", "occasion", "partial_weeks"]

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where a reading stands among the planned looks."""

    looks: int
    """Planned looks that have passed; the reading counts as the last of them."""
    planned: int
    at: datetime | None
    """The moment of that look; None before the first one, or where nothing is planned."""
    following: datetime | None
    """The moment of the next look; None after the last."""

    @property
    def ended(self) -> bool:
        """Whether the planned end has come."""
        return self.planned > 0 and self.looks == self.planned


def occasion(plan: Plan, measured: Measured) -> Occasion:
    """Count the planned looks that had passed at the moment up to which the data speaks."""
    looks, start, now = plan.analysis.looks, measured.first_exposure, measured.as_of
    if start is None or now is None:
        return Occasion(looks=0, planned=len(looks), at=None, following=None)
    moments = [start + offset for offset in looks]
    passed = sum(moment <= now for moment in moments)
    return Occasion(
        looks=passed,
        planned=len(looks),
        at=moments[passed - 1] if passed else None,
        following=moments[passed] if passed < len(moments) else None,
    )


def before_first_look(evidence: Evidence) -> Finding | None:
    """Say that only the health of the data may be read until the first planned look."""
    plan, measured = evidence.plan, evidence.measured
    if plan.analysis.method is not Method.GROUP_SEQUENTIAL:
        return None
    now = occasion(plan, measured)
    if now.looks:
        return None
    when = "the first planned look" if now.following is None else now.following.isoformat(" ", "minutes")
    return Finding(
        code="before_first_look",
        severity=Severity.WARN,
        says=(
            f"none of {counted(now.planned, 'planned look')} has come, so no alpha may be spent yet and no "
            "effect is shown; harm is watched all the same"
        ),
        next=f"read again from {when}",
    )


def alpha_spent(evidence: Evidence) -> Finding | None:
    """Say at which earlier look all planned units had matured: alpha was spent there, and none is left."""
    plan, measured = evidence.plan, evidence.measured
    total = plan.analysis.planned_units
    if (
        plan.analysis.method is not Method.GROUP_SEQUENTIAL
        or total is None
        or measured.first_exposure is None
    ):
        return None
    spent = []
    for planned in plan.metrics:
        looks = measured.columns[planned.key].looks
        before = [] if looks is None else [number for number, n in enumerate(looks, 1) if n >= total]
        # a look that adds no unit repeats what the one before it said
        if looks is not None and before and looks[-1] > looks[before[0] - 1]:
            moment = measured.first_exposure + plan.analysis.looks[before[0] - 1]
            spent.append(f"{planned.key} at look {before[0]}, {moment.isoformat(' ', 'minutes')}")
    if not spent:
        return None
    return Finding(
        code="alpha_spent",
        severity=Severity.WARN,
        says=f"all {total:,} planned units had matured at an earlier look, which spent all alpha "
        f"({listed(spent)})",
        next="read as of that look; for more units than planned, plan them before the experiment starts",
    )


def early_look(evidence: Evidence) -> Finding | None:
    """Warn that a plan for one look is read before its planned end."""
    plan = evidence.plan
    now = occasion(plan, evidence.measured)
    if plan.analysis.method is not Method.FIXED or now.following is None:
        return None
    return Finding(
        code="early_look",
        severity=Severity.WARN,
        says=(
            f"the planned end is {now.following.isoformat(' ', 'minutes')}, and this reading comes before "
            "it: its intervals hold only if it is the only one"
        ),
        next="read at the planned end; to look earlier, plan method: group_sequential or sequential",
    )


def partial_weeks(evidence: Evidence) -> Finding | None:
    """Warn that enrolment so far covers some days of the week more often than others."""
    plan, measured = evidence.plan, evidence.measured
    if plan.duration is None or not plan.duration.whole_weeks:
        return None
    if measured.first_exposure is None or measured.as_of is None:
        return None
    enrolled = min(measured.as_of - measured.first_exposure, plan.duration.enrol)
    days = round(enrolled / DAY)
    if days and not days % 7:
        return None
    return Finding(
        code="partial_weeks",
        severity=Severity.WARN,
        says=(
            f"units were enrolled for {counted(days, 'day')}, which is no whole number of weeks: "
            "days of the week on which the change works differently do not weigh as they should"
        ),
        next=f"wait until {written_window(WEEK * (days // 7 + 1))} after the first exposure before deciding",
    )
