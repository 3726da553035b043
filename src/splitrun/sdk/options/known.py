"""What a client's options may be, and which contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from splitrun.assign.ruleset import Ruleset
from splitrun.sdk.options.kinds import (
    FUNCTION,
    PATH,
    STATE,
    SWITCH,
    TEXT,
    TOKEN,
    VERIFY,
    WAIT,
    Kind,
    answering,
    either,
    seconds,
    whole,
    wrong,
)

__all__ = ["mistakes"]


def is_url(value: object) -> bool:
    """Whether a value is the address of a server, to which a path can be added."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    parts = urlsplit(value)
    # a port that is none raises, which is no address either
    known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    return (
        known and parts.scheme in {"http", "https"} and "@" not in parts.netloc and not set("?#") & set(value)
    )


def is_ruleset(value: object) -> bool:
    """Whether a value is a ruleset, or bytes that may hold one."""
    return isinstance(value, Ruleset | bytes | bytearray | memoryview)


def is_collection(value: object) -> bool:
    """Whether a value is a collection of texts, and no single one."""
    single = isinstance(value, str | bytes)
    return isinstance(value, Collection) and not single and all(isinstance(each, str) for each in value)


URL = Kind("an address that starts with https:// (or http:// inside a network of yours), without key", is_url)
DOCUMENT = Kind("a Ruleset, or the bytes of its file", is_ruleset)
OUT = either(
    FUNCTION,
    Kind("", is_collection),
    expects="a set of unit ids, all of them texts, or a function that says so",
)
SPAN = seconds()

KINDS: Mapping[str, Kind] = {
    "url": URL,
    "key": TOKEN,
    "file": PATH,
    "ruleset": DOCUMENT,
    "bootstrap": DOCUMENT,
    "delivery": answering("send", expects="an object whose `send` takes a batch"),
    "release": TEXT,
    "consent": STATE,
    "opted_out": OUT,
    "sticky": answering("variant", "keep", expects="a store with `variant` and `keep`"),
    "cache": PATH,
    "spool": PATH,
    "verify": VERIFY,
    "certificates": PATH,
    "wait": WAIT,
    "push": SWITCH,
    "poll": SPAN,
    "stale_after": SPAN,
    "heartbeat": SPAN,
    "timeout": SPAN,
    "interval": SPAN,
    "queue": whole(1),
    "queue_bytes": whole(1),
    "spool_bytes": whole(1),
    "remember": whole(1),
    "clock": answering("now", "elapsed", "dice", expects="a splitrun.sdk.settings.Clock"),
}
"""By name."""


def mistakes(said: Mapping[str, object], absent: Collection[str]) -> Iterator[str]:
    """Give everything that is wrong with a client's options, `url` among them.

    Args:
        said: By name.
        absent: Options that may be None, which is as if they were not given.
    """
    given = {name: value for name, value in said.items() if value is not None or name not in absent}
    yield from wrong(given, KINDS)
    if "file" in given and "ruleset" in given:
        yield "file and ruleset are both given; keep the one that rulesets shall come from"
    if not given.keys() & {"url", "file", "ruleset", "bootstrap"}:
        yield "there is nowhere to get a ruleset from; give url, file or ruleset"
