"""What an entry says of the rows that were written with it, and of keys."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import MsgspecError, Struct
from msgspec.json import decode

__all__ = ["KeySaid", "Said", "said"]


class RowSaid(Struct, frozen=True):
    """A row by its table and digest."""

    digest: str
    table: str


class KeySaid(Struct, frozen=True):
    """A key announced or retired."""

    name: str
    public: str
    retired: bool


class Content(Struct, frozen=True):
    """The names inside an entry's content that the registry writes itself; others are not read."""

    keys: tuple[KeySaid, ...] = ()
    wrote: tuple[RowSaid, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """Rows by table and digest, in their places; keys."""

    rows: tuple[tuple[str, str], ...] = ()
    keys: tuple[KeySaid, ...] = ()


def said(content: str) -> Said:
    """Read an entry's content; what cannot be read says nothing, and its entry has another hash then."""
    if '"wrote"' not in content:
        return Said()
    try:
        read = decode(content.encode("utf-8", "surrogatepass"), type=Content)
    except (MsgspecError, RecursionError, UnicodeDecodeError):
        return Said()
    return Said(tuple((row.table, row.digest) for row in read.wrote), read.keys)
