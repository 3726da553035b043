"""Middleware for WSGI: `app = SplitrunMiddleware(app, consent_cookie="consent")`.

Loads no framework; callables are given the WSGI environ. What the client holds is flushed when the
interpreter ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context as Variables
from contextvars import copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Unpack

from splitrun.sdk.context import enter
from splitrun.sdk.visits.cookies import cacheable
from splitrun.sdk.visits.policy import Options, Visits

if TYPE_CHECKING:
    # for the types only: they need no module that WSGI itself does not
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["SplitrunMiddleware", "inside"]

Headers = list[tuple[str, str]]
Failure = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
Write = Callable[[bytes], object]


class SplitrunMiddleware:
    """Gives each request its context, and each consenting visitor a unit.

    Args:
        app: The application.
        options: See `splitrun.sdk.visits.policy.Options`.

    Raises:
        SettingError: An option is not known, or is out of its range.
    """

    def __init__(self, app: WSGIApplication, **options: Unpack[Options[WSGIEnvironment]]) -> None:
        self.app = app
        self.visits = Visits(options)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request; the body is made in the request's context, too."""
        cookies, gpc = environ.get("HTTP_COOKIE", ""), environ.get("HTTP_SEC_GPC", "")
        visit = self.visits.visit(environ, cookies, gpc)
        if visit.set_cookie:
            start_response = setting(start_response, visit.set_cookie)
        variables = copy_context()
        variables.run(enter, visit.context)
        return inside(variables, self.app, environ, start_response)


def inside(
    variables: Variables, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Serve a request in variables of its own; its body is made in them, too."""
    body = variables.run(app, environ, start_response)
    return body if type(body) in {list, tuple} else Body(body, variables)


class Body:
    """A body that is made piece by piece, in the variables of its request."""

    def __init__(self, body: Iterable[bytes], variables: Variables) -> None:
        self.body, self.variables = body, variables
        self.pieces: Iterator[bytes] = variables.run(iter, body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self.variables.run(next, self.pieces)

    def close(self) -> None:
        """Let go of the body, as servers do at the end."""
        close = getattr(self.body, "close", None)
        if close is not None:
            self.variables.run(close)


def setting(start_response: StartResponse, cookie: str) -> StartResponse:
    """Set the cookie when the response starts, unless others may be given it from a cache."""

    def start(status: str, headers: Headers, failure: Failure | None = None, /) -> Write:
        control = ",".join(value for name, value in headers if name.lower() == "cache-control")
        if not cacheable(control):
            headers = [*headers, ("Set-Cookie", cookie)]
        # servers tell the calls with and without a failure apart
        return (
            start_response(status, headers) if failure is None else start_response(status, headers, failure)
        )

    return start
