"""For Django: `MIDDLEWARE = [..., "splitrun.sdk.django.middleware"]`, sync and async.

Options stand in `settings.SPLITRUN`, callables also by dotted name; they are given Django's request:

    SPLITRUN = {"consent_cookie": "consent", "attributes": "shop.flags.attributes"}

Put it after `AuthenticationMiddleware` where `unit` reads `request.user`. What the client holds is flushed
when the interpreter ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

from splitrun.errors import SettingError
from splitrun.sdk.context import entered
from splitrun.sdk.options.kinds import shown
from splitrun.sdk.visits.cookies import cacheable
from splitrun.sdk.visits.policy import Options, Visit, Visits

__all__ = ["middleware"]

CALLABLE = ("attributes", "consent", "unit")
"""Options whose callables may be told by their dotted names."""

Answering = Callable[[HttpRequest], HttpResponse]
AnsweringLater = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware  # type: ignore[untyped-decorator] # Django ships no types
def middleware(get_response: Answering | AnsweringLater) -> Answering | AnsweringLater:
    """Give each request its context, and each consenting visitor a unit.

    Raises:
        SettingError: An option in `settings.SPLITRUN` is not known, or is out of its range.
    """
    visits = Visits(given())

    def visit(request: HttpRequest) -> Visit:
        meta = request.META
        return visits.visit(request, meta.get("HTTP_COOKIE", ""), meta.get("HTTP_SEC_GPC", ""))

    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponse:
            seen = visit(request)
            with entered(seen.context):
                return with_cookie(await get_response(request), seen.set_cookie)

        return later

    def now(request: HttpRequest) -> HttpResponse:
        seen = visit(request)
        with entered(seen.context):
            return with_cookie(get_response(request), seen.set_cookie)

    return now


def given() -> Options[HttpRequest]:
    """Read `settings.SPLITRUN`, with callables for dotted names.

    Raises:
        SettingError: It is no dict, or a dotted name leads nowhere.
    """
    said: dict[str, Any] = getattr(settings, "SPLITRUN", {})
    if not isinstance(said, dict):
        raise SettingError(f"settings.SPLITRUN is {shown(said)}; give a dict of options")
    # what is in it is checked where options are read
    return {  # type: ignore[return-value]
        name: imported(name, value) if name in CALLABLE else value for name, value in said.items()
    }


def imported(name: str, value: object) -> object:
    """Take what a dotted name leads to; anything else as it is.

    Raises:
        SettingError: It leads nowhere.
    """
    if type(value) is not str or "." not in value:
        return value
    try:
        found: object = import_string(value)
    except ImportError as error:
        raise SettingError(
            f"settings.SPLITRUN[{name!r}] is {value!r}, which leads nowhere ({error}); give a dotted name"
        ) from error
    return found


def with_cookie(response: HttpResponse, cookie: str) -> HttpResponse:
    """Set the cookie, unless others may be given it from a cache."""
    if cookie and not cacheable(response.get("Cache-Control", "")):
        name, _, rest = cookie.partition("=")
        value, _, attributes = rest.partition("; ")
        response.cookies[name] = value
        for part in attributes.split("; "):
            key, _, setting = part.partition("=")
            response.cookies[name][key.lower()] = setting or True
    return response
