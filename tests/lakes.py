"""Small lakes, written as the committer writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from deltalake import WriterProperties, write_deltalake

from splitrun.store.lake.place import folder_of
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.lake.tables import PARTITION, SCHEMAS, STATISTICS, Table

__all__ = ["alias", "commit", "event", "exposure", "key_of"]

Row = dict[str, object]

PSEUDONYMS = Pseudonyms(1, b"k" * 32)


def key_of(unit: str) -> int:
    return PSEUDONYMS.key_of("user", unit)


def common(unit: str, time: datetime, name: str) -> Row:
    return {
        "date": time.date(), "unit_key": key_of(unit), "unit_type": "user", "epoch": 1, "time": time,
        "received": time, "event_id": name, "sdk": "test/1",
    }  # fmt: skip


def exposure(unit: str, variant: str, time: datetime, **other: object) -> Row:
    attributes = other.pop("attributes", {})
    return {
        **common(unit, time, f"x-{unit}-{time.isoformat()}"), "flag": "checkout", "experiment": "checkout",
        "version": 1, "phase": 1, "variant": variant, "ruleset": 1, "reason": "SPLIT", "trigger": False,
        "enrolling": True, "outcome": "ok", "attributes": json.dumps(attributes), **other,
    }  # fmt: skip


def event(unit: str, name: str, time: datetime, *, value: float | None = None, **other: object) -> Row:
    properties = other.pop("properties", {})
    row = common(unit, time, f"e-{unit}-{name}-{time.isoformat()}")
    return {**row, "name": name, "value": value, "properties": json.dumps(properties), **other}


def alias(was: str, unit: str, time: datetime) -> Row:
    return {**common(unit, time, f"a-{was}-{unit}"), "was_key": key_of(was), "was_type": "user"}


def commit(
    lake: Path | str,
    table: Table,
    rows: Iterable[Mapping[str, object]],
    sequence: int = 1,
    more: Iterable[pa.Field[pa.DataType]] = (),
) -> None:
    """Append rows as one commit."""
    schema = pa.schema([*SCHEMAS[table], *more])
    made = pa.Table.from_pylist([{**row, "sequence": sequence} for row in rows], schema=schema)
    folder = folder_of(lake, table)
    storage = folder.storage()
    write_deltalake(
        folder.uri,
        made.sort_by("unit_key"),
        mode="append",
        partition_by=[PARTITION],
        schema_mode="merge",
        configuration={"delta.dataSkippingStatsColumns": ",".join(STATISTICS)},
        storage_options=None if storage is None else dict(storage),
        writer_properties=WriterProperties(compression="ZSTD"),
    )
