"""The ASGI application: every declared endpoint behind the key that it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Scopes

from splitrun import __version__
from splitrun.serve import events, health, rulesets
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.server import Server
from splitrun.serve.watching import quality
from splitrun.store.access.keys import Scope

__all__ = ["application", "endpoints"]

BEARER = "Bearer "

Guarded = Callable[[Request], Awaitable[Response]]
"""An endpoint behind the key that it asks for."""


class Application(FastAPI):
    """The framework's application, with hot endpoints answered before anything else of it is asked."""

    @cached_property
    def hot(self) -> dict[tuple[str, str], Guarded]:
        """Hot endpoints by method and path."""
        return {}

    async def __call__(self, scope: Scopes, receive: Receive, send: Send) -> None:
        """Answer, or leave it to the framework."""
        if scope["type"] == "http" and (answer := self.hot.get((scope["method"], scope["path"]))) is not None:
            response = await answer(Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def endpoints() -> tuple[Endpoint, ...]:
    """Every operation there is; a module of routes declares its own as `ENDPOINTS`."""
    return (*health.ENDPOINTS, *rulesets.ENDPOINTS, *events.ENDPOINTS, *quality.ENDPOINTS)


def application(server: Server, served: Sequence[Endpoint] | None = None) -> FastAPI:
    """Assemble the application.

    Args:
        server: What lives as long as it.
        served: The endpoints; None: all of them that the server's modes have.
    """

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        for part in server.parts.values():
            await part.start()
        yield
        for part in reversed(server.parts.values()):
            await part.stop()

    app = Application(title="Splitrun", version=__version__, lifespan=living, docs_url=None, redoc_url=None)
    for one in endpoints() if served is None else served:
        if one.mode is None or one.mode in server.modes:
            answer = guarded(server, one)
            app.add_route(one.path, answer, methods=[one.method], include_in_schema=False)
            if one.hot:
                app.hot[one.method, one.path] = answer
    app.openapi = lambda: document(app, served)  # type: ignore[method-assign] # as FastAPI's docs extend it
    return app


def guarded(server: Server, one: Endpoint) -> Guarded:
    """Ask for the key before the endpoint answers."""

    async def answer(request: Request) -> Response:
        caller = found(server, request)
        if one.scope is not None and one.scope not in server.open_scopes:
            if caller is None:
                return refusal(401, "unauthorized", "send an API key: Authorization: Bearer sr_…")
            if one.scope not in caller.scopes and Scope.ADMIN not in caller.scopes:
                says = f"the key {caller.name!r} has no scope `{one.scope}`; make one that has"
                return refusal(403, "forbidden", says)
        return await one.answer(server, request, caller)

    return answer


def found(server: Server, request: Request) -> Caller | None:
    """Find whose key a request carries."""
    written = dict(request.scope["headers"]).get(b"authorization", b"").decode("latin-1")
    return server.access.holder(written.removeprefix(BEARER)) if written.startswith(BEARER) else None


def document(app: FastAPI, served: Sequence[Endpoint] | None) -> dict[str, object]:
    """Write the OpenAPI document of what is served."""
    paths: dict[str, dict[str, object]] = {}
    for one in endpoints() if served is None else served:
        asked: list[dict[str, list[str]]] = [] if one.scope is None else [{"key": []}]
        operation = {"summary": one.brief, "operationId": named(one), "security": asked, **one.openapi}
        paths.setdefault(one.path, {})[one.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": app.title, "version": app.version},
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def named(one: Endpoint) -> str:
    """Name an operation by its method and path."""
    words = [word.strip("{}") for word in one.path.split("/") if word]
    return "_".join([one.method.lower(), *words]).replace(":", "_")
