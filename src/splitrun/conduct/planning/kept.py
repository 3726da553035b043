"""Baselines as a file of the project: found beside an experiment, and written when history is measured."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from splitrun.conduct.experiment import Written
from splitrun.conduct.reports import Report, keep, sound
from splitrun.conduct.workspace import contents, root_of, shown
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.power.aged import joined, only
from splitrun.plan.power.history import History
from splitrun.report.planning.history import MADE_BY, history_yaml
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines, read_baselines

__all__ = ["FOLDER", "informed", "keep_history", "measured_file", "place_of"]

FOLDER = "baselines"
"""Of the project, or beside a lone experiment; a file for each experiment, by its key."""


def place_of(experiment: Written) -> Path | None:
    """The folder of the project around an experiment, else its own; None of a mapping."""
    match experiment:
        case str() | PathLike():
            own = Path(experiment).resolve().parent
            return root_of(own) or own
        case _:
            return None


def measured_file(place: Path, key: str) -> Path:
    """Where the baselines of an experiment are kept."""
    return place / FOLDER / f"{key}.yaml"


def informed(plan: Plan, place: Path | None) -> Plan:
    """A plan with what was measured for it; what the experiment says itself counts more.

    Args:
        plan: Resolved.
        place: The project's folder, or that of a lone experiment; None: there is none.

    Raises:
        SpecError: The file of its baselines has mistakes.
    """
    file = None if place is None else measured_file(place, plan.key)
    if file is None or not file.is_file():
        return plan
    found = read_baselines(contents(file), shown(file)).value
    found = only(found, frozenset(metric.key for metric in plan.metrics))
    return plan.model_copy(update={"baselines": joined(plan.baselines or Baselines(), found)})


def keep_history(found: History, place: Path) -> str:
    """Write what history says, over what was measured before and over nothing else.

    Returns:
        The file's name as a person at the prompt would write it.

    Raises:
        SpecError: A file that somebody wrote stands there, or the folder cannot be written.
    """
    file = measured_file(place, found.key)
    try:
        file.parent.mkdir(exist_ok=True)
    except OSError as error:
        says = f"no folder can be made here ({error.strerror})"
        remedy = "choose a place that can be written, or tell only: --no-write"
        raise SpecError([Mistake(says, remedy, place=Place(shown(file.parent), 1, 1))]) from None
    report = Report(file, MADE_BY.encode(), history_yaml)
    sound([report])
    return keep(report, found)
