"""What may be asked of a registry: who, why, in texts that every database keeps, without ids of units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from splitrun.errors import StoreError
from splitrun.store.canonical import Json, canonical, digest, flat, value_of
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change

__all__ = ["LARGEST", "RESERVED", "listing", "mapping", "object_of", "purpose", "sound"]

LARGEST = 65_536
"""Bytes of an entry's content as it is handed in."""

RESERVED = ("keys", "wrote")
"""Names inside an entry's content that the registry writes itself."""

IDS = frozenset({"ids", "raw_id", "raw_ids", "targeting_key", "unit_id", "unit_ids", "user_id", "user_ids"})
"""Names under which ids of units would stand; the chain outlives every erasure, so none may enter it."""


def sound(change: Change) -> None:
    """Refuse a change that could not be kept, or that nobody answers for.

    Raises:
        StoreError: What is wrong, and what to do.
    """
    if not change.actor.strip():
        raise StoreError("nobody is named as the actor of this change; say who does it")
    if not change.remarks:
        raise StoreError("nothing is said of this change; give it a remark with verb, subject and reason")
    if change.moves and not (change.remarks[0].reason or "").strip():
        moved = ", ".join(f"{one.experiment!r} to {one.state.value}" for one in change.moves)
        raise StoreError(f"no reason is given for moving {moved}; say why")
    for name, written in texts(change):
        clean(name, written)
    for remark in change.remarks:
        content(remark)
    for body in bodies(change):
        if canonical(value_of(body)) != body:
            raise StoreError(f"this is no canonical JSON: {body[:60]!r}; write it with `canonical`")


def texts(change: Change) -> Iterator[tuple[str, str | None]]:
    """Every text of a change, with what it is."""
    yield from (("actor", change.actor), ("token", change.token))
    for remark in change.remarks:
        yield from (("verb", remark.verb), ("subject", remark.subject), ("reason", remark.reason))
        yield from (("project", remark.project), ("environment", remark.environment))
    for writing in change.writings:
        yield from (("project", writing.project), ("key", writing.key), ("body", writing.body))
    for move in change.moves:
        yield from (("project", move.project), ("environment", move.environment))
        yield from (("experiment", move.experiment), ("plan", move.plan))
    for seal in change.seals:
        yield from (("project", seal.project), ("experiment", seal.experiment), ("body", seal.body))
    for one in change.publications:
        yield from (("project", one.project), ("environment", one.environment), ("digest", one.digest))
    for key in change.keys:
        yield from (("name of a key", key.name), ("public key", key.public))


def clean(name: str, written: str | None) -> None:
    """Refuse what PostgreSQL or Unicode cannot carry.

    Raises:
        StoreError: The text holds a zero character or half a surrogate pair.
    """
    if written is None:
        return
    if "\x00" in written:
        raise StoreError(f"the {name} {written[:40]!r} holds a zero character; leave it out")
    digest(written)


def content(remark: Remark) -> None:
    """Refuse content that is too large, takes the registry's own names, or names units.

    Raises:
        StoreError: What is wrong, and what to do.
    """
    said = value_of(remark.content)
    if not mapping(said) or canonical(said) != remark.content:
        raise StoreError(
            f"the content of {remark.verb!r} is no JSON object in canonical form: {remark.content[:60]!r}; "
            "write it with `canonical`"
        )
    if len(remark.content.encode()) > LARGEST:
        raise StoreError(
            f"the content of {remark.verb!r} has more than {LARGEST:,} bytes; keep its digest instead"
        )
    taken = [name for name in RESERVED if name in said]
    if taken:
        raise StoreError(f"{taken[0]!r} in an entry is written by the registry itself; choose another name")
    named = next((name for name in names(said) if name.lower() in IDS), None)
    if named is not None:
        raise StoreError(
            f"the content of {remark.verb!r} holds {named!r}, and ids of units never enter the audit chain, "
            "which outlives every erasure; give a number of units, or a digest under a key of your own"
        )


def object_of(text: str) -> Mapping[str, Json]:
    """Read a JSON object that was kept.

    Raises:
        StoreError: It is none.
    """
    value = value_of(text)
    if not mapping(value):
        raise StoreError(f"what is kept is no JSON object: {text[:60]!r}; run `splitrun audit verify`")
    return value


def mapping(value: Json) -> TypeGuard[Mapping[str, Json]]:
    """Whether this is a JSON object."""
    return type(value) is dict


def listing(value: Json) -> TypeGuard[Sequence[Json]]:
    """Whether this is a JSON list."""
    return type(value) is list


def names(value: Json) -> Iterator[str]:
    """Every name in a JSON value, however deep."""
    if mapping(value):
        for name, inner in value.items():
            yield name
            yield from names(inner)
    elif listing(value):
        for inner in value:
            yield from names(inner)


def bodies(change: Change) -> Iterator[str]:
    """Every text of a change that has to be canonical JSON."""
    yield from (writing.body for writing in change.writings if writing.body is not None)
    yield from (move.details for move in change.moves)
    for seal in change.seals:
        yield from (seal.body, seal.facts)


def purpose(change: Change) -> str:
    """Who does what to what: by this a change is known again under its token."""
    said = [
        flat({"verb": one.verb, "subject": one.subject, "project": one.project}) for one in change.remarks
    ]
    return digest(canonical({"actor": change.actor, "remarks": said}))
