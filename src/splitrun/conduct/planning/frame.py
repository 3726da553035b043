"""The frame that an experiment declares, measured: whom its audience takes of the population."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path

from splitrun.conduct.experiment import Written
from splitrun.conduct.planning.looking import around, column_of, day_of
from splitrun.conduct.workspace import workspace
from splitrun.errors import DataError
from splitrun.measure.engine import Engine
from splitrun.measure.population.counted import Population, counted
from splitrun.plan.switches.audiences import meanings
from splitrun.spec.experiment import Frame
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Representation
from splitrun.spec.source import ROW
from splitrun.spec.written.fields import suggested
from splitrun.terms.parse import parse
from splitrun.terms.substitution import substituted
from splitrun.terms.tree import Tree

__all__ = ["measured_frame"]


def measured_frame(
    plan: Plan, frame: Frame, experiment: Written, engine: Engine, now: datetime
) -> tuple[Representation | None, tuple[str, ...]]:
    """Measure a declared frame; what keeps it from being measured is told and stops nobody.

    Args:
        plan: Of the experiment, with its audience.
        frame: What it declares.
        experiment: Its file, or the same as a mapping.
        engine: Where the population's rows are.
        now: The moment of reading.

    Returns:
        What was measured, or None with the reason.

    Raises:
        EngineError: The engine refused, or needed more than it may use.
    """
    sources, types = around(experiment)
    key, audience = frame.population, plan.delivery.audience
    if key not in sources:
        why = f"there is no source {key!r} with the units of its population; {suggested(key, sources)}"
        return None, (f"the frame is not measured: {why}",)
    unit = column_of(sources[key], plan.unit, types)
    trees = None if audience is None else substituted(parse(audience), audiences(experiment))
    asked = Population(key, sources[key], None if unit == ROW else unit, frame.by, trees)
    try:
        found = counted(engine, asked, plan.timezone, now)
    except DataError as error:
        return None, (f"the frame is not measured: {error}",)
    measured = Representation(
        population=key,
        audience=audience,
        measured=day_of(now, plan.timezone).isoformat(),
        units=found.units,
        inside=found.inside,
        by=found.by,
    )
    return measured, ()


def audiences(experiment: Written) -> Mapping[str, Tree]:
    """What the names of the project's audiences stand for."""
    match experiment:
        case str() | PathLike():
            board = workspace(Path(experiment).resolve().parent).says.board
            return {} if board is None else meanings(board.audiences)
        case _:
            return {}
