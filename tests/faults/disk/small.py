"""A small project whose spool and lake are harmed: batches in, flushes, upkeep, and what must hold after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

from msgspec.json import encode
from pyarrow import parquet

from splitrun.conduct.collecting.assembled import committer_of, lake_of, quarters_of, spool_of
from splitrun.conduct.collecting.upkeep import Schedule, upkeep
from splitrun.errors import SplitrunError
from splitrun.sdk.event import Batch, Event, Unit
from splitrun.store.lake.reading import snapshot
from splitrun.store.lake.tables import Table
from splitrun.store.spool.parcel import Origin, Parcel
from splitrun.store.spool.writer import Writer

__all__ = ["Small", "held", "mended"]

FORM = "%Y-%m-%dT%H:%M:%S.%fZ"
SIZE = 5
UNITS = 3
PATIENCE = 30.0


def parcel(number: int) -> Parcel:
    """Make the n-th batch."""
    now = datetime.now(UTC).strftime(FORM)
    events = [
        Event(f"{7:016x}{n:016x}", now, Unit("user", f"u{n % UNITS}"), "purchase", float(n))
        for n in range(number * SIZE, (number + 1) * SIZE)
    ]
    body = encode(Batch(now, "splitrun-python/0.1.0", list(events)))
    return Parcel(Origin("shop", "production", "sdk", time.time_ns() // 1000 * 1000), SIZE, body)


class Small:
    """A server's parts in one process, step by step.

    Args:
        root: The project's folder.
        told: Called with the number of each batch that was answered for.
    """

    def __init__(self, root: Path, told: Callable[[int], None]) -> None:
        self.root, self.told = root, told
        self.refusals: list[str] = []

    def tried(self, what: Callable[[], None]) -> None:
        """Do something that may be refused, in words."""
        try:
            what()
        except SplitrunError as error:
            self.refusals.append(str(error))

    def batches(self, numbers: Sequence[int]) -> None:
        """Have batches kept by a writer of their own, each answered for before the next."""
        answers: Queue[SplitrunError | None] = Queue()

        def told(found: Sequence[tuple[int, SplitrunError | None]]) -> None:
            for _, refused in found:
                answers.put(refused)

        writer = Writer(spool_of(self.root), told)
        try:
            for number in numbers:
                self.tried(lambda number=number: writer.offer(parcel(number), number))  # type: ignore[misc]  # bound now
                refused = answers.get(timeout=PATIENCE)
                if refused is None:
                    self.told(number)
                else:
                    self.refusals.append(str(refused))
        finally:
            writer.close()

    def flush(self) -> None:
        """Bring what waits into the lake, as a committer that begins and ends."""
        one = committer_of(self.root)
        with one.owned():
            while one.flush() is not None:
                pass
            one.close()

    def keep_small(self) -> None:
        """Compact the lake and clean it up."""
        self.looked_after()

    def looked_after(self) -> tuple[str, ...]:
        """Compact the lake and clean it up; tell what of it is not what was written."""
        done = upkeep(
            lake_of(self.root), self.root / "state" / "upkeep.lock", Schedule(few=1), datetime.now(UTC)
        )
        assert done is not None
        return done.faults

    def live(self, rounds: int, batches: int) -> None:
        """Take some rounds of batches, flush after each, and keep the lake small at last."""
        for number in range(rounds):
            first = number * batches
            self.tried(lambda first=first: self.batches(range(first, first + batches)))  # type: ignore[misc]  # bound now
            self.tried(self.flush)
        self.tried(self.keep_small)
        self.tried(lambda: self.batches(range(rounds * batches, rounds * batches + 1)))


def mended(root: Path) -> None:
    """Begin again after a harm, on a disk that works: nothing is refused."""
    one = Small(root, lambda _number: None)
    one.flush()
    faults = one.looked_after()
    assert faults == (), faults


def held(root: Path, answered: Sequence[int]) -> str:
    """Hold the lake against the batches that were answered for; empty where all is well."""
    folder = root / "state" / "lake" / "shop" / "production"
    found: Counter[str] = Counter()
    keys: Counter[object] = Counter()
    if (folder / Table.EVENTS).is_dir():
        for file in snapshot(folder, Table.EVENTS).files:
            rows = parquet.read_table(file, columns=["event_id", "unit_key"], partitioning=None)
            found.update(map(str, rows["event_id"].to_pylist()))
            keys.update(rows["unit_key"].to_pylist())
    wanted = {f"{7:016x}{n:016x}" for one in answered for n in range(one * SIZE, (one + 1) * SIZE)}
    lost, twice = wanted - found.keys(), [name for name, times in found.items() if times > 1]
    if lost or twice:
        return f"{len(lost)} lost, {len(twice)} twice"
    if len(keys) > UNITS:
        return f"{len(keys)} pseudonyms of {UNITS} units"
    pseudonyms = quarters_of(root).pseudonyms
    if any(pseudonyms.key_of("user", f"u{n}") not in keys for n in range(UNITS if found else 0)):
        return "units have other pseudonyms now"
    return ""
