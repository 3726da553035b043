"""A client in memory: evaluates as any other, and keeps what it would send, for a test to look at."""

from __future__ import annotations

from typing import Unpack

from msgspec.json import decode

from splitrun.assign.ruleset import Ruleset
from splitrun.sdk.client import Client
from splitrun.sdk.event import Accepted, Alias, Batch, Event, Exposure
from splitrun.sdk.settings import Answer, Options

__all__ = ["RecordingClient"]

EMPTY = Ruleset("test", "test", 1, {"user": "user_id"})


class Kept:
    """Takes batches, and keeps what is in them."""

    def __init__(self) -> None:
        self.events: list[Exposure | Event | Alias] = []

    def send(self, body: bytes, /) -> Answer:
        """Keep a batch."""
        batch = decode(body, type=Batch)
        self.events.extend(batch.events)
        return Answer(202, Accepted(len(batch.events)))


class RecordingClient(Client):
    """Takes what `Client` takes, but talks to no server.

    Args:
        given: A ruleset, or the bytes of its file; without one it has no flags but forced ones.
        options: As of `Client`.

    Raises:
        SettingError: An option is not known, contradicts another, or is out of its range.
        RulesetError: The `ruleset` given cannot be used.
    """

    def __init__(self, given: Ruleset | bytes | None = None, /, **options: Unpack[Options]) -> None:
        self._kept = Kept()
        options["delivery"] = self._kept
        if given is not None or not {"file", "ruleset"} & options.keys():
            options["ruleset"] = EMPTY if given is None else given
        super().__init__(**options)

    @property
    def exposures(self) -> list[Exposure]:
        """What was exposed, in order, once per unit, experiment and phase."""
        return [each for each in self._recorded() if isinstance(each, Exposure)]

    @property
    def events(self) -> list[Event]:
        """What was tracked, in order."""
        return [each for each in self._recorded() if isinstance(each, Event)]

    @property
    def aliases(self) -> list[Alias]:
        """Which ids were linked, in order."""
        return [each for each in self._recorded() if isinstance(each, Alias)]

    def forget(self) -> None:
        """Start with no records; what was exposed is not exposed again."""
        self._recorded().clear()

    def _recorded(self) -> list[Exposure | Event | Alias]:
        self.flush()
        return self._kept.events
