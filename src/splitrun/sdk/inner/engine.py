"""What stands behind the calls of a client: answering, logging, threads, and the border around them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.ruleset import Type
from splitrun.sdk.outbox.choices import Choices
from splitrun.sdk.outbox.marks import Mark
from splitrun.sdk.outbox.plain import UnfitError
from splitrun.sdk.outbox.queue import SMALL, SMALL_TEXT, Queue
from splitrun.sdk.outbox.records import Did, Linked, Met
from splitrun.sdk.process.forks import enrol
from splitrun.sdk.process.worker import Worker
from splitrun.sdk.settings import Settings
from splitrun.sdk.status import Consent

__all__ = ["KINDS", "MANY", "Engine"]

if TYPE_CHECKING:
    # for the type only: it brings the whole of `assign`, which is loaded when a client is made
    from splitrun.sdk.rulesets.held import Held

Found = TypeVar("Found")

KINDS: dict[type, Type] = {
    bool: Type.BOOLEAN,
    str: Type.STRING,
    int: Type.NUMBER,
    float: Type.NUMBER,
    dict: Type.OBJECT,
    list: Type.OBJECT,
    tuple: Type.OBJECT,
}
"""Which of a flag's types a Python value is."""
AFTER_A_BLUNDER = 5.0
"""Seconds that a thread rests after an error of ours."""
MANY = 12
"""Attributes or properties up to which a record with little text is small."""
CHANGEABLE = frozenset((list, dict, set))
"""What could change between call and sending; segments have no such values."""


class How(Struct, frozen=True):
    """What is special about an exposure."""

    asked: str | None = None
    """The unit type that the caller named, where it is not the flag's."""
    trigger: bool = False
    held_back: bool = False
    """The unit has not decided yet."""


HOW = How()


def how(state: Consent, *, asked: str | None = None, trigger: bool = False) -> How:
    """Say what is special."""
    return How(asked, trigger, state is not Consent.GRANTED)


class Engine:
    """One client's parts; `Client` inherits from it, which is a call less on the hot path."""

    def __init__(self, settings: Settings) -> None:
        # importing a client stays cheap: what it works with is loaded when one is made
        from splitrun.sdk.inner.connections import Connections  # noqa: PLC0415
        from splitrun.sdk.rulesets.keeper import Keeper  # noqa: PLC0415

        self._settings = settings
        self._now = settings.clock.now
        self._blunders = 0
        self._closed = False
        self._keeper = Keeper(settings)
        self._choices = Choices(
            Consent(settings.consent), settings.opted_out, settings.queue, settings.queue_bytes
        )
        self._sticky = settings.sticky
        self._careful = self._choices.asked or settings.sticky is not None
        """Whether an answer has to ask for consent, opt-out or what was kept."""
        self._connections = Connections(settings, self._keeper)
        self._furnish()
        self._keeper.given()
        enrol(self)

    def _furnish(self) -> None:
        """Make the queue and the threads, none of them started."""
        self._queue = Queue(self._settings.queue, self._settings.queue_bytes, lambda: self._worker.wake())  # noqa: PLW0108 - there is none yet
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

    def _blundered(self, flag: object, error: Exception) -> Evaluation:
        """Count an error of ours, and answer in its place."""
        self._blunders += 1
        what = f"{type(error).__name__}: {str(error)[:200]}"
        says = f"an error inside splitrun was caught ({what}); please report it"
        self._sender.blunder = says
        return Evaluation(
            flag if isinstance(flag, str) else type(flag).__name__,
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
        except Exception as error:  # noqa: BLE001 - the border of the threads: they must outlive our mistakes
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

    def _unfit(self, error: Exception, *texts: object) -> None:
        """Count a record that cannot be sent, be it the caller's mistake or ours.

        Args:
            error: What came of it.
            texts: What should have been texts.
        """
        wrong = [type(each).__name__ for each in texts if type(each) is not str]
        if wrong:
            self._sender.note = f"an event needs a name and the id of a unit, both texts; one is a {wrong[0]}"
        elif type(error) is UnfitError:
            self._sender.note = str(error)
        else:
            self._blundered("", error)
        self._queue.refuse()

    # ---- answering -------------------------------------------------------------------------------

    def _answer(  # noqa: PLR0913, PLR0917 - the hot path: a call and an object less
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object] | None,
        named: dict[str, object],
        expose: bool,  # noqa: FBT001 - positional because keywords cost
        consent: Consent | str | None,
        wants: Type | None,
    ) -> Evaluation:
        """Answer, and log the exposure if it is the first. Never raises."""
        try:
            if attributes is not None:
                named = {**attributes, **named}
            if consent is not None or self._careful:
                return self._chosen(flag, unit, named, expose, consent, wants)
            held = self._keeper.held
            answer = held.evaluate(flag, unit, named)
            if wants is not None and answer.error is None and KINDS.get(type(answer.value)) is not wants:
                return mismatch(answer, wants)
            if expose and answer.experiment is not None:
                mark = held.of[answer.experiment]
                if unit not in mark.fresh:
                    self._meet(held, mark, unit, named, answer)
        except Exception as error:  # noqa: BLE001 - the border: our mistakes are counted, not raised into a request
            return self._blundered(flag, error)
        return answer

    def _chosen(
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object],
        expose: bool,  # noqa: FBT001 - as above
        consent: Consent | str | None,
        wants: Type | None,
    ) -> Evaluation:
        """Answer where consent, opt-out or stickiness have a say."""
        held = self._keeper.held
        state, out = self._choices.state(unit, consent), self._choices.out(unit)
        refuses = out or state is Consent.DENIED
        # what a unit has not granted is not kept either
        sticky = self._sticky if state is Consent.GRANTED and not out else None
        answer = held.evaluate(flag, unit, attributes, opted_out=refuses, sticky=sticky)
        if refuses and not out and answer.detail is Detail.OPTED_OUT:
            answer = replace(answer, detail=Detail.CONSENT)
        if wants is not None and answer.error is None and KINDS.get(type(answer.value)) is not wants:
            return mismatch(answer, wants)
        if expose and not refuses and answer.experiment is not None:
            mark = held.of[answer.experiment]
            self._meet_slowly(held, mark, unit, attributes, answer, how(state))
        return answer

    def _set_for(
        self,
        layer: str,
        unit: str,
        attributes: Mapping[str, object],
        consent: Consent | str | None,
        *,
        expose: bool,
    ) -> Mapping[str, object]:
        """Answer a layer's parameters."""
        held = self._keeper.held
        state, out = self._choices.state(unit, consent), self._choices.out(unit)
        refuses = out or state is Consent.DENIED
        sticky = self._sticky if state is Consent.GRANTED and not out else None
        found = held.evaluator.parameters(layer, unit, attributes, opted_out=refuses, sticky=sticky)
        answer = found.evaluation
        if expose and not refuses and answer.experiment is not None:
            mark = held.of[answer.experiment]
            asked = held.ruleset.layers[layer].unit
            self._meet_slowly(held, mark, unit, attributes, answer, how(state, asked=asked))
        return found.values

    def _pull(
        self, flag: str, unit: str, attributes: Mapping[str, object], consent: Consent | str | None
    ) -> None:
        """Log a trigger."""
        state = self._allowed(unit, consent)
        if state is Consent.DENIED:
            return
        held = self._keeper.held
        sticky = self._sticky if state is Consent.GRANTED else None
        answer = held.evaluate(flag, unit, attributes, sticky=sticky)
        if answer.experiment is not None:
            mark = held.of[answer.experiment]
            self._meet_slowly(held, mark, unit, attributes, answer, how(state, trigger=True))

    def _link(
        self,
        unit: str,
        unit_type: str | None,
        was: str,
        was_type: str | None,
        consent: Consent | str | None,
    ) -> None:
        """Log an alias."""
        if type(unit) is not str or type(was) is not str or not unit or not was:
            raise UnfitError("an alias needs two ids, both texts")
        text = len(unit) + len(was)
        weight = SMALL + 4 * text if text > SMALL_TEXT else 0
        self._log(Linked(self._queue.number(), self._now(), unit, unit_type, was, was_type, weight), consent)

    # ---- logging ---------------------------------------------------------------------------------

    def _meet(
        self, held: Held, mark: Mark, unit: str, attributes: Mapping[str, object], answer: Evaluation
    ) -> None:
        """Log an exposure unless that was done before; the hot path of those of a flag's own unit type."""
        if mark.other:
            self._meet_slowly(held, mark, unit, attributes, answer)
            return
        queue = self._queue
        number = queue.number()
        # asking and setting in one step is what makes it exact among threads
        if mark.fresh.setdefault(unit, number) != number:
            return
        marks = held.marks
        marks.taken += 1
        if (mark.older or marks.taken > marks.half) and marks.known(mark, unit):
            return
        carried: dict[str, object] = {}
        text = len(unit)
        for name in mark.declared:
            item = attributes.get(name)
            if type(item) is str:
                text += len(item)
            elif item is None or type(item) in CHANGEABLE:
                continue
            carried[name] = item
        at = self._now()
        if text > SMALL_TEXT or len(carried) > MANY:
            weight = SMALL + 4 * text + 100 * len(carried)
            queue.put(Met(number, at, unit, mark.unit_type, answer, carried, False, weight))  # noqa: FBT003
            return
        queue.fresh.append(Met(number, at, unit, mark.unit_type, answer, carried))
        if len(queue.fresh) > queue.mark:
            queue.crowded()

    def _meet_slowly(
        self,
        held: Held,
        mark: Mark,
        unit: str,
        attributes: Mapping[str, object],
        answer: Evaluation,
        how: How = HOW,
    ) -> None:
        """Log an exposure or a trigger of any kind, unless that was done before.

        Args:
            held: The ruleset that answered.
            mark: Of the experiment that answered.
            unit: As the caller named it.
            attributes: Of the unit.
            answer: The evaluation.
            how: What is special.
        """
        who: object = unit
        if mark.other:
            asked = how.asked or held.ruleset.flags[answer.flag].unit
            who = unit if asked == mark.unit_type else attributes.get(mark.attribute)
        if type(who) is not str:
            return
        number = self._queue.number()
        if not how.held_back and not held.marks.first(mark, mark.key(who, trigger=how.trigger), number):
            return
        carried = mark.carried(attributes)
        text = len(who) + sum(len(item) for item in carried.values() if type(item) is str)
        weight = SMALL + 4 * text + 100 * len(carried)
        record = Met(number, self._now(), who, mark.unit_type, answer, carried, how.trigger, weight)
        if how.held_back:
            self._choices.hold(unit, record)
        else:
            self._queue.put(record)

    def _allowed(self, unit: str, consent: Consent | str | None) -> Consent:
        """Whether a record of the unit may be logged."""
        return Consent.DENIED if self._choices.out(unit) else self._choices.state(unit, consent)

    def _log(self, record: Did | Linked, consent: Consent | str | None) -> None:
        """Log, hold back or forget a record, as its unit decided."""
        state = self._allowed(record.unit, consent)
        if state is Consent.GRANTED:
            self._queue.put(record)
        elif state is Consent.PENDING:
            self._choices.hold(record.unit, record)

    def _decide(self, unit: str, state: Consent | str) -> None:
        """Note a decision, and log what was held back for it."""
        self._careful = True
        for record in self._choices.decided(unit, state):
            match record:
                case Met():
                    held = self._keeper.held
                    mark = held.of.get(record.answer.experiment or "")
                    if mark is None or held.marks.first(
                        mark, mark.key(record.unit, trigger=record.trigger), record.number
                    ):
                        self._queue.put(record)
                case _:
                    self._queue.put(record)

    def _leave_out(self, unit: str) -> None:
        """Note that a unit opted out."""
        self._careful = True
        self._choices.opt_out(unit)

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

    def _renew(self) -> None:
        """Live on in the child of a fork: no queue, lock or socket of the parent's."""
        self._choices.renew()
        self._keeper.lock = threading.RLock()
        self._keeper.settled = threading.Event()
        self._furnish()
        if self._closed:
            self._queue.close()
        elif self._watcher is not None:
            # a child that only executes another program should not start threads: the first question does
            self._keeper.held.rouse(self._watcher.start)


def mismatch(answer: Evaluation, wants: Type) -> Evaluation:
    """Answer that the flag serves another type than the caller can use."""
    got = KINDS.get(type(answer.value))
    return replace(
        answer,
        value=None,
        variant=None,
        reason=Reason.ERROR,
        detail=Detail.ERROR,
        experiment=None,
        error=ErrorCode.TYPE_MISMATCH,
        says=f"flag {answer.flag!r} serves a {got} where a {wants} is asked for; mend the call or the flag",
    )
