"""Events that were sent again: whether they still say the same as the first of their id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from splitrun.store.lake.place import Folder

__all__ = ["conflicting"]

ALIKE = timedelta(seconds=20)
"""A client's clock may have been put right differently; times so near are the same."""

BESIDE = frozenset({"received", "sequence", "sdk", "time", "outcome", "epoch", "unit_key", "was_key", "date"})
"""What an event does not say itself, or what is compared in its own way."""

Row = Mapping[str, object]


def conflicting(
    delta: DeltaTable, folder: Folder, new: pa.Table, again: pa.Table
) -> pa.Array[pa.BooleanScalar]:
    """Tell which repeated events differ from the first of their id.

    Args:
        delta: The table, up to date.
        folder: Where it lies.
        new: Rows that are about to go in.
        again: Rows whose id is in the table, or among `new`.

    Returns:
        For each row of `again`: it differs. One whose first is not found on its day or the days beside says
        another time, and differs.
    """
    if again.num_rows == 0:
        return pa.array([], pa.bool_())
    ids = set(again["event_id"].to_pylist())
    firsts = dict[object, Row]()
    for row in (*earlier(delta, folder, again), *among(new, ids)):
        known = firsts.get(row["event_id"])
        if known is None or order(row) < order(known):
            firsts[row["event_id"]] = row
    rows = again.to_pylist()
    return pa.array([not same(row, firsts.get(row["event_id"])) for row in rows], pa.bool_())


def order(row: Row) -> int:
    """Give the commit that brought a row; what is about to go in comes last."""
    found = row.get("sequence")
    return 1 << 62 if found is None else int(str(found))


def among(rows: pa.Table, ids: set[object]) -> list[dict[str, object]]:
    """Choose rows by their ids."""
    mask = pa.array([one in ids for one in rows["event_id"].to_pylist()], pa.bool_())
    chosen: list[dict[str, object]] = rows.filter(mask).to_pylist()
    return chosen


def earlier(delta: DeltaTable, folder: Folder, again: pa.Table) -> Iterator[dict[str, object]]:
    """Read the rows of the table that have these ids, on their days and the days beside."""
    days = {moment.date() for moment in again["time"].to_pylist() if moment is not None}
    near = {day + timedelta(days=by) for day in days for by in (-1, 0, 1)}
    files, root = folder.files()
    wanted = pc.field("event_id").isin(again["event_id"].combine_chunks())
    for one in pa.table(delta.get_add_actions(flatten=True)).to_pylist():
        if one["partition.date"] in near:
            path = f"{root}/{one['path']}"
            found = pq.read_table(path, filters=wanted, filesystem=files, partitioning=None)
            yield from found.to_pylist()


def same(row: Row, first: Row | None) -> bool:
    """Whether a row says what the first of its id does."""
    if first is None:
        return False
    keys = ("unit_key", "was_key")
    unit = row["epoch"] != first["epoch"] or all(row.get(name) == first.get(name) for name in keys)
    # pseudonyms of other epochs stand beside the first only while their keys are at hand
    names = {
        name for name in row.keys() & first.keys() if not name.startswith(tuple(f"{one}_" for one in keys))
    }
    names -= BESIDE
    near = abs(row["time"] - first["time"]) <= ALIKE  # type: ignore[operator] # moments, as the schema says
    return unit and near and all(row[name] == first[name] for name in names)
