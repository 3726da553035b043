"""The ASGI application: every declared endpoint behind the key that it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Scopes

from splitrun import __version__
from splitrun.serve import events, health, metrics, ofrep, rulesets
from splitrun.serve.api import definitions, experiments, kept, people, records
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.front import ROUTE, Answering, Constant, Front
from splitrun.serve.otlp import route as otlp
from splitrun.serve.server import Server
from splitrun.serve.watching import quality
from splitrun.store.access.keys import BEARER, Scope

__all__ = ["Application", "application", "endpoints"]


Guarded = Callable[[Request], Awaitable[Response]]
"""An endpoint behind the key that it asks for."""


class Application(FastAPI):
    """The framework's application, with hot endpoints answered before anything else of it is asked."""

    @cached_property
    def hot(self) -> dict[tuple[str, str], Guarded]:
        """Hot endpoints by method and path."""
        return {}

    @cached_property
    def under(self) -> dict[tuple[str, str], Guarded]:
        """Hot endpoints whose path ends with a name, by method and what stands before the name."""
        return {}

    @cached_property
    def front(self) -> Front:
        """What every request meets first."""
        server: Server = self.state.server
        return Front(self.routed, server.seen, server.origins)

    async def __call__(self, scope: Scopes, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await self.front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def routed(self, scope: Scopes, receive: Receive, send: Answering) -> None:
        """Answer, or leave it to the framework."""
        method, path = scope["method"], scope["path"]
        one = self.hot.get((method, path)) or self.under.get((method, path[: path.rfind("/") + 1]))
        if one is None:
            await super().__call__(scope, receive, send)
            return
        answer = await one(Request(scope, receive, send))
        if not (isinstance(answer, Constant) and send.whole(answer)):
            await answer(scope, receive, send)


def endpoints() -> tuple[Endpoint, ...]:
    """Every operation there is; a module of routes declares its own as `ENDPOINTS`."""
    return (
        *health.ENDPOINTS,
        *metrics.ENDPOINTS,
        *rulesets.ENDPOINTS,
        *ofrep.ENDPOINTS,
        *events.ENDPOINTS,
        *otlp.ENDPOINTS,
        *quality.ENDPOINTS,
        *experiments.ENDPOINTS,
        *definitions.ENDPOINTS,
        *records.ENDPOINTS,
        *people.ENDPOINTS,
        *kept.ENDPOINTS,
    )


def application(server: Server, served: Sequence[Endpoint] | None = None) -> Application:
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
    app.state.server = server
    app.add_exception_handler(HTTPException, unrouted)
    there = [one for one in (endpoints() if served is None else served) if one.mode in {None, *server.modes}]
    for one in there:
        behind = guarded(server, one)
        app.add_route(one.path, behind, methods=[one.method], include_in_schema=False)
        before, name, _ = one.path.partition("{")
        if one.hot:
            (app.under if name else app.hot)[one.method, before] = behind
    app.openapi = lambda: document(app, there)  # type: ignore[method-assign] # as FastAPI's docs extend it
    return app


async def unrouted(_: Request, error: Exception) -> Response:
    """Answer for the framework, in the documented form."""
    match error:
        case HTTPException(status_code=status, headers=headers):
            says = {404: "there is no such address", 405: "this address is not asked this way"}
            answer = refusal(status, "address", says.get(status, "this cannot be answered"))
            answer.headers.update(headers or {})
            return answer
        case _:
            raise error


def guarded(server: Server, one: Endpoint) -> Guarded:
    """Ask for the key before the endpoint answers."""

    async def answer(request: Request) -> Response:
        match admitted(server, one, request):
            case Response() as refused:
                return refused
            case caller:
                return await one.answer(server, request, caller)

    return answer


def admitted(server: Server, one: Endpoint, request: Request) -> Caller | Response | None:
    """Ask for the key; gives whose it is, or what refuses the request."""
    request.scope[ROUTE] = one.path
    caller = found(server, request)
    if one.scope is not None and one.scope not in server.open_scopes:
        if caller is None:
            return one.refuse(request, 401, "unauthorized", "send an API key: Authorization: Bearer sr_…")
        if not allowed(one.scope, caller):
            says = f"the key {caller.name!r} has no scope `{one.scope}`; make one that has"
            return one.refuse(request, 403, "forbidden", says)
    return caller


def allowed(scope: Scope, caller: Caller) -> bool:
    """Whether a key is good for it; who may read rules may have them evaluated."""
    if scope in caller.scopes or Scope.ADMIN in caller.scopes:
        return True
    return scope is Scope.EVALUATE and Scope.SDK in caller.scopes


def found(server: Server, request: Request) -> Caller | None:
    """Find whose key a request carries, in either of the two headers."""
    said = dict(request.scope["headers"])
    written = said.get(b"authorization", b"")
    if written.startswith(BEARER):
        return server.access.proved(written)
    other = said.get(b"x-api-key")
    return None if other is None else server.access.holder(other.decode("latin-1"))


def document(app: FastAPI, served: Sequence[Endpoint]) -> dict[str, object]:
    """Write the OpenAPI document of what is served."""
    paths: dict[str, dict[str, object]] = {}
    for one in served:
        asked: list[dict[str, list[str]]] = [] if one.scope is None else [{"bearer": []}, {"header": []}]
        operation = {"summary": one.brief, "operationId": named(one), "security": asked, **one.openapi}
        paths.setdefault(one.path, {})[one.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": app.title, "version": app.version},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
        },
    }


def named(one: Endpoint) -> str:
    """Name an operation by its method and path."""
    words = [word.strip("{}") for word in one.path.split("/") if word]
    return "_".join([one.method.lower(), *words]).replace(":", "_")
