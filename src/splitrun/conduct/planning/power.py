"""Units, days and detectable effects: of an experiment with its baselines, or of a quick question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TypedDict, Unpack

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import Written, plan_of
from splitrun.conduct.planning.kept import informed, place_of
from splitrun.conduct.planning.looking import day_of
from splitrun.conduct.workspace import contents, shown
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.power.aged import aged, joined
from splitrun.plan.power.forecast import forecast
from splitrun.plan.power.planned import planned
from splitrun.plan.power.questioned import questioned
from splitrun.plan.power.setting import Setting
from splitrun.report.forecast.shown import ShownForecast
from splitrun.report.forecast.shown import shown as presented
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines, read_baselines
from splitrun.spec.power.question import read_question
from splitrun.spec.reading import checked, read_mapping
from splitrun.spec.written.document import Document

__all__ = ["Asking", "forecast_of", "power"]

Known = str | PathLike[str] | Mapping[str, object]
"""A file of baselines, or the same as a mapping."""


class Asking(TypedDict, total=False):
    """Words of a quick question; `splitrun.spec.power.question` says what each means."""

    baseline: str | Mapping[str, object]
    mei: str | float
    margin: str | float
    better: str
    units: int
    alpha: float
    power: float
    one_sided: bool
    weights: Sequence[int]
    primaries: int
    guardrails: int
    method: str
    looks: int
    spending: str
    spending_parameter: float
    futility: bool
    units_per_day: float
    coverage: str | float
    enrol: str
    window: str
    whole_weeks: bool


def power(
    experiment: Written | None = None, *, baselines: Known | None = None, **question: Unpack[Asking]
) -> ShownForecast:
    """Say how many units and days it takes, what they detect, and what guardrails and looks cost.

    Args:
        experiment: An experiment's file, or the same as a mapping; its metrics are known by `baselines`.
        baselines: A file (YAML or JSON) or a mapping: `{units_per_day: 4000, metrics: {conversion: {share:
            12%}}}`. What it says wins over what stands under `baselines` in the experiment.
        question: Without an experiment, a question about one metric: `baseline="12%", mei="1pp"`.

    Raises:
        SpecError: Something of it cannot be taken; all mistakes.
    """
    return forecast_of(experiment, baselines, dict(question))


def forecast_of(
    experiment: Written | None,
    baselines: Known | None,
    question: Mapping[str, object],
    now: Callable[[], datetime] | None = None,
) -> ShownForecast:
    """Forecast an experiment with its baselines, or answer a question.

    Args:
        experiment: Its file, or a mapping; its measured baselines are found in the project.
        baselines: What is said of its metrics besides, and counts more.
        question: A quick question in place of an experiment.
        now: The clock by which measured baselines are old; None: the wall clock.

    Raises:
        SpecError: Something of it cannot be taken, or both are asked; all mistakes.
    """
    if experiment is None:
        return presented(forecast(asked(question, baselines)))
    if question:
        names = ", ".join(f"`{name}`" for name in question)
        says = f"{names} and an experiment were handed over, and an experiment says these things itself"
        raise SpecError([Mistake(says, "take one of the two out")])
    plan = informed(plan_of(experiment, awaited=True), place_of(experiment))
    setting = of_plan(plan, experiment, baselines)
    today = day_of((now or Desk().now)(), plan.timezone)
    old = () if baselines is not None else aged(plan.baselines or Baselines(), today, plan.key)
    return presented(forecast(replace(setting, advice=(*setting.advice, *old))))


def asked(question: Mapping[str, object], baselines: Known | None) -> Setting:
    """A quick question as a setting.

    Raises:
        SpecError: Something of it cannot be taken.
    """
    if baselines is not None:
        says = "baselines were handed over without an experiment"
        raise SpecError([Mistake(says, "name the experiment's file, or ask with `baseline` and `mei`")])
    return questioned(read_question(question).value)


def of_plan(plan: Plan, experiment: Written, baselines: Known | None) -> Setting:
    """A plan with what is known of it as a setting.

    Raises:
        SpecError: Something of it cannot be taken; mistakes name the file that has to be mended.
    """
    known = plan.baselines or Baselines()
    if baselines is not None:
        known = joined(read(baselines), known)
    try:
        return planned(plan, known)
    except SpecError as error:
        raise SpecError([placed(mistake, experiment, baselines) for mistake in error.mistakes]) from None


def placed(mistake: Mistake, experiment: Written, baselines: Known | None) -> Mistake:
    """A mistake in the baselines with the file they stand in, or should."""
    home = experiment if baselines is None else baselines
    path = mistake.path if baselines is not None else f"baselines.{mistake.path}"
    match home:
        case str() | PathLike():
            return replace(mistake, path=path, place=Place(shown(Path(home)), 1, 1))
        case _:
            return replace(mistake, path=path)


def read(baselines: Known) -> Baselines:
    """Read baselines, wherever they are.

    Raises:
        SpecError: All mistakes.
    """
    match baselines:
        case Mapping():
            return checked(Baselines, Document("baselines", read_mapping(baselines))).value
        case str() | PathLike():
            path = Path(baselines)
            return read_baselines(contents(path), shown(path)).value
        case other:
            says = f"{other!r:.60} holds no baselines"
            raise SpecError([Mistake(says, "hand over the path of a file, or a mapping", "baselines")])
