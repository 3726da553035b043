"""`splitrun serve` as the suite starts and ends it."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from splitrun.store.access.keys import AccessKeys, Scope

__all__ = ["CAP", "Process", "free_port", "laid", "new_key"]

SETTINGS = "project: shop\nenvironments: [production]\nunits: {user: {key: user_id}}\n"

CAP = 2_000_000_000
PATIENCE = 60.0
"""Seconds after which a test gives a process up; the limits that are asserted are others."""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def laid(root: Path) -> None:
    """Lay a project down."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "splitrun.yaml").write_text(SETTINGS)


def new_key(root: Path) -> str:
    """Make the key that clients send with; and the project, where there is none."""
    if not (root / "splitrun.yaml").exists():
        laid(root)
    scopes = (Scope.INGEST, Scope.SDK)
    made = AccessKeys(root / "state" / "access.json").new(
        "faults", scopes, "shop", "production", "2026-11-22T08:00Z"
    )
    return made.secret


class Process:
    """One server process at a time, on a port that stays.

    Args:
        root: The project's folder.
        modes: What it does.
        cap: Bytes of its spool.
        under: A command that runs it, like strace.
        around: Its environment; ours where none is given.
        log: Where it writes all that it says; none: what it says in error stays ours.
    """

    def __init__(
        self,
        root: Path,
        modes: str = "ingest,worker",
        cap: int = CAP,
        under: Sequence[str] = (),
        around: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        self.log = log
        self.root, self.port, self.around = root, free_port(), around
        words = ["serve", "--folder", str(root), "--port", str(self.port), "--spool-cap", str(cap)]
        only = [word for mode in modes.split(",") for word in ("--only", mode)]
        self.words = [*under, sys.executable, "-m", "splitrun", *words, *only]
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and wait until it is ready.

        Returns:
            Seconds that took.
        """
        since = time.monotonic()
        out = subprocess.DEVNULL if self.log is None else self.log
        self.running = subprocess.Popen(self.words, stdout=out, stderr=self.log, env=self.around)
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

    def end(self, patience: float = PATIENCE) -> bool:
        """Ask it to end, and wait; whether it ended as it was asked to."""
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(patience) == 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.running is not None and self.running.poll() is None:
            self.kill()
