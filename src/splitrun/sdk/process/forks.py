"""What happens to clients when the process forks or ends."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet

__all__ = ["EXIT_SECONDS", "HOUSEHOLD", "enrol", "loading"]

EXIT_SECONDS = 2.0
"""Most seconds that the interpreter waits for events to be sent, over all clients."""
FORK_SECONDS = 2.0
"""Most seconds that a fork waits for a library to be loaded."""


class Lives(Protocol):
    """What is told of forks and of the end."""

    def _renew(self) -> None:
        """This is the child: make locks, queue and threads anew."""
        ...

    def _rehearse(self) -> None:
        """Tests have altered rulesets: look again."""
        ...

    def _leave(self, timeout: float) -> None:
        """The interpreter ends: send what there is."""
        ...


class Household:
    """All clients of this process, and the lock under which their threads load libraries.

    A fork in the middle of an import leaves the child with a module lock that nobody will ever release; so
    a fork waits until the import is done. `logging` takes a lock of its own before a fork, and an import may
    need it: its hooks have to be registered before ours, because the last one registered runs first.
    """

    def __init__(self) -> None:
        self.clients: WeakSet[Lives] = WeakSet()
        self.imports = threading.Lock()
        self.waited = self.hooked = False

    def hook(self) -> None:
        """Be told of forks and of the end from now on."""
        import logging  # noqa: F401, PLC0415 - see above; importing a client stays cheap

        self.hooked = True
        atexit.register(self.leave)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self.before, after_in_parent=self.in_parent, after_in_child=self.in_child
            )

    def before(self) -> None:
        """Wait for imports in other threads."""
        self.waited = self.imports.acquire(timeout=FORK_SECONDS)

    def in_parent(self) -> None:
        """Go on."""
        if self.waited:
            self.imports.release()

    def in_child(self) -> None:
        """Make everything anew that threads of the parent may have held."""
        self.imports = threading.Lock()
        for client in tuple(self.clients):
            client._renew()  # noqa: SLF001 - a client's own part, not the product's

    def leave(self) -> None:
        """Let every client send what it has."""
        until = time.monotonic() + EXIT_SECONDS
        for client in tuple(self.clients):
            client._leave(max(0.0, until - time.monotonic()))  # noqa: SLF001


HOUSEHOLD = Household()


def enrol(client: Lives) -> None:
    """Tell a client of forks and of the end from now on, as long as it lives."""
    if not HOUSEHOLD.hooked:
        HOUSEHOLD.hook()
    HOUSEHOLD.clients.add(client)


@contextmanager
def loading() -> Iterator[None]:
    """Load libraries in a thread without a fork in the middle of it."""
    with HOUSEHOLD.imports:
        yield
