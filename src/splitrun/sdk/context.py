"""Whose request this is: set by the middleware, read by the product and the OpenFeature provider.

Kept in a context variable, so threads and asyncio tasks see their own request and no other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from splitrun.sdk.status import Consent

__all__ = ["CURRENT", "NOWHERE", "Context", "current", "enter", "entered"]


class Context(Struct, frozen=True):
    """What is known of who made the request."""

    unit: str = ""
    """The product's own id of the unit, else the cookie's; empty where there is none, or none is allowed."""
    consent: Consent | None = None
    """None outside of a request: what is usual for the client stands."""
    attributes: Mapping[str, object] = {}
    anonymous: str = ""
    """The cookie's id, also where the product knows the unit by another: `client.alias(anonymous, unit)`."""


NOWHERE = Context()
"""Stands outside of requests."""

CURRENT: ContextVar[Context] = ContextVar("splitrun", default=NOWHERE)


def current() -> Context:
    """Tell who is asked about here; `NOWHERE` outside of a request."""
    return CURRENT.get()


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Make `context` the current one until the block ends; for middleware, jobs and tests."""
    token = CURRENT.set(context)
    try:
        yield context
    finally:
        CURRENT.reset(token)


def enter(context: Context) -> None:
    """Make `context` the current one, where a framework leaves no room for a block."""
    CURRENT.set(context)
