"""What every request meets first and every answer last: what binds browsers, origins, counting, faults."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from time import perf_counter
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from splitrun.serve.endpoint import refusal
from splitrun.serve.seen import Seen

__all__ = ["ROUTE", "WHOLE", "Answering", "Constant", "Front", "Whole", "arrived"]

ROUTE = "splitrun.route"
"""Under which a request's route stands, as it was declared."""

WHOLE = "splitrun.whole"
"""Under which the protocol offers `Whole`, beside what ASGI has; without it all goes the ordinary way."""

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")

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


class Whole(Protocol):
    """Takes the body of a request and gives its answer in one piece each, and closes a connection gently."""

    def body(self) -> bytes | None:
        """Give the body if all of it has come; asked once."""
        ...

    def answered(self, head: bytes, body: bytes) -> bool:
        """Write an answer.

        Args:
            head: The line of the status and all headers but the server's own and the length, as they go over
                the wire.
            body: What stands below.

        Returns:
            False where it is to be sent the ordinary way; nothing was written then.
        """
        ...

    def linger(self) -> None:
        """Let the client finish sending before the connection is closed after this answer."""
        ...


def arrived(scope: Scope) -> bytes | None:
    """Give the body of a request if it is here already; nothing needs to be waited for then."""
    whole: Whole | None = scope.get(WHOLE)
    return None if whole is None else whole.body()


class Constant(Response):
    """An answer in JSON with no header of its own: what stands above it need not be held to HTTP each time.

    Args:
        status: In numbers.
        body: What is answered.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code, self.background = status, None
        self.body = body
        self.raw_headers = [JSON, (b"content-length", b"%d" % len(body))]

    async def __call__(self, _: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


@cache
def above(status: int) -> bytes:
    """Write what stands above the body of a `Constant`, but for its length."""
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
    lines += [b"%s: %s" % one for one in (JSON, *BINDING)]
    return b"".join(line + b"\r\n" for line in lines)


@dataclass(slots=True)
class Answering:
    """An answer on its way."""

    send: Send
    origin: bytes
    """Of a page that may read it; empty where there is none."""
    way: Whole | None
    status: int = 0
    size: int = 0

    def whole(self, answer: Constant) -> bool:
        """Send an answer in one piece, where that can be done."""
        way = self.way
        if way is None or self.origin or not way.answered(above(answer.status_code), bytes(answer.body)):
            return False
        self.status, self.size = answer.status_code, len(answer.body)
        return True

    async def __call__(self, message: Message) -> None:
        """Hand a part of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            message["headers"] = bound(headers, self.origin)
            if self.way is not None and CLOSE in headers:
                self.way.linger()
        else:
            self.size += len(message.get("body", b""))
        await self.send(message)


Inner = Callable[[Scope, Receive, Answering], Awaitable[None]]


class Front:
    """The outermost application.

    Args:
        inner: What answers.
        seen: What counts.
        origins: Pages of these origins may evaluate flags and send events.
    """

    def __init__(self, inner: Inner, seen: Seen, origins: frozenset[str]) -> None:
        self.inner, self.seen = inner, seen
        self.origins = frozenset(one.encode() for one in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens inside."""
        began = perf_counter()
        answer = Answering(send, self.origin(scope), scope.get(WHOLE))
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
