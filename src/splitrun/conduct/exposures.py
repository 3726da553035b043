"""Logged exposures, read from the forms in which clients and others keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from splitrun.conduct.workspace import shown
from splitrun.errors import DataError
from splitrun.sdk.event import Alias, Batch, Event, Exposure
from splitrun.terms.tree import Kind

__all__ = ["Logged", "logged"]

COLUMNS: Mapping[str, pa.DataType] = {
    "unit": pa.string(),
    "variant": pa.string(),
    "experiment": pa.string(),
    "version": pa.int64(),
    "phase": pa.int64(),
    "ruleset": pa.int64(),
    "detail": pa.string(),
}
"""What is read of an exposure; of these only unit and variant must be there."""

OTHER = frozenset({"id", "type", "time", "flag", "reason", "trigger", "enrolling", "release", "attributes"})
"""Fields of the wire form that are not attributes."""

FORMS = (".jsonl", ".ndjson", ".parquet", ".csv")

EVENT = msgspec.json.Decoder(Exposure | Event | Alias)
BATCH = msgspec.json.Decoder(Batch)


@dataclass(frozen=True, slots=True)
class Logged:
    """Exposures of one experiment as columns, and links between ids."""

    exposures: pa.Table
    """row, and what `COLUMNS` names; attributes as `a_NAME`."""
    kinds: Mapping[str, Kind]
    """What the attributes hold; one that holds values of several kinds is left out."""
    aliases: pa.Table = field(default_factory=lambda: linked(()))


def logged(path: Path, experiment: str) -> Logged:
    """Read the exposures of one experiment.

    Args:
        path: JSON lines as clients write them (events or batches), Parquet with the same fields or flat, or
            CSV with the columns unit and variant; further columns are attributes.
        experiment: Its key; rows that name another are left out.

    Raises:
        DataError: The file cannot be read, or holds no exposure of the experiment.
    """
    form = path.suffix.lower()
    if form not in FORMS:
        raise DataError(f"{shown(path)} ends in {form or 'nothing'!r}; name a file in {', '.join(FORMS)}")
    if not path.is_file():
        raise DataError(f"there is no file {shown(path)}; check its name")
    try:
        table, aliases = from_lines(path) if form in FORMS[:2] else (from_columns(path, form), linked(()))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{shown(path)} cannot be read ({error}); check the file") from None
    table = table.append_column("row", pa.array(range(1, table.num_rows + 1), pa.int64()))
    if "experiment" in table.column_names:
        table = table.filter(pc.field("experiment") == experiment)
    if not table.num_rows:
        raise DataError(f"{shown(path)} holds no exposure of experiment {experiment!r}; name another file")
    return completed(table, aliases, shown(path))


def from_lines(path: Path) -> tuple[pa.Table, pa.Table]:
    """Read JSON lines: events of clients, or whole batches of them.

    Raises:
        DataError: A line is neither.
    """
    exposures: list[Exposure] = []
    aliases: list[Alias] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            for event in events(line, number, path):
                match event:
                    case Exposure():
                        exposures.append(event)
                    case Alias():
                        aliases.append(event)
                    case Event():
                        pass
    names = dict.fromkeys(name for one in exposures for name in one.attributes)
    columns: dict[str, Any] = {
        "unit": pa.array([one.unit.id for one in exposures], pa.string()),
        **{
            name: pa.array([getattr(one, name) for one in exposures], COLUMNS[name])
            for name in COLUMNS
            if name != "unit"
        },
    }
    for name in names:
        held = of_one_kind([one.attributes.get(name) for one in exposures])
        if held is not None:
            columns[f"a_{name}"] = held
    return pa.table(columns), linked(aliases)


def events(line: bytes, number: int, path: Path) -> Iterable[Exposure | Event | Alias]:
    """Read one line.

    Raises:
        DataError: It is no event and no batch.
    """
    if not line.strip():
        return ()
    try:
        return (EVENT.decode(line),)
    except msgspec.MsgspecError as refused:
        try:
            return BATCH.decode(line).events
        except msgspec.MsgspecError:
            says = f"{shown(path)}:{number}: the line is no event of splitrun ({refused})"
            raise DataError(f"{says}; write events as clients log them, one on a line") from None


def of_one_kind(values: list[object]) -> pa.Array[Any] | None:
    """Give values as a column where they are all of one kind."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pa.array([None if value is None else float(str(value)) for value in values], pa.float64())
    if kinds == {str}:
        return pa.array(values, pa.string())
    return pa.array(values, pa.bool_()) if kinds == {bool} else None


def linked(aliases: Iterable[Alias]) -> pa.Table:
    """Give links between ids, each both ways."""
    pairs = [(one.unit.id, one.was.id) for one in aliases]
    both = [*pairs, *((was, now) for now, was in pairs)]
    return pa.table(
        {
            "unit": pa.array([one for one, _ in both], pa.string()),
            "other": pa.array([other for _, other in both], pa.string()),
        }
    )


def from_columns(path: Path, form: str) -> pa.Table:
    """Read Parquet or CSV; fields of the wire form that are structures are taken apart.

    Raises:
        DataError: A column that must be there is missing, or cannot be read as what it is.
    """
    if form == ".csv":
        options = csv.ConvertOptions(column_types=dict(COLUMNS), strings_can_be_null=True)
        table = csv.read_csv(path, convert_options=options)
    else:
        table = parquet.read_table(path)
    if "type" in table.column_names:
        table = table.filter(pc.field("type") == "exposure")
    columns: dict[str, Any] = {}
    for name in table.column_names:
        held = table[name]
        match name:
            case "unit" if pa.types.is_struct(held.type):
                columns["unit"] = pc.struct_field(held, "id")
            case "attributes" if pa.types.is_struct(held.type):
                for part in held.type:
                    columns[f"a_{part.name}"] = pc.struct_field(held, part.name)
            case _ if name in COLUMNS:
                columns[name] = held
            case _:
                if name not in OTHER:
                    columns[f"a_{name}"] = held
    missing = [name for name in ("unit", "variant") if name not in columns]
    if missing:
        listed = ", ".join(table.column_names)
        raise DataError(
            f"{shown(path)} has no column {' and no column '.join(map(repr, missing))}; it has {listed}"
        )
    return pa.table(columns)


def completed(table: pa.Table, aliases: pa.Table, name: str) -> Logged:
    """Give every column its type, and say what the attributes hold.

    Raises:
        DataError: A column cannot be read as what it is.
    """
    columns: dict[str, Any] = {"row": table["row"]}
    for column, wanted in COLUMNS.items():
        if column not in table.column_names:
            columns[column] = pa.array([None] * table.num_rows, wanted)
            continue
        try:
            columns[column] = table[column].cast(wanted)
        except pa.ArrowException as error:
            says = f"{name}: column {column!r} does not hold what it is named for ({error})"
            raise DataError(f"{says}; write {wanted} values") from None
    kinds: dict[str, Kind] = {}
    for column in table.column_names:
        kind = kind_of(table[column].type)
        if column.startswith("a_") and kind is not None:
            columns[column], kinds[column.removeprefix("a_")] = table[column], kind
    return Logged(pa.table(columns), kinds, aliases)


def kind_of(stored: pa.DataType) -> Kind | None:
    """Give what a column of a type holds; None for what no expression looks at."""
    types = pa.types
    if types.is_boolean(stored):
        return Kind.BOOLEAN
    if types.is_integer(stored) or types.is_floating(stored) or types.is_decimal(stored):
        return Kind.NUMBER
    if types.is_string(stored) or types.is_large_string(stored):
        return Kind.TEXT
    return Kind.TIME if types.is_timestamp(stored) or types.is_date(stored) else None
