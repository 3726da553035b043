"""Middleware for ASGI: FastAPI, Starlette, Litestar, Quart, Django behind ASGI.

    app.add_middleware(SplitrunMiddleware, client=client, consent_cookie="consent")

Loads no framework; callables are given the ASGI scope.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any, Protocol, Unpack

from splitrun.errors import SettingError
from splitrun.sdk.context import entered
from splitrun.sdk.options.kinds import answering, shown
from splitrun.sdk.visits.cookies import cacheable
from splitrun.sdk.visits.policy import Options, Visits

__all__ = ["SplitrunMiddleware"]

# what the protocol calls a scope, and a message; their values are of many types
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


FLUSHES = answering("flush", expects="a Client or an AsyncClient")


class Flushes(Protocol):
    """What is flushed when the application ends: a `Client` or an `AsyncClient`."""

    def flush(self) -> object:
        """Send what is queued."""
        ...


class SplitrunMiddleware:
    """Gives each request its context, and each consenting visitor a unit.

    Args:
        app: The application.
        client: Flushed when the application shuts down.
        options: See `splitrun.sdk.visits.policy.Options`.

    Raises:
        SettingError: An option is not known, or is out of its range.
    """

    def __init__(
        self, app: Application, client: Flushes | None = None, **options: Unpack[Options[Scope]]
    ) -> None:
        self.app, self.client = app, client
        self.visits = Visits(options)
        if client is not None and not FLUSHES.fits(client):
            raise SettingError(f"client is {shown(client)}; give {FLUSHES.expects}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, self.flushing(send))
            return
        headers = scope["headers"]
        visit = self.visits.visit(scope, told(headers, b"cookie"), told(headers, b"sec-gpc"))
        with entered(visit.context):
            await self.app(scope, receive, setting(send, visit.set_cookie) if visit.set_cookie else send)

    def flushing(self, send: Send) -> Send:
        """Flush before the end of the application is confirmed."""
        client = self.client

        async def flush(message: Message) -> None:
            if client is not None and message["type"].startswith("lifespan.shutdown."):
                done = await to_thread(client.flush)
                if isawaitable(done):
                    await done
            await send(message)

        return flush


def told(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """Read a header; where it stands several times, as cookies in HTTP/2 may, they are put together."""
    return "; ".join(value.decode("latin-1") for key, value in headers if key.lower() == name)


def setting(send: Send, cookie: str) -> Send:
    """Set the cookie when the response starts, unless others may be given it from a cache."""

    async def start(message: Message) -> None:
        # a websocket may be refused with a response, too
        if message["type"] in {"http.response.start", "websocket.accept"}:
            headers = list(message.get("headers", []))
            if not cacheable(told(headers, b"cache-control")):
                message["headers"] = [*headers, (b"set-cookie", cookie.encode("latin-1"))]
        await send(message)

    return start
