"""Whether a plan can be sealed: that its question can be answered, both ways, by the units that will come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitrun.errors import Mistake, SpecError
from splitrun.plan.power.forecast import Forecast, Need, forecast
from splitrun.plan.power.planned import form, needed, planned
from splitrun.plan.power.setting import Aim, Setting
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.policy import PolicyRule
from splitrun.spec.power.baselines import Baselines

__all__ = ["testable"]

ANYWAY = "else say why it is run all the same under `waivers.underpowered`"
ROLLOUT = "rollout-only"
"""The template of a change that is wanted anyway and must not harm."""
EVEN = 0.5
"""Power below which an estimate of exactly no difference leaves an interval wider than the size asked."""


def testable(plan: Plan) -> tuple[Mistake, ...]:
    """Say why a plan may not be sealed.

    Args:
        plan: Resolved, with what is known of its metrics and units under `baselines`.

    Returns:
        Mistakes with their paths in the experiment: nothing asked, no planned end, too few units or nothing
        known of them, a rule that cannot come out both ways. What the plan waives (`waivers: {underpowered:
        reason}`) is not listed. Nothing where it may be sealed.
    """
    return tuple(unasked(plan)) or (*unending(plan), *unanswered(plan))


def unasked(plan: Plan) -> Iterator[Mistake]:
    """A question must be put to a primary metric, and say what would matter."""
    primaries = [metric for metric in plan.metrics if metric.role is Role.PRIMARY]
    if not primaries:
        yield Mistake(
            "there is no primary metric, so nothing says what the answer rests on",
            "name one under `metrics.primary`",
            "metrics.primary",
        )
    elif all(metric.mei is None for metric in primaries):
        named = ", ".join(repr(metric.key) for metric in primaries)
        yield Mistake(
            f"nothing says how large an effect on {named} would matter",
            "write the minimum effect of interest under `hypothesis.expect.mei`, like 1% or 0.5pp",
            "hypothesis.expect.mei",
        )


def unending(plan: Plan) -> Iterator[Mistake]:
    """An end must be planned before the first unit."""
    if plan.duration is None:
        yield Mistake(
            "nothing says when enrolment ends, so anybody may stop it when they like what they see",
            "write how long units are enrolled, like duration: {enrol: 14d}",
            "duration",
        )


def unanswered(plan: Plan) -> Iterator[Mistake]:
    """The units that come by the planned end must be able to answer, one way and the other."""
    known = plan.baselines or Baselines()
    blank = [metric for metric in plan.metrics if needed(metric) and metric.key not in known.metrics]
    waived = PolicyRule.UNDERPOWERED in plan.waivers
    if blank:
        yield from () if waived else unknown(plan, blank)
        return
    try:
        setting = planned(plan, known)
    except SpecError as error:
        yield from (replace(mistake, path=f"baselines.{mistake.path}") for mistake in error.mistakes)
        return
    try:
        found = short(plan, setting)
        yield from (mistake for mistake, waivable in found if not (waived and waivable))
    except SpecError as error:
        yield from (replace(mistake, path="analysis") for mistake in error.mistakes)


def unknown(plan: Plan, blank: list[PlannedMetric]) -> Iterator[Mistake]:
    """Metrics of which nothing is known before the experiment, so that nobody can say what it sees."""
    named = ", ".join(repr(metric.key) for metric in blank)
    yield Mistake(
        f"nothing is known of {named} before the experiment, so nobody can say what it is able to see",
        f"measure history with `splitrun baseline {plan.key} --units SOURCE`, or write `units_per_day` and, "
        f"under `metrics`, {form(blank[0])} under `baselines`; {ANYWAY}",
        "baselines",
    )


def short(plan: Plan, setting: Setting) -> Iterator[tuple[Mistake, bool]]:
    """Too few units for what is asked, or a rule with one outcome; and whether that may be waived."""
    if setting.flow.planned is None:
        yield (
            Mistake(
                "nothing says how many units come by the planned end, so nobody can say what it can see",
                f"measure history with `splitrun baseline {plan.key}`, or write `units_per_day` under "
                f"`baselines`; {ANYWAY}",
                "baselines.units_per_day",
            ),
            True,
        )
        return
    found = forecast(setting)
    # a rollout expects no gain: its primary stands for the question that every plan has
    careful = any(template.name == ROLLOUT for template in plan.templates)
    for need in found.needs:
        if need.must and not (careful and need.aim is Aim.EFFECT):
            yield from shown(found, need)


def shown(found: Forecast, need: Need) -> Iterator[tuple[Mistake, bool]]:
    """One metric that must be shown, and is not likely enough to be or cannot be at all."""
    even = need.reached is not None and need.reached < EVEN
    if need.aim is Aim.EFFECT and need.detectable is None:
        yield (
            Mistake(
                f"{need.metric}: from a baseline of {need.baseline:g} no effect that it can have would "
                "be found at the planned end, so the rule can never ship",
                "enrol for longer, raise coverage, or take another primary metric",
                "metrics.primary",
            ),
            False,
        )
        return
    for advice in found.advice:
        if advice.metric != need.metric:
            continue
        if advice.code == "unprovable" or (need.aim is Aim.MARGIN and even):
            says = f"{advice.says}; it would block a change that harms nobody"
            yield Mistake(says, advice.next, "metrics.guardrails"), False
        elif advice.code == "underpowered":
            says = f"{advice.says}; it could never say that nothing changed" if even else advice.says
            yield Mistake(says, f"{advice.next}; {ANYWAY}", "duration"), True
