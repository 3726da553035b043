"""What a client does when it is called: answer, log what is met first, heed what units decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason, Type
from splitrun.sdk.inner.engine import Engine
from splitrun.sdk.outbox.plain import UnfitError, merged, text
from splitrun.sdk.outbox.queue import MANY, SMALL_TEXT
from splitrun.sdk.outbox.records import SMALL, Linked, Met, Record
from splitrun.sdk.outbox.told import roomy
from splitrun.sdk.status import Consent

if TYPE_CHECKING:
    # for the type only: it brings the whole of `assign`, which is loaded when a client is made
    from splitrun.assign.explanation import Explanation
    from splitrun.assign.sticky import Sticky
    from splitrun.sdk.outbox.marks import Mark
    from splitrun.sdk.rulesets.held import Held

__all__ = ["ALIKE", "KINDS", "Answers", "unexplained"]

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

    def _answer(  # noqa: C901, PLR0913, PLR0917 - the hot path: a call and an object less
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

        What does not go the short way here goes the long one, `_carefully`. Most flags serve the very type of
        the default, which is looked at first. A first exposure is remembered as in `Marks.first`.

        Args:
            flag: Its key.
            unit: Its id.
            attributes: Of the unit.
            named: Further ones; they win.
            expose: Whether the exposure is logged.
            consent: What the unit allowed, where the caller says so.
            alike: The type of what the caller can use; None takes anything.
        """
        try:
            if consent is not None or self._careful:
                return self._carefully(flag, unit, attributes, named, expose, consent, alike)
            if attributes is None:
                attributes = named
            elif named or type(attributes) is not dict:
                attributes = merged(attributes, named)
            held = self._keeper.held
            answer = held.doors[flag](unit, attributes)
            if alike is not None and type(answer.value) is not alike and unlike(answer, alike):
                return mismatch(answer, KINDS[alike])
            if expose and answer.experiment is not None:
                mark = held.of[answer.experiment]
                if unit not in mark.fresh:
                    plain = not mark.asks and type(unit) is str and len(unit) <= SMALL_TEXT
                    carried = None if plain else self._carried(held, mark, unit, attributes, answer)
                    if not plain and carried is None:
                        return answer
                    queue, waiting, now = self._queue, self._queue.fresh, self._now
                    waiting.append(Met(now(), unit, mark.stretch, answer, carried))
                    mark.fresh.add(unit)
                    if len(mark.fresh) > mark.full:
                        held.marks.turn()
                    if len(waiting) > queue.mark:
                        queue.crowded()
        except Exception:  # noqa: BLE001 - whatever it is, it is told on the long way
            return self._carefully(flag, unit, attributes, named, expose, consent, alike)
        return answer

    def _carefully(  # noqa: PLR0913, PLR0917 - as above
        self,
        flag: str,
        unit: str,
        attributes: Mapping[str, object] | None,
        named: Mapping[str, object],
        expose: bool,  # noqa: FBT001 - as above
        consent: Consent | str | None,
        alike: type | None,
    ) -> Evaluation:
        """Answer the long way, by which everything goes: consent, opt-out, stickiness, what is strange."""
        try:
            attributes = merged(attributes, named)
            held = self._keeper.held
            state, out = self._stand(unit, consent)
            refuses = out or state is Consent.DENIED
            # what a unit has not granted is not kept either
            sticky = self._store_for(state, expose=expose) if not out else None
            answer = held.evaluate(flag, unit, attributes, opted_out=refuses, sticky=sticky)
            if refuses and not out and answer.detail is Detail.OPTED_OUT:
                answer = replace(answer, detail=Detail.CONSENT)
            if alike is not None and unlike(answer, alike):
                return mismatch(answer, KINDS[alike])
            if expose and not refuses and answer.experiment is not None:
                mark = held.of[answer.experiment]
                self._meet_slowly(held, mark, unit, attributes, answer, how(state))
        except UnfitError as error:
            return self._failed(flag, unit, error, alike)
        except Exception as error:  # noqa: BLE001 - the border: our mistakes are counted, not raised into a request
            return self._blundered(flag, error)
        return answer

    def _failed(self, flag: str, unit: str, error: UnfitError, alike: type | None) -> Evaluation:
        """Answer with the flag's default where the attributes cannot be read."""
        try:
            answer = self._keeper.held.evaluator.failed(flag, unit, str(error))
        except Exception as fault:  # noqa: BLE001 - as above
            return self._blundered(flag, fault)
        return mismatch(answer, KINDS[alike]) if alike is not None and unlike(answer, alike) else answer

    def _set_for(
        self,
        layer: str,
        unit: str,
        attributes: Mapping[str, object] | None,
        named: Mapping[str, object],
        consent: Consent | str | None,
        *,
        expose: bool,
    ) -> Mapping[str, object]:
        """Answer a layer's parameters."""
        held = self._keeper.held
        held.wake()
        try:
            attributes = merged(attributes, named)
        except UnfitError as error:
            return held.evaluator.failed_layer(layer, unit, str(error)).values
        state, out = self._stand(unit, consent)
        refuses = out or state is Consent.DENIED
        sticky = self._store_for(state, expose=expose) if not out else None
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
        answer = held.evaluate(flag, unit, attributes, sticky=self._store_for(state, expose=False))
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
        unit, was = text(unit, "the id of an alias"), text(was, "the id before of an alias")
        if not unit or not was:
            raise UnfitError("an id of an alias is empty; give both ids")
        unit_type = None if unit_type is None else text(unit_type, "the unit type of an alias")
        was_type = None if was_type is None else text(was_type, "the unit type before of an alias")
        size = len(unit) + len(was) + len(unit_type or "") + len(was_type or "")
        weight = SMALL + 4 * size if size > SMALL_TEXT else 0
        self._log(Linked(self._now(), unit, unit_type, was, was_type, weight), unit, consent)

    # ---- logging ---------------------------------------------------------------------------------

    def _carried(
        self, held: Held, mark: Mark, unit: str, attributes: Mapping[str, object], answer: Evaluation
    ) -> dict[str, object] | None:
        """Take what a small exposure carries; None where it may be large or strange, and is logged here."""
        if type(unit) is str and not mark.slow:
            carried, size, wrong = mark.carried(attributes)
            if not wrong and size + len(unit) <= SMALL_TEXT:
                return carried
        self._meet_slowly(held, mark, unit, attributes, answer)
        return None

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
        who = unit
        if mark.other:
            asked = how.asked or held.ruleset.flags[answer.flag].unit
            if asked != mark.unit_type:
                from splitrun.assign.programs import read_id  # noqa: PLC0415 - loaded with the first ruleset

                # as the evaluation read it: whole numbers are ids, too
                who = read_id(attributes.get(mark.attribute), mark.unit_type, mark.attribute).decode()
        who = who if type(who) is str else text(who, "the id of a unit")
        if how.held_back:
            kept = text(unit, "the id of a unit")
            self._choices.hold(kept, self._met(mark, who, attributes, answer, how))
            return
        key = mark.key(who, trigger=how.trigger)
        held.marks.first(mark, key, lambda: self._queue.put(self._met(mark, who, attributes, answer, how)))

    def _met(
        self, mark: Mark, who: str, attributes: Mapping[str, object], answer: Evaluation, how: How
    ) -> Met:
        """Make a record of any size; see `_meet_slowly`."""
        carried, size, wrong = mark.carried(attributes)
        if wrong:
            self._leave_off(wrong)
        size += len(who)
        small = size <= SMALL_TEXT and len(carried) <= MANY
        weight = 0 if small else SMALL + 4 * size + 100 * len(carried)
        return Met(self._now(), who, mark.stretch, answer, carried, how.trigger, weight)

    def _leave_off(self, wrong: list[str]) -> None:
        """Count attributes that could not be sent."""
        self._left_out += len(wrong)
        self._sender.note = wrong[-1]

    def _stand(self, unit: str, consent: Consent | str | None) -> tuple[Consent, bool]:
        """What the unit allowed, and whether it opted out; nothing is allowed to what is no id."""
        if type(unit) is not str:
            if not issubclass(type(unit), str):
                return Consent.DENIED, False
            unit = str.__str__(unit)
        return self._choices.state(unit, consent), self._choices.out(unit)

    def _store_for(self, state: Consent, *, expose: bool) -> Sticky | None:
        """Where the unit's variants are kept: for those who granted, and kept anew when they are exposed."""
        if state is not Consent.GRANTED:
            return None
        return self._sticky if expose else self._unkept

    def _allowed(self, unit: str, consent: Consent | str | None) -> Consent:
        """Whether a record of the unit may be logged."""
        state, out = self._stand(unit, consent)
        return Consent.DENIED if out else state

    def _log(self, record: bytes | Linked, unit: str, consent: Consent | str | None) -> bool:
        """Log, hold back or forget a record, as its unit decided; of two units, both. False: forgotten.

        Raises:
            UnfitError: It is too large to be sent or held; see `roomy`.
        """
        roomy(record, self._settings.queue_bytes)
        state = self._allowed(unit, consent)
        match record:
            case Linked(was=was) if self._choices.out(was) or self._choices.decision(was) is Consent.DENIED:
                return False
            case Linked(was=was) if state is Consent.GRANTED:
                unit, state = was, self._choices.decision(was) or state
            case _:
                pass
        if state is Consent.GRANTED:
            self._queue.put(record)
        elif state is Consent.PENDING:
            self._choices.hold(unit, record)
        return state is not Consent.DENIED

    def _decide(self, unit: str, state: Consent | str) -> None:
        """Note a decision, and log what was held back for it."""
        self._careful = True
        unit = text(unit, "the id of the unit that decides")
        released = self._choices.decided(unit, state)
        if self._choices.decision(unit) is Consent.DENIED:
            self._forget(unit)
        for record in released:
            if not self._release(record):
                self._choices.forgotten += 1

    def _release(self, record: Record) -> bool:
        """Log what was held back; False where it is forgotten."""
        match record:
            case Met():
                held = self._keeper.held
                mark = held.of.get(record.answer.experiment or "")
                # of a phase that has ended meanwhile nothing more is met
                if mark is not None and record.stretch is mark.stretch:
                    key = mark.key(record.unit, trigger=record.trigger)
                    return held.marks.first(mark, key, lambda: self._queue.put(record))
            case Linked(unit=unit):
                # the other unit has a say, too
                return self._log(record, unit, None)
            case _:
                pass
        self._queue.put(record)
        return True

    def _leave_out(self, unit: str) -> None:
        """Note that a unit opted out."""
        self._careful = True
        unit = text(unit, "the id of the unit that opts out")
        self._choices.opt_out(unit)
        self._forget(unit)

    def _forget(self, unit: str) -> None:
        """Tell without an id what the unit left, or take its variants out of a sticky store that lets go."""
        if self._sticky is None:  # what a unit is dealt is what it was served
            # `copy`, unlike `tuple`, cannot be interrupted: what collects garbage may log something
            for mark, dealt in self._keeper.held.marks.left(unit, self._queue.fresh.copy()):
                self._queue.put(Met(self._now(), unit, mark.stretch, dealt, left=True))
        forget = getattr(self._sticky, "forget", None)
        if forget is not None:
            for key, mark in self._keeper.held.of.items():
                if not mark.other:  # else it is kept for another unit
                    forget(key, mark.experiment.version, unit)


def unlike(answer: Evaluation, alike: type) -> bool:
    """Whether the flag serves another type than that of a value; a type that no flag has takes anything."""
    wants = KINDS.get(alike)
    # an error with a value has the flag's default, which may be of another type as well
    settled = answer.error is not None and answer.value is None
    return wants is not None and not settled and KINDS.get(type(answer.value)) is not wants


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


def unexplained(answer: Evaluation, unit: object) -> Explanation:
    """Tell an answer without a path."""
    from splitrun.assign.explanation import Explanation  # noqa: PLC0415 - importing a client stays cheap

    shown = str.__str__(unit) if issubclass(type(unit), str) else type(unit).__name__
    return Explanation(answer.flag, shown, answer, (), answer.serve, answer.detail)
