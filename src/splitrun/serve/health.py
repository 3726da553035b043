"""`/livez` and `/readyz`: whether the process lives, and whether it can serve."""

from __future__ import annotations

from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from splitrun.serve.endpoint import Caller, Endpoint
from splitrun.serve.server import Server

__all__ = ["ENDPOINTS"]


async def livez(_: Server, _request: Request, _caller: Caller | None) -> Response:
    """Say that the process answers."""
    return Response(b'{"live":true}', media_type="application/json")


async def readyz(server: Server, _request: Request, _caller: Caller | None) -> Response:
    """Say whether every part can serve, and which cannot."""
    faults = {name: why for name, part in server.parts.items() if (why := part.ready())}
    status = 503 if faults else 200
    return Response(encode({"ready": not faults, "faults": faults}), status, media_type="application/json")


SAYS = {"responses": {"200": {"description": "yes"}, "503": {"description": "no"}}}

ENDPOINTS = (
    Endpoint("GET", "/livez", None, livez, "Whether the process lives", SAYS, mode=None),
    Endpoint("GET", "/readyz", None, readyz, "Whether it can serve", SAYS, mode=None),
)
