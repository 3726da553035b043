"""What a client does when it is called: answer, log what is met first, heed what units decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason, Type
from splitrun.sdk.inner.engine import Engine
from splitrun.sdk.outbox.plain import UnfitError
from splitrun.sdk.outbox.queue import SMALL, SMALL_TEXT
from splitrun.sdk.outbox.records import Did, Linked, Met
from splitrun.sdk.status import Consent

if TYPE_CHECKING:
    # for the type only: it brings the whole of `assign`, which is loaded when a client is made
    from splitrun.sdk.outbox.marks import Mark
    from splitrun.sdk.rulesets.held import Held

__all__ = ["ALIKE", "KINDS", "Answers"]

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
ALIKE: dict[Type, type] = {kind: python for python, kind in reversed(KINDS.items())}
"""A Python type of each of a flag's types."""
NOTHING: dict[str, object] = {}
"""What most exposures carry; nobody writes to it."""
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


class Answers(Engine):
    """Answering and logging. What is counted in nanoseconds stands in one function each, on purpose."""

    # ---- answering -------------------------------------------------------------------------------

    def _answer(  # noqa: PLR0913, PLR0917 - the hot path: a call and an object less
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object] | None,
        named: Mapping[str, object],
        expose: bool,  # noqa: FBT001 - positional because keywords cost
        consent: Consent | str | None,
        alike: type | None,
    ) -> Evaluation:
        """Answer, and log the exposure if it is the first. Never raises.

        `alike` is the type of what the caller can use; None takes anything.
        """
        try:
            if attributes is None:
                attributes = named
            elif named or type(attributes) is not dict:
                attributes = {**attributes, **named}
            if consent is not None or self._careful:
                return self._chosen(flag, unit, attributes, expose, consent, alike)
            held = self._keeper.held
            answer = held.evaluate(flag, unit, attributes)
            # most flags serve the very type of the default
            if alike is not None and type(answer.value) is not alike and unlike(answer, alike):
                return mismatch(answer, KINDS[alike])
            if expose and answer.experiment is not None:
                mark = held.of[answer.experiment]
                if unit not in mark.fresh:
                    self._meet(held, mark, unit, attributes, answer)
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
        alike: type | None,
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
        if alike is not None and unlike(answer, alike):
            return mismatch(answer, KINDS[alike])
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
        if mark.slow:
            self._meet_slowly(held, mark, unit, attributes, answer)
            return
        queue = self._queue
        number = queue.number()
        # asking and setting in one step is what makes it exact among threads
        if mark.fresh.setdefault(unit, number) is not number:
            return
        marks = held.marks
        marks.taken += 1
        if marks.known(mark, unit) if marks.taken > marks.half else unit in mark.older:
            return
        text = len(unit)
        carried = NOTHING
        if mark.declared:
            carried = {}
            for name in mark.declared:
                item = attributes.get(name)
                if type(item) is str:
                    text += len(item)
                elif item is None or type(item) in CHANGEABLE:
                    continue
                carried[name] = item
        at = self._now()
        if text > SMALL_TEXT:
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


def unlike(answer: Evaluation, alike: type) -> bool:
    """Whether the flag serves another type than that of a value; a type that no flag has takes anything."""
    wants = KINDS.get(alike)
    return wants is not None and answer.error is None and KINDS.get(type(answer.value)) is not wants


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
