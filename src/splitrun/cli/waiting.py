"""What a person sees while a verb works: the current step, on standard error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.status import Status

from splitrun.conduct.desk import Desk

__all__ = ["desk"]

PATIENCE = 1.0
"""Seconds of work after which progress is shown."""


class Waiting:
    """Shows the current step once the work has taken longer than a second; nothing without a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status: Status | None = None
        self._step = "starting"
        self._lock = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._status:
                self._status.stop()

    def step(self, says: str) -> None:
        """Begin a step."""
        with self._lock:
            self._step = says
            if self._status:
                self._status.update(says)

    def _show(self) -> None:
        with self._lock:
            self._status = Status(self._step, console=self._console)
            self._status.start()


@contextmanager
def desk() -> Iterator[Desk]:
    """A desk whose progress a person can watch."""
    with Waiting() as waiting:
        yield Desk(progress=waiting.step)
