"""Holds the ruleset in use: what may replace it, how old it is, who is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import Ruleset
from splitrun.assign.transmission import LONGEST, opened
from splitrun.errors import RulesetError
from splitrun.sdk.rulesets.cache import Cache, file_of
from splitrun.sdk.rulesets.held import Held, Origin, nothing
from splitrun.sdk.settings import Settings
from splitrun.sdk.status import Change, Status

__all__ = ["ALTERATIONS", "DOCUMENT_BYTES", "Keeper"]

ALTERATIONS: list[Callable[[Ruleset], Ruleset]] = []
"""What tests change in every ruleset before it is used (`splitrun.testing.forced`); empty in products."""

DOCUMENT_BYTES = LONGEST
"""Most bytes of a document that are read at all."""


class Keeper:
    """The one place where the ruleset in use changes.

    Args:
        settings: Where the first ruleset may come from, who must have signed it.
        remember: Bound of the exposures remembered.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.held = nothing()
        self.published = self.held.ruleset
        """The ruleset as it came."""
        self.closed = False
        self.trouble = self.cache_trouble = ""
        self.contact: float | None = None
        """When the source last answered as it should."""
        self.settled = threading.Event()
        """Set when the source was asked once, whatever came of it."""
        self.lock = threading.RLock()
        self.listeners: list[Callable[[Change], None]] = []
        self.told = Status.NOT_READY
        self.cache: Cache | None = None
        if settings.cache is not None and settings.url is not None and settings.file is None:
            self.cache = Cache(file_of(settings.cache, settings.url, settings.key))
        self.check: Callable[[bytes], None] | None = None
        if settings.verify is not None:
            from splitrun.sdk.rulesets.signature import signed  # noqa: PLC0415 - loads cryptography

            self.check = signed(settings.verify)

    def given(self) -> None:
        """Hold the ruleset that the caller handed over.

        Raises:
            RulesetError: It cannot be used; told at once, because it is the caller's own.
        """
        if self.settings.ruleset is not None:
            self.hold(self.settings.ruleset, Origin.GIVEN)

    def begin(self) -> None:
        """Hold the best there is without a source: the disk cache, else the bootstrap."""
        document = self.cache.read(DOCUMENT_BYTES) if self.cache is not None else None
        if document is not None and self.take(document, Origin.CACHE):
            return
        if self.settings.bootstrap is not None:
            self.take(self.settings.bootstrap, Origin.BOOTSTRAP)

    def take(self, document: Ruleset | bytes, origin: Origin) -> bool:
        """Hold a ruleset if it may be; False, with the reason in `trouble`, where it may not."""
        try:
            self.hold(document, origin)
        except RulesetError as error:
            self.trouble = f"{origin}: {error}"
            return False
        if origin is Origin.SOURCE:
            self.confirmed()
            if self.cache is not None and type(document) is bytes:
                self.cache_trouble = self.cache.write(document)
        return True

    def hold(self, document: Ruleset | bytes, origin: Origin) -> None:
        """Check and swap.

        Raises:
            RulesetError: It is damaged, not signed, does not hold together, or older than the one held.
        """
        if isinstance(document, bytes | bytearray | memoryview):
            document = bytes(document)
            if self.check is not None:
                self.check(document)
            ruleset = opened(document)
        else:
            ruleset = document
        with self.lock:
            before = self.held
            now, then = ruleset, self.published
            if (now.project, now.environment) == (then.project, then.environment):
                if now.version < then.version:
                    raise RulesetError(
                        f"version {now.version} is older than {then.version}, which is in use and stays; "
                        "publish a newer one"
                    )
                if now == then:
                    before.origin = origin
                    return
            self.held = Held(Evaluator(altered(ruleset)), origin, self.settings.remember, before)
            self.published = ruleset
        self.tell(changed(then, now))

    def rehearse(self) -> None:
        """Use the ruleset anew as tests have altered it by now; what was logged before is forgotten.

        Raises:
            RulesetError: It does not hold together any more.
        """
        with self.lock:
            evaluator, before = Evaluator(altered(self.published)), self.held
            empty = before.origin is Origin.NOWHERE and not evaluator.ruleset.flags
            self.held = nothing() if empty else Held(evaluator, before.origin, self.settings.remember, None)
            if before.start is not None:
                self.held.rouse(before.start)

    def confirmed(self) -> None:
        """The source answered, and what is held is what it has."""
        self.contact = self.settings.clock.elapsed()
        self.trouble = ""

    @property
    def status(self) -> Status:
        """What can be said of the ruleset held; asks how long the source has been silent."""
        if self.closed:
            return Status.CLOSED
        origin = self.held.origin
        if origin is Origin.NOWHERE:
            return Status.NOT_READY
        if origin is Origin.GIVEN:
            return Status.READY
        if self.contact is None:
            return Status.STALE
        silent = self.settings.clock.elapsed() - self.contact
        return Status.READY if silent <= self.settings.stale_after else Status.STALE

    def tell(self, flags: tuple[str, ...] = ()) -> None:
        """Tell listeners of a new ruleset, or of a status that is not the one last told."""
        status = self.status
        if not flags and status is self.told:
            return
        self.told = status
        change = Change(status, self.held.version, flags, self.trouble)
        for listener in tuple(self.listeners):
            listener(change)


def altered(ruleset: Ruleset) -> Ruleset:
    """Change a ruleset as tests ask."""
    for alteration in ALTERATIONS:
        ruleset = alteration(ruleset)
    return ruleset


def changed(before: Ruleset, now: Ruleset) -> tuple[str, ...]:
    """Flags that are not what they were, as far as their own definition and their experiments tell."""
    names = before.flags.keys() | now.flags.keys()
    moved = {name for name in names if before.flags.get(name) != now.flags.get(name)}
    trials = before.experiments.keys() | now.experiments.keys()
    for name in trials:
        old, new = before.experiments.get(name), now.experiments.get(name)
        if old != new:
            moved |= {each.flag for each in (old, new) if each is not None and each.flag is not None}
    return tuple(sorted(moved))
