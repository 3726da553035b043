"""What a client says about itself: its status, what changed, and its counts."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

__all__ = ["Change", "Consent", "Statistics", "Status"]


class Consent(StrEnum):
    """What a unit has allowed; what is not known is not granted."""

    GRANTED = "granted"
    PENDING = "pending"
    """Answers as usual, keeps what it would log in memory until the unit decides."""
    DENIED = "denied"
    """Serves defaults, logs nothing."""


class Status(StrEnum):
    """Whether a client can answer, and from what."""

    NOT_READY = "NOT_READY"
    """No ruleset yet: code defaults are served."""
    READY = "READY"
    STALE = "STALE"
    """A ruleset is held that may not be the newest: the source has not answered for a while."""
    CLOSED = "CLOSED"


class Change(Struct, frozen=True):
    """Something that listeners are told."""

    status: Status
    ruleset: int
    """Version of the ruleset held; 0 where there is none."""
    flags: tuple[str, ...] = ()
    """Flags that were added, removed or changed; empty where only the status changed."""
    trouble: str = ""


class Statistics(Struct, frozen=True):
    """Counts since the client was made, in this process."""

    made: int
    """Exposures, events and aliases that were recorded."""
    sent: int
    """Taken by the server."""
    queued: int
    """In memory or on their way."""
    spooled: int
    """On disk."""
    held_back: int
    """Waiting for consent, in memory only."""
    dropped: int
    """The oldest, because queue or spool were full."""
    rejected: int
    """Not fit to be sent, or refused by the server for good."""
    retried: int
    """Batches that were sent again."""
    blunders: int
    """Errors of our own that were caught; the default was served."""
    left_out: int = 0
    """Attributes that could not be sent and were left out of their exposures."""
    forgotten: int = 0
    """Held back and taken away: the unit refused, or its exposure was logged in between."""
