"""How fast the committer brings events from the spool into Parquet: `python -m bench.commit`.

One thread of one process; events per second of processor time, all steps counted: read, decrypt, decode,
recompute the variant, pseudonyms, de-duplication, clustering, Parquet, commit, fsync, forget. Best of three.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.json import encode

from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.quarters import Quarters
from splitrun.sdk.event import Batch, Event, Unit
from splitrun.store.lake.place import Lake
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin, Parcel

__all__ = ["GOAL", "measured"]

GOAL = 100_000
"""Events per second and core (issue of stage 5)."""
AT = 1_795_334_400_000_000_000
TIME = "2026-11-22T08:00:00.000000Z"


def parcel(number: int, size: int) -> Parcel:
    """Make a batch of events of many units from one of twenty processes."""
    process, first = number % 20, number // 20 * size
    events = [
        Event(
            f"{process:016x}{first + i:016x}",
            TIME,
            Unit("visitor", f"visitor-{(number * size + i) * 7919 % 50_000}"),
            "purchase",
            float(i),
            properties={"plan": "pro", "items": i},
        )
        for i in range(size)
    ]
    body = encode(Batch(TIME, "splitrun-python/0.1.0", list(events)))
    return Parcel(Origin("shop", "production", "sdk", AT), size, body)


def measured(events: int = 100_000, size: int = 100) -> tuple[float, float]:
    """Measure one run.

    Returns:
        Events per second of processor time, and of wall time.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        spool = SpoolFile(root / "spool.db", Cipher([b"k" * 32]))
        quarters = Quarters(Lake(str(root / "lake")), root / "seen", Pseudonyms(1, b"p" * 32))
        one = Committer(spool, quarters)
        with spool.connection() as held:
            spool.keep(held, [parcel(number, size) for number in range(20)])
            one.flush()  # the tables are made
            spool.keep(held, [parcel(number, size) for number in range(20, 20 + events // size)])
            processor, wall = time.process_time(), time.perf_counter()
            done = 0
            while (flush := one.flush()) is not None:
                done += flush.events
            return done / (time.process_time() - processor), done / (time.perf_counter() - wall)


if __name__ == "__main__":
    best = max(measured() for _ in range(3))
    print(f"committer: {best[0]:,.0f} events/s of processor time, {best[1]:,.0f} of wall time; goal {GOAL:,}")
    sys.exit(best[0] < GOAL)
