"""Where a plan breaks the rules of its project, each breach with its name, its sentence and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from splitrun.errors import Mistake
from splitrun.govern.people import person
from splitrun.spec.amount import written_window
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan
from splitrun.spec.policy import Kept, PolicyRule, span
from splitrun.spec.project import Project
from splitrun.spec.written.document import Document
from splitrun.spec.written.fields import suggested

__all__ = ["Breach", "breaches", "idle", "refusals"]

BINDING = "splitrun.yaml lets nobody waive this rule"

STALE = PolicyRule.STALE_BASELINES

TOLD = {
    Role.PRIMARY: "metrics.primary",
    Role.GUARDRAIL: "metrics.guardrails",
    Role.SECONDARY: "metrics.secondary",
    Role.DIAGNOSTIC: "metrics.diagnostic",
}
"""Where an experiment names the metrics of a role."""


class Objection(NamedTuple):
    """What one rule has to object."""

    says: str
    remedy: str
    path: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule of the project that a plan does not keep."""

    rule: str
    """Its name, as a waiver writes it."""
    says: str
    """What is not kept, with the values."""
    remedy: str
    """What to do next."""
    path: str
    """Where in the experiment."""
    waiver: str | None
    """The reason that stands in the plan; None: the rule is not waived, or nobody may waive it."""


def breaches(plan: Plan, project: Project | None, today: date | None = None) -> tuple[Breach, ...]:
    """Give every rule of the project that a plan does not keep, in the order of the rules.

    Args:
        plan: The experiment, resolved.
        project: The settings it is held to; none: there are no rules.
        today: From which the age of baselines is counted; none: it is not asked.

    Returns:
        Waived breaches too; one that is not waived keeps the plan from being registered.
    """
    if project is None:
        return ()
    found = [
        Breach(rule, *objection, plan.waivers.get(rule))
        for rule, objections in RULES.items()
        for objection in objections(plan, project)
    ]
    stale = () if today is None else stale_baselines(plan, project, today)
    found += [Breach(STALE, *objection, plan.waivers.get(STALE)) for objection in stale]
    bound = set(project.policy.binding)
    held = [bind(breach) if breach.rule in bound else breach for breach in found]
    return (*held, *overruled(plan, bound - {breach.rule for breach in found}))


def refusals(plan: Plan, project: Project | None, document: Document | None = None) -> tuple[Mistake, ...]:
    """Give the breaches that are not waived, as mistakes.

    Args:
        plan: The experiment, resolved.
        project: The settings it is held to.
        document: The experiment as written, for the places; none: the mistakes carry paths alone.
    """
    at = document or Document(plan.key, None)
    return tuple(
        at.mistake(tuple(breach.path.split(".")), f"{breach.says} (policy `{breach.rule}`)", breach.remedy)
        for breach in breaches(plan, project)
        if breach.waiver is None
    )


def idle(plan: Plan, project: Project | None) -> tuple[str, ...]:
    """Give the waivers that waive nothing, as sentences: the plan keeps the rule, or there is none.

    Whether a plan is underpowered, or its baselines are stale, is asked elsewhere, so that nothing is said of
    those waivers.
    """
    broken = {breach.rule for breach in breaches(plan, project)} | {PolicyRule.UNDERPOWERED, STALE}
    return tuple(
        f"the waiver of `{rule}` waives nothing: the plan keeps to it; take it out"
        for rule in plan.waivers
        if rule not in broken
    )


def bind(breach: Breach) -> Breach:
    """Take a waiver back, since nobody may waive the rule."""
    remedy = (
        breach.remedy if breach.waiver is None else f"{breach.remedy}, and take the waiver out: {BINDING}"
    )
    return replace(breach, waiver=None, remedy=remedy)


def overruled(plan: Plan, bound: set[PolicyRule]) -> Iterator[Breach]:
    """Object to waivers of binding rules, also where no breach shows here."""
    for rule in plan.waivers:
        if rule in bound:
            says = f"the plan waives `{rule}`, and {BINDING}"
            yield Breach(rule, says, "take the waiver out", f"waivers.{rule}", None)


def unit_types(plan: Plan, project: Project) -> Iterator[Objection]:
    """Only some unit types may be randomised."""
    allowed = project.policy.units
    if allowed is not None and plan.unit not in allowed:
        says = f"unit {plan.unit!r} is not among {listed(allowed)}, the unit types that splitrun.yaml allows"
        yield Objection(says, suggested(plan.unit, allowed), "unit")


def salts(plan: Plan, project: Project) -> Iterator[Objection]:
    """Only some salts may be named, or none."""
    allowed, salt = project.policy.salts, plan.delivery.salt
    if allowed is None or salt is None or any(matches(salt, pattern) for pattern in allowed):
        return
    if not allowed:
        yield Objection(f"salt {salt!r} is named, and splitrun.yaml allows none", "take `salt` out", "salt")
        return
    says = f"salt {salt!r} is not among {listed(allowed)}, the salts that splitrun.yaml allows"
    yield Objection(says, "search for one with such a name, or take `salt` out", "salt")


def matches(salt: str, pattern: str) -> bool:
    """Whether a salt is what a pattern names, or begins with it."""
    return salt.startswith(pattern[:-1]) if pattern.endswith("*") else salt == pattern


def methods(plan: Plan, project: Project) -> Iterator[Objection]:
    """Only some methods may judge."""
    allowed, method = project.policy.methods, plan.analysis.method
    if allowed is not None and method not in allowed:
        says = f"method {method} is not among {listed(allowed)}, the methods that splitrun.yaml allows"
        yield Objection(says, f"write method: {allowed[0]}", "analysis.method")


def alpha(plan: Plan, project: Project) -> Iterator[Objection]:
    """Alpha has a most."""
    limit = project.policy.alpha
    if limit is not None and plan.analysis.alpha > limit.max:
        says = f"alpha {plan.analysis.alpha:g} is above {limit.max:g}, the most that splitrun.yaml allows"
        yield Objection(says, f"write at most {limit.max:g}", "analysis.alpha")


def minimum_duration(plan: Plan, project: Project) -> Iterator[Objection]:
    """Enrolment has a least."""
    limits = project.policy.duration
    if limits is None or limits.min is None:
        return
    least = written_window(limits.min)
    if plan.duration is None:
        says = f"no duration is written, and splitrun.yaml wants at least {least} of enrolment"
        yield Objection(says, f"write duration: {{enrol: {least}}} or more", "duration")
    elif plan.duration.enrol < limits.min:
        enrol = written_window(plan.duration.enrol)
        says = f"{enrol} is shorter than {least}, the least that splitrun.yaml allows"
        yield Objection(says, f"write at least {least}", "duration.enrol")


def whole_weeks(plan: Plan, project: Project) -> Iterator[Objection]:
    """Enrolment covers each day of the week equally often."""
    limits = project.policy.duration
    if limits is None or not limits.whole_weeks:
        return
    if plan.duration is None:
        says = "no duration is written, and splitrun.yaml wants whole weeks"
        yield Objection(says, "write duration: {enrol: 14d}", "duration")
    elif plan.duration.enrol % timedelta(weeks=1):
        enrol = written_window(plan.duration.enrol)
        says = f"{enrol} is not a whole number of weeks, which splitrun.yaml wants"
        yield Objection(says, "write 7d, 14d or 21d", "duration.enrol")


def required_guardrails(plan: Plan, project: Project) -> Iterator[Objection]:
    """Some metrics are guarded by every experiment."""
    guarded = {planned.key for planned in plan.metrics if planned.role is Role.GUARDRAIL}
    for key in project.policy.guardrails:
        if key not in guarded:
            says = f"splitrun.yaml wants every experiment to guard {key!r}"
            yield Objection(says, f"add {{metric: {key}, margin: ...}} to `guardrails`", "metrics.guardrails")


def certified_metrics(plan: Plan, project: Project) -> Iterator[Objection]:
    """Metrics of some roles are certified."""
    for planned in plan.metrics:
        if planned.role in project.policy.certified and planned.metric.certified is None:
            says = f"{planned.role} {planned.key!r} is not certified, and splitrun.yaml wants it to be"
            remedy = (
                "have its definition certified: certified: {by: NAME, at: DAY}, or take a certified metric"
            )
            yield Objection(says, remedy, TOLD[planned.role])


def approvals(plan: Plan, project: Project) -> Iterator[Objection]:
    """As many people are named as must agree; the owner is not one of them."""
    named = {person(name): name for name in (*plan.signoffs, *plan.reviewers)}
    others = [name for one, name in named.items() if plan.owner is None or one != person(plan.owner)]
    for verb, wanted in project.policy.approvals.items():
        if len(others) < wanted:
            people = "1 person" if wanted == 1 else f"{wanted} people"
            says = (
                f"splitrun.yaml wants {people} besides the owner to agree to {verb}, "
                f"and {listed(others) or 'nobody'} {'are' if len(others) > 1 else 'is'} named"
            )
            yield Objection(says, "name them in `signoffs` or `reviewers`", "signoffs")
            return


def retention(plan: Plan, project: Project) -> Iterator[Objection]:
    """An experiment is over before its data goes."""
    for kept, needed in needs(plan).items():
        limits = [
            (span(written), written, place)
            for place, retained in (
                ("policy", project.policy.retention),
                ("privacy", project.privacy.retention),
            )
            for what, written in retained.items()
            if what == kept
        ]
        if limits and needed > min(limits)[0]:
            _, written, place = min(limits)
            says = (
                f"{kept} are needed for {written_window(needed)}, from the first to the last unit's end, "
                f"and {place}.retention in splitrun.yaml keeps them for {written}"
            )
            yield Objection(says, "enrol for a shorter time, or measure in shorter windows", "duration.enrol")


def stale_baselines(plan: Plan, project: Project, today: date) -> Iterator[Objection]:
    """The history that baselines were measured on ended not long ago; those that were given have no age."""
    limits, known = project.policy.baselines, plan.baselines
    days = None if known is None else known.age(today)
    if limits is None or known is None or days is None or timedelta(days=days) <= limits.max_age:
        return
    most = written_window(limits.max_age)
    says = (
        f"the baselines are of a history that ended {days:,} days ago, on {known.until}, and splitrun.yaml "
        f"wants at most {most}"
    )
    yield Objection(says, f"measure them again with `splitrun baseline {plan.key}`", "baselines")


def needs(plan: Plan) -> dict[Kept, timedelta]:
    """How long data of each kind is needed; nothing where no duration is planned."""
    if plan.duration is None:
        return {}
    whole = plan.duration.enrol + plan.observation
    before = plan.analysis.adjust.lookback if plan.analysis.adjust else None
    return {"events": whole + (before or timedelta(0)), "exposures": whole}


def listed(words: tuple[str, ...] | list[str]) -> str:
    """Name several things."""
    return ", ".join(str(word) for word in words)


RULES: Mapping[PolicyRule, Callable[[Plan, Project], Iterator[Objection]]] = {
    PolicyRule.UNIT_TYPES: unit_types,
    PolicyRule.SALTS: salts,
    PolicyRule.METHODS: methods,
    PolicyRule.ALPHA: alpha,
    PolicyRule.MINIMUM_DURATION: minimum_duration,
    PolicyRule.WHOLE_WEEKS: whole_weeks,
    PolicyRule.REQUIRED_GUARDRAILS: required_guardrails,
    PolicyRule.CERTIFIED_METRICS: certified_metrics,
    PolicyRule.APPROVALS: approvals,
    PolicyRule.RETENTION: retention,
}
"""What each rule asks of a plan. Whether it is underpowered is asked where it is forecast, and how old its
baselines are where the day is known."""
