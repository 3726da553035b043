"""Read, verify and export the audit chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import Home, home
from splitrun.conduct.workspace import shown
from splitrun.errors import StoreError
from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Head, HeadFile, whole
from splitrun.store.export import exported
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.writing import announced, headed
from splitrun.store.verification import Verification, verify

__all__ = ["Log", "export_log", "log", "verify_log"]


@dataclass(frozen=True, slots=True)
class Log:
    """Entries, and where the next ones begin."""

    entries: tuple[Entry, ...]
    last: int
    """The number of the chain's last entry."""


def log(place: Path, *, since: int = 0, limit: int = 50, project: str | None = None) -> Log:
    """Read entries of the chain.

    Args:
        place: A folder of the project.
        since: Only entries after this number; 0: the last ones.
        limit: How many at most.
        project: Only entries of this project of the registry.
    """
    with home(place).registry() as registry:
        end = registry.last()
        last = 0 if end is None else end.number
        start = since or (max(0, last - limit) if project is None else 0)
        found = list(first(registry.entries(project=project, since=start), limit, newest=not since))
    return Log(tuple(found), last)


def first(entries: Iterator[Entry], limit: int, *, newest: bool) -> list[Entry]:
    """Take the first or the newest entries, holding no more than that many."""
    kept: list[Entry] = []
    for entry in entries:
        kept.append(entry)
        if len(kept) > limit:
            kept.pop(0 if newest else -1)
            if not newest:
                break
    return kept


def verify_log(
    place: Path, *, head: Path | None = None, adopt: bool = False, desk: Desk | None = None
) -> Verification:
    """Verify the registry of a project, and catch the head up with a chain that is sound.

    Args:
        place: A folder of the project.
        head: A head that a witness kept elsewhere, instead of the one in the state folder.
        adopt: Whether a head is written where there is none, as on a new machine: what was cut off before
            cannot be seen then.
        desk: Somebody to tell how far the work has come.

    Raises:
        StoreError: The registry cannot be opened, or the head is none.
    """
    table, where = desk or Desk(), home(place)
    witness = where.head if head is None else HeadFile(head)
    seen = witness.read()
    if head is not None and seen is None:
        raise StoreError(f"there is no head {head}; name the file that the witness kept")
    with where.registry() as registry:
        told = registry.last()
        if seen is None and adopt and told is not None:
            seen = fresh(registry, where, told)
        found = verify(registry, seen, where.trusted, table.progress)
        if found.fine and head is None and seen is not None:
            caught_up(registry, where, found, seen)
    return replace(found, head=seen)


def fresh(registry: SqlRegistry, where: Home, last: Entry) -> Head:
    """Sign a head for the chain as it stands."""
    name = next(registry.entries(until=1)).previous
    return headed(name, last, where.keys.signer(announced(registry.keys())))


def caught_up(registry: SqlRegistry, where: Home, found: Verification, seen: Head) -> None:
    """Write the head of a chain that was found to be sound, where a key is at hand to sign it."""
    if not found.behind:
        where.head.keep(seen)
        return
    number = seen.number + found.behind
    last = next(registry.entries(since=number - 1, until=number))
    where.head.keep(fresh(registry, where, last))


def export_log(place: Path, out: Path | None = None, *, project: str | None = None) -> Iterator[str]:
    """Give the chain as lines of JSON, the signed head last; with a file, write them there instead.

    Returns:
        The lines; with a file, its name and nothing else.

    Raises:
        StoreError: The registry refuses, or nothing can be written there.
    """
    where = home(place)
    seen = where.head.read()
    with where.registry() as registry:
        lines = exported(registry, seen, project=project)
        if out is None:
            yield from lines
            return
        try:
            whole(out, (f"{line}\n" for line in lines))
        except OSError as error:
            raise StoreError(f"{out} cannot be written ({error.strerror}); choose another file") from error
        yield shown(out)
