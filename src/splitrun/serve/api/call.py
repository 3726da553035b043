"""What a request to a verb says: whose key it carries, what it names, its body; read strictly and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import decode
from starlette.requests import ClientDisconnect, Request

from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.footing import Asked
from splitrun.serve.endpoint import Caller
from splitrun.spec.written.fields import suggested

__all__ = ["WHOLE", "Body", "Call", "Nothing", "Reason", "UnfitError", "body_of", "query_of"]

LONGEST = 65_536
"""Bytes of a body."""
PATIENCE = 10.0
"""Seconds that a body may take to come."""


class UnfitError(Exception):
    """A request cannot be read. Next: mend it as it says, and send it again."""

    def __init__(self, says: str, status: int = 400) -> None:
        super().__init__(says)
        self.status = status


WHOLE = r"^[^\x00]*$"
"""Of a text that every database takes: without a zero character."""
Reason = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=WHOLE)]
"""Why something is done."""


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A body that says nothing."""


Body = TypeVar("Body", bound=Struct)
"""What a verb is told besides what the address names."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Body]):
    """A verb that is asked for."""

    root: Path
    """The project's folder."""
    desk: Desk
    caller: Caller | None
    """None: where a demonstration asks for no key."""
    path: Mapping[str, str]
    """What the address names."""
    query: Mapping[str, str]
    body: Body

    @property
    def environment(self) -> str | None:
        """The environment of the key; None: the first of the project's."""
        return None if self.caller is None else self.caller.environment

    @property
    def actor(self) -> str:
        """Who does it, as the audit chain names it: the key, which stands for whoever holds it."""
        return "api-key/nobody" if self.caller is None else f"api-key/{self.caller.name}"

    def asked(self, reason: str) -> Asked:
        """The step that is asked for."""
        return Asked(self.root, reason, self.actor, self.environment, self.desk)


async def body_of(request: Request, wanted: type[Body]) -> Body:
    """Read a body.

    Raises:
        UnfitError: It is too long or no JSON of that shape, or does not come in time.
    """
    written = await _read(request)
    if written and not _json(request):
        raise UnfitError("send the body as Content-Type: application/json", 415)
    try:
        return decode(written or b"{}", type=wanted)
    except (MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnfitError(f"the body cannot be taken: {str(error)[:300]}; see /openapi.json") from error


def _json(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/json"


async def _read(request: Request) -> bytes:
    pieces, size = [], 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in request.stream():
                size += len(piece)
                if size > LONGEST:
                    raise UnfitError(f"the body has more than {LONGEST:,} bytes; send less", 413)
                pieces.append(piece)
    except (TimeoutError, ClientDisconnect) as error:
        raise UnfitError("the body did not come in time; send it again", 408) from error
    return b"".join(pieces)


def query_of(request: Request, known: Collection[str]) -> dict[str, str]:
    """Read what stands after the question mark.

    Raises:
        UnfitError: It names what is not known, or something twice.
    """
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise UnfitError(
                f"there is no parameter {name[:64]!r}; {suggested(name, known) or 'leave it out'}"
            )
        if name in found:
            raise UnfitError(f"the parameter {name!r} stands twice; name it once")
        found[name] = value
    return found
