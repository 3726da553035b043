"""Heartbeats: events that a server sends itself, to see that what is sent is stored, and measured.

They go the way of every event: through the intake's limits, the spool, the committer and its de-duplication,
into a table of their own, and are read by the engine that reads a readout's rows. No metric reads that table.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.json import encode

from splitrun import __version__
from splitrun.errors import DataError, EngineError
from splitrun.sdk.event import Batch, Event, Unit
from splitrun.store.lake.place import Folder
from splitrun.store.lake.reading import snapshot
from splitrun.store.lake.tables import Table
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.quality import beats

__all__ = ["EVERY", "SILENT", "WINDOW", "Pulse", "batch", "pulse"]

EVERY = 300.0
"""Seconds between two heartbeats of an environment."""
SILENT = 3 * EVERY
"""Seconds without one after which it is told."""
WINDOW = timedelta(hours=24)
"""How far back they are compared."""
SDK = f"splitrun-server/{__version__}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEATS = "beats"
"""The source's name in the engine."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The heartbeats of a project's environment over a window."""

    project: str
    environment: str
    sent: int
    """The intake answered for, those that wait left out."""
    waiting: int
    """In the spool, on their way."""
    stored: int
    """The committer counted as brought in once."""
    measured: int
    """The engine finds."""
    last: datetime | None
    """When the last one was received."""
    wrong: str = ""
    """What does not fit, and what to do; empty: nothing."""


def batch(spool: str, process: str, number: int, at: datetime) -> bytes:
    """Write a batch of one heartbeat, gzipped.

    Args:
        spool: Name of the spool that it goes through.
        process: 16 hexadecimal digits, drawn when the server began.
        number: Counts its heartbeats from 1, over all environments.
        at: Now.
    """
    written = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    one = Event(
        f"{process}{number:016x}",
        written,
        Unit("splitrun", "heartbeat"),
        "heartbeat",
        float(number),
        release=spool,
    )
    return gzip.compress(encode(Batch(written, SDK, [one])))


def pulse(spool: SpoolFile, folder: Folder, where: tuple[str, str], now: datetime) -> Pulse:
    """Compare what was sent, stored and measured.

    Args:
        spool: Which; read before the lake, so that whatever it let go of must be there.
        folder: Of the table of heartbeats.
        where: Project and environment.
        now: With its zone.

    Raises:
        BusyError: The spool is locked.
        StoreError: It cannot be read.
    """
    since = (now - WINDOW - EPOCH) // timedelta(microseconds=1) * 1_000
    found = beats(spool, *where, since)
    done = [(at, stored) for *_, at, stored in found.kept if at not in found.waiting]
    last = max((at for *_, at, _ in found.kept), default=None)
    try:
        rows = measured(folder, spool.name()) if done else {}
    except (DataError, EngineError) as error:
        rows, says = {}, str(error)
    else:
        says = ""
    count = sum(rows.get(at // 1_000, 0) for at, _ in done)
    stored = sum(times for _, times in done)
    return Pulse(
        *where,
        sent=len(done),
        waiting=len(found.waiting),
        stored=stored,
        measured=count,
        last=None if last is None else EPOCH + timedelta(microseconds=last // 1_000),
        wrong=says or differing(len(done), stored, count),
    )


def measured(folder: Folder, spool: str) -> Mapping[int, int]:
    """Count heartbeats of a spool by the microsecond of their receipt, as a readout's rows are read.

    Raises:
        DataError: The table is not there or cannot be read.
        EngineError: The engine refused.
    """
    pinned = snapshot(folder.uri.rpartition("/")[0], Table.HEARTBEATS)
    if not pinned.files:
        return {}
    # A server is ready before it has measured a heartbeat: the engine is loaded with the first.
    from splitrun.measure.engine import Shelf  # noqa: PLC0415
    from splitrun.measure.engines.duckdb import DuckDB  # noqa: PLC0415
    from splitrun.spec.source import Source  # noqa: PLC0415

    wanted = frozenset(("unit_key", "time", "received", "release"))
    far = folder.local is None
    shelf = Shelf(
        "events",
        pinned.files,
        pinned.sequence,
        wanted,
        experiment="",
        version=0,
        rows=pinned.rows() if far else None,
        digest=pinned.digest() if far else None,
    )
    with DuckDB(lake={BEATS: shelf}) as engine:
        relation = engine.load({BEATS: Source.model_validate({"lake": "events"})})[BEATS].relation
        query = (
            f'SELECT epoch_us(received) AS at, COUNT(*) AS n FROM "{relation}" '  # noqa: S608  # our own name
            f"WHERE release = '{spool}' GROUP BY 1"
        )
        rows = engine.run(query).to_pylist()
    return {int(row["at"]): int(row["n"]) for row in rows}


def differing(sent: int, stored: int, count: int) -> str:
    """Say what does not fit; empty where all does."""
    if stored != sent:
        return (
            f"{sent:,} heartbeats were sent and {stored:,} stored; so may a product's events be lost or "
            "doubled: look at the committer's log"
        )
    if count != stored:
        return (
            f"{stored:,} heartbeats were stored and {count:,} are measured; hold the lake's files against "
            "their digests, or restore it"
        )
    return ""
