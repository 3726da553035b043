"""One client's parts, the border around them, and how they live and end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.sdk.outbox.plain import UnfitError
from splitrun.sdk.outbox.queue import Queue
from splitrun.sdk.status import Consent

if TYPE_CHECKING:
    # for the type only: see below
    from splitrun.sdk.settings import Settings

__all__ = ["Engine"]

Found = TypeVar("Found")

AFTER_A_BLUNDER = 5.0
"""Seconds that a thread rests after an error of ours."""


class Engine:
    """One client's parts; `Client` inherits from it, which is a call less on the hot path."""

    def __init__(self, settings: Settings) -> None:
        # importing a client stays cheap: what it works with is loaded when one is made
        from splitrun.assign.sticky import Unkept  # noqa: PLC0415
        from splitrun.sdk.inner.connections import Connections  # noqa: PLC0415
        from splitrun.sdk.outbox.choices import Choices  # noqa: PLC0415
        from splitrun.sdk.process.forks import enrol  # noqa: PLC0415
        from splitrun.sdk.rulesets.keeper import Keeper  # noqa: PLC0415

        self._settings = settings
        self._now = settings.clock.now
        self._blunders = 0
        self._left_out = 0
        self._closed = False
        self._keeper = Keeper(settings)
        self._choices = Choices(
            Consent(settings.consent), settings.opted_out, settings.queue, settings.queue_bytes
        )
        self._sticky = settings.sticky
        self._unkept = None if settings.sticky is None else Unkept(settings.sticky)
        """Reads what is kept, and keeps nothing: for answers that are no exposure."""
        self._careful = self._choices.asked or settings.sticky is not None
        """Whether an answer has to ask for consent, opt-out or what was kept."""
        self._connections = Connections(settings, self._keeper)
        self._furnish()
        self._keeper.given()
        enrol(self)

    def _furnish(self) -> None:
        """Make the queue and the threads, none of them started."""
        from splitrun.sdk.process.worker import Worker  # noqa: PLC0415 - as above

        self._queue = Queue(self._settings.queue, self._settings.queue_bytes, self._wake)
        self._sender = self._connections.sender(self._queue)
        sender = self._sender
        self._worker = Worker(
            "splitrun-sender",
            lambda: self._stepped(sender.step),
            lambda: self._guarded(self._connections.finish, None),
        )
        self._source = self._connections.source()
        source = self._source
        self._watcher = None
        if source is not None:
            self._watcher = Worker(
                "splitrun-ruleset",
                lambda: self._stepped(source.step),
                lambda: self._guarded(source.finish, None),
            )

    def _wake(self) -> None:
        """Have what waits looked at; in the child of a fork, the ruleset is watched from then on, too."""
        self._keeper.held.wake()
        self._worker.wake()

    def _vouch(self) -> None:
        """Look at the certificates given, if any. Does I/O.

        Raises:
            SettingError: They cannot be used.
        """
        if self._settings.certificates is not None:
            from splitrun.sdk.wire.trust import trusted  # noqa: PLC0415 - loads `ssl`

            trusted(self._settings.certificates)

    def _begin(self) -> None:
        """Hold what is on disk, and start to watch the source. Does I/O."""
        self._keeper.begin()
        if self._settings.file is not None and self._source is not None:
            self._stepped(self._source.step)
        if self._watcher is not None:
            self._watcher.start()

    def _await_ruleset(self) -> None:
        """Wait until the source was asked once, at most `wait` seconds."""
        if self._watcher is not None:
            self._keeper.settled.wait(self._settings.wait)

    # ---- the border ------------------------------------------------------------------------------

    def _blundered(self, flag: object, error: BaseException) -> Evaluation:
        """Count an error of ours, and answer in its place."""
        # loaded with the first ruleset; what it writes never raises, whatever the error is
        from splitrun.assign.faults import said  # noqa: PLC0415

        self._blunders += 1
        says = f"an error inside splitrun was caught ({said(error)}); please report it"
        self._sender.blunder = says
        return Evaluation(
            str.__str__(flag) if issubclass(type(flag), str) else type(flag).__name__,
            None,
            None,
            Reason.ERROR,
            Detail.ERROR,
            ruleset=self._keeper.held.version,
            error=ErrorCode.GENERAL,
            says=says,
        )

    def _stepped(self, step: Callable[[], float]) -> float:
        """Take a step of a thread, whatever it runs into."""
        try:
            return step()
        except BaseException as error:  # noqa: BLE001 - the border of the threads: they must outlive our mistakes
            from splitrun.errors import SettingError  # noqa: PLC0415 - importing a client stays cheap

            if type(error) is SettingError:
                # what was there when the client was made is gone; whose mistake it is, it says
                self._sender.blunder = str(error)
            else:
                self._blundered("", error)
            return AFTER_A_BLUNDER

    def _guarded(self, does: Callable[[], Found], otherwise: Found) -> Found:
        """Do something whose cost does not matter, whatever it runs into."""
        try:
            return does()
        except UnfitError as error:
            self._unfit(error)
        except Exception as error:  # noqa: BLE001 - the border: our mistakes are counted, not raised into a request
            self._blundered("", error)
        return otherwise

    def _unfit(self, error: Exception) -> None:
        """Count a record that cannot be sent, be it the caller's mistake or ours."""
        if type(error) is UnfitError:
            self._sender.note = str(error)
        else:
            self._blundered("", error)
        self._queue.refuse()

    # ---- life ------------------------------------------------------------------------------------

    def _drain(self, timeout: float) -> bool:
        """Wait until all is sent, a try fails, or time is over."""
        until = time.monotonic() + timeout
        begun = self._sender.begun
        while not self._sender.idle:
            # a try that was under way before does not count
            if self._sender.failed > begun or time.monotonic() >= until:
                return False
            self._sender.hurry.set()
            self._worker.wake()
            time.sleep(0.005)
        return True

    def _stop(self, timeout: float) -> bool:
        """Send what there is, stop the threads; answers go on, nothing more is logged."""
        until = time.monotonic() + timeout
        if self._closed:
            return True
        went = self._drain(timeout)
        self._closed = self._keeper.closed = True
        self._queue.close()
        if self._source is not None:
            self._source.stop()
        for worker in (self._watcher, self._worker):
            if worker is not None:
                worker.stop(max(0.05, until - time.monotonic()))
        self._keeper.tell()
        return went

    def _leave(self, timeout: float) -> None:
        self._guarded(lambda: self._closed or self._drain(timeout), otherwise=False)

    def _rehearse(self) -> None:
        """Use the ruleset as tests have altered it by now."""
        self._keeper.rehearse()

    def _renew(self) -> None:
        """Live on in the child of a fork: no queue, lock or socket of the parent's."""
        self._choices.renew()
        self._keeper.held.marks.renew(self._queue.fresh.copy())
        self._keeper.lock = threading.RLock()
        self._keeper.settled = threading.Event()
        self._furnish()
        if self._closed:
            self._queue.close()
        elif self._watcher is not None:
            # a child that only executes another program should not start threads: who asks or logs first does
            self._keeper.held.rouse(self._watcher.start)
