"""Addresses of a host within a deadline, although the operating system's look-up knows none.

A look-up runs in a thread of its own. One that does not come to an end is left to itself, and who asks for
the same host meanwhile waits for that one: a name server that is silent holds one thread for each host.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

__all__ = ["Address", "Lookups"]

Place = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Place]
"""As of `socket.getaddrinfo`."""


class Asks(Protocol):
    """As `socket.getaddrinfo`."""

    def __call__(self, host: str, port: int, *, type: int, flags: int = ...) -> Sequence[Address]:  # noqa: A002 - its name there
        """Look up."""
        ...


class Lookup:
    """One look-up, and the thread that waits for it."""

    def __init__(self, ask: Callable[[], Sequence[Address]]) -> None:
        self.ask = ask
        self.found: Sequence[Address] = ()
        self.wrong: OSError | None = None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, name="splitrun-lookup", daemon=True)

    def run(self) -> None:
        """Ask the system."""
        try:
            self.found = self.ask()
        except (OSError, UnicodeError) as error:
            self.wrong = error if isinstance(error, OSError) else OSError(f"the host has no name ({error})")
        finally:
            self.done.set()


class Lookups:
    """Looks up hosts, each in one thread at a time. A thread of the parent is not in the child of a fork.

    Args:
        ask: `socket.getaddrinfo`.
    """

    def __init__(self, ask: Asks | None = None) -> None:
        self.ask = ask
        self.running: dict[tuple[str, int], Lookup] = {}

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        """Give the addresses of a host.

        Raises:
            TimeoutError: They are not here in time.
            OSError: The host is not known.
        """
        # looked up when it is called, so that gevent's stands there if it has patched it
        ask = self.ask or socket.getaddrinfo
        try:
            return ask(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            lookup = self.lookup(host, port, lambda: ask(host, port, type=socket.SOCK_STREAM))
        if lookup.thread.ident is not None and not lookup.done.wait(seconds):
            raise TimeoutError(f"the address of {host} was not found within {seconds:.1f} seconds")
        self.running.pop((host, port), None)
        if lookup.wrong is not None:
            raise lookup.wrong
        return lookup.found

    def lookup(self, host: str, port: int, ask: Callable[[], Sequence[Address]]) -> Lookup:
        """Join the look-up under way, or begin one."""
        known = self.running.get((host, port))
        if known is not None and known.thread.is_alive():
            return known
        made = self.running[host, port] = Lookup(ask)
        try:
            made.thread.start()
        except RuntimeError:
            # the interpreter is on its way out and starts no more threads
            made.run()
        return made
