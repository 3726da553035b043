"""What history says of an experiment before it starts: units a day, and where its metrics lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import Written, folders_of, plan_of
from splitrun.conduct.planning.frame import measured_frame
from splitrun.conduct.planning.looking import Looking, day_of, midnight, stretched, trace_of
from splitrun.conduct.reading.access import Access
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.infer.power.alike import likeness
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.parts import parts
from splitrun.measure.rows.history import past
from splitrun.plan.power.history import History
from splitrun.plan.power.measured import measured
from splitrun.spec.analysis import PRE_PERIOD, Method
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.power.baselines import Baseline, Baselines, Clustering
from splitrun.spec.source import EXPOSURES, Exposures

__all__ = ["baseline"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """Units of the past, measured."""

    plan: Plan
    """What was measured: the plan's metrics over units of the past."""
    measured: Measured
    source: str
    since: date
    until: date
    coverage: float
    """Part of the eligible units that are among them."""
    notes: tuple[str, ...]


def baseline(
    experiment: Written, looking: Looking, *, access: Access | None = None, desk: Desk | None = None
) -> History:
    """Measure the metrics of an experiment on units of the past, by the engine that will read it.

    Args:
        experiment: An experiment's file, or the same as a mapping.
        looking: Whose past, and which days.
        access: What may be read and used besides.
        desk: The clock, and whom to tell of progress.

    Raises:
        SpecError: The experiment cannot be taken, or there is no such history.
        DataError: The data cannot be read, or holds no units.
        EngineError: The engine refused, or needed more than it may use.
    """
    table, allowed = desk or Desk(), access or Access()
    now = table.now()
    table.progress("reading the experiment")
    plan = plan_of(experiment, awaited=True)
    if plan.moments is not None:
        says = "its metrics are sums that were made elsewhere, which say nothing of the time before"
        raise SpecError([Mistake(says, "write their baselines by hand", "moments")])
    table.progress("looking back")
    if looking.past is not None:
        seen = of_experiment(plan, looking.past, experiment, (allowed, now))
    else:
        seen = of_source(plan, looking, experiment, (allowed, now))
    found, frame = told(plan, seen, now), plan.delivery.frame
    if frame is None:
        return found
    table.progress("measuring the frame")
    with engine(allowed, experiment) as last:
        represented, notes = measured_frame(plan, frame, experiment, last, now)
    known = found.baselines.model_copy(update={"frame": represented})
    return replace(found, baselines=known, notes=(*found.notes, *notes))


def engine(allowed: Access, experiment: Written, frames: dict[str, object] | None = None) -> DuckDB:
    """An engine with what may be read."""
    roots = (*folders_of(experiment), *(Path(folder) for folder in allowed.folders))
    limits = Limits(memory=allowed.memory, threads=allowed.threads, seconds=allowed.seconds)
    database = None if allowed.database is None else Path(allowed.database)
    return DuckDB(roots=roots, frames=frames, database=database, limits=limits)


def of_source(plan: Plan, looking: Looking, experiment: Written, world: tuple[Access, datetime]) -> Seen:
    """Units that have a row in a source within some days."""
    allowed, now = world
    trace = trace_of(experiment, plan, looking)
    with engine(allowed, experiment) as first:
        found = past(first, trace, plan.timezone, now)
        since, until = stretched(plan, looking, (found.first, found.last))
        ends = (midnight(since, plan.timezone), midnight(until, plan.timezone))
        units = found.units(*ends, plan.variants[0].key)
    if not units.num_rows:
        raise DataError(f"{trace.key}: no unit has a row from {since} until {until}; name other days or rows")
    cluster = None if plan.exposures is None else plan.exposures.cluster
    exposures = found.exposures(cluster)
    looked = alike(plan, exposures).model_copy(update={"variants": plan.variants[:1]})
    kept = tuple(metric for metric in looked.metrics if not own(metric))
    looked = looked.model_copy(update={"metrics": kept})
    with engine(allowed, experiment, {exposures.where: units}) as second:
        measured_then = measure(looked, second, as_of=found.last, not_after=now)
    missing = sorted(set(trace.known) - set(found.known))
    notes = [
        f"{name} is not among the columns of {trace.key}, so it is not accounted for" for name in missing
    ]
    if plan.delivery.audience is not None and looking.where is None:
        notes.append(f"the audience ({plan.delivery.audience}) is not applied; narrow the rows with --where")
    return Seen(looked, measured_then, trace.key, since, until, 1.0, tuple(notes))


def of_experiment(plan: Plan, file: str, experiment: Written, world: tuple[Access, datetime]) -> Seen:
    """The units of a past experiment."""
    allowed, now = world
    before = plan_of(file)
    if before.exposures is None or before.exposures.time is None:
        says = f"{before.key!r} says nothing of who was exposed when"
        raise SpecError([Mistake(says, "name a past experiment whose exposures have a time", "--past")])
    if before.unit != plan.unit:
        says = f"{before.key!r} was put to a {before.unit}, and {plan.key!r} is to be put to a {plan.unit}"
        raise SpecError([Mistake(says, "name a past experiment on the same unit", "--past")])
    looked = alike(plan, before.exposures).model_copy(update={"variants": before.variants})
    folders = Access(
        (*allowed.folders, *folders_of(file)),
        allowed.database,
        allowed.memory,
        allowed.threads,
        allowed.seconds,
    )
    with engine(folders, experiment) as only:
        found = measure(looked, only, not_after=now)
    if found.first_exposure is None or found.last_exposure is None:
        raise DataError(f"{before.key}: nobody was exposed; name another experiment with --past")
    since = day_of(found.first_exposure, plan.timezone)
    until = day_of(found.last_exposure, plan.timezone) + DAY
    coverage = before.delivery.coverage or 1.0
    return Seen(looked, found, f"experiment {before.key}", since, until, coverage, ())


def alike(plan: Plan, exposures: Exposures) -> Plan:
    """The plan over units of the past: metrics and covariates as they will be, and no more."""
    rules, adjust = plan.analysis, plan.analysis.adjust
    if adjust is not None:
        there = {PRE_PERIOD, *exposures.pre_exposure}
        covariates = tuple(name for name in adjust.covariates if name in there)
        adjust = adjust.model_copy(update={"covariates": covariates, "strata": ()}) if covariates else None
    once = {"method": Method.FIXED, "looks": (), "adjust": adjust}
    update = {"exposures": exposures, "segments": (), "analysis": rules.model_copy(update=once)}
    return plan.model_copy(update=update)


def own(metric: PlannedMetric) -> bool:
    """Whether a metric reads the rows of the exposures."""
    return any(part.source == EXPOSURES for part in parts(metric.metric))


def told(plan: Plan, seen: Seen, now: datetime) -> History:
    """What units of the past say."""
    known: dict[str, Baseline] = {}
    unknown: list[tuple[str, str]] = []
    for metric in plan.metrics:
        if metric.key not in seen.measured.columns:
            unknown.append((metric.key, "it reads the rows of the exposures, which only --past FILE has"))
            continue
        try:
            known[metric.key] = of_metric(metric, seen.measured)
        except DataError as error:
            unknown.append((metric.key, str(error)))
    units = int(seen.measured.units().sum())
    days = (seen.until - seen.since).days
    words = f"{units:,} units of {seen.source} from {seen.since} until {seen.until} ({days} days)"
    return History(
        key=plan.key,
        source=seen.source,
        since=seen.since,
        until=seen.until,
        timezone=plan.timezone,
        measured_on=day_of(now, plan.timezone),
        units=units,
        control=int(seen.measured.units()[0].sum()),
        baselines=Baselines(
            units_per_day=units / days / seen.coverage or None,
            metrics=known,
            measured=f"{words}, on {day_of(now, plan.timezone)}",
            until=seen.until.isoformat(),
        ),
        unknown=tuple(unknown),
        notes=seen.notes,
    )


def of_metric(metric: PlannedMetric, found: Measured) -> Baseline:
    """What control says of a metric.

    Raises:
        DataError: It says nothing of how much units differ.
    """
    _, by_variant = found.by_variant(metric.key)
    covariates = len(found.columns[metric.key].covariates)
    return measured(metric.metric, by_variant[0], covariates=covariates, clusters=clusters(metric, found))


def clusters(metric: PlannedMetric, found: Measured) -> Clustering | None:
    """How alike units of one cluster are in control; None where that cannot be said."""
    if found.clusters is None or metric.metric.kind == "quantile":
        return None
    sums = found.clusters.sums[metric.key]
    if sums.totals.shape[1] != 1:
        return None
    control = (found.cells.variant.code[found.clusters.cell] == 0) & (sums.units > 0)
    _, group = np.unique(found.clusters.code[control], return_inverse=True)

    units, totals, squares = (
        np.bincount(group, weights=each[control]).astype(np.float64)
        for each in (sums.units, sums.totals[:, 0], sums.squares)
    )
    same = likeness(units, totals, squares)
    return None if same is None else Clustering(size=same.size, icc=same.icc, spread=same.spread)
