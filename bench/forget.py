"""How long it takes to forget units in a lake of many events: `python -m bench.forget [EVENTS] [UNITS]`.

Thirty days of events and an exposure for each unit, written as the committer writes them and compacted; then
some units are forgotten, and every file is looked through for their ids and pseudonyms. Prints the seconds
that the erasure and the export of one unit took, the largest memory, and ends with 1 beyond the goal.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from splitrun.conduct.collecting.assembled import lake_of
from splitrun.conduct.people.exporting import subject_export
from splitrun.conduct.people.forgetting import Why, forget
from splitrun.conduct.people.place import keys_of
from splitrun.sdk.event import Unit
from splitrun.store.lake.delta import LakeTable, Mark
from splitrun.store.lake.pseudonyms import Pseudonyms, epochs_of
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import SCHEMAS, Table
from splitrun.store.lake.upkeep import compacted

__all__ = ["GOAL", "laid", "measured"]

GOAL = 15 * 60.0
"""Seconds for ten million events (issue of stage 6)."""
DAYS = 30
PER_UNIT = 20
"""Events of a unit."""
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
MOMENT = pa.timestamp("us", tz="UTC")


def laid(root: Path, events: int) -> list[int]:
    """Lay a project with so many events.

    Returns:
        The pseudonyms of its units, `unit-0` first.
    """
    (root / "splitrun.yaml").write_text("project: shop\n")
    epochs = epochs_of(root / "state" / "keys" / "pseudonym")
    names = Pseudonyms(1, epochs[1])
    keys = [names.key_of("user", f"unit-{number}") for number in range(max(1, events // PER_UNIT))]
    rng = np.random.default_rng(20261123)
    seen = Seen(root / "state" / "seen" / "bench")
    lake = lake_of(root)
    for table, count in ((Table.EXPOSURES, len(keys)), (Table.EVENTS, events)):
        one = LakeTable(lake.folder("shop", "production", table), table, seen)
        for day in range(DAYS):
            size = count // DAYS
            at = BEGIN + timedelta(days=day)
            one.append(rows(table, np.array(keys), (day * size, size), at, rng), Mark("bench", day + 1))
        compacted(one, 1)
    return keys


def rows(
    table: Table, keys: npt.NDArray[np.int64], part: tuple[int, int], at: datetime, rng: np.random.Generator
) -> pa.Table:
    """Make the rows of a day; exposures are of one unit each."""
    first, size = part
    whose = keys[first : first + size] if table is Table.EXPOSURES else rng.choice(keys, size)
    moments = pa.array(int(at.timestamp() * 1e6) + rng.integers(0, 86_400_000_000, size)).cast(MOMENT)
    process = 1 if table is Table.EVENTS else 2
    common = {
        "unit_key": pa.array(whose, pa.int64()),
        "unit_type": ["user"] * size,
        "epoch": pa.array(np.ones(size), pa.int16()),
        "time": moments,
        "received": moments,
        "event_id": [f"{process:016x}{first + number:016x}" for number in range(size)],
        "release": pa.nulls(size, pa.string()),
        "sdk": ["bench/1"] * size,
    }
    if table is Table.EVENTS:
        own = {
            "name": ["purchase"] * size,
            "value": rng.gamma(2, 20, size),
            "properties": [f'{{"item":{item}}}' for item in rng.integers(0, 100_000, size)],
        }
    else:
        own = {
            "flag": ["checkout"] * size,
            "experiment": ["checkout"] * size,
            "version": [1] * size,
            "phase": [1] * size,
            "variant": np.where(np.arange(size) % 2, "control", "treatment"),
            "ruleset": [1] * size,
            "reason": ["SPLIT"] * size,
            "detail": pa.nulls(size, pa.string()),
            "trigger": [False] * size,
            "enrolling": [True] * size,
            "outcome": ["ok"] * size,
            "attributes": ['{"country":"DE"}'] * size,
        }
    made = pa.table({**common, **own})
    return made.cast(pa.schema([SCHEMAS[table].field(name) for name in made.column_names]))


def measured(root: Path, events: int, units: int) -> tuple[float, float, int]:
    """Measure one run.

    Returns:
        Seconds of the erasure and of an export, and how many files still hold an id or a pseudonym.
    """
    laid(root, events)
    gone = [Unit("user", f"unit-{number}") for number in range(units)]
    begun = time.perf_counter()
    told = subject_export(gone[0], root, "request 1")
    exported = time.perf_counter() - begun
    keys = [key for of in keys_of(root, gone).values() for key in of]
    begun = time.perf_counter()
    done = forget(gone, root, Why("request 2"))
    took = time.perf_counter() - begun
    tables = done.certificate.tables
    rows, files = sum(one.rows for one in tables), sum(one.files for one in tables)
    print(f"{rows:,} rows of {units:,} units erased, {files:,} files written anew")
    assert told["events"], "the export found nothing"  # noqa: S101  # a run that proves nothing is none
    return took, exported, left(root, [one.id for one in gone], keys)


def left(root: Path, ids: list[str], keys: list[int]) -> int:
    """Count the files of rows that hold one of these keys, and other files that hold an id."""
    import pyarrow.dataset as pads  # noqa: PLC0415  # not part of what is measured
    from deltalake import DeltaTable  # noqa: PLC0415  # nor this

    lake = root / "state" / "lake" / "shop" / "production"
    live = {file for table in ("events", "exposures") for file in DeltaTable(str(lake / table)).file_uris()}
    there = {str(file) for file in lake.rglob("date=*/*.parquet")}
    rows = pads.dataset(sorted(there), format="parquet")
    count = rows.count_rows(filter=pads.field("unit_key").isin(pa.array(keys, pa.int64())))
    others = [file for file in root.rglob("*") if file.is_file() and str(file) not in there]
    named = sum(f"{one}\n".encode() in file.read_bytes() for file in others for one in ids)
    return count + named + len(there - live)


def main(events: int, units: int) -> bool:
    """Print a run; true where it holds."""
    with TemporaryDirectory() as folder:
        took, exported, found = measured(Path(folder), events, units)
    goal = GOAL * max(events, 1_000_000) / 10_000_000
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"forget {units:,} of {events:,} events: {took:.1f} s (goal {goal:,.0f} s); export of one: "
        f"{exported:.1f} s (goal 60 s); {found} traces left; {memory:,.0f} MB"
    )
    return took <= goal and exported <= 60 and not found


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(not main(*(given + [10_000_000, 100][len(given) :])))
