"""Where a registry of a test is kept, with its keys and head; and changes to write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.head import HeadFile
from splitrun.store.chain.ring import KeyFiles
from splitrun.store.registry.change import Change, Move, Publication, Seal, Writing
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind, State
from splitrun.store.registry.opening import opened
from splitrun.store.registry.registry import Registry
from splitrun.store.registry.writing import Sealing
from splitrun.store.verification import Verification, verify

__all__ = ["NOON", "Place", "change", "fill", "verified"]

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    url: str
    folder: Path

    @property
    def ring(self) -> KeyFiles:
        ring = KeyFiles(self.folder / "keys")
        if not ring.listed():
            ring.new("first", NOON)
        return ring

    @property
    def witness(self) -> HeadFile:
        return HeadFile(self.folder / "head.json")

    @property
    def file(self) -> Path:
        return self.folder / "registry.db"

    @property
    def keys(self) -> dict[str, str]:
        return {key.name: key.public for key in self.ring.listed()}

    def sealing(self) -> Sealing:
        return Sealing(self.ring, self.witness)

    def registry(self) -> SqlRegistry:
        return opened(self.url, self.sealing(), make=True)

    def database(self) -> Database:
        return Database(self.url)

    def verified(self) -> Verification:
        registry = self.registry()
        try:
            return verified(registry, self.keys)
        finally:
            registry.close()


def verified(registry: Registry, keys: dict[str, str]) -> Verification:
    return verify(registry, registry.witness.read(), keys)


def change(number: int, **more: int) -> Change:
    """One of many: a metric, a life, a plan and a ruleset of their own."""
    at, key = NOON + timedelta(minutes=number), f"m{number}"
    remark = Remark(
        "apply", f"metric/{key}", f"reason {number}", "shop", content=canonical({"units": number})
    )
    kinds = more.get("kinds", 4)
    body = canonical({"kind": "share", "number": number})
    return Change(
        at,
        f"person-{number % 3}",
        (remark,),
        writings=(Writing("shop", Kind.METRIC, key, body, None),)[: kinds > 0],
        moves=(Move("shop", "production", key, None, State.REGISTERED, started=at),)[: kinds > 1],
        seals=(Seal("shop", key, 1, body),)[: kinds > 2],
        publications=(Publication("shop", key, 1, "sha256:00", body.encode(), 0),)[: kinds > 3],
    )


def fill(registry: Registry, many: int, first: int = 1) -> None:
    for number in range(first, first + many):
        registry.commit(change(number))
