"""The proof that nothing is kept longer than it may, read from the stores and not from what was ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.collecting.letting import EPOCH, SPOOLED, before
from splitrun.conduct.collecting.retention import DROP, keeps
from splitrun.conduct.data.mapping import opened, project_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import home
from splitrun.errors import StoreError
from splitrun.spec.project import Project
from splitrun.store.lake.place import Folder, told
from splitrun.store.lake.tables import PARTITION, Table
from splitrun.store.spool.aged import oldest

__all__ = ["Kept", "Proof", "proof_form", "proved"]

LEAVING = timedelta(days=2)
"""How much longer than its day a file may lie on disk: it is removed a day after its day went."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one store keeps, and how old the oldest of it is."""

    store: str
    environment: str
    limit: str
    """How long it may be kept; empty: for ever."""
    rows: int
    oldest: str | None
    """The moment of its oldest row, as it was read; None where there is none."""
    older: int
    """Rows, or files of days that went, that are older than they may be."""

    @property
    def fine(self) -> bool:
        """Whether nothing older is there."""
        return self.older == 0


@dataclass(frozen=True, slots=True)
class Proof:
    """What all stores of a project keep."""

    at: str
    kept: tuple[Kept, ...]
    drops: int
    """Entries of the audit chain that say what was let go of."""

    @property
    def fine(self) -> bool:
        """Whether nothing older is there in any of them."""
        return all(one.fine for one in self.kept)


def proved(place: Path, desk: Desk | None = None) -> Proof:
    """Read every row's moment, and every file's day, and hold them against the retention.

    Args:
        place: A folder of the project.
        desk: The clock.

    Raises:
        SpecError: There is no project, or its settings have mistakes.
        StoreError: A store cannot be read.
    """
    root, project = project_of(place)
    now = (desk or Desk()).now()
    return Proof(
        now.isoformat(), (*laid(root, project, now), *spooled(root, project, now)), drops(root, project, now)
    )


def laid(root: Path, project: Project, now: datetime) -> Iterator[Kept]:
    """Read the tables of the lake."""
    lake, days = lake_of(root), keeps(project)
    for name, environment, table in lake.tables():
        if name == project.project:
            many = days.get((name, table))
            yield read(lake.folder(name, environment, table), environment, table, (many, now))


def read(folder: Folder, environment: str, table: Table, limit: tuple[int | None, datetime]) -> Kept:
    """Read the moments of a table's rows, file by file, and look for files of days that went."""
    many, now = limit
    edge = None if many is None else now.astimezone(UTC).date() - timedelta(days=many)
    system, root = folder.files()
    rows = older = 0
    first: datetime | None = None
    try:
        for file in opened(folder).file_uris():
            path = f"{root}/{PARTITION}={file.rpartition(f'{PARTITION}=')[2]}"
            times = pq.read_table(path, columns=["time"], filesystem=system, partitioning=None)["time"]
            rows += len(times)
            least = pc.min(times).as_py()
            first = least if first is None or (least is not None and least < first) else first
            if edge is not None:
                older += len(times.filter(pc.less(pc.cast(times, pa.date32()), pa.scalar(edge))))
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the table {folder.uri} cannot be read ({told(error)}); look at disk and rights"
        ) from error
    older += left(folder, edge)
    said = "" if many is None else f"{many} days"
    return Kept(f"lake/{table}", environment, said, rows, None if first is None else first.isoformat(), older)


def left(folder: Folder, edge: date | None) -> int:
    """Count files of days that should have been removed, whether the table names them or not."""
    if edge is None or folder.local is None:
        return 0
    days = {
        path: path.parent.name.removeprefix(f"{PARTITION}=")
        for path in folder.local.glob(f"{PARTITION}=*/*.parquet")
    }
    return sum(day < (edge - LEAVING).isoformat() for day in days.values())


def spooled(root: Path, project: Project, now: datetime) -> Iterator[Kept]:
    """Read the spool: what waits, and dead letters."""
    if not (root / "state" / "spool.db").is_file():
        return
    spool = spool_of(root)
    for table, kept in SPOOLED.items():
        edge, how = before(project, kept, now)
        rows, first = oldest(spool, table)
        at = None if first is None else EPOCH + timedelta(microseconds=first // 1_000)
        older = oldest(spool, table, edge)[0]
        yield Kept(f"spool/{table}", "", how, rows, None if at is None else at.isoformat(), older)


def drops(root: Path, project: Project, now: datetime) -> int:
    """Count the entries of the chain that say what was let go of."""
    where = home(root)
    if not where.there:
        return 0
    with where.registry(now) as registry:
        return sum(one.verb == DROP for one in registry.entries(project=project.project))


def proof_form(found: Proof) -> dict[str, object]:
    """Write a proof in the form `splitrun.retention/1`."""
    return {
        "form": "splitrun.retention/1",
        "at": found.at,
        "fine": found.fine,
        "drops": found.drops,
        "kept": [{**asdict(one), "limit": one.limit or None, "fine": one.fine} for one in found.kept],
    }
