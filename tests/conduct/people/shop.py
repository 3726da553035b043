"""A project whose units send events, and a look at every byte that is kept of one of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.json import encode

from splitrun.conduct.collecting.assembled import committer_of, spool_of
from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.people.place import keys_of
from splitrun.sdk.event import Alias, Batch, Event, Exposure, Unit
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import Table
from splitrun.store.people.place import marks_at
from splitrun.store.spool.cipher import ADDED
from splitrun.store.spool.parcel import Origin, Parcel

__all__ = [
    "AT",
    "TIME",
    "alias",
    "event",
    "exposure",
    "found",
    "ids",
    "project",
    "put",
    "rows",
    "send",
    "stored",
    "unit",
]

TIME = "2026-11-22T08:00:00.000000Z"
AT = 1_795_334_400_000_000_000
"""2026-11-22T08:00:00Z in nanoseconds since 1970, by `date -d ... +%s`."""


def project(root: Path, more: str = "") -> Path:
    root.mkdir(exist_ok=True)
    (root / "splitrun.yaml").write_text(f"project: shop\nenvironments: [production, staging]\n{more}")
    return root


def unit(name: str) -> Unit:
    return Unit("user", name)


def event(number: int, of: str, **more: object) -> Event:
    return Event(
        f"{'e' * 16}{number:016x}", TIME, unit(of), "purchase", 1.5, properties={"number": number, **more}
    )


def exposure(number: int, of: str, variant: str = "control", *, trigger: bool = False) -> Exposure:
    return Exposure(
        f"{'f' * 16}{number:016x}", TIME, unit(of), "flag", "test", 1, 1, variant, 9, "SPLIT",
        trigger=trigger, attributes={"country": "DE"},
    )  # fmt: skip


def alias(number: int, was: str, of: str) -> Alias:
    return Alias(f"{'a' * 16}{number:016x}", TIME, unit(of), unit(was))


def send(
    events: Sequence[Exposure | Event | Alias],
    *,
    environment: str = "production",
    packed: bool = False,
    at: int = AT,
) -> Parcel:
    body = encode(Batch(TIME, "splitrun-python/0.1.0", list(events)))
    origin = Origin("shop", environment, "sdk", at)
    return Parcel(origin, len(events), gzip.compress(body) if packed else body, packed)


def put(root: Path, *parcels: Parcel) -> None:
    spool = spool_of(root)
    with spool.connection() as write:
        spool.keep(write, parcels)


def stored(root: Path, *parcels: Parcel) -> Committer:
    """Bring parcels into the lake, as the server does."""
    put(root, *parcels)
    one = committer_of(root)
    while one.flush() is not None:
        pass
    one.close()
    return one


def rows(root: Path, table: Table = Table.EVENTS, environment: str = "production") -> pa.Table:
    """Read a table through nothing but its log and pyarrow."""
    from deltalake import DeltaTable  # noqa: PLC0415  # only where a table is read

    delta = DeltaTable(str(root / "state" / "lake" / "shop" / environment / table))
    parts = [pq.read_table(file, partitioning=None) for file in delta.file_uris()]
    return pa.concat_tables(parts, promote_options="default")


def ids(root: Path, table: Table = Table.EVENTS, environment: str = "production") -> list[str]:
    return sorted(str(one) for one in rows(root, table, environment)["event_id"].to_pylist())


def found(root: Path, names: Sequence[str], keys: Sequence[int] | None = None) -> list[str]:
    """Look for ids and pseudonyms in every file of an installation, in whatever form they may stand there."""
    if keys is None:
        keys = [key for of in keys_of(root, [unit(name) for name in names]).values() for key in of]
    wanted = [name.encode() for name in names]
    for key in keys:
        wanted += [key.to_bytes(8, order, signed=True) for order in ("little", "big")]
        wanted += [str(key).encode(), f"{key & (1 << 64) - 1:x}".encode(), str(key & (1 << 64) - 1).encode()]
    return [
        f"{file.relative_to(root)} ({what}): {one!r}"
        for file in sorted(root.rglob("*"))
        if file.is_file()
        for what, body in forms(root, file)
        for one in wanted
        if one in body
    ]


def forms(root: Path, file: Path) -> Iterator[tuple[str, bytes]]:
    """Give the bytes of a file, raw and as whoever holds the keys could have them."""
    body = file.read_bytes()
    yield "raw", body
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            yield "statistics", repr(parquet.metadata.to_dict()).encode()
            for group in range(parquet.num_row_groups):
                for column in parquet.schema_arrow.names:
                    part = parquet.read_row_group(group, columns=[column])
                    yield column, repr(part.to_pylist()).encode()
                    for buffer in (one for chunk in part[column].chunks for one in chunk.buffers()):
                        yield column, b"" if buffer is None else buffer.to_pybytes()
    if file.name.startswith("spool.db"):
        yield from opened(root, body)
    if file.name == "marks":
        marks = marks_at(root)
        yield "opened", repr(sorted(marks.keys(marks.read()))).encode()


def opened(root: Path, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Open what the spool holds; and say where in the file a body that was let go of can still be opened."""
    spool = spool_of(root)
    for one in spool.pending():
        yield "parcel", gzip.decompress(one.body) if one.packed else one.body
    for letter in spool.letters():
        yield "letter", letter.body
    # closed bodies begin with the name of their key: none but those that are there may stand in the file
    name = spool.cipher.closed([(b"", b"")])[0][: ADDED - 12 - 16]
    there = len(spool.pending()) + len(spool.letters())
    if body.count(name) > there:
        yield "left over", b"".join([b"a closed body was left over", *[b""]]) + b"left over"


def lake(root: Path) -> Lake:
    return Lake(str(root / "state" / "lake"))
