"""The quality of what is collected: what became of events, how fresh they are, whether heartbeats arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.collect.reasons import remedy
from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.collecting.heartbeats import Pulse, pulse
from splitrun.conduct.desk import Desk
from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.errors import SpecError
from splitrun.store.lake.newest import newest
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import Table
from splitrun.store.spool.counts import BOUNDS, Counted, Lag
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.quality import held_letters, lags, warnings

__all__ = ["DAYS", "Freshness", "Ingested", "Quality", "quality", "spot"]

DAYS = 7
"""Days of receipt that are looked back, today counted."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Where = tuple[str, str]
"""Project and environment."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh what can be read is, of a project's environment."""

    project: str
    environment: str
    newest: datetime | None
    """When the newest exposure or event that can be read was received; None: there is none."""
    age: float | None
    """Seconds since then."""
    lag: Mapping[str, int | None]
    """By `p50` and `p99`: seconds, as a bound, within which that part of the events could be read after their
    receipt; None where it took longer than a day. Empty where nothing came."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """Something that somebody should look at."""

    project: str
    environment: str
    kind: str
    first: datetime
    last: datetime
    events: int
    example: str
    """Without ids."""
    remedy: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What a spool and its lake tell, at a moment."""

    at: datetime
    since: str
    """The first day that is counted, in ISO 8601."""
    counts: tuple[Counted, ...]
    totals: Mapping[tuple[str, str, str, str], int]
    """By project, environment, SDK and reason, over all days."""
    lags: tuple[Lag, ...]
    """Over all days."""
    letters: tuple[tuple[str, str, str, int], ...]
    """Dead letters that wait: project, environment, code, how many."""
    freshness: tuple[Freshness, ...]
    parcels: int
    """Batches in the spool."""
    bytes: int
    spool_age: float | None
    """Seconds that the oldest of them has waited; None where none waits."""
    heartbeats: tuple[Pulse, ...]
    warnings: tuple[Ingested, ...]
    """Met since `since`, the newest first."""

    def of(self, project: str, environment: str) -> Quality:
        """What of it is of one project and environment; the spool is one for all."""
        mine = (project, environment)
        return Quality(
            self.at,
            self.since,
            tuple(one for one in self.counts if one[1:3] == mine),
            {name: count for name, count in self.totals.items() if name[:2] == mine},
            tuple(one for one in self.lags if one[1:3] == mine),
            tuple(one for one in self.letters if one[:2] == mine),
            tuple(one for one in self.freshness if (one.project, one.environment) == mine),
            self.parcels,
            self.bytes,
            self.spool_age,
            tuple(one for one in self.heartbeats if (one.project, one.environment) == mine),
            tuple(one for one in self.warnings if (one.project, one.environment) == mine),
        )


def quality(place: Path, desk: Desk | None = None, days: int = DAYS) -> Quality | None:
    """Read what a project's spool and lake tell; None where nothing was collected in it.

    Args:
        place: A folder of the project.
        desk: The clock.
        days: Days of receipt that are looked back, today counted.

    Raises:
        SpecError: The project's settings have mistakes.
        BusyError: The spool is locked.
        StoreError: Spool or lake cannot be read.
    """
    root = root_of(place)
    if root is None or not (root / "state" / "spool.db").is_file():
        return None
    project = workspace(root, (PROJECT,))
    if project.says.mistakes or project.says.project is None:
        raise SpecError(project.says.mistakes)
    named = [(project.says.project.project, one) for one in project.says.project.environments]
    return spot(spool_of(root), lake_of(root), named, (desk or Desk()).now(), days)


def spot(spool: SpoolFile, lake: Lake, named: list[Where], now: datetime, days: int = DAYS) -> Quality:
    """Read what a spool and a lake tell.

    Args:
        spool: Which.
        lake: Which.
        named: Projects and environments that there are; those with counts are added.
        now: With its zone.
        days: Days of receipt that are looked back, today counted.

    Raises:
        BusyError: The spool is locked.
        StoreError: Spool or lake cannot be read.
    """
    since = (now.astimezone(UTC).date() - timedelta(days=days - 1)).isoformat()
    everything, took = spool.counts(), lags(spool)
    totals: Counter[tuple[str, str, str, str]] = Counter()
    for _, project, environment, sdk, reason, events in everything:
        totals[project, environment, sdk, reason] += events
    parcels, size, oldest = spool.held()
    places = list(dict.fromkeys([*named, *((one[1], one[2]) for one in everything)]))
    recent = [one for one in took if one[0] >= since]
    return Quality(
        at=now,
        since=since,
        counts=tuple(one for one in everything if one[0] >= since),
        totals=totals,
        lags=took,
        letters=held_letters(spool),
        freshness=tuple(fresh(lake, where, recent, now) for where in places),
        parcels=parcels,
        bytes=size,
        spool_age=None if oldest is None else max((now - moment(oldest)).total_seconds(), 0.0),
        heartbeats=tuple(pulse(spool, lake.folder(*one, Table.HEARTBEATS), one, now) for one in places),
        warnings=warned(spool, datetime.fromisoformat(since).replace(tzinfo=UTC)),
    )


def moment(at: int) -> datetime:
    """A moment in nanoseconds since 1970."""
    return EPOCH + timedelta(microseconds=at // 1_000)


def fresh(lake: Lake, where: Where, took: list[Lag], now: datetime) -> Freshness:
    """Tell how fresh what can be read of a project's environment is."""
    found = [newest(lake.folder(*where, table)) for table in (Table.EXPOSURES, Table.EVENTS)]
    last = max((one for one in found if one is not None), default=None)
    age = None if last is None else max((now - last).total_seconds(), 0.0)
    counts: Counter[int] = Counter()
    for _, project, environment, bound, events in took:
        if (project, environment) == where:
            counts[bound] += events
    lag = {name: within(counts, part) for name, part in (("p50", 0.5), ("p99", 0.99))} if counts else {}
    return Freshness(*where, last, age, lag)


def within(counts: Mapping[int, int], part: float) -> int | None:
    """The bound that a part of the events lies within; None where it is longer than all bounds."""
    whole, held = sum(counts.values()), 0
    for one in BOUNDS:
        held += counts.get(one, 0)
        if held >= part * whole:
            return one
    return None


def warned(spool: SpoolFile, since: datetime) -> tuple[Ingested, ...]:
    """Read the warnings, each with what to do."""
    at = (since - EPOCH) // timedelta(microseconds=1) * 1_000
    return tuple(
        Ingested(
            one.project,
            one.environment,
            one.kind,
            moment(one.first),
            moment(one.last),
            one.events,
            one.example,
            remedy(one.kind),
        )
        for one in warnings(spool, at)
    )
