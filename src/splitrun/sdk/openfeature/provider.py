"""The provider: OpenFeature's questions put to a client, a client's changes told as OpenFeature's events."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar, Unpack

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode, GeneralError, ProviderFatalError
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails
from openfeature.version import __version__ as installed

from splitrun.assign.ruleset import Ruleset, Type
from splitrun.errors import RulesetError, SettingError
from splitrun.sdk.client import Client
from splitrun.sdk.context import CURRENT
from splitrun.sdk.inner.targets import Targets
from splitrun.sdk.openfeature.resolutions import (
    Kind,
    Structure,
    boolean,
    real,
    refused,
    string,
    structure,
    whole,
)
from splitrun.sdk.options.kinds import HOOKS, wrong
from splitrun.sdk.options.kinds import Kind as Option
from splitrun.sdk.rulesets.held import Held
from splitrun.sdk.settings import Options
from splitrun.sdk.status import Change, Status
from splitrun.sdk.surface import Surface

__all__ = ["SplitrunProvider"]

Value = TypeVar("Value")

NAME = "splitrun"
METADATA = Metadata(NAME)
NOTHING = EvaluationContext()
KINDS = {
    "client": Option("a Client or an AsyncClient", lambda value: isinstance(value, Surface)),
    "hooks": HOOKS,
}
EVENTS = {
    Status.READY: ProviderEvent.PROVIDER_READY,
    Status.STALE: ProviderEvent.PROVIDER_STALE,
    # it answers on, from a ruleset that nobody renews
    Status.CLOSED: ProviderEvent.PROVIDER_STALE,
    Status.NOT_READY: ProviderEvent.PROVIDER_ERROR,
}


class SplitrunProvider(AbstractProvider):
    """Answers OpenFeature's clients as `Client` does, and logs exposures and events as it does.

    Args:
        url: The server, like `https://splitrun.example`.
        client: One that the product made and closes itself; or None, and the provider makes one when it is
            initialised and closes it when it is shut down.
        hooks: Provider hooks.
        options: As of `splitrun.Client`; what is wrong with them is told when the provider is initialised, as
            PROVIDER_FATAL.
    """

    legacy: ClassVar[bool] = installed.startswith("0.10.")
    """Whether OpenFeature announces READY and ERROR itself after `initialize`, as it did before spec 0.9."""

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Surface | None = None,
        hooks: Sequence[Hook] = (),
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        given: dict[str, object] = {"hooks": hooks} if client is None else {"hooks": hooks, "client": client}
        self._wrong = "\n".join(wrong(given, KINDS))
        self._given, self._url, self._options = client, url, options
        self._hooks = [] if self._wrong else list(hooks)
        self._client: Surface | None = None
        self._made: Client | None = None
        self._heard: Surface | None = None
        self._told: Status | None = None
        self._down = False
        self._lock = threading.RLock()
        self._targets = Targets(Ruleset("", "", 0, {}))
        self._held: Held | None = None
        self._flag_set = ""
        # one of each per provider: they keep what they were told
        self._booleans = Kind(Type.BOOLEAN, boolean)
        self._strings = Kind(Type.STRING, string)
        self._integers = Kind(Type.NUMBER, whole, exact=False)
        self._floats = Kind(Type.NUMBER, real)
        self._objects: Kind[Structure] = Kind(Type.OBJECT, structure, shared=False)

    def get_metadata(self) -> Metadata:
        """Tell the provider's name."""
        return METADATA

    def get_provider_hooks(self) -> list[Hook]:
        """Tell the hooks given."""
        return self._hooks

    # ---- life ------------------------------------------------------------------------------------

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002 - the ruleset depends on nobody
        """Take or make the client, and wait for its first ruleset as long as it does.

        Raises:
            ProviderFatalError: It can never answer: an option or the ruleset given is wrong, or it is closed.
            GeneralError: It has no ruleset yet; READY follows when it has one.
        """
        self._down = False
        try:
            client = self._chosen()
        except (SettingError, RulesetError) as error:
            self._announce(ProviderEvent.PROVIDER_ERROR, str(error), ErrorCode.PROVIDER_FATAL)
            raise ProviderFatalError(str(error)) from error
        status = self._listened(client)
        if status is Status.CLOSED:
            says = "the client is closed; give the provider one that is open"
            self._announce(ProviderEvent.PROVIDER_ERROR, says, ErrorCode.PROVIDER_FATAL)
            raise ProviderFatalError(says)
        if status is Status.NOT_READY:
            says = (
                client.trouble
                or "no ruleset is there yet; the code's defaults stand until the source answers"
            )
            self._announce(ProviderEvent.PROVIDER_ERROR, says, ErrorCode.GENERAL)
            raise GeneralError(says)
        self._announce(EVENTS[status], client.trouble)

    def _chosen(self) -> Surface:
        if self._wrong:
            raise SettingError(self._wrong)
        if self._given is None:
            return self._opened()
        if self._url is not None or self._options:
            raise SettingError("client and options are both given; give the options to the client")
        return self._given

    def _opened(self) -> Client:
        if self._made is None:
            made = Client(self._url, **self._options)
            with self._lock:
                if not self._down:
                    self._made = made
                    return made
            made.close()
            raise GeneralError("the provider was shut down while it waited for its first ruleset")
        return self._made

    def _listened(self, client: Surface) -> Status:
        """Listen to a client's changes, once; answers its status."""
        with self._lock:
            self._client = client
            self._told = status = client.status
            if self._heard is not client:
                self._heard = client
                client.listen(self._changed)
        with contextlib.suppress(ValueError):
            api.remove_handler(ProviderEvent.PROVIDER_READY, self._ready)
        api.add_handler(ProviderEvent.PROVIDER_READY, self._ready)
        return status

    def _announce(self, event: ProviderEvent, says: str, code: ErrorCode | None = None) -> None:
        """Tell how initialising ended, unless OpenFeature will do so itself."""
        if not self.legacy:
            self.emit(event, ProviderEventDetails(message=says or None, error_code=code))

    def shutdown(self) -> None:
        """Send what is queued and let go of the client; one that was given stays open."""
        with contextlib.suppress(ValueError):
            # handlers may have been cleared before
            api.remove_handler(ProviderEvent.PROVIDER_READY, self._ready)
        with self._lock:
            made, self._made, self._client, self._told = self._made, None, None, None
            self._down = True
        if made is not None:
            made.close()

    def _changed(self, change: Change) -> None:
        """Tell a client's change as events."""
        with self._lock:
            if self._client is None:
                return
            moved, self._told = change.status is not self._told, change.status
            if moved:
                self.emit(EVENTS[change.status], ProviderEventDetails(message=change.trouble or None))
            if change.flags:
                details = ProviderEventDetails(list(change.flags), metadata={"ruleset": change.ruleset})
                self.emit(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, details)

    def _ready(self, details: EventDetails) -> None:
        """Correct a READY that OpenFeature concluded from `initialize` alone."""
        client = self._client
        if details.provider_name == NAME and client is not None and client.status is Status.STALE:
            self.emit(ProviderEvent.PROVIDER_STALE, ProviderEventDetails(message=client.trouble or None))

    # ---- answering -------------------------------------------------------------------------------

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - OpenFeature's interface
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Resolve a boolean flag."""
        return self._resolve(self._booleans, flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Resolve a flag that serves texts."""
        return self._resolve(self._strings, flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Resolve a flag that serves numbers, where this one is whole."""
        return self._resolve(self._integers, flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Resolve a flag that serves numbers."""
        return self._resolve(self._floats, flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: Structure, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Structure]:
        """Resolve a flag that serves lists or mappings; the caller gets its own copy."""
        return self._resolve(self._objects, flag_key, default_value, evaluation_context)

    def _resolve(
        self, kind: Kind[Value], flag: str, default: Value, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Value]:
        """Ask the client; what an evaluation is told as is made once."""
        client = self._client
        if client is None:
            return refused(default, ErrorCode.PROVIDER_NOT_READY, "the provider is not initialised")
        said = context or NOTHING
        unit = said.targeting_key
        attributes: Mapping[str, object] = said.attributes
        held = client._keeper.held  # noqa: SLF001 - `client.ruleset` without a call, for the reason below
        targets = self._targets if held is self._held else self._renewed(held)
        if not unit or flag in targets.others:
            unit, attributes = targets.asked(flag, unit, attributes)
        consent = CURRENT.get().consent
        # `client.evaluate` without two calls and a copy: openfeature-sdk is what takes the time, not we
        answer = client._answer(flag, unit, None, attributes, kind.exact, consent, kind.alike)  # noqa: SLF001
        known = kind.known.get(id(answer))
        if known is not None and kind.exact:
            return known[1]
        details = kind.told(answer, default, self._flag_set)
        if not kind.exact and answer.experiment is not None and details.error_code is None:
            client.expose(flag, unit, attributes, consent=consent)
        return details

    def _renewed(self, held: Held) -> Targets:
        """Look at another ruleset."""
        ruleset = held.ruleset
        with self._lock:
            self._flag_set = f"{ruleset.project}/{ruleset.environment}"
            self._targets = targets = Targets(ruleset)
            # last: who sees it sees the others
            self._held = held
        return targets

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Log something that the unit of the targeting key did; without one it is counted as rejected."""
        client = self._client
        if client is None:
            return
        unit = (evaluation_context or NOTHING).targeting_key or ""
        value, properties = None, None
        if tracking_event_details is not None:
            value, properties = tracking_event_details.value, tracking_event_details.attributes
        client.track(tracking_event_name, unit, value, properties, consent=CURRENT.get().consent)
