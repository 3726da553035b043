"""Hold a registry against its chain, its keys and its head: every entry, every row, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from splitrun.errors import StoreError
from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Head
from splitrun.store.chain.ring import holds
from splitrun.store.registry.registry import Record, Registry
from splitrun.store.said import Said, said

__all__ = ["Fault", "Tampering", "Verification", "verify"]

TOLD = 100
"""Faults that are told one by one; the others are counted."""

NEAR = 64
"""How far an entry is looked for around the place where it stands."""

STEP = 10_000
"""Entries between two words of progress."""


class Tampering(StrEnum):
    """What was done, as far as it can be told."""

    EDITED = "edited"
    """An entry no longer has the hash that it was given."""
    MOVED = "moved"
    """An entry stands under another number than it was given."""
    MISSING = "missing"
    INSERTED = "inserted"
    UNLINKED = "unlinked"
    """An entry does not follow the one before it: something was taken out, put in or put elsewhere."""
    FORGED = "forged"
    """An entry or head that no key of this registry signed."""
    ROWS = "rows"
    """A document, life, plan, ruleset or key is not what its entry says."""
    CUT = "cut"
    """The end is missing: the tail was cut, or the database is an older copy."""
    REPLACED = "replaced"
    """The entry that the head knows is another one."""
    STRANGER = "stranger"
    """The head belongs to another registry."""
    HEADLESS = "headless"
    """There is no head."""
    DAMAGED = "damaged"
    """The database cannot be read, or finds itself damaged."""
    GUARDS = "guards"
    """The triggers that refuse to change rows were taken off, or others were put there."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written."""

    kind: Tampering
    number: int
    """The entry; 0 where it concerns none."""
    says: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found."""

    registry: str | None
    """The registry's own name; none where nothing was ever written."""
    entries: int
    rows: int
    faults: tuple[Fault, ...]
    """The first of them, in the order of the chain."""
    found: int
    """How many there are."""
    behind: int
    """Entries that the head does not know yet, signed like the others: a crash after a commit."""
    backwards: int
    """Entries whose moment lies before that of the entry before them: clocks differ, or one was changed."""
    head: Head | None

    @property
    def fine(self) -> bool:
        """Whether nothing was tampered with."""
        return not self.found


@dataclass(slots=True)
class Walk:
    """How far a verification has come."""

    keys: dict[str, str]
    """Public keys that are trusted, by name."""
    head: Head | None
    signing: set[str] = field(default_factory=set)
    """Names of keys that may sign the next entry."""
    faults: list[Fault] = field(default_factory=list)
    found: int = 0
    rows: int = 0
    entries: int = 0
    backwards: int = 0
    name: str | None = None
    last: Entry | None = None
    witnessed: str | None = None
    """The hash of the entry that the head knows."""

    def fault(self, kind: Tampering, number: int, says: str) -> None:
        """Note a fault; only the first ones are kept."""
        self.found += 1
        if len(self.faults) < TOLD:
            self.faults.append(Fault(kind, number, says))


def verify(
    registry: Registry,
    head: Head | None,
    keys: Mapping[str, str],
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Verify a registry, while others may write to it.

    Args:
        registry: What is verified.
        head: The head as it was kept outside, read before this is called; none: there is none.
        keys: Public keys that are trusted, base64 by name, from a file outside of the database. A key that an
            entry signed by a trusted one announces is trusted too.
        progress: Is told in words how far it has come.

    Returns:
        What was found. Memory does not grow with the chain.
    """
    walk = Walk(dict(keys), head)
    tell = progress or (lambda _: None)
    try:
        for says in registry.integrity():
            walk.fault(Tampering.DAMAGED, 0, says)
        end = registry.last()
        total = 0 if end is None else end.number
        followed(walk, registry, total, tell)
        for says in registry.guards():
            walk.fault(Tampering.GUARDS, 0, says)
    except StoreError as error:
        walk.fault(Tampering.DAMAGED, 0 if walk.last is None else walk.last.number, str(error))
    topped(walk)
    known = 0 if head is None else head.number
    tail = 0 if walk.last is None else walk.last.number
    return Verification(
        registry=walk.name,
        entries=walk.entries,
        rows=walk.rows,
        faults=tuple(walk.faults),
        found=walk.found,
        behind=max(0, tail - known) if head is not None and head.registry == walk.name else 0,
        backwards=walk.backwards,
        head=head,
    )


def followed(walk: Walk, registry: Registry, total: int, tell: Callable[[str], None]) -> None:
    """Go along the chain and the rows beside it."""
    rows = registry.records(total)
    waiting = next(rows, None)
    for entry in registry.entries(until=total):
        told = checked(walk, entry)
        waiting = beside(walk, rows, waiting, (entry.number, told))
        walk.entries += 1
        walk.last = entry
        if not walk.entries % STEP:
            tell(f"verified {walk.entries:,} of {total:,} entries")
    while waiting is not None:
        walk.fault(
            Tampering.ROWS, waiting.entry, f"a row of {waiting.table} belongs to no entry that is there"
        )
        waiting = next(rows, None)


def checked(walk: Walk, entry: Entry) -> Said:
    """Check an entry by itself and against the one before; give what it says of rows and keys."""
    expected = 1 if walk.last is None else walk.last.number + 1
    whole = entry.whole
    if entry.number > expected:
        gone = (
            f"entry {expected:,} is"
            if entry.number == expected + 1
            else f"{expected:,} to {entry.number - 1:,} are"
        )
        walk.fault(Tampering.MISSING, expected, f"{gone} missing")
    elif entry.number < expected:
        walk.fault(Tampering.INSERTED, entry.number, f"{entry.number:,} stands where {expected:,} is due")
    if not whole:
        walk.fault(*altered(entry))
    linked(walk, entry, intact=whole and entry.number == expected)
    told = said(entry.content)
    signed(walk, entry, told, whole=whole)
    if walk.last is not None and entry.at < walk.last.at:
        walk.backwards += 1
    if walk.head is not None and entry.number == walk.head.number:
        walk.witnessed = entry.hash
    return told


def altered(entry: Entry) -> tuple[Tampering, int, str]:
    """Tell an entry that was edited from one that was put elsewhere."""
    for by in range(1, NEAR + 1):
        for number in (entry.number - by, entry.number + by):
            if replace(entry, number=number).whole:
                return Tampering.MOVED, entry.number, f"what stands here was written as entry {number:,}"
    return (
        Tampering.EDITED,
        entry.number,
        f"{entry.verb!r} of {entry.subject!r} by {entry.actor!r} is not what was written",
    )


def linked(walk: Walk, entry: Entry, *, intact: bool) -> None:
    """Check that an entry follows the one before it."""
    if walk.last is None:
        walk.name = entry.previous if entry.number == 1 else None
    elif intact and entry.previous != walk.last.hash:
        walk.fault(
            Tampering.UNLINKED,
            entry.number,
            f"it does not follow entry {walk.last.number:,} as that stands here",
        )


def signed(walk: Walk, entry: Entry, told: Said, *, whole: bool) -> None:
    """Check who signed an entry; take up the keys that it announces and retires, if it is sound."""
    first = walk.last is None
    if entry.key not in walk.keys or (entry.key not in walk.signing and not first):
        walk.fault(
            Tampering.FORGED, entry.number, f"it is signed by {entry.key!r}, which is no key that may sign it"
        )
        return
    if not holds(walk.keys[entry.key], entry.signature, entry.hash.encode("utf-8", "surrogatepass")):
        walk.fault(Tampering.FORGED, entry.number, f"the signature is not by {entry.key!r}")
        return
    if not whole:
        return
    if first:
        walk.signing.add(entry.key)
    for key in told.keys:
        if walk.keys.setdefault(key.name, key.public) != key.public:
            says = f"it announces a key {key.name!r} which is not the one that is trusted"
            walk.fault(Tampering.FORGED, entry.number, says)
        elif key.retired:
            walk.signing.discard(key.name)
        else:
            walk.signing.add(key.name)


def beside(
    walk: Walk, rows: Iterator[Record], waiting: Record | None, entry: tuple[int, Said]
) -> Record | None:
    """Compare the rows of an entry with what it says of them; give the first row of a later one."""
    number, told = entry
    place = 0
    while waiting is not None and waiting.entry <= number:
        due = told.rows[place] if waiting.entry == number and place < len(told.rows) else None
        if due != (waiting.table, waiting.digest) or waiting.place != place:
            walk.fault(
                Tampering.ROWS, waiting.entry, f"a row of {waiting.table} is not what entry {number:,} wrote"
            )
        walk.rows += 1
        place += waiting.entry == number
        waiting = next(rows, None)
    if place < len(told.rows):
        walk.fault(
            Tampering.ROWS,
            number,
            f"{len(told.rows) - place} of the {len(told.rows)} rows it wrote are missing",
        )
    return waiting


def topped(walk: Walk) -> None:
    """Hold the end of the chain against the head."""
    head, tail = walk.head, 0 if walk.last is None else walk.last.number
    if head is None:
        if tail:
            says = "there is no head outside of the database, so that a cut tail would not be seen"
            walk.fault(Tampering.HEADLESS, tail, says)
        return
    if walk.name is not None and head.registry != walk.name:
        walk.fault(Tampering.STRANGER, 0, "the head outside of the database belongs to another registry")
        return
    if head.key not in walk.keys or not holds(walk.keys[head.key], head.signature, head.signed()):
        walk.fault(Tampering.FORGED, head.number, "the head is not signed by a key of this registry")
    if head.number > tail:
        says = f"the chain ends at entry {tail:,}, and its head knows {head.number:,}: cut, or an older copy"
        walk.fault(Tampering.CUT, tail + 1, says)
    elif head.number and walk.witnessed != head.hash:
        says = f"entry {head.number:,} is not the one that the head knows"
        walk.fault(Tampering.REPLACED, head.number, says)
