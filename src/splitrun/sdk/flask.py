"""For Flask: `Splitrun(app, consent_cookie="consent")`, or `Splitrun(...)` and `init_app(app)` later.

Callables are given Flask's request, and may use `flask.session`. What the client holds is flushed when the
interpreter ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Unpack

from flask import Flask, Request, Response, g, request
from flask.globals import request_ctx

from splitrun.sdk.context import enter
from splitrun.sdk.visits.cookies import cacheable
from splitrun.sdk.visits.policy import Options, Visits
from splitrun.sdk.wsgi import inside

if TYPE_CHECKING:
    # for the types only
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Splitrun"]


class Splitrun:
    """Gives each request its context (`splitrun.sdk.context.current()`), and each consenting visitor a unit.

    Args:
        app: The application; None where `init_app` is called later.
        options: See `splitrun.sdk.visits.policy.Options`.

    Raises:
        SettingError: An option is not known, or is out of its range.
    """

    def __init__(self, app: Flask | None = None, **options: Unpack[Options[Request]]) -> None:
        self.visits = Visits(options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Take part in every request of an application, before its other functions do."""
        app.before_request_funcs.setdefault(None, []).insert(0, self.begin)
        app.after_request(self.answer)
        serves = app.wsgi_app

        def serving(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            # what is entered below ends with the request, streams included
            return inside(copy_context(), serves, environ, start_response)

        app.wsgi_app = serving  # type: ignore[method-assign] # Flask's documented way to wrap itself
        app.extensions["splitrun"] = self

    def begin(self) -> None:
        """Find out whose request it is."""
        headers = request.headers
        visit = self.visits.visit(
            request_ctx.request,
            "; ".join(headers.getlist("Cookie")),
            headers.get("Sec-GPC", ""),
        )
        g.splitrun_cookie = visit.set_cookie
        enter(visit.context)

    def answer(self, response: Response) -> Response:
        """Set the cookie, unless others may be given it from a cache."""
        cookie = g.pop("splitrun_cookie", "")
        if cookie and not cacheable(response.headers.get("Cache-Control", "")):
            response.headers.add("Set-Cookie", cookie)
        return response
