"""What a client is given: where things come from and go to, the limits, the clock and the dice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Protocol, TypedDict

from msgspec import Struct

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.sticky import Sticky
from splitrun.sdk.event import Accepted
from splitrun.sdk.status import Consent

__all__ = ["SDK", "Answer", "Clock", "Delivery", "Options", "Patience", "Settings", "settled"]


SDK = f"splitrun-python/{import_module('splitrun').__version__}"
"""Who sends; asked at run time, because the front door names rooms that the SDK does not know."""


class Answer(Struct, frozen=True):
    """What became of a batch."""

    status: int
    """The HTTP status; 0 where nobody answered."""
    accepted: Accepted | None = None
    retry_after: float | None = None
    """Seconds that the server asks to wait."""
    says: str = ""


class Delivery(Protocol):
    """Takes batches; a client calls it from its sender thread only."""

    def send(self, body: bytes, /) -> Answer:
        """Deliver one batch, a `splitrun.sdk.event.Batch` in JSON; never raises for a failed delivery."""
        ...


def dice() -> float:
    """Throw a number in [0, 1); from the system, so that forked processes do not throw the same."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


class Clock(Struct, frozen=True):
    """The time and the dice, in one place; no assignment and no choice of a ruleset depends on them."""

    now: Callable[[], int] = time.time_ns
    """Nanoseconds since 1970 in UTC; only written on events and leases."""
    elapsed: Callable[[], float] = time.monotonic
    """Seconds since some moment; never goes back."""
    dice: Callable[[], float] = dice


class Patience:
    """How long to wait after a failure: exponential with full jitter, then slower in an extended regime."""

    FIRST, MOST, TRIES, EXTENDED = 1.0, 30.0, 6, 300.0
    LONGEST = 3600.0
    """A server may ask for an hour, not for more."""

    def __init__(self, throw: Callable[[], float]) -> None:
        self.throw = throw
        self.failures = 0

    def failed(self, asked: float | None = None, *, long: bool = False) -> float:
        """Seconds to wait after one more failure.

        Args:
            asked: What the server asked for; at least that is waited.
            long: Goes to the extended regime at once: the server will not change its mind soon.
        """
        self.failures += 1
        if long or self.failures > self.TRIES:
            pause = self.EXTENDED * (0.5 + self.throw() / 2)
        else:
            pause = min(self.MOST, self.FIRST * 2.0 ** (self.failures - 1)) * (0.5 + self.throw() / 2)
        return max(pause, min(asked or 0.0, self.LONGEST))

    def worked(self) -> None:
        """Start over."""
        self.failures = 0


class Options(TypedDict, total=False):
    """What `Client` and `AsyncClient` take beside `url`; the meaning is told at `Settings`."""

    key: str
    file: str | os.PathLike[str]
    ruleset: Ruleset | bytes
    bootstrap: Ruleset | bytes
    delivery: Delivery
    release: str
    consent: Consent | str
    opted_out: Collection[str] | Callable[[str], bool]
    sticky: Sticky
    cache: str | os.PathLike[str]
    spool: str | os.PathLike[str]
    verify: Mapping[str, str]
    certificates: str
    wait: float
    push: bool
    poll: float
    stale_after: float
    heartbeat: float
    timeout: float
    interval: float
    queue: int
    queue_bytes: int
    spool_bytes: int
    remember: int
    clock: Clock


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a client is given, with its defaults."""

    url: str | None = None
    """The server: rulesets are read from `<url>/v1/ruleset`, batches go to `<url>/v1/events`."""
    key: str | None = None
    """Sent as a bearer token, to that host only."""
    file: str | os.PathLike[str] | None = None
    """Read the ruleset from this file, and again whenever it changes."""
    ruleset: Ruleset | bytes | None = None
    """The ruleset itself; nothing is read or watched."""
    bootstrap: Ruleset | bytes | None = None
    """Served until a newer one is there, where there is no cache."""
    delivery: Delivery | None = None
    """Takes the batches instead of `url`."""
    release: str = ""
    """The product's release; written on every exposure and event."""
    consent: Consent | str = Consent.GRANTED
    """Of units that have not said; `pending` where the law asks first."""
    opted_out: Collection[str] | Callable[[str], bool] | None = None
    """Units that take no part."""
    sticky: Sticky | None = None
    """Keeps variants for identities that change; asked for units that have granted only."""
    cache: str | os.PathLike[str] | None = None
    """A folder for the last ruleset, so that a restart without the server answers the same."""
    spool: str | os.PathLike[str] | None = None
    """A SQLite file for what is not sent yet; not encrypted, and it holds unit ids."""
    verify: Mapping[str, str] | None = None
    """Public Ed25519 keys in base64 by name; a ruleset that none of them signed is refused."""
    certificates: str | None = None
    """A file of certificate authorities beside the system's."""
    wait: float = 0.5
    """Seconds that a start may wait for the first ruleset."""
    push: bool = True
    """Listen for changes; otherwise, and where the server cannot, ask every `poll` seconds."""
    poll: float = 30.0
    stale_after: float = 90.0
    """Seconds without an answer of the source after which the status is STALE."""
    heartbeat: float = 45.0
    """Seconds of silence after which a push connection is taken for dead."""
    timeout: float = 10.0
    """Seconds that one request may take as a whole."""
    interval: float = 1.0
    """Seconds between batches."""
    queue: int = 10_000
    """Most events in memory; the oldest are dropped and counted."""
    queue_bytes: int = 16_000_000
    spool_bytes: int = 256_000_000
    remember: int = 100_000
    """Most units, over all experiments, whose exposure is remembered as logged where callers ask; the sender
    remembers as many that it wrote, and 40,000 at least."""
    clock: Clock = Clock()


def settled(url: str | None, options: Options) -> Settings:
    """Check what a client is given.

    Raises:
        SettingError: An option is not known, contradicts another, or is out of its range; all mistakes.
    """
    # importing a client stays cheap
    from splitrun.errors import SettingError  # noqa: PLC0415
    from splitrun.sdk.options.known import mistakes  # noqa: PLC0415

    known = Settings.__struct_fields__
    said = [
        f"a client has no option {name!r}; {nearest(name, known)}" for name in options if name not in known
    ]
    defaults = zip(known, Settings.__struct_defaults__, strict=True)
    absent = [name for name, default in defaults if default is None]
    said += mistakes({"url": url, **options}, absent)
    if said:
        raise SettingError("\n".join(said))
    return Settings(url=url, **options)


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Suggest what was meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake pays for it

    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
