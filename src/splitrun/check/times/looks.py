"""Where a reading stands among the looks that were planned, and what speaks against reading now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted, listed
from splitrun.measure.measured import Measured
from splitrun.spec.amount import written_window
from splitrun.spec.analysis import Method
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = [
    "Occasion",
    "after_planned_end",
    "before_first_look",
    "blinded",
    "early_look",
    "occasion",
    "partial_weeks",
    "planned_end",
    "planned_end_missed",
]

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


def blinded(evidence: Evidence) -> bool:
    """Whether no effect may be shown yet, so that no doubt may tell outcomes by variant either."""
    plan = evidence.plan
    return plan.analysis.method is Method.GROUP_SEQUENTIAL and not occasion(plan, evidence.measured).looks


def before_first_look(evidence: Evidence) -> Finding | None:
    """Say that only the health of the data may be read until the first planned look."""
    if not blinded(evidence):
        return None
    plan = evidence.plan
    now = occasion(plan, evidence.measured)
    when = "the first planned look" if now.following is None else now.following.isoformat(" ", "minutes")
    return Finding(
        code="before_first_look",
        severity=Severity.WARN,
        says=(
            f"none of {counted(now.planned, 'planned look')} has come, so no alpha may be spent yet and no "
            f"effect is shown{watched(plan)}"
        ),
        next=f"read again from {when}",
    )


def watched(plan: Plan) -> str:
    """What is watched for harm before the first look: every guardrail, whether it is to be proved or not."""
    guardrails = [planned.key for planned in plan.metrics if planned.guardrail is not None]
    if plan.analysis.planned_units is None or plan.exposures is None or plan.exposures.time is None:
        return ""
    return f"; only harm of {listed(guardrails)} is watched all the same" if guardrails else ""


def planned_end(plan: Plan, measured: Measured) -> datetime | None:
    """Give the planned end where the data goes beyond it and units matured after it; None elsewhere.

    Whoever reads more than once, or once at that end, has no alpha left for those units.
    """
    start, now, looks = measured.first_exposure, measured.as_of, plan.analysis.looks
    if start is None or now is None or not looks or plan.analysis.method is Method.SEQUENTIAL:
        return None
    end = start + looks[-1]
    if now <= end:
        return None
    decisive = {Role.PRIMARY, Role.GUARDRAIL} if plan.analysis.method is Method.FIXED else set(Role)
    columns = [measured.columns[planned.key] for planned in plan.metrics if planned.role in decisive]
    late = [
        column.moments.n.sum() > column.looks[-1]
        for column in columns
        if column.looks is not None and len(column.looks) == len(looks)
    ]
    return end if any(late) else None


def after_planned_end(evidence: Evidence) -> Finding | None:
    """Say that the data goes beyond the planned end: what an extension may claim, and what it may not."""
    plan, measured = evidence.plan, evidence.measured
    end = measured.as_of if measured.beyond is not None else planned_end(plan, measured)
    last = measured.beyond or measured.as_of
    if end is None or last is None:
        return None
    until, then = end.isoformat(" ", "minutes"), last.isoformat(" ", "minutes")
    says = f"the planned end was {until}, and the data goes on to {then}"
    if measured.beyond is not None:
        says += (
            ": all alpha was spent at the planned end, so its reading is shown, and later units are left out"
        )
        remedy = "to use later units, plan them beforehand, or read an extension with method: sequential"
    else:
        says += (
            ": its intervals hold if that moment was not chosen by what earlier readings showed; going on to "
            "twice the units after an inconclusive one makes 8 % false alarms of 5 %"
        )
        remedy = f"read as of {until}; to read more than once, plan method: group_sequential or sequential"
    return Finding(code="after_planned_end", severity=Severity.WARN, says=says, next=remedy)


def planned_end_missed(evidence: Evidence) -> Finding | None:
    """Say that the planned end has come, and only the data, whose last row lies before it, has not.

    Whether rows are missing or nothing happened since, nobody can see in them: who reads has to say.
    """
    plan, clock = evidence.plan, evidence.clock
    start, now, looks = evidence.measured.first_exposure, evidence.measured.as_of, plan.analysis.looks
    if clock is None or start is None or now is None or not looks:
        return None
    end = start + looks[-1]
    if plan.analysis.method is Method.SEQUENTIAL or not now < end <= clock:
        return None
    return Finding(
        code="planned_end_missed",
        severity=Severity.WARN,
        says=(
            f"the planned end was {end.isoformat(' ', 'minutes')}, and the data is read as of its last row, "
            f"{now.isoformat(' ', 'minutes')}: this is a reading before that end"
        ),
        next=f"if the data holds all that happened until then, read the end with --as-of {end.isoformat()}",
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
            f"units were enrolled for {days_told(enrolled)}, which is no whole number of weeks: "
            "days of the week on which the change works differently do not weigh as they should"
        ),
        next=f"wait until {written_window(WEEK * (days // 7 + 1))} after the first exposure before deciding",
    )


def days_told(enrolled: timedelta) -> str:
    """Tell how long units were enrolled: in days, below one in hours, below one in minutes."""
    if enrolled < timedelta(minutes=1):
        return "less than a minute"
    for size, noun in ((DAY, "day"), (DAY / 24, "hour")):
        if enrolled >= size:
            return counted(round(enrolled / size), noun)
    return counted(round(enrolled / timedelta(minutes=1)), "minute")
