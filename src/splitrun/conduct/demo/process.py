"""`splitrun serve` in a process of its own, for as long as it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from splitrun.errors import StoreError

__all__ = ["LONGEST", "running"]

LONGEST = 120.0
"""Seconds after which the server is ended whatever it does."""
DRAIN = 30.0
"""Seconds that it has to bring what it took into the lake."""


@contextmanager
def running(root: Path) -> Iterator[tuple[str, str]]:
    """Serve a project on a free port of this machine; give the address and the first API key.

    When the context is left, the server is told to end, and has written all it took.

    Raises:
        StoreError: It cannot start, or did not end as it was told to.
    """
    words = [sys.executable, "-m", "splitrun", "serve", "--port", "0", "--json", "--folder", str(root)]
    with (root / "server.log").open("w", encoding="utf-8") as log:
        # our own program with words of our own
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603
    limit = Timer(LONGEST, process.kill)
    limit.start()
    try:
        key, listening = told(process, root), told(process, root)
        yield listening["address"], key["key"]
        process.terminate()
        try:
            process.wait(DRAIN)
        except subprocess.TimeoutExpired:
            says = f"the server did not end within {DRAIN:.0f} seconds; see {root / 'server.log'}"
            raise StoreError(says) from None
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str], root: Path) -> dict[str, str]:
    """Read the next JSON document that the server prints.

    Raises:
        StoreError: It ended before.
    """
    text = ""
    for line in process.stdout or ():
        text += line
        if line.rstrip() == "}":
            found: dict[str, str] = json.loads(text)
            return found
    log = (root / "server.log").read_text(encoding="utf-8").strip()
    raise StoreError(f"the server of the demo did not start: {log[-500:] or 'it said nothing'}")
