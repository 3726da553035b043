"""A thread that takes a step whenever it is due or woken, and outlives whatever a step runs into."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Worker"]


class Worker:
    """Runs `step` in a daemon thread; a step answers how many seconds may pass until the next one.

    Locks and threads are looked up in `threading` when one is made, so that gevent's stand there if it
    has patched them. A worker is not carried over a fork: the child makes its own.

    Args:
        name: Of the thread.
        step: What to do; answers in how many seconds to do it again. It must not raise.
        finish: What to let go of at the end, in the same thread. It must not raise.
    """

    def __init__(self, name: str, step: Callable[[], float], finish: Callable[[], None]) -> None:
        self.name, self.step, self.finish = name, step, finish
        self.thread: threading.Thread | None = None
        self.stopped = False
        self.starting = threading.Lock()
        # a plain lock as a flag: released means woken; unlike an Event it can be set from a signal handler
        self.bell = threading.Lock()
        self.bell.acquire()

    def start(self) -> None:
        """Start the thread unless it runs; does nothing where the interpreter starts no more threads."""
        alive = self.thread is not None and self.thread.is_alive()
        if alive or self.stopped or not self.starting.acquire(blocking=False):
            return
        try:
            thread = threading.Thread(target=self.run, name=self.name, daemon=True)
            thread.start()
            self.thread = thread
        except RuntimeError:
            # the interpreter is on its way out
            self.stopped = True
        finally:
            self.starting.release()

    def wake(self) -> None:
        """Make the next step due now, starting the thread if need be."""
        if self.thread is None or not self.thread.is_alive():
            self.start()
        if self.bell.locked():
            try:
                self.bell.release()
            except RuntimeError:
                return  # somebody else rang it in between

    def run(self) -> None:
        """Take steps until stopped."""
        while not self.stopped:
            self.bell.acquire(timeout=max(0.0, min(self.step(), 3_600.0)))
        self.finish()

    def stop(self, timeout: float) -> None:
        """Take no more steps; waits for the current one at most `timeout` seconds."""
        self.stopped = True
        self.wake()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(timeout)
