"""From a plan and its data to a readout: the one way that everything goes which shows effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence, Finding
from splitrun.check.times.looks import planned_end
from splitrun.conduct.desk import Desk
from splitrun.conduct.doctor import versions
from splitrun.conduct.people.gone import NOBODY, Gone, missing, rows_missing
from splitrun.conduct.reading.access import Access
from splitrun.conduct.reading.lake import pins, shelves
from splitrun.judge.levels.bounds import bounds
from splitrun.judge.reading import readout
from splitrun.judge.readout import Registration
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.outcomes.quantiles import bounded
from splitrun.moments import IntArray
from splitrun.report.notebook import Shown
from splitrun.report.notebook import shown as presented
from splitrun.spec.analysis import Method
from splitrun.spec.plan import Plan

__all__ = ["Data", "Taken", "judged", "taken"]

Terms = Callable[[Plan, Measured], Plan]
"""On which terms a plan is read, given what was measured."""


@dataclass(frozen=True, slots=True)
class Data:
    """Where rows may come from, and with what they are read."""

    folders: tuple[Path, ...]
    access: Access
    frames: Mapping[str, object] = field(default_factory=dict)
    """Data frames by the name of what they stand for."""
    lake: str | None = None
    """The folder of the environment's lake, or its URL; None: there is no project."""
    gone: Gone = NOBODY
    withdrew: Callable[[Plan, datetime | None], IntArray | None] = lambda _plan, _moment: None
    """Counts by variant who withdrew, up to a moment."""
    """Who opted out or was erased."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was measured on the terms of a plan, and what is doubted."""

    plan: Plan
    measured: Measured
    findings: tuple[Finding, ...]
    made_at: datetime
    pins: Mapping[str, int] = field(default_factory=dict)
    """By table of the lake: the last commit that was read."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """By source: rows of the lake that are left out, or were erased since the look that is read again."""


def taken(plan: Plan, data: Data, moment: datetime | None, desk: Desk, terms: Terms | None = None) -> Taken:
    """Measure what a plan names, and look for doubts.

    Args:
        plan: What is to be measured.
        data: Where the rows may come from.
        moment: Count only what had happened by then. None: the latest moment in the data.
        desk: The clock, and whom to tell of progress.
        terms: On which terms it is read; none: its own.

    Raises:
        DataError: The data cannot be read or does not fit.
        EngineError: The engine refused, or needed more than it may use.
    """
    access = data.access
    folders = (*data.folders, *(Path(folder) for folder in access.folders))
    limits = Limits(memory=access.memory, threads=access.threads, seconds=access.seconds)
    database = None if access.database is None else Path(access.database)

    shelf = shelves(plan, data.lake, access.pins, data.gone.keys)
    erased = missing(plan, shelf, data.gone) if shelf else None

    def upto(until: datetime | None) -> tuple[Plan, Measured]:
        with DuckDB(
            roots=folders, frames=data.frames, database=database, limits=limits, lake=shelf
        ) as engine:
            measured = replace(measure(plan, engine, as_of=until, not_after=desk.now()), erased=erased)
            read = plan if terms is None else terms(plan, measured)
            return read, bounded(read, engine, measured, bounds(read, measured))

    desk.progress("measuring")
    read, measured = upto(moment)
    end = planned_end(read, measured)
    if end is not None and read.analysis.method is not Method.FIXED:
        # all alpha was spent at that end; a plan for one reading is read as it is, with a finding
        last = measured.as_of
        read, measured = upto(end)
        measured = replace(measured, beyond=last)
    desk.progress("judging")
    made_at = desk.now()
    clock = made_at if moment is None else None
    found = doubts(Evidence(read, measured, clock, data.withdrew(read, moment)))
    return Taken(read, measured, tuple(found), made_at, pins(shelf), rows_missing(shelf, data.gone))


def judged(found: Taken, registration: Registration | None) -> Shown:
    """Judge what was taken, held to what was sealed.

    Raises:
        SpecError: The plan holds a number that its canonical JSON cannot carry.
    """
    return presented(
        readout(
            found.plan,
            found.measured,
            found.findings,
            made_at=found.made_at,
            versions=dict(versions()),
            registration=registration,
        )
    )
