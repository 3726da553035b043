"""What a product calls, the same for `Client` and `AsyncClient`: nothing here blocks or raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, overload

from splitrun.assign.evaluation import Evaluation
from splitrun.assign.ruleset import Type
from splitrun.sdk.status import Change, Consent, Statistics, Status

__all__ = ["Surface"]

Object = TypeVar("Object")


class Surface:
    """Answers and records for one product.

    Attributes of the unit are given as keywords, or as one mapping where a name clashes with a parameter
    (`attributes={"default": 1, "consent": "x"}`); both together are merged, keywords win.
    """

    def variant(
        self,
        flag: str,
        unit: str,
        /,
        default: str | None = None,
        attributes: Mapping[str, object] | None = None,
        *,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> str | None:
        """Name the unit's variant, and log its exposure once; `default` where there is none."""
        raise NotImplementedError

    @overload
    def value(self, flag: str, unit: str, /, default: bool, attributes: Mapping[str, object] | None = ..., *, expose: bool = ..., consent: Consent | str | None = ..., **named: object) -> bool: ...
    @overload
    def value(self, flag: str, unit: str, /, default: str, attributes: Mapping[str, object] | None = ..., *, expose: bool = ..., consent: Consent | str | None = ..., **named: object) -> str: ...
    @overload
    def value(self, flag: str, unit: str, /, default: float, attributes: Mapping[str, object] | None = ..., *, expose: bool = ..., consent: Consent | str | None = ..., **named: object) -> float: ...
    @overload
    def value(self, flag: str, unit: str, /, default: Object, attributes: Mapping[str, object] | None = ..., *, expose: bool = ..., consent: Consent | str | None = ..., **named: object) -> Object: ...
    def value(self, flag: str, unit: str, /, default: object, attributes: Mapping[str, object] | None = None, *, expose: bool = True, consent: Consent | str | None = None, **named: object) -> object:
        """Serve the flag's value to the unit; `default` where there is none or it is of another type."""
        raise NotImplementedError

    def evaluate(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Mapping[str, object] | None = None,
        *,
        wants: Type | None = None,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> Evaluation:
        """Answer with variant, value and reason. `wants` turns another type into the error TYPE_MISMATCH."""
        raise NotImplementedError

    def parameters(
        self,
        layer: str,
        unit: str,
        /,
        attributes: Mapping[str, object] | None = None,
        *,
        expose: bool = True,
        consent: Consent | str | None = None,
        **named: object,
    ) -> Mapping[str, object]:
        """Read the layer's parameters for the unit, and log the exposure to the experiment that set them."""
        raise NotImplementedError

    def expose(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Mapping[str, object] | None = None,
        *,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log an exposure that `expose=False` put off."""
        raise NotImplementedError

    def trigger(
        self,
        flag: str,
        unit: str,
        /,
        attributes: Mapping[str, object] | None = None,
        *,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log a later qualifying moment, in control too, once per unit, experiment and phase."""
        raise NotImplementedError

    def track(
        self,
        name: str,
        unit: str,
        /,
        value: float | None = None,
        properties: Mapping[str, object] | None = None,
        *,
        unit_type: str | None = None,
        consent: Consent | str | None = None,
        **named: object,
    ) -> None:
        """Log something that the unit did or met."""
        raise NotImplementedError

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
        """Log that two ids are one unit: the id before it was known, and the id since."""
        raise NotImplementedError

    def consent(self, unit: str, state: Consent | str, /) -> None:
        """Say what the unit decided: `granted` releases what was held back, `denied` drops it."""
        raise NotImplementedError

    def opt_out(self, unit: str, /) -> None:
        """Serve defaults to the unit and log nothing of it from now on."""
        raise NotImplementedError

    def listen(self, listener: Callable[[Change], None], /) -> None:
        """Call `listener` from the background whenever the status changes or a new ruleset is held."""
        raise NotImplementedError

    @property
    def status(self) -> Status:
        """NOT_READY, READY, STALE or CLOSED."""
        raise NotImplementedError

    @property
    def trouble(self) -> str:
        """What went wrong last and still does, and what to do next; empty where nothing does."""
        raise NotImplementedError

    @property
    def statistics(self) -> Statistics:
        """Counts since the client was made."""
        raise NotImplementedError
