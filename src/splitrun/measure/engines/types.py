"""How DuckDB holds columns, told by the names of its types."""

from __future__ import annotations

import re

from splitrun.measure.engine import Stored

__all__ = ["stored"]


def stored(kind: str) -> Stored:
    """How DuckDB holds a column, by the name it gives its type."""
    match re.sub(r"\(.*", "", kind):
        case "VARCHAR" | "UUID" | "ENUM" | '"NULL"':
            return Stored.TEXT
        case "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER":
            return Stored.WHOLE
        case "UBIGINT" | "HUGEINT" | "UHUGEINT":
            return Stored.BIG
        case "DECIMAL" if not kind.endswith("[]"):
            return Stored.DECIMAL
        case "FLOAT" | "DOUBLE":
            return Stored.NUMBER
        case "BOOLEAN":
            return Stored.BOOLEAN
        case "DATE":
            return Stored.DAY
        case "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS":
            return Stored.TIME
        case "TIMESTAMP WITH TIME ZONE" | "TIMESTAMPTZ" | "TIMESTAMPTZ_NS" | "TIMESTAMP_NS WITH TIME ZONE":
            return Stored.MOMENT
        case _:
            return Stored.OTHER
