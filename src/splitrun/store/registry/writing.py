"""How a change becomes rows and entries: the same in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Protocol

from splitrun.errors import ConflictError, StoreError
from splitrun.store.canonical import Json, as_text, canonical, sha
from splitrun.store.chain.entry import Entry, Remark
from splitrun.store.chain.head import Head, Witness
from splitrun.store.chain.ring import Ring, Signer, holds
from splitrun.store.registry.asked import object_of, purpose, sound
from splitrun.store.registry.change import Change, KeyChange, Receipt
from splitrun.store.registry.conflicts import successors
from splitrun.store.registry.documents import Document, KeptKey, Life, SealedPlan
from splitrun.store.registry.objects import Objects
from splitrun.store.registry.rows import Kept, Token, columns, fingerprint, table

__all__ = ["Pen", "Sealing", "announced", "headed", "same_key", "written"]

FIRST = "the first key of this registry"


class Pen(Objects, Protocol):
    """One transaction that may write, while nobody else may."""

    def tail(self) -> Entry | None:
        """The last entry."""
        ...

    def entry(self, number: int) -> Entry | None:
        """An entry by its number."""
        ...

    def told(self, token: str) -> tuple[Token, int] | None:
        """A change that was written under a token, and its first entry."""
        ...

    def add(self, entries: Sequence[Entry], kept: Sequence[Kept]) -> None:
        """Write entries, and the rows that belong to the first of them."""
        ...


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a registry signs with, and who keeps its head."""

    ring: Ring
    witness: Witness


def written(change: Change, pen: Pen, sealing: Sealing) -> tuple[Receipt, Head | None]:
    """Write a change inside a transaction.

    Returns:
        What was written, and the head to keep once the transaction is committed; none where nothing was.

    Raises:
        ConflictError: Something was changed since it was read.
        StoreError: The change cannot be kept, or the chain is not the one that the head knows.
    """
    sound(change)
    if change.token is not None and (before := pen.told(change.token)) is not None:
        return again(change, pen, *before), None
    known = pen.keys()
    signer = sealing.ring.signer(staying(known, change.keys) if known else None)
    same_key(signer.name, signer.public, known)
    name = anchored(pen, pen.tail(), sealing.witness, signer, as_text(change.at))
    if not known and signer.name not in {one.name for one in change.keys}:
        added(introduction(change, signer), pen, signer, name)
    receipt = added(change, pen, signer, name)
    return receipt, headed(name, receipt.entries[-1], signer)


def added(change: Change, pen: Pen, signer: Signer, name: str) -> Receipt:
    """Add the rows and entries of a change after the last entry there is."""
    tail = pen.tail()
    first = 1 if tail is None else tail.number + 1
    kept = successors(change, pen, first)
    if change.token is not None:
        kept = (*kept, Token(change.token, purpose(change), len(change.remarks)))
    entries = chained(change, kept, signer, (first, name if tail is None else tail.hash))
    pen.add(entries, kept)
    return Receipt(
        entries,
        tuple(one for one in kept if type(one) is Document),
        tuple(one for one in kept if type(one) is Life),
        tuple(one for one in kept if type(one) is SealedPlan),
    )


def again(change: Change, pen: Pen, token: Token, first: int) -> Receipt:
    """Give the receipt of a change that was written before.

    Raises:
        ConflictError: The token was used for something else.
    """
    found = (pen.entry(number) for number in range(first, first + token.entries))
    entries = tuple(one for one in found if one is not None)
    if token.purpose != purpose(change):
        raise ConflictError(
            f"the token {token.token!r} stands for another change already, entry {first}; use a new one"
        )
    return Receipt(entries, repeated=True)


def announced(keys: Sequence[KeptKey]) -> dict[str, str]:
    """The public keys that may sign, by name."""
    known: dict[str, str] = {}
    for key in keys:
        if key.retired:
            known.pop(key.name, None)
        else:
            known[key.name] = key.public
    return known


def staying(keys: Sequence[KeptKey], changes: Sequence[KeyChange]) -> frozenset[str]:
    """The names that may sign a change: announced, and not about to be retired by it."""
    leaving = {one.name for one in changes if one.retired}
    return frozenset(announced(keys)) - leaving


def same_key(name: str, public: str, known: Sequence[KeptKey]) -> None:
    """Refuse a key that bears the name of an announced one and is another.

    Raises:
        StoreError: The chain would be forged by it.
    """
    if announced(known).get(name, public) != public:
        raise StoreError(
            f"the key {name!r} at hand is not the one that the audit chain knows by this name, so nothing is "
            "written; put the right key files back"
        )


def introduction(change: Change, signer: Signer) -> Change:
    """Announce the first key of a registry; it signs its own announcement."""
    said = Remark("announce-key", f"key/{signer.name}", FIRST)
    return Change(change.at, change.actor, (said,), keys=(KeyChange(signer.name, signer.public),))


def anchored(pen: Pen, tail: Entry | None, witness: Witness, signer: Signer, at: str) -> str:
    """Hold the chain against the head outside before anything is added to it; give the registry's name.

    Whatever was cut off would otherwise be covered by what is written next.

    Raises:
        StoreError: The chain is not the one that the head knows, or there is no head.
    """
    head = witness.read()
    if tail is None:
        if head is not None and head.number > 0:
            raise stale(f"it is empty, and its head knows {head.number:,} entries")
        # a head of zero entries goes before the first one, so that a missing head is never an honest crash
        name = token_hex(32) if head is None else head.registry
        if head is None:
            witness.keep(headed_at(name, (0, name), signer, at))
        return name
    name = named(pen)
    if head is None:
        raise stale("there is no head beside it; on a new machine run `splitrun audit verify --adopt` once")
    if head.registry != name:
        raise stale("the head beside it belongs to another registry")
    if head.number > tail.number:
        raise stale(f"it ends at entry {tail.number:,}, and its head knows {head.number:,}")
    known = pen.entry(head.number) if head.number else None
    if head.number and (known is None or known.hash != head.hash):
        raise stale(f"its entry {head.number:,} is not the one that the head knows")
    unwitnessed(pen, known, tail)
    return name


def unwitnessed(pen: Pen, last: Entry | None, tail: Entry) -> None:
    """Hold the entries that the head does not know yet against each other: there are few, after a crash.

    Raises:
        StoreError: One is missing, was changed, follows not the one before, or no key that may has signed it.
    """
    keys = pen.keys()
    for number in range(0 if last is None else last.number, tail.number):
        entry = pen.entry(number + 1)
        follows = entry is not None and (last is None or entry.previous == last.hash) and entry.whole
        if entry is None or not follows or not vouched(keys, entry):
            raise stale(f"its entry {number + 1:,}, which the head does not know, does not follow the others")
        last = entry


def vouched(keys: Sequence[KeptKey], entry: Entry) -> bool:
    """Whether an announced key signed an entry, before one retired it."""
    signing = announced([one for one in keys if not one.retired or one.entry < entry.number])
    data = entry.hash.encode("utf-8", "surrogatepass")
    return entry.key in signing and holds(signing[entry.key], entry.signature, data)


def named(pen: Pen) -> str:
    """The registry's own name: what its first entry gives as the hash before it.

    Raises:
        StoreError: There is no first entry.
    """
    first = pen.entry(1)
    if first is None:
        raise stale("it has no first entry")
    return first.previous


def stale(what: str) -> StoreError:
    """Say that a registry is not what it was."""
    return StoreError(
        f"the registry was replaced or cut: {what}; nothing is written; run `splitrun audit verify`, then "
        "`splitrun restore` from a backup"
    )


def chained(
    change: Change, kept: Sequence[Kept], signer: Signer, after: tuple[int, str]
) -> tuple[Entry, ...]:
    """Make the entries of a change, signed, each with the hash of the one before.

    Args:
        change: What is said.
        kept: The rows that are written with it, which the first entry names.
        signer: Who signs.
        after: The first number, and the hash of the entry before.
    """
    number, previous = after
    entries = []
    for index, remark in enumerate(change.remarks):
        content = remark.content if index else named_rows(remark.content, kept)
        bare = Entry(
            number=number + index,
            at=as_text(change.at),
            actor=change.actor,
            verb=remark.verb,
            project=remark.project,
            environment=remark.environment,
            subject=remark.subject,
            reason=remark.reason,
            content=content,
            previous=previous,
            hash="",
            key=signer.name,
            signature="",
        )
        previous = sha(bare.body().encode())
        entries.append(replace(bare, hash=previous, signature=signer.signature(previous.encode())))
    return tuple(entries)


def named_rows(content: str, kept: Sequence[Kept]) -> str:
    """Add to an entry's content which rows were written with it, and which keys hold from now on.

    `keys` and `wrote` are spliced in canonical order by writing the whole object anew.
    """
    if not kept:
        return content
    wrote: list[Json] = []
    keys: list[Json] = []
    for one in kept:
        name = table(one)
        wrote.append({"digest": fingerprint(name, columns(one)), "table": name})
        match one:
            case KeptKey(name=key, public=public, retired=retired):
                keys.append({"name": key, "public": public, "retired": retired})
            case _:
                pass
    return canonical({**object_of(content), "wrote": wrote, **({"keys": keys} if keys else {})})


def headed(name: str, last: Entry, signer: Signer) -> Head:
    """Sign the head of a chain."""
    return headed_at(name, (last.number, last.hash), signer, last.at)


def headed_at(name: str, where: tuple[int, str], signer: Signer, at: str) -> Head:
    """Sign a head by the number and hash of its entry."""
    bare = Head(name, where[0], where[1], at, signer.name)
    return replace(bare, signature=signer.signature(bare.signed()))
