"""What the routes are given: one value with everything that lives as long as the server."""

from __future__ import annotations

from asyncio import Semaphore
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from splitrun.conduct.desk import Desk
from splitrun.serve.seen import Seen
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.people.heeded import Heeded

__all__ = ["Mode", "Part", "Server"]

Mode = frozenset[str]
"""Which of `web`, `ingest` and `worker` this process does."""


TURNS = 4
"""Verbs that run at once: each may measure, and takes a thread."""


class Part(Protocol):
    """Something that starts with the server and stops with it: the intake, the committer, the rulesets."""

    async def start(self) -> None:
        """Begin; routes are not served before all parts have."""
        ...

    async def stop(self) -> None:
        """Finish what is under way; called after the last request was answered."""
        ...

    def ready(self) -> str:
        """Empty where it can serve; else why not."""
        ...


@dataclass(slots=True)
class Server:
    """One server process over one project folder."""

    root: Path
    """The project's folder."""
    access: AccessKeys
    modes: Mode = frozenset(("web", "ingest", "worker"))
    desk: Desk = field(default_factory=Desk)
    parts: dict[str, Part] = field(default_factory=dict)
    """By name; a module of routes finds what it needs here through a function of its own."""
    origins: frozenset[str] = frozenset()
    """Origins of pages that may evaluate flags and send events, like `https://shop.example`."""
    seen: Seen = field(default_factory=Seen)
    """The requests there were."""
    open_scopes: frozenset[Scope] = frozenset()
    """Scopes that need no key; for a demonstration on this machine alone."""
    people: Heeded | None = None
    """Who opted out or was forgotten; None: nobody did."""
    turns: Semaphore = field(default_factory=lambda: Semaphore(TURNS))
    """Verbs at work at once; others wait for their turn."""
