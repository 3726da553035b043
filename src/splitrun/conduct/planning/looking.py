"""How units of the past are found: rows in which they leave a trace, or a past experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from os import PathLike
from pathlib import Path
from zoneinfo import ZoneInfo

from splitrun.conduct.experiment import Written
from splitrun.conduct.workspace import contents, shown, workspace
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.measure.rows.history import Trace
from splitrun.plan.power.history import stretch
from splitrun.plan.seal import resolved
from splitrun.spec.analysis import PRE_PERIOD
from splitrun.spec.plan import Plan
from splitrun.spec.reading import read_experiment, read_experiment_mapping
from splitrun.spec.source import ROW, Source
from splitrun.spec.written.fields import suggested

__all__ = ["Looking", "around", "column_of", "day_of", "midnight", "stretched", "trace_of"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Looking:
    """Where to look, and at which days."""

    units: str | None = None
    """A source: whoever has a row in it would have been eligible."""
    past: str | None = None
    """In place of it, the file of a past experiment, whose control tells."""
    where: str | None = None
    """Which rows of the source are of eligible units."""
    since: date | None = None
    until: date | None = None
    """The first day that counts no more."""
    days: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be looked at.

        Raises:
            SpecError: Two things are named, or none, or days that do not go together.
        """
        wrong = unsound(self)
        if wrong is not None:
            raise SpecError([wrong])


def unsound(looking: Looking) -> Mistake | None:
    """What is wrong with what is asked."""
    narrowed = (looking.where, looking.since, looking.until, looking.days)
    if (looking.units is None) == (looking.past is None):
        says = "it is not said whose history tells" if looking.units is None else "two histories are named"
        return Mistake(
            says,
            "name a source whose rows are of units that would have been eligible with --units SOURCE, or a "
            "past experiment with --past FILE",
        )
    if looking.past is not None and any(one is not None for one in narrowed):
        says = "a past experiment says itself who was in it, and when"
        return Mistake(says, "take --where, --from, --until and --days out")
    if looking.days is not None and looking.since is not None and looking.until is not None:
        return Mistake("--from, --until and --days say the same thing twice", "take one of them out")
    if looking.days is not None and looking.days < 1:
        return Mistake(f"{looking.days} days hold nothing", "look at one day or more")
    if looking.since is not None and looking.until is not None and looking.since >= looking.until:
        says = f"--from {looking.since} is not before --until {looking.until}"
        return Mistake(says, "write the first day, and the first that counts no more")
    return None


def trace_of(experiment: Written, plan: Plan, looking: Looking) -> Trace:
    """The rows in which units of the past leave a trace.

    Raises:
        SpecError: There is no such source, or it names no column for the unit.
    """
    key = looking.units or ""
    shared, types = around(experiment)
    known = {**shared, **{planned.key: planned.source for planned in plan.sources}}
    if key not in known:
        raise SpecError([Mistake(f"there is no source {key!r}", suggested(key, known), "--units")])
    source = known[key]
    unit = column_of(source, plan.unit, types)
    if unit is None or unit == ROW:
        says = f"source {key!r} names no column with the id of a {plan.unit}"
        remedy = f"write unit: {{{plan.unit}: COLUMN}} under sources.{key}"
        raise SpecError([Mistake(says, remedy, "--units")])
    exposures, adjust = plan.exposures, plan.analysis.adjust
    covariates = [] if adjust is None else [name for name in adjust.covariates if name != PRE_PERIOD]
    cluster = [] if exposures is None or exposures.cluster is None else [exposures.cluster]
    called = unit if exposures is None else exposures.unit
    return Trace(key, source, unit, called, looking.where, tuple(dict.fromkeys([*covariates, *cluster])))


def around(experiment: Written) -> tuple[dict[str, Source], dict[str, str | None]]:
    """What an experiment and the project around it define: sources, and the column of each type of unit."""
    match experiment:
        case str() | PathLike():
            path = Path(experiment)
            says = workspace(path.resolve().parent).says
            draft = read_experiment(contents(path), shown(path))
        case _:
            return dict(resolved(read_experiment_mapping(experiment), {}).value.sources), {}
    types = {} if says.project is None else says.project.units
    shared = {key: each.value for key, each in says.library.sources.items()}
    own = resolved(draft, says.experiments, says.library).value.sources
    return {**shared, **own}, {name: each.key for name, each in types.items()}


def column_of(source: Source, unit: str, types: Mapping[str, str | None]) -> str | None:
    """The column of a source that holds the unit's id."""
    match source.unit:
        case str(column):
            return column
        case None:
            return types.get(unit)
        case mapped:
            return mapped.get(unit)


def stretched(plan: Plan, looking: Looking, held: tuple[datetime, datetime]) -> tuple[date, date]:
    """The days to look at, all of which the rows cover.

    Args:
        plan: What is planned; its longest window must have passed for the last unit.
        looking: What is asked.
        held: The moments of the first and the last row.

    Raises:
        DataError: The rows begin later, or end earlier.
    """
    zone, (first, last) = ZoneInfo(plan.timezone), held
    ripe = (last - plan.observation).astimezone(zone).date()
    since, until = stretch(plan, (looking.since, looking.until, looking.days), ripe)
    begun, ended = first.astimezone(zone).date(), last.astimezone(zone).date()
    if since < begun or until > ended + DAY:
        asked, there = (since, begun) if since < begun else (until, ended)
        what = "begin" if since < begun else "end"
        raise DataError(
            f"{looking.units}: its rows {what} on {there}, and history is looked at from {since} until "
            f"{until}; name days that they cover with --from, --until or --days ({asked} does not)"
        )
    return since, until


def day_of(at: datetime, timezone: str) -> date:
    """The day on which a moment lies."""
    return at.astimezone(ZoneInfo(timezone)).date()


def midnight(day: date, timezone: str) -> datetime:
    """The moment at which a day begins."""
    return datetime.combine(day, time(), ZoneInfo(timezone))
