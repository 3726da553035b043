from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.json import encode

from splitrun.collect.outcomes import Rulesets
from splitrun.collect.properties import Declared
from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.quarters import Quarters
from splitrun.sdk.event import Alias, Batch, Event, Exposure, Unit
from splitrun.store.lake.delta import Passing
from splitrun.store.lake.place import Lake
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.lake.tables import Table
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin, Parcel

__all__ = ["AT", "PROCESS", "TIME", "committer", "event", "put", "rows", "send", "total"]

TIME = "2026-11-22T08:00:00.000000Z"
AT = 1_795_334_400_000_000_000
"""2026-11-22T08:00:00Z in nanoseconds since 1970, by `date -d ... +%s`."""
PROCESS = "00112233445566aa"


def event(number: int, *, time: str = TIME, value: float | None = None, process: str = PROCESS) -> Event:
    unit = Unit("visitor", f"u{number % 50}")
    return Event(f"{process}{number:016x}", time, unit, "purchase", float(number) if value is None else value)


def send(
    events: Sequence[Exposure | Event | Alias], *, at: int = AT, sent_at: str = TIME, project: str = "shop"
) -> Parcel:
    body = encode(Batch(sent_at, "splitrun-python/0.1.0", list(events)))
    return Parcel(Origin(project, "production", "sdk", at), len(events), body)


def committer(
    root: Path,
    spool: str = "spool",
    passing: Passing = lambda _name: None,
    rulesets: Rulesets = lambda _version: None,
    lake: str | None = None,
    declared: Declared | None = None,
) -> Committer:
    quarters = Quarters(
        Lake(lake or str(root / "lake")),
        root / f"{spool}-seen",
        Pseudonyms(1, b"p" * 32),
        lambda _project, _environment: rulesets,
        declared={"shop": declared or {}},
        passing=passing,
    )
    return Committer(SpoolFile(root / f"{spool}.db", Cipher([b"k" * 32])), quarters, passing)


def put(one: Committer, *parcels: Parcel) -> None:
    with one.spool.connection() as write:
        one.spool.keep(write, parcels)


def rows(root: Path, table: Table = Table.EVENTS, project: str = "shop") -> pa.Table:
    """Read a table through nothing but its log and pyarrow."""
    from deltalake import DeltaTable  # noqa: PLC0415  # only where a table is read

    delta = DeltaTable(str(root / "lake" / project / "production" / table))
    parts = [pq.read_table(file, partitioning=None) for file in delta.file_uris()]
    return pa.concat_tables(parts, promote_options="default")


def total(one: Committer, reason: str) -> int:
    return sum(count for *_, why, count in one.spool.counts() if why == reason)
