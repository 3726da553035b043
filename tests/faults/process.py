"""Server processes as the suite starts and ends them."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from splitrun.store.access.keys import AccessKeys, Scope
from tests.faults.served import ACCESS

__all__ = ["CAP", "Process", "free_port", "new_key"]

CAP = 2_000_000_000
PATIENCE = 60.0
"""Seconds after which a test gives a process up; the limits that are asserted are others."""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def new_key(root: Path) -> str:
    """Make the key that clients send with."""
    made = AccessKeys(root / ACCESS).new("faults", (Scope.INGEST,), "shop", "production", "2026-11-22T08:00Z")
    return made.secret


class Process:
    """One server process at a time, on a port that stays.

    Args:
        root: The project's folder.
        modes: What it does.
        cap: Bytes of its spool.
        under: A command that runs it, like strace.
    """

    def __init__(
        self, root: Path, modes: str = "ingest,worker", cap: int = CAP, under: Sequence[str] = ()
    ) -> None:
        self.root, self.port = root, free_port()
        words = [sys.executable, "-m", "tests.faults.served", str(root), str(self.port), modes, str(cap)]
        self.words = [*under, *words]
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and wait until it is ready.

        Returns:
            Seconds that took.
        """
        since = time.monotonic()
        self.running = subprocess.Popen(self.words)
        while not self.ready():
            assert self.running.poll() is None, "the server ended"
            assert time.monotonic() - since < PATIENCE, "the server was never ready"
            time.sleep(0.02)
        return time.monotonic() - since

    def ready(self) -> bool:
        """Whether it says so."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            asked.request("GET", "/readyz")
            return asked.getresponse().status == 200
        except OSError:
            return False
        finally:
            asked.close()

    def kill(self) -> None:
        """End it without a word."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def end(self) -> int:
        """Ask it to end, and wait."""
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(PATIENCE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.running is not None and self.running.poll() is None:
            self.kill()
