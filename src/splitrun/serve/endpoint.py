"""A route as it is declared: what it is called, who may, and who answers. No route is open by accident."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from splitrun.serve.server import Server
from splitrun.store.access.keys import AccessKey, Scope

__all__ = ["Answer", "Caller", "Endpoint", "Refuse", "known", "refusal", "refused"]

Caller = AccessKey
"""Whose key a request carried."""

Answer = Callable[[Server, Request, Caller | None], Awaitable[Response]]

Refuse = Callable[[Request, int, str, str], Response]
"""Answers a request that may not be made: status, code, what to do."""


def refused(_: Request, status: int, code: str, says: str) -> Response:
    """Refuse a request in the documented form."""
    return refusal(status, code, says)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API."""

    method: str
    path: str
    scope: Scope | None
    """Which scope a key must have; None: anybody, said on purpose."""
    answer: Answer
    brief: str
    """One line for the OpenAPI document."""
    openapi: Mapping[str, object] = field(default_factory=dict)
    """The operation in OpenAPI 3.1: parameters, requestBody, responses."""
    mode: str | None = "web"
    """Which mode of the server has it; None: every one."""
    hot: bool = False
    """Whether it is found by its path alone, before the framework looks for routes; it raises nothing."""
    refuse: Refuse = refused
    """How it refuses a key, where a protocol of its own asks for another form."""


def refusal(status: int, code: str, says: str, *, after: int | None = None) -> Response:
    """An error in the documented form `splitrun.error/1`."""
    headers = {} if after is None else {"Retry-After": str(after)}
    body = encode({"form": "splitrun.error/1", "error": code, "says": says, "mistakes": []})
    return Response(body, status, headers, media_type="application/json")


def known(request: Request, etag: str) -> bool:
    """Whether the client has what it asks for already (If-None-Match)."""
    written = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in {etag, "*"} for one in written.split(","))
