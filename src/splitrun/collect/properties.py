"""Properties of events: those that the project declares in typed columns, the rest as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
from msgspec.json import Decoder, encode

from splitrun.terms.tree import Kind

__all__ = ["PREFIX", "Declared", "fitting", "parted"]

Declared = Mapping[str, Kind]
"""What declared properties hold, by name."""

PREFIX = "p_"
"""In front of the name of a declared property's column."""

TYPES: Mapping[Kind, tuple[pa.DataType, tuple[type, ...]]] = {
    Kind.NUMBER: (pa.float64(), (int, float)),
    Kind.TEXT: (pa.string(), (str,)),
    Kind.BOOLEAN: (pa.bool_(), (bool,)),
}
"""Column and Python types; other kinds stay in the JSON."""

decode = Decoder(dict[str, object]).decode


def fitting(
    declared: Declared, columns: Mapping[str, pa.DataType]
) -> tuple[dict[str, Kind], tuple[str, ...]]:
    """Choose the properties that can have a column of their own in a table.

    Args:
        declared: What they are to hold.
        columns: The table's columns; one that is there keeps its type.

    Returns:
        Those that can, and a sentence for each that stays in the JSON.
    """
    there = {name.casefold(): (name, kind) for name, kind in columns.items()}
    found: dict[str, Kind] = {}
    says = []
    for name, kind in declared.items():
        column, wanted = f"{PREFIX}{name}", TYPES[kind][0]
        known, held = there.get(column.casefold(), (column, wanted))
        if (known, held) == (column, wanted):
            found[name] = kind
        else:
            says.append(
                f"the property {name} is declared {kind}, and the column {known} of the lake holds {held}; "
                "its values stay in the JSON: declare it as it was, or give it another name"
            )
    return found, tuple(says)


def parted(written: Sequence[bytes], declared: Declared) -> dict[str, pa.Array[pa.Scalar[pa.DataType]]]:
    """Part properties into declared columns and the rest.

    Args:
        written: A JSON object each, as it came.
        declared: What gets a column; a value of another type stays in the JSON.
    """
    typed = {name: TYPES[kind] for name, kind in declared.items() if kind in TYPES}
    if not typed:
        return {
            "properties": pa.array([one.decode() if one != b"{}" else None for one in written], pa.string())
        }
    found: dict[str, list[object]] = {name: [] for name in typed}
    rest: list[str | None] = []
    for one in written:
        values = decode(one)
        for name, (_, types) in typed.items():
            fits = type(values.get(name)) in types
            found[name].append(values.pop(name) if fits else None)
        rest.append(encode(values).decode() if values else None)
    columns = {f"{PREFIX}{name}": pa.array(found[name], kind) for name, (kind, _) in typed.items()}
    return {"properties": pa.array(rest, pa.string()), **columns}
