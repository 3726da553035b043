"""The certificate of an erasure: what went, from where, when, why, by whom. No id and no pseudonym is in it.

It is the content of an entry of the audit chain, which signs it and tells actor, moment and reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.structs import replace

from splitrun.errors import StoreError
from splitrun.store.canonical import canonical, value_of
from splitrun.store.people.journal import Arms

__all__ = ["FORM", "SUBJECT", "VERB", "Backups", "Certificate", "Rewritten", "certified", "read"]

FORM = "splitrun.certificate/1"
VERB = "forget"
"""Of the entries that hold one."""
SUBJECT = "people"
MOST = 200
"""Counts of experiments that an entry holds."""


class Rewritten(Struct, frozen=True):
    """A table as it is without the rows."""

    environment: str
    table: str
    rows: int
    """That are gone."""
    files: int
    """That held them and were written anew, or went whole."""
    version: int
    """Of the table, in which they are gone."""
    digest: str
    """`sha256:` over the names of its files, in order; each name tells its file's own digest."""


class Backups(Struct, frozen=True):
    """What stands in copies that are older than the erasure."""

    older_than: str
    gone_by: str
    """When the last of them has to have expired."""
    hold: str


class Certificate(Struct, frozen=True):
    """What was erased."""

    case: str
    """Random; names the erasure."""
    units: int
    linked: int
    """Further ids that belonged to these units alone, erased with them."""
    shared: int
    """Ids that were linked to these units and to others; they stay, without the link."""
    waiting: int
    """Events that had not come to the lake."""
    letters: int
    """Dead letters."""
    tables: tuple[Rewritten, ...]
    arms: tuple[Arms, ...]
    """Units by experiment and variant, so that the split of later readouts can be explained."""
    readouts: str
    backups: Backups
    form: str = FORM

    def parts(self) -> Iterator[Certificate]:
        """Part it, where an entry could not hold it: what follows the first counts more experiments only."""
        yield replace(self, arms=self.arms[:MOST])
        rest = replace(self, units=0, linked=0, shared=0, waiting=0, letters=0, tables=())
        for start in range(MOST, len(self.arms), MOST):
            yield replace(rest, arms=self.arms[start : start + MOST])


def certified(one: Certificate) -> str:
    """Write it in canonical JSON, as an entry holds it."""
    return canonical(value_of(encode(one).decode()))


def read(content: str) -> Certificate:
    """Read it back.

    Raises:
        StoreError: It is none.
    """
    try:
        return decode(content, type=Certificate)
    except (MsgspecError, UnicodeError) as error:
        raise StoreError(f"an entry is no certificate ({error}); run `splitrun audit verify`") from error
