"""How a plan will be judged, in sentences, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from splitrun.judge.numbers import scale
from splitrun.plan.power.progress import planned_shares
from splitrun.plan.power.rates import error_rates
from splitrun.spec.amount import told_window
from splitrun.spec.analysis import Method, Mode
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["looking", "rule_of"]


def rule_of(plan: Plan) -> tuple[str, ...]:
    """What each outcome will mean, one sentence each."""
    return (*reading(plan), *primaries(plan), *guardrails(plan), *lasting(plan))


def reading(plan: Plan) -> Iterator[str]:
    """When effects are read."""
    rules, looks = plan.analysis, plan.analysis.looks
    end = f", {told_window(looks[-1])} after the first exposure" if looks else ""
    match rules.method:
        case Method.FIXED:
            yield f"effects are read once, at the planned end{end}; until then only health is shown"
        case Method.GROUP_SEQUENTIAL:
            times = "once" if len(looks) == 1 else f"at {len(looks)} planned looks"
            spent = rules.spending.value.replace("_", " ")
            yield f"effects are read {times}, the last at the planned end{end}; alpha is spent by {spent}"
        case Method.SEQUENTIAL:
            yield f"effects may be read at any time, and intervals hold all the while; planned end{end}"
        case Method.HYBRID:
            yield f"effects may be read at any time with a part of alpha, and once with the rest{end}"


def primaries(plan: Plan) -> Iterator[str]:
    """What is said of each primary."""
    rates = error_rates(plan)
    for metric in plan.metrics:
        if metric.role is not Role.PRIMARY:
            continue
        good = "above" if metric.metric.better is Direction.HIGHER else "below"
        yield (
            f"{metric.key} is better where its whole interval (alpha {rates[metric.key]:.4g}, two-sided) "
            f"lies {good} 0, and worse where it lies on the other side of 0; better, with nothing below "
            "in the way, is fit to ship"
        )
        if metric.mei is not None:
            size = scale(metric.metric).tolerance(metric.mei)
            yield f"where its interval lies within {size} on both sides, nothing that matters changed"


def guardrails(plan: Plan) -> Iterator[str]:
    """What each guardrail may stop."""
    for metric in plan.metrics:
        if metric.guardrail is not None:
            yield guarded(metric)


def guarded(metric: PlannedMetric) -> str:
    """One guardrail in a sentence."""
    guard = metric.guardrail
    if guard is None:  # pragma: no cover  # the caller asks of guardrails only
        return ""
    size = scale(metric.metric).tolerance(guard.margin)
    breach = "roll back" if guard.on_breach.value == "rollback" else "pause"
    if guard.mode is Mode.PROVE:
        return (
            f"{metric.key} must be shown to be no worse than {size} (one-sided), else nothing ships; "
            f"harm beyond it: {breach}"
        )
    return f"{metric.key} is watched: harm beyond {size}: {breach}; that there is none is not shown"


def lasting(plan: Plan) -> Iterator[str]:
    """How long it runs, and what happens where nothing was shown."""
    if plan.duration is not None:
        weeks = ", each day of the week equally often" if plan.duration.whole_weeks else ""
        wait = told_window(plan.observation) if plan.observation else ""
        seen = f", then their windows pass for {wait}" if wait else ""
        yield f"units are enrolled for {told_window(plan.duration.enrol)}{weeks}{seen}"
    yield "else it is inconclusive; to go on is an amendment with a reason, on the record"


def looking(plan: Plan, start: date, units: int | None) -> tuple[tuple[str, ...], ...]:
    """Each look: its number, day, date, and how much of the first primary has matured by then.

    Args:
        plan: What is planned.
        start: The day of the first exposure.
        units: Of all variants at the planned end; None where nobody knows.
    """
    first = next((metric for metric in plan.metrics if metric.role is Role.PRIMARY), None)
    if first is None or not plan.analysis.looks:
        return ()
    shares = planned_shares(plan, first)
    return tuple(
        (
            str(number),
            told_window(look),
            (start + look).isoformat(),
            f"{share:.0%}",
            "-" if units is None else f"{round(units * share):,}",
        )
        for number, (look, share) in enumerate(zip(plan.analysis.looks, shares, strict=True), 1)
    )
