"""What a client's threads work on: made here, so that only they load the libraries for it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from splitrun.sdk.outbox.letters import Writer
from splitrun.sdk.outbox.queue import Queue
from splitrun.sdk.outbox.sender import Sender
from splitrun.sdk.process.forks import loading
from splitrun.sdk.rulesets.keeper import Keeper
from splitrun.sdk.rulesets.refresh import FileSource, Reads, ServerSource
from splitrun.sdk.settings import Delivery, Settings

__all__ = ["Connections", "Source"]


class Source(Protocol):
    """Where rulesets come from."""

    def step(self) -> float:
        """Look for a ruleset; answers in how many seconds to look again."""
        ...

    def stop(self) -> None:
        """Wake a step that waits."""
        ...

    def finish(self) -> None:
        """Let go of what is open."""
        ...


class Channels(Reads, Delivery, Protocol):
    """Reads rulesets and takes batches."""


class Connections:
    """Makes sender and source of one client."""

    def __init__(self, settings: Settings, keeper: Keeper) -> None:
        self.settings, self.keeper = settings, keeper
        self.outgoing: Channels | None = None

    def sender(self, queue: Queue) -> Sender:
        """Make the sender of a queue."""
        known = self.settings.remember
        writer = Writer(queue.prefix, self.settings.release, lambda: self.keeper.held.unit_type, known)
        return Sender(self.settings, queue, writer, self.delivery)

    def source(self) -> Source | None:
        """Make the source; none where the ruleset was handed over."""
        if self.settings.ruleset is not None:
            return None
        if self.settings.file is not None:
            return FileSource(self.settings, self.keeper, Path(self.settings.file))
        if self.settings.url is not None:
            return ServerSource(self.settings, self.keeper, self.channel)
        return None

    def delivery(self) -> Delivery | None:
        """Make what takes the batches; none where they have nowhere to go."""
        if self.settings.delivery is not None:
            return self.settings.delivery
        if self.settings.url is not None:
            self.outgoing = self.channel()
        return self.outgoing

    def finish(self) -> None:
        """Let go of the sender's connections."""
        if self.outgoing is not None:
            self.outgoing.close()

    def channel(self) -> Channels:
        """Load the HTTP library, and make a channel of the calling thread."""
        with loading():
            from splitrun.sdk.http import Channel  # noqa: PLC0415 - only the background threads pay for it

            return Channel(self.settings)
