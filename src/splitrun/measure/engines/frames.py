"""Data frames at the door: whatever kind they are, they become Arrow here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import narwhals as nw
import pyarrow as pa

from splitrun.errors import DataError

__all__ = ["arrow"]


def arrow(key: str, name: str, frames: Mapping[str, object]) -> pa.Table:
    """Give the frame of that name as an Arrow table.

    Args:
        key: The source that names it, for the message.
        name: What the source names.
        frames: The frames handed over: pandas, Polars (eager or lazy), Arrow, DuckDB relations, Ibis tables.

    Raises:
        DataError: There is no such frame, or it is none.
    """
    if name not in frames:
        near = get_close_matches(name, frames, n=1)
        listed = ", ".join(sorted(frames)) or "none"
        remedy = (
            f"did you mean {near[0]!r}?" if near else f"hand it over by that name (handed over: {listed})"
        )
        raise DataError(f"{key}: there is no data frame {name!r}; {remedy}")
    try:
        table = _converted(frames[name])
    except (TypeError, ValueError, pa.ArrowException) as error:
        written = "; ".join(str(part) for part in error.args) or type(error).__name__
        says = written.splitlines()[0]
        raise DataError(
            f"{key}: the data frame {name!r} cannot be read ({says[:200]}); "
            "hand over pandas, Polars, Arrow, a DuckDB relation or an Ibis table with one type per column"
        ) from None
    twins = sorted({twin for twin in table.column_names if table.column_names.count(twin) > 1})
    if twins:
        raise DataError(f"{key}: the data frame {name!r} has columns of the same name ({', '.join(twins)})")
    return table


def _converted(frame: object) -> pa.Table:
    match frame:
        case pa.Table():
            return frame
        case pa.RecordBatchReader():
            return frame.read_all()
        case pa.RecordBatch():
            return pa.Table.from_batches([frame])
        case _:
            return _known(frame)


def _known(frame: object) -> pa.Table:
    known = nw.from_native(frame)  # type: ignore[call-overload]  # anything may come in at the door
    if hasattr(known, "collect"):
        known = known.collect(backend="pyarrow")
    table: pa.Table = known.to_arrow()
    return table
