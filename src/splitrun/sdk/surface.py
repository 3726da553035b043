"""What a product calls, the same for `Client` and `AsyncClient`: nothing here blocks or raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, Unpack, overload

from splitrun.assign.evaluation import Evaluation, Type
from splitrun.sdk.inner.answers import ALIKE, Answers, unexplained
from splitrun.sdk.outbox.plain import UnfitError, merged, pack, packed, text
from splitrun.sdk.outbox.records import SMALL_BYTES
from splitrun.sdk.status import Change, Consent, Statistics, Status

__all__ = ["Surface"]

if TYPE_CHECKING:
    # for the type only: it brings the whole of `assign`, which is loaded when a client is made
    from splitrun.assign.explanation import Explanation
    from splitrun.assign.ruleset import Ruleset
    from splitrun.sdk.settings import Options

Object = TypeVar("Object")
Attributes = Mapping[str, object]


class Surface(Answers):
    """Answers and records for one product.

    Attributes of the unit are given as keywords, or as one mapping where a name is also a parameter's
    (`attributes={"default": 1, "consent": "x"}`); with both, keywords win. `flag`, `unit` and `name` are
    positional, so attributes may have these names.
    """

    def __init__(self, url: str | None = None, **options: Unpack[Options]) -> None:
        """Take what is told at `splitrun.sdk.settings.Settings`.

        Raises:
            SettingError: An option is not known, contradicts another, or is out of its range.
            RulesetError: The `ruleset` given cannot be used.
        """
        from splitrun.sdk.settings import settled  # noqa: PLC0415 - as above

        super().__init__(settled(url, options))

    def variant(
        self,
        flag: str,
        unit: str,
        /,
        default: str | None = None,
        attributes: Attributes | None = None,
        *,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> str | None:
        """Name the unit's variant, and log its exposure once.

        Args:
            flag: Its key.
            unit: Id of the unit, of the flag's unit type.
            default: Answered where nothing can be: the flag is not known, or no ruleset is there.
            attributes: What is known of the unit.
            expose: False puts the exposure off until `expose()`.
            consent: What the unit allowed, where it is not the client's usual.
            named: More attributes.
        """
        variant = self._answer(flag, unit, attributes, named, expose, consent, None).variant
        return default if variant is None else variant

    @overload
    def value(
        self,
        flag: str,
        unit: str,
        /,
        default: bool,  # noqa: FBT001 - the default of a boolean flag
        attributes: Attributes | None = ...,
        *,
        expose: bool = ...,
        consent: Consent | str | None = ...,
        **named: object,
    ) -> bool: ...

    @overload
    def value(
        self,
        flag: str,
        unit: str,
        /,
        default: str,
        attributes: Attributes | None = ...,
        *,
        expose: bool = ...,
        consent: Consent | str | None = ...,
        **named: object,
    ) -> str: ...

    @overload
    def value(
        self,
        flag: str,
        unit: str,
        /,
        default: float,
        attributes: Attributes | None = ...,
        *,
        expose: bool = ...,
        consent: Consent | str | None = ...,
        **named: object,
    ) -> float: ...

    @overload
    def value(
        self,
        flag: str,
        unit: str,
        /,
        default: Object,
        attributes: Attributes | None = ...,
        *,
        expose: bool = ...,
        consent: Consent | str | None = ...,
        **named: object,
    ) -> Object: ...

    def value(
        self,
        flag: str,
        unit: str,
        /,
        default: object,
        attributes: Attributes | None = None,
        *,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> object:
        """Serve the flag's value to the unit, and log the exposure once.

        Args:
            flag: Its key.
            unit: Id of the unit, of the flag's unit type.
            default: Served where nothing else can be, also where the flag's value is of another type.
            attributes: What is known of the unit.
            expose: False puts the exposure off until `expose()`.
            consent: What the unit allowed, where it is not the client's usual.
            named: More attributes.
        """
        value = self._answer(flag, unit, attributes, named, expose, consent, type(default)).value
        return default if value is None else value

    def evaluate(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Attributes | None = None,
        *,
        wants: Type | None = None,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> Evaluation:
        """Answer with variant, value and reason.

        Args:
            flag: Its key.
            unit: Id of the unit, of the flag's unit type.
            attributes: What is known of the unit.
            wants: Another type than this is the error TYPE_MISMATCH, and no exposure.
            expose: False puts the exposure off until `expose()`.
            consent: What the unit allowed, where it is not the client's usual.
            named: More attributes.
        """
        alike = None if wants is None else ALIKE[wants]
        return self._answer(flag, unit, attributes, named, expose, consent, alike)

    def parameters(
        self,
        layer: str,
        unit: str,
        /,
        attributes: Attributes | None = None,
        *,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> Mapping[str, object]:
        """Read the layer's parameters for the unit, and log the exposure to the experiment that set them.

        Code that reads parameters need not know which experiment runs. Empty where the layer is not known.
        """
        otherwise: Mapping[str, object] = {}
        return self._guarded(
            lambda: self._set_for(layer, unit, attributes, named, consent, expose=expose), otherwise
        )

    def explain(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Attributes | None = None,
        *,
        consent: Consent | str | None = None,
        **named: object,
    ) -> Explanation:
        """Tell the path that leads to the answer; nothing is logged or kept."""
        try:
            out = self._allowed(unit, consent) is Consent.DENIED
            self._keeper.held.wake()
            evaluator = self._keeper.held.evaluator
            try:
                known = merged(attributes, named)
            except UnfitError as error:
                return unexplained(evaluator.failed(flag, unit, str(error)), unit)
            return evaluator.explain(flag, unit, known, opted_out=out, sticky=self._sticky)
        except Exception as error:  # noqa: BLE001 - the border: our mistakes are counted, not raised
            return unexplained(self._blundered(flag, error), unit)

    def expose(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Attributes | None = None,
        *,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log an exposure that `expose=False` put off; give the attributes that were given then."""
        self._answer(flag, unit, attributes, named, True, consent, None)  # noqa: FBT003 - see there

    def trigger(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Attributes | None = None,
        *,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log a later qualifying moment, in control too, once per unit, experiment and phase.

        Call it where a treatment would first make a difference, whichever variant the unit has.
        """
        self._guarded(lambda: self._pull(flag, unit, merged(attributes, named), consent), None)

    def track(
        self,
        name: str,
        unit: str,
        /,
        value: float | None = None,
        properties: Attributes | None = None,
        *,
        unit_type: str | None = None,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log something that the unit did or met.

        Args:
            name: What happened.
            unit: Who it happened to.
            value: A finite number.
            properties: What else is known: texts, numbers, booleans, None, dates, and lists and mappings of
                these. They are copied; what cannot be sent is counted as rejected.
            unit_type: Where it is not the ruleset's first.
            consent: What the unit allowed, where it is not the client's usual.
            named: More properties; keywords win.
        """
        try:
            known = properties
            if known is None:
                known = named
            elif named or type(known) is not dict:
                known = {**merged(properties, named, "properties")}
            now = self._now  # called as a method it would be looked for in the class each time
            try:
                # a copy of all that is in it; the sender looks at what it is
                data = pack((known, name, unit, unit_type, value, now()))
            except Exception:  # noqa: BLE001 - a product's own kind of list or date may raise anything
                data = packed(now(), name, unit, unit_type, value, known)
            if len(data) > SMALL_BYTES or consent is not None or self._careful:
                self._log(data, text(unit, "the id of an event's unit"), consent)
                return
            queue = self._queue
            waiting = queue.fresh
            waiting.append(data)
            if len(waiting) > queue.mark:
                queue.crowded()
        except Exception as error:  # noqa: BLE001 - the border: our mistakes are counted, not raised
            self._unfit(error)

    def alias(
        self,
        was: str,
        unit: str,
        /,
        *,
        was_type: str | None = None,
        unit_type: str | None = None,
        consent: Consent | str | None = None,
    ) -> None:
        """Log that two ids are one unit.

        Args:
            was: The id before the unit was known.
            unit: The id since.
            was_type: Unit type of the first, where it is not the ruleset's first.
            unit_type: Of the second.
            consent: What the unit allowed, where it is not the client's usual.
        """
        self._guarded(lambda: self._link(unit, unit_type, was, was_type, consent), None)

    def consent(self, unit: str, state: Consent | str, /) -> None:
        """Note what the unit decided: `granted` logs what was held back, `denied` drops it."""
        self._guarded(lambda: self._decide(unit, state), None)

    def opt_out(self, unit: str, /) -> None:
        """Serve defaults to the unit and log nothing of it, as long as this process lives."""
        self._guarded(lambda: self._leave_out(unit), None)

    def listen(self, listener: Callable[[Change], None], /) -> None:
        """Call `listener` from a background thread when the status changes or another ruleset is held.

        What a listener raises is counted and not passed on.
        """
        self._keeper.listeners.append(lambda change: self._guarded(lambda: listener(change), None))

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset in use; an empty one of version 0 while there is none."""
        return self._keeper.held.ruleset

    @property
    def status(self) -> Status:
        """Whether there is a ruleset, and whether its source answers."""
        return self._keeper.status

    @property
    def trouble(self) -> str:
        """What goes wrong at the moment and what to do next; empty where nothing does."""
        keeper, sender, choices = self._keeper, self._sender, self._choices
        fetched = (keeper.trouble, keeper.cache_trouble, choices.trouble)
        what = (*fetched, sender.trouble, sender.spool_trouble, sender.blunder)
        return "; ".join(text for text in what if text)

    @property
    def statistics(self) -> Statistics:
        """Counts since the client was made, in this process."""
        queue, sender, choices = self._queue, self._sender, self._choices
        return Statistics(
            made=queue.made + choices.amount + choices.dropped + choices.forgotten + queue.unfit,
            sent=sender.sent,
            queued=len(queue),
            spooled=sender.spooled,
            held_back=choices.amount,
            dropped=sender.dropped + choices.dropped,
            rejected=queue.rejected + sender.refused,
            retried=sender.retried,
            blunders=self._blunders,
            left_out=self._left_out,
            forgotten=choices.forgotten,
        )
