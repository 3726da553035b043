"""What every request meets first and every answer last: what binds browsers, origins, counting, faults."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from splitrun.serve.endpoint import refusal
from splitrun.serve.seen import Seen

__all__ = ["ROUTE", "Front"]

ROUTE = "splitrun.route"
"""Under which a request's route stands, as it was declared."""

Headers = list[tuple[bytes, bytes]]

BINDING: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
"""On every answer that does not say otherwise."""

BOUND = frozenset(name for name, _ in BINDING)

SHARED = ("/ofrep/", "/v1/events", "/v1/logs", "/v1/traces")
"""What pages of other origins may call, where the server was told of them."""

PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"POST"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, content-encoding, if-none-match, x-api-key",
    ),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
]

log = logging.getLogger("splitrun.serve")


@dataclass(slots=True)
class Answering:
    """An answer on its way."""

    send: Send
    origin: bytes
    """Of a page that may read it; empty where there is none."""
    status: int = 0
    size: int = 0

    async def __call__(self, message: Message) -> None:
        """Hand a part of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = bound(message.get("headers", ()), self.origin)
        else:
            self.size += len(message.get("body", b""))
        await self.send(message)


class Front:
    """The outermost application.

    Args:
        inner: What answers.
        seen: What counts.
        origins: Pages of these origins may evaluate flags and send events.
    """

    def __init__(self, inner: ASGIApp, seen: Seen, origins: frozenset[str]) -> None:
        self.inner, self.seen = inner, seen
        self.origins = frozenset(one.encode() for one in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens inside."""
        began = perf_counter()
        answer = Answering(send, self.origin(scope))
        try:
            if answer.origin and scope["method"] == "OPTIONS":
                await answer({"type": "http.response.start", "status": 204, "headers": [*PREFLIGHT]})
                await answer({"type": "http.response.body", "body": b""})
            else:
                await self.inner(scope, receive, answer)
        except Exception:
            log.exception("a request to %s failed", scope.get(ROUTE, "no route"))
            if answer.status:
                raise  # the answer has begun; the connection is closed
            fault = refusal(500, "fault", "this is a fault of the server; its log tells more")
            await fault(scope, receive, answer)
        finally:
            took = perf_counter() - began
            self.seen.note(method(scope), scope.get(ROUTE, "none"), answer.status, took, answer.size)

    def origin(self, scope: Scope) -> bytes:
        """Give the page's origin where it may read the answer."""
        if not self.origins or not scope["path"].startswith(SHARED):
            return b""
        found: bytes = dict(scope["headers"]).get(b"origin", b"")
        return found if found in self.origins else b""


def method(scope: Scope) -> str:
    """Name the method; one that nobody knows is not repeated, it may be anything."""
    found: str = scope["method"]
    return found if found in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "OTHER"


def bound(headers: Iterable[tuple[bytes, bytes]], origin: bytes) -> Headers:
    """Add what binds browsers, and who may read the answer."""
    whole = list(headers)
    said = BOUND.intersection([name.lower() for name, _ in whole])
    whole += [one for one in BINDING if one[0] not in said] if said else BINDING
    if origin:
        whole += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"etag, retry-after"),
            (b"vary", b"origin"),
        ]
    return whole
