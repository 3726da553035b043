"""What must be true of the question itself: variants, hypothesis, margins, duration, delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from splitrun.errors import Mistake
from splitrun.plan.matter import Matter
from splitrun.spec.amount import Size, written_window
from splitrun.spec.experiment import Experiment
from splitrun.spec.metric import ActiveDays, Metric, Retention, Share
from splitrun.spec.model import Role
from splitrun.spec.templates.starting import PLACEHOLDERS
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested

__all__ = ["CONTROL", "question"]

CONTROL = "control"


def question(matter: Matter) -> Iterator[Mistake]:
    """Give everything that is wrong with the question, whatever the data."""
    yield from variants(matter)
    yield from hypothesis(matter)
    yield from margins(matter)
    yield from duration(matter)
    yield from delivery(matter)
    yield from names(matter)


def variants(matter: Matter) -> Iterator[Mistake]:
    """There is a control, and weights are either known or not."""
    experiment, site = matter.experiment, matter.top / "variants"
    if CONTROL not in experiment.variants:
        listed = ", ".join(experiment.variants)
        yield site.mistake(
            f"no variant is `control` among {listed}", "name the one compared against `control`"
        )
    for key, variant in experiment.variants.items():
        if experiment.weights is not None and "weight" in variant.model_fields_set:
            says = "a weight stands here, and `weights` says that they are unknown"
            yield site.mistake(says, "take one of the two out", key, "weight")
    yield from unserved(experiment, site)


def unserved(experiment: Experiment, site: Site) -> Iterator[Mistake]:
    """Variants of an experiment on a flag say what the flag serves."""
    for key, variant in experiment.variants.items():
        if experiment.flag is not None and variant.serve is None:
            says = f"variant {key!r} does not say what flag {experiment.flag!r} serves"
            yield site.mistake(says, "write `serve`", key)


def hypothesis(matter: Matter) -> Iterator[Mistake]:
    """It says more than its template, and expects of a primary metric the direction that is better."""
    told = matter.experiment.hypothesis
    for key, said in (("change", told.change), ("because", told.because)):
        if said == PLACEHOLDERS[key]:
            says = "it still says what the template wrote"
            yield matter.top.mistake(says, said.replace("describe", "say"), "hypothesis", key)
    expect, site = matter.experiment.hypothesis.expect, matter.top / "hypothesis" / "expect"
    primaries = {metric.key: metric for metric in matter.metrics if metric.role is Role.PRIMARY}
    metric = primaries.get(expect.metric)
    if metric is None:
        says = f"{expect.metric!r} is not a primary metric of this experiment"
        yield site.mistake(says, suggested(expect.metric, primaries), "metric")
        return
    if metric.metric.better is not expect.direction:
        says = f"{expect.direction} is expected of {expect.metric!r}, where {metric.metric.better} is better"
        yield site.mistake(says, "mend the direction, or the metric's `better`", "direction")
    if too_much(expect.mei, share=is_share(metric.metric)):
        yield site.mistake(
            f"{expect.mei.written} is more than a share can move", "write a size below 100pp", "mei"
        )


def margins(matter: Matter) -> Iterator[Mistake]:
    """A margin leaves something to guard."""
    for index, rule in enumerate(matter.experiment.metrics.guardrails):
        site = matter.top / "metrics" / "guardrails" / index
        share = any(metric.guardrail is rule and is_share(metric.metric) for metric in matter.metrics)
        if (rule.margin.relative and rule.margin.value >= 1) or too_much(rule.margin, share=share):
            says = f"a margin of {rule.margin.written} tolerates any harm"
            yield site.mistake(says, "write what may be lost at most, like 1%", "margin")
        holds = [step.hold for step in matter.experiment.ramp if step.hold is not None]
        if rule.ramp_window is not None and holds and rule.ramp_window > min(holds):
            window, hold = written_window(rule.ramp_window), written_window(min(holds))
            says = f"ramp_window {window} is longer than a hold of {hold}"
            yield site.mistake(says, "shorten the window, or hold longer", "ramp_window")


def is_share(metric: Metric) -> bool:
    """Whether a metric lies between 0 and 1."""
    return type(metric) in {Share, Retention, ActiveDays}


def too_much(size: Size, *, share: bool) -> bool:
    """Whether an absolute size is beyond what a share can move."""
    return share and not size.relative and size.value >= 1


def duration(matter: Matter) -> Iterator[Mistake]:
    """Enrolment covers whole weeks where it says so."""
    written = matter.experiment.duration
    if written is not None and written.whole_weeks and written.enrol % timedelta(weeks=1):
        says = f"{written_window(written.enrol)} is not a whole number of weeks"
        remedy = "write 7d, 14d or 21d, or whole_weeks: false"
        yield (matter.top / "duration").mistake(says, remedy, "enrol")


def delivery(matter: Matter) -> Iterator[Mistake]:
    """A ramp only grows."""
    site, before = matter.top / "ramp", 0.0
    for index, step in enumerate(matter.experiment.ramp):
        if step.coverage <= before:
            says = f"coverage {step.coverage:.6g} does not grow over {before:.6g}"
            yield site.mistake(says, "order the steps by coverage", index, "coverage")
        before = step.coverage


def names(matter: Matter) -> Iterator[Mistake]:
    """The unit type and the timezone are known."""
    experiment, project = matter.experiment, matter.project
    if project is not None and project.units and experiment.unit not in project.units:
        says = f"there is no unit type {experiment.unit!r} in splitrun.yaml"
        yield matter.top.mistake(says, suggested(experiment.unit, project.units), "unit")
    if experiment.timezone is not None and not is_timezone(experiment.timezone):
        says = f"there is no timezone {experiment.timezone[:60]!r}"
        yield matter.top.mistake(says, "write an IANA name like Europe/Berlin", "timezone")


def is_timezone(name: str) -> bool:
    """Whether a name is one of the IANA time zones."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
