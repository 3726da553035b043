"""From an experiment and the data it names to a readout; needs no server and no registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from os import PathLike
from pathlib import Path

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence
from splitrun.check.times.looks import planned_end
from splitrun.conduct.desk import Desk
from splitrun.conduct.doctor import versions
from splitrun.conduct.experiment import Written, folders_of, plan_of
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.judge.levels.bounds import bounds
from splitrun.judge.reading import readout
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.outcomes.quantiles import bounded
from splitrun.report.notebook import Shown
from splitrun.report.notebook import shown as presented
from splitrun.spec.analysis import Method
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, FORMS, Rows

__all__ = ["Access", "analyze"]

MEMORY = re.compile(r"(?=.*[1-9])\d{1,12}(\.\d{1,6})?\s*([KMGT]i?B)", re.IGNORECASE)
MOST_THREADS = 256
LONGEST = 604_800
"""Seconds; a week."""

ZONED = "write it like 2026-11-22T08:00:00+01:00"


@dataclass(frozen=True, slots=True)
class Access:
    """What an analysis may read and use, besides the folder of its experiment or project."""

    folders: tuple[str | PathLike[str], ...] = ()
    """Further folders that data files may lie in."""
    database: str | PathLike[str] | None = None
    """A DuckDB file whose tables `table:` and `query:` may name; opened read-only."""
    memory: str = "4GB"
    """A number and a unit, from KB to TB or KiB to TiB."""
    threads: int = 1
    """More are faster; with one, the same files give the same bits every time; at most 256."""
    seconds: float = 600.0
    """The longest a single statement may run; at most a week."""

    def __post_init__(self) -> None:
        """Refuse limits that no engine can keep.

        Raises:
            SpecError: All mistakes.
        """
        mistakes = list(unkept(self))
        if mistakes:
            raise SpecError(mistakes)


def unkept(access: Access) -> Iterator[Mistake]:
    """Limits that cannot be kept; what a caller of Python hands over may be of any type."""
    match access.memory:
        case str(size) if MEMORY.fullmatch(size.strip()):
            pass
        case size:
            says = f"{size!r} is no amount of memory"
            yield Mistake(says, "write a number and a unit, like 512MB or 4GB", "memory")
    match access.threads:
        case int(count) if 1 <= count <= MOST_THREADS:
            pass
        case count:
            says = f"{count!r} is no number of threads"
            yield Mistake(says, f"write a whole number from 1 to {MOST_THREADS}", "threads")
    match access.seconds:
        case float() | int() if 0 < access.seconds <= LONGEST:
            pass
        case limit:
            says = f"{limit!r} is no limit in seconds"
            yield Mistake(says, f"write a number above 0 and at most {LONGEST:,}", "seconds")


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
    """
    table, allowed = desk or Desk(), access or Access()
    moment = instant(as_of)
    table.progress("reading the experiment")
    frames = {**(sources or {}), **({} if exposures is None else {EXPOSURES: exposures})}
    plan = framed(plan_of(experiment), frames)
    folders = (*folders_of(experiment), *(Path(folder) for folder in allowed.folders))
    limits = Limits(memory=allowed.memory, threads=allowed.threads, seconds=allowed.seconds)
    database = None if allowed.database is None else Path(allowed.database)

    def upto(until: datetime | None) -> Measured:
        with DuckDB(roots=folders, frames=frames, database=database, limits=limits) as engine:
            measured = measure(plan, engine, as_of=until, not_after=table.now())
            return bounded(plan, engine, measured, bounds(plan, measured))

    table.progress("measuring")
    measured = held(plan, upto(moment), upto)
    table.progress("judging")
    made_at = table.now()
    findings = doubts(Evidence(plan, measured, clock=made_at if moment is None else None))
    return presented(readout(plan, measured, findings, made_at=made_at, versions=dict(versions())))


def held(plan: Plan, measured: Measured, upto: Callable[[datetime], Measured]) -> Measured:
    """Hold a reading that comes after the planned end at that end, where all alpha was spent.

    Args:
        plan: A plan for one reading is read as it is, with a finding.
        measured: What the data holds.
        upto: Measures again, up to a moment.
    """
    end = planned_end(plan, measured)
    if end is None or plan.analysis.method is Method.FIXED:
        return measured
    return replace(upto(end), beyond=measured.as_of)


def instant(as_of: datetime | str | None) -> datetime | None:
    """A moment with its zone.

    Raises:
        SpecError: It has none, or is no moment.
    """
    moment = read_moment(as_of)
    if moment is not None and moment.tzinfo is None:
        raise SpecError([Mistake(f"{as_of!s} names no time zone", ZONED, "as_of")])
    return moment


def read_moment(as_of: datetime | str | None) -> datetime | None:
    """A moment as it was handed over, or written.

    Raises:
        SpecError: It is no moment.
    """
    match as_of:
        case None | datetime():
            return as_of
        case str():
            with suppress(ValueError):
                return datetime.fromisoformat(as_of)
    raise SpecError([Mistake(f"{as_of!r:.60} is no moment", ZONED, "as_of")])


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
