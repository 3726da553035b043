"""From an experiment and the data it names to a readout; held to its sealed plan where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import Written, folders_of, plan_of
from splitrun.conduct.people.gone import gone_of
from splitrun.conduct.people.withdrawn import withdrawn
from splitrun.conduct.reading.access import Access, instant
from splitrun.conduct.reading.cells import least_of, screen
from splitrun.conduct.reading.lake import lake_of, logged
from splitrun.conduct.reading.sealed import registered
from splitrun.conduct.reading.taking import Data, judged, taken
from splitrun.errors import DataError
from splitrun.report.notebook import Shown
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, FORMS, Rows

__all__ = ["analyze"]


def analyze(
    experiment: Written,
    *,
    exposures: object = None,
    sources: Mapping[str, object] | None = None,
    as_of: datetime | str | None = None,
    access: Access | None = None,
    desk: Desk | None = None,
) -> Shown:
    """Read an experiment's data and answer with effects, intervals, verdicts and doubts.

    Where the project's registry holds a sealed plan of the experiment, what is read is held to it: what
    deviates is exploratory.

    Args:
        experiment: An experiment's file, or the same as a mapping.
        exposures: A data frame (pandas, Polars, Arrow, a DuckDB relation, an Ibis table) in place of the rows
            that the experiment names.
        sources: Data frames by the name of the source, or of the `frame:`, that they stand for.
        as_of: Count only what had happened by then; with its zone. None: the latest moment in the data.
        access: What may be read and used besides.
        desk: The clock, and whom to tell of progress.

    Raises:
        SpecError: The experiment cannot be taken; all its mistakes.
        DataError: The data cannot be read or does not fit.
        EngineError: The engine refused, or needed more than it may use.
        StoreError: There is a registry, and it cannot be read.
    """
    table, allowed = desk or Desk(), access or Access()
    moment = instant(as_of)
    table.progress("reading the experiment")
    frames = {**(sources or {}), **({} if exposures is None else {EXPOSURES: exposures})}
    resolved = plan_of(experiment)
    plan = framed(logged(resolved), frames)
    # a sealed plan that names no exposures reads the lake as well: that is no deviation
    registration = registered(experiment, plan if resolved.exposures or EXPOSURES in frames else resolved)
    folders = folders_of(experiment)
    lake = lake_of(folders[0])
    gone = gone_of(folders[0], lake)
    data = Data(folders, allowed, frames, lake, gone, partial(withdrawn, folders[0], lake))
    found = taken(plan, data, moment, table)
    return screen(found, least_of(folders[0], found)).withheld(judged(found, registration))


def framed(plan: Plan, frames: Mapping[str, object]) -> Plan:
    """Put data frames in the place of the rows that a plan names.

    Raises:
        DataError: A frame stands for nothing that the plan reads.
    """
    rows: dict[str, Rows] = {source.key: source.source for source in plan.sources}
    if plan.exposures is not None:
        rows[EXPOSURES] = plan.exposures
    wanted = {
        source.frame for source in (*rows.values(), plan.moments) if source is not None and source.frame
    }
    for name in frames:
        if name not in rows and name not in wanted:
            known = ", ".join(sorted({*rows, *wanted})) or "none"
            says = f"a data frame {name!r} was handed over, and the experiment reads no such rows"
            raise DataError(f"{says}; name it as one of: {known}")
    update: dict[str, object] = {
        "sources": tuple(
            source.model_copy(update={"source": as_frame(source.source, source.key)})
            if source.key in frames
            else source
            for source in plan.sources
        )
    }
    if plan.exposures is not None and EXPOSURES in frames:
        update["exposures"] = as_frame(plan.exposures, EXPOSURES)
    return plan.model_copy(update=update)


def as_frame(rows: Rows, name: str) -> Rows:
    """The same rows, taken from a frame of that name."""
    return rows.model_copy(update={**dict.fromkeys(FORMS), "frame": name})
