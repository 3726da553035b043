"""The tables of the lake and their columns."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa
from deltalake import DeltaTable

__all__ = ["PARTITION", "RAW", "SCHEMAS", "STATISTICS", "Table", "columns", "declared"]


class Table(StrEnum):
    """A table of a project's environment."""

    EXPOSURES = "exposures"
    EVENTS = "events"
    ALIASES = "aliases"
    HEARTBEATS = "heartbeats"
    """What servers sent themselves; no product's, so that no metric reads it."""


MOMENT = pa.timestamp("us", tz="UTC")

PARTITION = "date"
"""The UTC day of `time`; rows of a file are ordered by `unit_key`."""

STATISTICS = ("time", "received", "sequence")
"""Columns whose smallest and largest value stand in the Delta log; ids never do."""

COMMON: list[pa.Field[pa.DataType]] = [
    pa.field(PARTITION, pa.date32(), nullable=False),
    pa.field("unit_key", pa.int64(), nullable=False),
    pa.field("unit_type", pa.string(), nullable=False),
    pa.field("epoch", pa.int16(), nullable=False),
    pa.field("time", MOMENT, nullable=False),
    pa.field("received", MOMENT, nullable=False),
    pa.field("event_id", pa.string(), nullable=False),
    pa.field("release", pa.string()),
    pa.field("sdk", pa.string(), nullable=False),
    pa.field("sequence", pa.int64(), nullable=False),
]
"""`time` is the client's, put right by what its clock was off; `sequence` counts the commits of the table."""

RAW = pa.field("unit", pa.string())
"""The id itself; only where the project says `privacy: {ids: raw}`."""

HAPPENED = pa.schema(
    [
        *COMMON,
        pa.field("name", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("properties", pa.string()),
    ]
)

SCHEMAS: dict[Table, pa.Schema] = {
    Table.EXPOSURES: pa.schema(
        [
            *COMMON,
            pa.field("flag", pa.string(), nullable=False),
            pa.field("experiment", pa.string(), nullable=False),
            pa.field("version", pa.int32(), nullable=False),
            pa.field("phase", pa.int32(), nullable=False),
            pa.field("variant", pa.string(), nullable=False),
            pa.field("ruleset", pa.int64(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("detail", pa.string()),
            pa.field("trigger", pa.bool_(), nullable=False),
            pa.field("enrolling", pa.bool_(), nullable=False),
            pa.field("outcome", pa.string(), nullable=False),
            pa.field("attributes", pa.string()),
        ]
    ),
    Table.EVENTS: HAPPENED,
    Table.HEARTBEATS: HAPPENED,
    Table.ALIASES: pa.schema(
        [
            *COMMON,
            pa.field("was_key", pa.int64(), nullable=False),
            pa.field("was_type", pa.string(), nullable=False),
        ]
    ),
}
"""`attributes` and `properties` are JSON objects; `outcome` is `ok` or why the variant is not what the rules
give, told while the id is at hand."""


def columns(delta: DeltaTable) -> pa.Schema:
    """Give the columns of a table as Arrow has them."""
    return pa.schema(delta.schema().to_arrow())  # type: ignore[arg-type]  # a schema by Arrow's C interface


def declared(name: str) -> str:
    """Name the typed column of a declared property."""
    return f"p_{name}"
