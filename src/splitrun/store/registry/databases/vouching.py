"""Rows are believed when the entry that wrote them says the same: who edits one without the other is found.

Only the entries of the rows that are read are looked at, each by its hash, its signature and the entry after
it; whether the chain is whole is for `splitrun audit verify` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from splitrun.errors import StoreError
from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Head, Witness
from splitrun.store.chain.ring import holds
from splitrun.store.registry.databases.pen import entry_of
from splitrun.store.registry.databases.tables import entries, keys
from splitrun.store.registry.rows import Row, fingerprint
from splitrun.store.registry.writing import Sealing
from splitrun.store.said import said

__all__ = ["Trust", "followed", "trusted", "vouched"]

PAGE = 500
"""Entries that are asked for at once."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys by which entries are believed."""

    public: dict[str, str]
    """By name, base64."""
    until: dict[str, int] = field(default_factory=dict)
    """The entries that retired keys, by name: what these sign afterwards is not believed."""

    def knows(self, entry: Entry) -> bool:
        """Whether the key that an entry names may have signed it."""
        return entry.key in self.public and entry.number <= self.until.get(entry.key, entry.number)

    def signed(self, entry: Entry) -> bool:
        """Whether an entry is what was hashed, and one of these keys signed it."""
        if not entry.whole or not self.knows(entry):
            return False
        return holds(self.public[entry.key], entry.signature, entry.hash.encode("utf-8", "surrogatepass"))


def vouched(connection: Connection, sealing: Sealing, name: str, rows: Sequence[Row]) -> None:
    """Hold rows against what the entries that wrote them say.

    Args:
        connection: To the database, in the transaction that read the rows.
        sealing: The public keys that are trusted, and the witness, whose head knows the last entry.
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
    trust = trusted(connection, sealing.ring.public)
    said_of: dict[int, tuple[tuple[str, str], ...]] = {}
    for number in numbers:
        entry = chain.get(number)
        if entry is not None and not trust.knows(entry):
            raise untrusted(entry)
        if entry is None or not sound(entry, chain.get(number + 1), sealing.witness, trust):
            raise forged(name, number)
        said_of[number] = said(entry.content).rows
    for row in rows:
        number, place = int(str(row["entry"])), int(str(row["place"]))
        told = said_of[number]
        if place >= len(told) or told[place] != (name, fingerprint(name, row)):
            raise forged(name, number)


def followed(entries_: Iterable[Entry], head: Head | None, trust: Trust) -> Iterator[Entry]:
    """Give a whole chain on, each entry once it follows the one before; to be believed when it has ended.

    The head outside knows one entry by its hash, and every hash is over the one before: so all entries up to
    it are what was written. Those after it, as after a crash, must be signed with a trusted key.

    Args:
        entries_: From the first to the last.
        head: As it was read before them.
        trust: The keys that are trusted.

    Raises:
        StoreError: One of them is not what was written, or some are missing.
    """
    before: Entry | None = None
    known = 0 if head is None else head.number
    for entry in entries_:
        follows = entry.number == 1 if before is None else entry.previous == before.hash
        number = 1 if before is None else before.number + 1
        if not (follows and entry.whole and entry.number == number):
            raise broken(entry.number)
        if entry.number > known and not trust.signed(entry):
            raise broken(entry.number)
        if head is not None and entry.number == known and entry.hash != head.hash:
            raise broken(entry.number)
        yield entry
        before = entry
    if known > (0 if before is None else before.number):
        raise broken(known)


def broken(number: int) -> StoreError:
    """Say that the chain is not what was written."""
    return StoreError(
        f"entry {number:,} of the audit chain is not what was written there, or others before it are "
        "missing, so nothing that it tells is believed; run `splitrun audit verify`, then `splitrun restore` "
        "from a backup"
    )


def forged(name: str, number: int) -> StoreError:
    """Say that a row is not what was written."""
    return StoreError(
        f"a row of {name} is not what entry {number:,} of the audit chain wrote, so it is not believed; "
        "run `splitrun audit verify`, then `splitrun restore` from a backup"
    )


def untrusted(entry: Entry) -> StoreError:
    """Say that nobody vouches for who signed an entry."""
    return StoreError(
        f"entry {entry.number:,} of the audit chain is signed by {entry.key[:64]!r}, which is no key that is "
        "trusted here, or was retired before, so what it wrote is not believed; bring "
        "state/keys/public.json from a machine that writes, or run `splitrun audit verify`"
    )


def trusted(connection: Connection, outside: Mapping[str, str]) -> Trust:
    """Give the keys by which entries are believed.

    Who may write to the database could put a key of their own there. So a key is trusted that is kept
    outside, or that an entry announced which a trusted one signed. Where none is kept outside, as on a
    machine that only reads, the registry's first key is taken for one.

    Args:
        connection: To the database.
        outside: Public keys by name as they are kept outside of it.
    """
    trust = Trust(dict(outside))
    announced = connection.execute(
        select(keys.c.name, keys.c.public, keys.c.retired, keys.c.entry).order_by(keys.c.entry, keys.c.place)
    ).all()
    chain = {one.number: one for one in among(connection, sorted({row.entry for row in announced}))}
    for row in announced:
        if not trust.public:
            trust.public[row.name] = row.public
        entry = chain.get(row.entry)
        if entry is None or not trust.signed(entry):
            continue
        told = {(one.name, one.public, one.retired) for one in said(entry.content).keys}
        if (row.name, row.public, row.retired) in told:
            trust.public.setdefault(row.name, row.public)
            if row.retired:
                trust.until[row.name] = row.entry
    return trust


def among(connection: Connection, numbers: Sequence[int]) -> Iterator[Entry]:
    """Read entries by their numbers."""
    for start in range(0, len(numbers), PAGE):
        asked = select(entries).where(entries.c.number.in_(numbers[start : start + PAGE]))
        for row in connection.execute(asked).mappings():
            yield entry_of(dict(row))


def sound(entry: Entry, after: Entry | None, witness: Witness, trust: Trust) -> bool:
    """Whether an entry is what was hashed and signed, and what follows it knows it as it stands."""
    if not trust.signed(entry):
        return False
    if after is not None:
        return after.previous == entry.hash
    head = witness.read()
    return head is None or head.number != entry.number or head.hash == entry.hash
