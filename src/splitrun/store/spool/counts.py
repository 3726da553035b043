"""What became of events, counted in the spool's own file by the transaction that made it so.

The intake counts what it rejects with the commit that keeps the rest; the committer counts what it settled
with the step that forgets it. Whatever stops in between, nothing is counted twice. No unit id stands here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

__all__ = [
    "BOUNDS",
    "SCHEMA",
    "Beat",
    "Beats",
    "Counted",
    "Lag",
    "Note",
    "Warned",
    "bound",
    "day",
    "noted",
    "sent",
    "settled",
]

SCHEMA = """
create table if not exists counts (
  day text not null, project text not null, environment text not null, sdk text not null,
  reason text not null, events integer not null, primary key (day, project, environment, sdk, reason)
) strict, without rowid;
create table if not exists warnings (
  project text not null, environment text not null, kind text not null, first integer not null,
  last integer not null, events integer not null, example text not null,
  primary key (project, environment, kind)
) strict, without rowid;
create table if not exists lags (
  day text not null, project text not null, environment text not null, bound integer not null,
  events integer not null, primary key (day, project, environment, bound)
) strict, without rowid;
create table if not exists beats (
  project text not null, environment text not null, at integer not null, stored integer not null,
  primary key (project, environment, at)
) strict, without rowid;
"""

Counted = tuple[str, str, str, str, str, int]
"""Day of receipt (ISO 8601), project, environment, SDK, reason, and how many events."""

Lag = tuple[str, str, str, int, int]
"""Day of receipt, project, environment, seconds within which events could be read, how many; 0 seconds: more
than the last of `BOUNDS`."""

Beat = tuple[str, str, int, int]
"""Project, environment, when a heartbeat was received (nanoseconds since 1970), how often it was stored."""

BOUNDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400)
"""Seconds."""
OTHER = "(other)"
MOST_SDKS = 50
"""Names of SDKs that are counted apart on a day; a client writes what it likes there."""
LONGEST = 80
"""Characters of such a name that are kept."""
KEPT = 8 * 86_400_000_000_000
"""Nanoseconds that heartbeats are remembered."""


@dataclass(frozen=True, slots=True)
class Note:
    """Events of which the same became."""

    project: str
    environment: str
    sdk: str
    reason: str
    events: int
    at: int
    """When they were received, or the last of them, in nanoseconds since 1970."""
    example: str = ""
    """A sentence without ids where somebody should be warned; else empty."""


@dataclass(frozen=True, slots=True)
class Warned:
    """What somebody should look at, since when, and how often it was met."""

    project: str
    environment: str
    kind: str
    """The reason that events are counted under."""
    first: int
    last: int
    """When events of it were received, in nanoseconds since 1970."""
    events: int
    example: str
    """Of the last ones."""


@dataclass(frozen=True, slots=True)
class Beats:
    """The heartbeats of a project's environment, in one view of the spool."""

    kept: tuple[Beat, ...]
    """That the intake took, in order."""
    waiting: frozenset[int]
    """When those were received that wait for the committer."""


def day(at: int) -> str:
    """The UTC day of a moment in nanoseconds since 1970."""
    return datetime.fromtimestamp(at // 1_000_000_000, UTC).date().isoformat()


def bound(lag: int) -> int:
    """The bound that so many nanoseconds lie within; 0: beyond the last."""
    return next((one for one in BOUNDS if lag <= one * 1_000_000_000), 0)


def noted(connection: sqlite3.Connection, notes: Sequence[Note]) -> None:
    """Add to what was counted, inside a transaction."""
    if not notes:
        return  # each statement gives the interpreter away
    notes = merged(notes)
    for one in notes:
        sdk = known(connection, one)
        connection.execute(
            "insert into counts values (?, ?, ?, ?, ?, ?) on conflict do update set "
            "events = events + excluded.events",
            (day(one.at), one.project, one.environment, sdk, one.reason, one.events),
        )
    connection.executemany(
        "insert into warnings values (?, ?, ?, ?, ?, ?, ?) on conflict do update set "
        "first = min(first, excluded.first), last = max(last, excluded.last), "
        "events = events + excluded.events, example = excluded.example",
        [
            (one.project, one.environment, one.reason, one.at, one.at, one.events, one.example)
            for one in notes
            if one.example
        ],
    )


def merged(notes: Sequence[Note]) -> list[Note]:
    """Make one of notes of the same: a group of bad batches then costs no more than a bad batch."""
    found: dict[tuple[str, ...], Note] = {}
    for one in notes:
        name = (one.project, one.environment, one.sdk, one.reason, day(one.at))
        before = found.get(name)
        events = one.events + (0 if before is None else before.events)
        at = one.at if before is None else max(one.at, before.at)
        found[name] = replace(one, events=events, at=at)
    return list(found.values())


def known(connection: sqlite3.Connection, one: Note) -> str:
    """Name the SDK of a note as it is counted: its name, or `(other)` where a day has too many names."""
    name = one.sdk[:LONGEST]
    row = connection.execute(
        "select count(distinct sdk), coalesce(max(sdk = ?), 0) from counts "
        "where day = ? and project = ? and environment = ?",
        (name, day(one.at), one.project, one.environment),
    ).fetchone()
    names, there = row
    return name if there or names < MOST_SDKS else OTHER


def sent(connection: sqlite3.Connection, beats: Sequence[tuple[str, str, int]]) -> None:
    """Write down heartbeats that are kept with this transaction: project, environment, when received."""
    connection.executemany("insert or ignore into beats values (?, ?, ?, 0)", beats)


def settled(connection: sqlite3.Connection, lags: Sequence[Lag], beats: Sequence[Beat]) -> None:
    """Write down how long events took, and heartbeats that are in the lake, inside a transaction."""
    connection.executemany(
        "insert into lags values (?, ?, ?, ?, ?) on conflict do update set events = events + excluded.events",
        lags,
    )
    for project, environment, at, stored in beats:
        connection.execute(
            "update beats set stored = stored + ? where project = ? and environment = ? and at = ?",
            (stored, project, environment, at),
        )
        connection.execute("delete from beats where at < ?", (at - KEPT,))
