"""Sends what the queue holds: batches, retries, the disk spool; runs in the sender's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from logging import getLogger
from typing import TYPE_CHECKING

from splitrun.errors import StoreError
from splitrun.sdk.outbox.letters import Writer, batch
from splitrun.sdk.outbox.queue import Queue
from splitrun.sdk.process.forks import loading
from splitrun.sdk.settings import Answer, Delivery, Patience, Settings
from splitrun.sdk.status import Consent

if TYPE_CHECKING:
    # for the type only: it loads SQLite, which few clients need
    from splitrun.sdk.outbox.spool import Spool

__all__ = ["BATCH_BYTES", "BATCH_EVENTS", "Sender"]

BATCH_EVENTS = 5_000
BATCH_BYTES = 4_900_000
"""The intake takes 5 MB; the rest is for the frame around the events."""
REPORT_EVERY = 60.0
"""Seconds between two log lines about dropped events."""
COUNT_EVERY = 60.0
"""Seconds between two looks at a spool that nothing was added to: another process may have died."""
AGAIN = {408, 425, 429}
"""Beside 5xx, the answers that ask to be tried again."""
GIVE_UP = Patience.TRIES
"""Tries in a row that a delivery may raise, or answer what does not add up, before the batch is given up."""
GIVE_UP_AFTER = 20.0
"""Seconds from the first of them at least: flushing tries again at once, and a bad moment passes."""
ODD = -1
"""In place of a status: the delivery raised, or its answer cannot be read."""
REFUSED = {401, 403}
"""The key is wrong: events stay, and the next try is far off."""
ELSEWHERE = {404, 405, 410}
"""The address is wrong, whatever is sent there."""
ALONE = 3
"""Events refused one by one, none taken in between, after which batches are refused whole."""


class Sender:
    """One step moves fresh records to lines (and to disk, where there is a spool) and sends one batch.

    Args:
        settings: The clock, the interval and the path of the spool.
        queue: What is to be sent.
        writer: Writes records.
        connected: Makes the delivery; called in the sender's thread, because it loads the HTTP library.
    """

    def __init__(
        self, settings: Settings, queue: Queue, writer: Writer, connected: Callable[[], Delivery | None]
    ) -> None:
        self.settings, self.queue, self.writer, self.connected = settings, queue, writer, connected
        self.clock = settings.clock
        self.patience = Patience(self.clock.dice)
        self.delivery: Delivery | None = None
        self.ready = False
        # where units are asked, only who granted is logged; where they are not, nobody knows
        self.known = "" if Consent(self.settings.consent) is Consent.GRANTED else "granted"
        self.spool: Spool | None = None
        self.next_try = self.next_report = self.next_count = self.clock.elapsed()
        self.hurry = threading.Event()
        self.sent = self.refused = self.retried = self.spooled = self.spool_dropped = 0
        self.lost = self.strikes = self.alone = 0
        """Events given up, odd answers to the batch that is tried, events refused alone in a row."""
        self.halved = False
        """Whether half of the batch is to be tried at once."""
        self.first_strike = 0.0
        self.begun = self.failed = 0
        """Numbers of the last try, and of the last that failed."""
        self.reported = 0
        self.most = BATCH_EVENTS
        self.trouble = self.spool_trouble = self.note = self.blunder = ""

    def step(self) -> float:
        """Do what is due; answers in how many seconds the next step is."""
        if not self.ready:
            self.delivery = self.connected()
            if self.settings.spool is not None:
                with loading():
                    from splitrun.sdk.outbox.spool import Spool  # noqa: PLC0415 - loads SQLite

                self.spool = Spool(self.settings.spool, self.settings.spool_bytes, self.clock.now)
            self.ready = True
        self.note = self.queue.encode(self.writer.line) or self.note
        self.report()
        if self.spool is not None:
            self.park(self.spool)
        late = self.next_try - self.clock.elapsed()
        if late > 0 and not self.hurry.is_set():
            return min(late, self.settings.interval)
        self.hurry.clear()
        went_well = self.send()
        more = len(self.queue.held) + len(self.queue.fresh) + self.spooled
        return 0.0 if went_well and more else self.settings.interval

    def park(self, spool: Spool) -> None:
        """Move the lines in memory to disk; where the disk refuses they are sent from memory."""
        now = self.clock.elapsed()
        try:
            while lines := self.queue.take(BATCH_EVENTS, BATCH_BYTES):
                self.spool_dropped += spool.append(lines)
                self.queue.settle()
                self.next_count = now
            if now >= self.next_count:
                self.spooled, self.next_count = spool.amount(), now + COUNT_EVERY
            self.spool_trouble = ""
        except StoreError as error:
            self.queue.back()
            self.spool_trouble = str(error)

    def send(self) -> bool:
        """Send one batch; True where something was sent and acknowledged."""
        if self.delivery is None:
            return self.nowhere()
        claim, lines = self.oldest()
        if not lines:
            return False
        self.begun += 1
        self.halved = False
        done = self.read(self.delivered(self.delivery, lines), lines)
        try:
            if self.spool is not None and claim:
                if done:
                    self.spool.forget(claim)
                    self.spooled = self.spool.amount()
                else:
                    self.spool.release(claim)
        except StoreError as error:
            self.spool_trouble = str(error)
        if not claim:
            (self.queue.settle if done else self.queue.back)()
        return done or self.halved

    def delivered(self, delivery: Delivery, lines: Sequence[bytes]) -> Answer:
        """Deliver a batch; whatever it runs into, its events are kept and sent again."""
        try:
            answer = delivery.send(batch(lines, self.clock.now(), self.known))
            if answered(answer):
                return tallied(answer, len(lines))
            says = f"the delivery answered a batch with {type(answer).__name__}; answer with an Answer"
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a product's delivery may raise anything, CancelledError too
            says = f"the delivery raised {type(error).__name__}"
        return Answer(ODD, says=says)

    def oldest(self) -> tuple[Sequence[int], Sequence[bytes]]:
        """The oldest lines, from disk first, and the rows of the spool that they are.

        Where the disk refuses, those in memory do not wait for it.
        """
        if self.spool is not None and self.spooled:
            try:
                claim, lines = self.spool.claim(self.most, BATCH_BYTES)
            except StoreError as error:
                self.spool_trouble = str(error)
            else:
                if lines:
                    return claim, lines
        return (), self.queue.take(self.most, BATCH_BYTES)

    def nowhere(self) -> bool:
        """Without a server or delivery events have nowhere to go but a spool: they are counted as dropped."""
        if self.spool is not None:
            return False
        lines = self.queue.take(BATCH_EVENTS, BATCH_BYTES)
        self.queue.settle()
        self.queue.dropped += len(lines)
        self.reported += len(lines)
        return bool(lines)

    def read(self, answer: Answer, lines: Sequence[bytes]) -> bool:
        """Settle a batch by its answer; False where its events are to be sent again."""
        if 200 <= answer.status < 300:
            rejected = answer.accepted.rejected if answer.accepted is not None else []
            if rejected:
                self.refused += min(len(rejected), len(lines))
                self.note = f"the server rejected an event: {rejected[0].code}: {rejected[0].says}"
            self.sent += len(lines) - min(len(rejected), len(lines))
            self.most, self.trouble = min(BATCH_EVENTS, 2 * self.most), ""
            self.patience.worked()
            self.strikes = self.alone = 0
            return True
        if 400 <= answer.status < 500 and answer.status not in AGAIN | REFUSED:
            return self.rejected(answer, len(lines))
        self.failed = self.begun
        self.trouble = answer.says
        if answer.status == ODD:
            return self.struck(answer, len(lines))
        self.retried += 1
        pause = self.patience.failed(answer.retry_after, long=answer.status in REFUSED)
        self.next_try = self.clock.elapsed() + pause
        return False

    def rejected(self, answer: Answer, amount: int) -> bool:
        """Refuse a batch for good, or try half of it at once: one event may be what is wrong with all."""
        self.trouble = answer.says
        helps = answer.status == 413 or (answer.status not in ELSEWHERE and self.alone < ALONE)
        if amount > 1 and helps:
            self.most, self.halved = amount // 2, True
            self.retried += 1
            return False
        self.failed = self.begun
        self.refused += amount
        self.alone += 1
        self.most = min(BATCH_EVENTS, 2 * self.most)
        self.note = answer.says
        self.patience.worked()
        return True

    def struck(self, answer: Answer, amount: int) -> bool:
        """Try an odd batch again, half of it each time, but not for ever: those behind have their turn."""
        now = self.clock.elapsed()
        self.first_strike = self.first_strike if self.strikes else now
        self.strikes += 1
        pause = self.patience.failed(answer.retry_after)
        if self.strikes < GIVE_UP or now - self.first_strike < GIVE_UP_AFTER:
            self.most = max(1, amount // 2)
            self.retried += 1
            self.trouble = f"{answer.says}; the events wait for the next try"
            self.next_try = now + pause
            return False
        were = "event was" if amount == 1 else "events were"
        self.note = f"{amount:,} {were} given up after {self.strikes} tries: {answer.says}"
        self.most, self.strikes = BATCH_EVENTS, 0
        self.patience.worked()
        self.lost += amount
        return True

    @property
    def idle(self) -> bool:
        """Whether everything is where it belongs."""
        return not len(self.queue) and not (self.spooled and self.delivery is not None)

    @property
    def dropped(self) -> int:
        """Events lost because memory or disk were full, or nobody could take them."""
        return self.queue.dropped + self.spool_dropped + self.lost

    def report(self) -> None:
        """Say in the log, once a minute at most, what was dropped and why nothing goes out."""
        now = self.clock.elapsed()
        lost = self.dropped + self.queue.rejected + self.refused - self.reported
        if now < self.next_report or not lost:
            return
        self.next_report = now + REPORT_EVERY
        self.reported += lost
        why = "; ".join(text for text in (self.trouble, self.spool_trouble, self.note) if text)
        getLogger("splitrun").warning(
            "%d events were lost since the last report (dropped %d, rejected %d in all)%s",
            lost,
            self.dropped,
            self.queue.rejected + self.refused,
            f"; {why}" if why else "",
        )


def answered(answer: Answer) -> bool:
    """Whether a delivery, which may be a product's own, answered what it should."""
    whole = type(answer) is Answer and type(answer.status) is int and type(answer.says) is str
    return whole and (answer.retry_after is None or type(answer.retry_after) in {int, float})


def tallied(answer: Answer, amount: int) -> Answer:
    """Take an answer whose numbers add up; one that says nothing of numbers took the batch whole."""
    said = answer.accepted
    if said is None or not 200 <= answer.status < 300:
        return answer
    if said.accepted + len(said.rejected) == amount and all(each.code or each.says for each in said.rejected):
        return answer
    says = (
        f"of {amount:,} sent the server accepted {said.accepted} and rejected {len(said.rejected)}, which "
        "does not add up; look at the server, or at what stands in between"
    )
    return Answer(ODD, None, answer.retry_after, says)
