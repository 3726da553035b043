"""Make, list and retire the keys that sign the chain and rulesets; each is an entry of the chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, KeyChange
from splitrun.store.registry.writing import announced, same_key

__all__ = ["Key", "keys", "make_key", "retire_key"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be told."""

    name: str
    public: str
    at: str
    """When it was made."""
    retired: str | None
    announced: bool
    """Whether the chain says so; the first key is announced with the first change."""


def keys(place: Path) -> tuple[Key, ...]:
    """List the keys of a project, the oldest first."""
    where = home(place)
    return told(where, frozenset() if where.unwritten else known(where))


def known(where: Home) -> frozenset[str]:
    """The names that the chain announced and did not retire."""
    with where.registry() as registry:
        return frozenset(announced(registry.keys()))


def told(where: Home, names: frozenset[str]) -> tuple[Key, ...]:
    """The keys of the folder, with what the chain knows of them."""
    return tuple(
        Key(one.name, one.public, one.at, one.retired, one.name in names) for one in where.keys.listed()
    )


def make_key(
    name: str, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> Key:
    """Make a key and announce it, signed by the one before; from the next entry on it signs.

    Repeated after a crash, it goes on from where it was.

    Raises:
        SpecError: There is no project.
        StoreError: The name cannot be taken, or the registry refuses.
    """
    where, now = home(place), (desk or Desk()).now()
    with where.registry(now, first=name) as registry:
        one = where.keys.new(name, now)
        before = registry.keys()
        same_key(name, one.public, before)
        if name not in announced(before):
            said = remark("announce-key", name, reason)
            registry.commit(Change(now, actor_of(actor), (said,), keys=(KeyChange(name, one.public),)))
    return Key(one.name, one.public, one.at, one.retired, announced=True)


def retire_key(
    name: str, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> Key:
    """Retire a key: what it signs from then on is no longer trusted. Another key signs the entry.

    Raises:
        SpecError: There is no project, or no such key.
        StoreError: No other key may sign, or the registry refuses.
    """
    where, now = home(place), (desk or Desk()).now()
    found = {one.name: one for one in where.keys.listed()}
    if name not in found:
        raise SpecError([Mistake(f"there is no key {name[:64]!r}", suggested(name, found))])
    with where.registry(now) as registry:
        if name in announced(registry.keys()):
            registry.commit(leaving(name, found[name].public, now, reason, actor_of(actor)))
    where.keys.retire(name, now)
    return next(one for one in told(where, frozenset()) if one.name == name)


def leaving(name: str, public: str, now: datetime, reason: str, actor: str) -> Change:
    """The change that retires a key."""
    return Change(
        now, actor, (remark("retire-key", name, reason),), keys=(KeyChange(name, public, retired=True),)
    )


def remark(verb: str, name: str, reason: str) -> Remark:
    """What is said of a key."""
    return Remark(verb, f"key/{name}", reason)
