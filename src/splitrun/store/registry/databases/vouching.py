"""Rows are believed when the entry that wrote them says the same: who edits one without the other is found.

Only the entries of the rows that are read are looked at, each by its hash, its signature and the entry after
it; whether the chain is whole is for `splitrun audit verify` to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from splitrun.errors import StoreError
from splitrun.store.canonical import sha
from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Witness
from splitrun.store.chain.ring import holds
from splitrun.store.registry.databases.pen import entry_of
from splitrun.store.registry.databases.tables import entries, keys
from splitrun.store.registry.rows import Row, fingerprint
from splitrun.store.said import said

__all__ = ["vouched"]

PAGE = 500
"""Entries that are asked for at once."""


def vouched(connection: Connection, witness: Witness, name: str, rows: Sequence[Row]) -> None:
    """Hold rows against what the entries that wrote them say.

    Args:
        connection: To the database, in the transaction that read the rows.
        witness: Keeps the head, which knows the last entry.
        name: The rows' table.
        rows: With all their columns.

    Raises:
        StoreError: A row, or the entry that wrote it, is not what was written.
    """
    numbers = sorted({int(str(row["entry"])) for row in rows})
    if not numbers:
        return
    wanted = sorted({*numbers, *(number + 1 for number in numbers)})
    chain = {entry.number: entry for entry in among(connection, wanted)}
    public = {one.name: one.public for one in connection.execute(select(keys.c.name, keys.c.public))}
    said_of: dict[int, tuple[tuple[str, str], ...]] = {}
    for number in numbers:
        entry = chain.get(number)
        if entry is None or not sound(entry, chain.get(number + 1), witness, public):
            raise forged(name, number)
        said_of[number] = said(entry.content).rows
    for row in rows:
        number, place = int(str(row["entry"])), int(str(row["place"]))
        told = said_of[number]
        if place >= len(told) or told[place] != (name, fingerprint(name, row)):
            raise forged(name, number)


def forged(name: str, number: int) -> StoreError:
    """Say that a row is not what was written."""
    return StoreError(
        f"a row of {name} is not what entry {number:,} of the audit chain wrote, so it is not believed; "
        "run `splitrun audit verify`, then `splitrun restore` from a backup"
    )


def among(connection: Connection, numbers: Sequence[int]) -> Iterator[Entry]:
    """Read entries by their numbers."""
    for start in range(0, len(numbers), PAGE):
        asked = select(entries).where(entries.c.number.in_(numbers[start : start + PAGE]))
        for row in connection.execute(asked).mappings():
            yield entry_of(dict(row))


def sound(entry: Entry, after: Entry | None, witness: Witness, public: dict[str, str]) -> bool:
    """Whether an entry is what was hashed and signed, and what follows it knows it as it stands."""
    if sha(entry.body().encode("utf-8", "surrogatepass")) != entry.hash or entry.key not in public:
        return False
    if not holds(public[entry.key], entry.signature, entry.hash.encode("utf-8", "surrogatepass")):
        return False
    if after is not None:
        return after.previous == entry.hash
    head = witness.read()
    return head is None or head.number != entry.number or head.hash == entry.hash
