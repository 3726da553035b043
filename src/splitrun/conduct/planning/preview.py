"""What `register` would seal, resolved from the files, before it does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import Written, plan_of
from splitrun.conduct.planning.kept import informed, measured_file, place_of
from splitrun.conduct.planning.looking import day_of
from splitrun.conduct.planning.power import Known, read
from splitrun.conduct.planning.standing import standing_of
from splitrun.conduct.reports import Report, sound
from splitrun.conduct.workspace import PROJECT, root_of, shown, workspace
from splitrun.errors import SpecError
from splitrun.govern.policy.rules import breaches
from splitrun.plan.power.aged import aged, joined
from splitrun.plan.power.forecast import Forecast, forecast
from splitrun.plan.power.planned import planned
from splitrun.plan.power.testable import testable
from splitrun.plan.seal import digest
from splitrun.plan.sealing.canonical import canonical
from splitrun.report.planning.markdown import MADE_BY as MARKDOWN
from splitrun.report.planning.markdown import preview_markdown
from splitrun.report.planning.page import MADE_BY as PAGE
from splitrun.report.planning.page import preview_page
from splitrun.report.planning.preview import Preview, Rule
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines
from splitrun.spec.project import Project

__all__ = ["preview", "preview_reports"]

TOLD = frozenset({"underpowered", "unprovable"})
"""Advice that stands among the refusals already."""


def preview(
    experiment: Written,
    *,
    baselines: Known | None = None,
    start: date | None = None,
    desk: Desk | None = None,
) -> Preview:
    """Show what would be sealed: the plan, its size, what stands in its way, and what the registry holds.

    Args:
        experiment: Its file, or the same as a mapping.
        baselines: What is known of its metrics; else what it says itself, and what was measured for it.
        start: The day that dates are counted from; None: today.
        desk: The clock.

    Raises:
        SpecError: The experiment or its baselines cannot be taken; all mistakes.
    """
    place, written = place_of(experiment), plan_of(experiment, awaited=True)
    today = day_of((desk or Desk()).now(), written.timezone)
    plan = informed(written, place)
    if baselines is not None:
        known = joined(read(baselines), plan.baselines or Baselines())
        plan = plan.model_copy(update={"baselines": known})
    root = None if place is None else root_of(place)
    project = None if root is None else workspace(root, (PROJECT,)).says.project
    file = None if place is None else measured_file(place, plan.key)
    known = plan.baselines or Baselines()
    ahead = foreseen(plan)
    refusals = testable(plan)
    advice = () if ahead is None else tuple(one for one in ahead.advice if one.code not in TOLD)
    standing = None if root is None or project is None else standing_of(root, project.project, plan, written)
    return Preview(
        plan=plan,
        digest=digest(plan),
        canonical=canonical(plan),
        forecast=ahead,
        refusals=refusals,
        rules=rules(plan, project, today),
        advice=(*aged(known, today, plan.key), *advice),
        file=None if file is None or not file.is_file() else shown(file),
        age=known.age(today),
        start=start or today,
        standing=standing,
    )


def foreseen(plan: Plan) -> Forecast | None:
    """What the plan can see; None where too little is known of it."""
    try:
        return forecast(planned(plan, plan.baselines or Baselines()))
    except SpecError:
        # `testable` names every mistake among the refusals
        return None


def rules(plan: Plan, project: Project | None, today: date) -> tuple[Rule, ...]:
    """The rules of the project that a plan does not keep."""
    return tuple(
        Rule(one.rule, one.says, one.remedy, one.path, one.waiver) for one in breaches(plan, project, today)
    )


def preview_reports(html: Path | None, markdown: Path | None) -> tuple[Report[Preview], ...]:
    """The files that are asked for, looked at before anything is read.

    Raises:
        SpecError: One of them would take the place of another file, or has no folder to lie in.
    """
    asked = [(html, PAGE, preview_page), (markdown, MARKDOWN, preview_markdown)]
    wanted = [Report(path, mark.encode(), write) for path, mark, write in asked if path is not None]
    return sound(wanted)
