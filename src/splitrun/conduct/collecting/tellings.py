"""The quality of what is collected, as JSON, as figures for a monitor, and as what `doctor` looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from splitrun.conduct.collecting.heartbeats import SILENT, Pulse
from splitrun.conduct.collecting.quality import Freshness, Quality
from splitrun.conduct.doctor import Examination
from splitrun.store.spool.counts import BOUNDS

__all__ = ["Figure", "Histogram", "examined", "figures", "histograms", "quality_as_json"]

STUCK = 600.0
"""Seconds that a batch may wait in the spool before `doctor` calls it bad."""
PLACE = ("project", "environment")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement for a monitor, with its labels."""

    name: str
    says: str
    counts: bool
    """Whether it only grows."""
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long something took, over all there was."""

    name: str
    says: str
    labels: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, int], ...]
    """By bound, like `5` and last `+Inf`: how many were within it."""


def quality_as_json(found: Quality | None) -> dict[str, object]:
    """Write it as `splitrun.quality/1`; nothing but its form where nothing was collected."""
    if found is None:
        return {"form": "splitrun.quality/1", "collected": False}
    counted = ("day", *PLACE, "sdk", "reason", "events")
    return {
        "form": "splitrun.quality/1",
        "collected": True,
        "at": found.at.isoformat(),
        "since": found.since,
        "counts": [dict(zip(counted, one, strict=True)) for one in found.counts],
        "dead_letters": [dict(zip((*PLACE, "code", "events"), one, strict=True)) for one in found.letters],
        "freshness": [plain(asdict(one)) for one in found.freshness],
        "spool": {"parcels": found.parcels, "bytes": found.bytes, "age": found.spool_age},
        "heartbeats": [plain(asdict(one)) for one in found.heartbeats],
        "warnings": [plain(asdict(one)) for one in found.warnings],
    }


def plain(fields: dict[str, object]) -> dict[str, object]:
    """Write moments as JSON has them."""
    return {name: moment(value) for name, value in fields.items()}


def moment(value: object) -> object:
    """Write a moment in ISO 8601; other values stay."""
    match value:
        case datetime():
            return value.isoformat()
        case _:
            return value


def figures(found: Quality) -> Iterator[Figure]:
    """Give every figure; those of one name follow each other."""
    for (project, environment, sdk, reason), events in sorted(found.totals.items()):
        labels = (("project", project), ("environment", environment), ("sdk", sdk), ("reason", reason))
        yield Figure("splitrun_collected_events", "Events by what became of them", True, labels, events)  # noqa: FBT003  # a figure's field
    for project, environment, code, events in found.letters:
        held = (("project", project), ("environment", environment), ("code", code))
        yield gauge("splitrun_dead_letters", "Dead letters that wait", held, events)
    for one in found.freshness:
        if one.age is not None:
            yield gauge("splitrun_newest_row_seconds", "Age of the newest readable row", at(one), one.age)
    age = found.spool_age
    yield gauge("splitrun_spool_age_seconds", "Age of the oldest batch that waits", (), age or 0.0)
    for name, says in BEATS.items():
        for each in found.heartbeats:
            value = beat(each, name, found.at)
            if value is not None:
                yield gauge(f"splitrun_heartbeat{name}", says, at(each), value)


BEATS = {
    "s_sent": "Heartbeats of the last 24 hours that were answered for",
    "s_stored": "Of those, that the committer stored",
    "s_measured": "Of those, that the engine finds",
    "_mismatch": "1 where sent, stored and measured differ",
    "_age_seconds": "Age of the last heartbeat",
}


def beat(one: Pulse, name: str, now: datetime) -> float | None:
    """Give a figure of heartbeats by the end of its name; None where it is not known."""
    match name:
        case "s_sent":
            return one.sent
        case "s_stored":
            return one.stored
        case "s_measured":
            return one.measured
        case "_mismatch":
            return float(one.wrong != "")
        case _:
            return None if one.last is None else (now - one.last).total_seconds()


def gauge(name: str, says: str, labels: tuple[tuple[str, str], ...], value: float) -> Figure:
    """A figure that may grow and shrink."""
    return Figure(name, says, False, labels, value)  # noqa: FBT003  # a figure's field


def at(one: Freshness | Pulse) -> tuple[tuple[str, str], ...]:
    """Labels of a project's environment."""
    return (("project", one.project), ("environment", one.environment))


def histograms(found: Quality) -> Iterator[Histogram]:
    """Tell how long events took from their receipt until they could be read."""
    counts: Counter[tuple[str, str, int]] = Counter()
    for _, project, environment, bound, events in found.lags:
        counts[project, environment, bound] += events
    for (project, environment), _ in groupby(sorted(counts), key=lambda one: one[:2]):
        held, steps = 0, []
        for bound in (*BOUNDS, 0):
            held += counts[project, environment, bound]
            steps.append((str(bound or "+Inf"), held))
        labels = (("project", project), ("environment", environment))
        says = "From the receipt of events until they could be read"
        yield Histogram("splitrun_readable_seconds", says, labels, tuple(steps))


def examined(found: Quality) -> tuple[Examination, ...]:
    """Look at what is collected, as `doctor` does."""
    several = len(found.freshness) > 1
    return (
        *(become(found, one, several=several) for one in found.freshness),
        *(fresh(one, several=several) for one in found.freshness),
        spooled(found),
        *(arriving(one, found.at, several=several) for one in found.heartbeats),
    )


def titled(name: str, one: Freshness | Pulse, *, several: bool) -> str:
    """Name an examination by its environment, where there are several."""
    return f"{name} {one.environment}" if several else name


def become(found: Quality, place: Freshness, *, several: bool) -> Examination:
    """What became of events."""
    counts: Counter[str] = Counter()
    for _, project, environment, _, reason, events in found.counts:
        if (project, environment) == (place.project, place.environment):
            counts[reason if reason.startswith("outcome") else reason.partition(":")[0]] += events
    told = [f"{n:,} {reason}" for reason, n in counts.most_common() if reason != "outcome: ok"]
    says = f"since {found.since}: " + (", ".join(told) or "none")
    return Examination(titled("events", place, several=several), fine=True, says=says)


def fresh(one: Freshness, *, several: bool) -> Examination:
    """How fresh what can be read is."""
    name = titled("freshness", one, several=several)
    if one.age is None:
        return Examination(name, fine=True, says="nothing can be read yet")
    parts = [f"newest row {ago(one.age)} old"]
    parts += [
        f"{part} readable " + ("after a day or more" if bound is None else f"within {ago(bound)}")
        for part, bound in one.lag.items()
    ]
    return Examination(name, fine=True, says="; ".join(parts))


def spooled(found: Quality) -> Examination:
    """Whether the spool is emptied."""
    if found.spool_age is None:
        return Examination("spool", fine=True, says="empty")
    says = f"{found.parcels:,} batches, {found.bytes:,} bytes, the oldest {ago(found.spool_age)} old"
    fine = found.spool_age < STUCK
    return Examination("spool", fine, says if fine else f"{says}; start `splitrun serve`, or read its log")


def arriving(one: Pulse, now: datetime, *, several: bool) -> Examination:
    """Whether heartbeats arrive."""
    name = titled("heartbeats", one, several=several)
    if one.wrong:
        return Examination(name, fine=False, says=one.wrong)
    if one.last is None:
        says = "none in 24 hours; `splitrun serve` sends one every 5 minutes"
        return Examination(name, fine=True, says=says)
    age = (now - one.last).total_seconds()
    silent = "; no server takes events now" if age > SILENT else ""
    figures = f"{one.sent:,} sent, {one.stored:,} stored, {one.measured:,} measured"
    says = f"{figures}; the last {ago(age)} ago{silent}"
    return Examination(name, fine=True, says=says)


def ago(seconds: float) -> str:
    """Write a span roughly: 12 s, 5 min, 3 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
