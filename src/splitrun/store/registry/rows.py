"""Values as rows of tables and back; a row's digest, by which the chain knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from splitrun.errors import StoreError
from splitrun.store.canonical import as_moment, as_text, digest, flat, sha
from splitrun.store.registry.documents import Document, KeptKey, KeptRuleset, Kind, Life, SealedPlan, State

__all__ = [
    "TABLES", "Columns", "Kept", "Row", "Token", "columns", "document", "fingerprint", "kept_key", "life",
    "perhaps", "plan", "ruleset", "table", "text", "token", "whole",
]  # fmt: skip

Cell: TypeAlias = str | int | bool | bytes | None
Columns: TypeAlias = dict[str, Cell]
Row: TypeAlias = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Token:
    """A change that was written under a name of its own."""

    token: str
    purpose: str
    """Digest of who did what to what."""
    entries: int
    """How many entries it made, from the one that this row belongs to."""


Kept: TypeAlias = Document | KeptKey | KeptRuleset | Life | SealedPlan | Token

TABLES: dict[type[Kept], str] = {
    Document: "documents",
    KeptKey: "keys",
    KeptRuleset: "rulesets",
    Life: "lives",
    SealedPlan: "plans",
    Token: "tokens",
}
"""Where each is kept."""


def table(value: Kept) -> str:
    """The table that a value is kept in."""
    return TABLES[type(value)]


def fingerprint(name: str, row: Row) -> str:
    """The digest of a row: of all its columns but the entry it belongs to, and its table."""
    shown = {
        column: sha(value) if type(value) is bytes else value
        for column, value in row.items()
        if column not in {"entry", "place"}
    }
    return digest(flat({"table": name, **shown}))  # type: ignore[dict-item]  # bytes were hashed one line above


def columns(value: Kept) -> Columns:
    """Write a value as a row."""
    return WRITERS[type(value)](value)


def plain(value: Kept, *names: str) -> Columns:
    """Write fields that are kept as they are, and moments as text."""
    row: Columns = {}
    for name in names:
        field = getattr(value, name)
        match field:
            case datetime():
                row[name] = as_text(field)
            case Kind() | State():
                row[name] = field.value
            case _:
                row[name] = field
    return row


def writer(*names: str) -> Callable[[Kept], Columns]:
    """Make the function that writes these fields."""

    def write(value: Kept) -> Columns:
        return plain(value, *names)

    return write


WRITERS: dict[type[Kept], Callable[[Kept], Columns]] = {
    Document: writer("project", "kind", "key", "revision", "digest", "body", "at", "actor", "removed"),
    KeptKey: writer("name", "public", "retired", "at", "actor"),
    KeptRuleset: writer("project", "environment", "version", "digest", "document", "at", "actor"),
    Life: writer(
        "project", "environment", "experiment", "revision", "state", "version", "phase", "plan", "started",
        "closed", "ended", "details", "at", "actor",
    ),
    SealedPlan: writer(
        "project", "experiment", "version", "amendment", "digest", "body", "facts", "at", "actor"
    ),
    Token: writer("token", "purpose", "entries"),
}  # fmt: skip


def text(row: Row, name: str) -> str:
    """A column of text.

    Raises:
        StoreError: Something else stands there.
    """
    value = row[name]
    if type(value) is not str:
        raise broken(name, value)
    return value


def whole(row: Row, name: str) -> int:
    """A column of whole numbers.

    Raises:
        StoreError: Something else stands there.
    """
    value = row[name]
    if type(value) is not int:
        raise broken(name, value)
    return value


def perhaps(row: Row, name: str) -> str | None:
    """A column of text that may be empty."""
    return None if row[name] is None else text(row, name)


def when(row: Row, name: str) -> datetime | None:
    """A column of moments that may be empty."""
    return None if row[name] is None else as_moment(text(row, name))


def raw(row: Row, name: str) -> bytes:
    """A column of bytes.

    Raises:
        StoreError: Something else stands there.
    """
    value = row[name]
    if type(value) is not bytes:
        raise broken(name, value)
    return value


def broken(name: str, value: object) -> StoreError:
    """Say that a column holds what was never written there."""
    return StoreError(
        f"the column {name!r} holds {value!r:.60}, which was never written; run `splitrun audit verify`, "
        "restore a backup"
    )


def kind(row: Row) -> Kind:
    """Read the kind of a document."""
    try:
        return Kind(text(row, "kind"))
    except ValueError as error:
        raise broken("kind", row["kind"]) from error


def state(row: Row) -> State:
    """Read where an experiment stands."""
    try:
        return State(text(row, "state"))
    except ValueError as error:
        raise broken("state", row["state"]) from error


def document(row: Row) -> Document:
    """Read a row of documents."""
    return Document(
        project=text(row, "project"),
        kind=kind(row),
        key=text(row, "key"),
        revision=whole(row, "revision"),
        digest=text(row, "digest"),
        body=text(row, "body"),
        at=as_moment(text(row, "at")),
        actor=text(row, "actor"),
        removed=bool(row["removed"]),
    )


def life(row: Row) -> Life:
    """Read a row of lives."""
    return Life(
        project=text(row, "project"),
        environment=text(row, "environment"),
        experiment=text(row, "experiment"),
        revision=whole(row, "revision"),
        state=state(row),
        version=whole(row, "version"),
        phase=whole(row, "phase"),
        plan=perhaps(row, "plan"),
        started=when(row, "started"),
        closed=when(row, "closed"),
        ended=when(row, "ended"),
        details=text(row, "details"),
        at=as_moment(text(row, "at")),
        actor=text(row, "actor"),
    )


def plan(row: Row) -> SealedPlan:
    """Read a row of plans."""
    return SealedPlan(
        project=text(row, "project"),
        experiment=text(row, "experiment"),
        version=whole(row, "version"),
        amendment=whole(row, "amendment"),
        digest=text(row, "digest"),
        body=text(row, "body"),
        facts=text(row, "facts"),
        at=as_moment(text(row, "at")),
        actor=text(row, "actor"),
    )


def ruleset(row: Row) -> KeptRuleset:
    """Read a row of rulesets."""
    return KeptRuleset(
        project=text(row, "project"),
        environment=text(row, "environment"),
        version=whole(row, "version"),
        digest=text(row, "digest"),
        document=raw(row, "document"),
        at=as_moment(text(row, "at")),
        actor=text(row, "actor"),
    )


def kept_key(row: Row) -> KeptKey:
    """Read a row of keys."""
    return KeptKey(
        name=text(row, "name"),
        public=text(row, "public"),
        retired=bool(row["retired"]),
        at=as_moment(text(row, "at")),
        actor=text(row, "actor"),
        entry=whole(row, "entry"),
    )


def token(row: Row) -> tuple[Token, int]:
    """Read a row of tokens, and the first entry of its change."""
    return Token(text(row, "token"), text(row, "purpose"), whole(row, "entries")), whole(row, "entry")
