"""How a verb is answered: read the request, run the verb beside the loop, give its form or what failed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic

from msgspec.json import encode, schema_components
from starlette.requests import Request
from starlette.responses import Response

from splitrun.errors import (
    BusyError,
    ConflictError,
    DataError,
    EngineError,
    ExpressionError,
    RefusedError,
    RulesetError,
    SettingError,
    SpecError,
    SplitrunError,
    StoreError,
)
from splitrun.report.forms.error import error_form
from splitrun.serve.api.call import Body, Call, UnfitError, body_of, query_of
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.operations import Operation, refusals
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope

__all__ = ["STATUS", "Does", "Operated", "operation"]

Does = Callable[[Call[Body]], Mapping[str, object]]
"""Runs a verb and gives its documented JSON form."""

STATUS: dict[type[SplitrunError], int] = {
    SpecError: 422,
    ExpressionError: 422,
    RulesetError: 422,
    SettingError: 422,
    DataError: 422,
    EngineError: 422,
    ConflictError: 409,
    RefusedError: 409,
    StoreError: 503,
    BusyError: 503,
}
"""Status by what the caller has to mend, as the command line has exit codes."""

AFTER = 5
"""Seconds to wait before what refuses for its own reasons is asked again."""
OPTION = re.compile(r"`splitrun [^`]*`|`?--([a-z]+(?:-[a-z]+)*)(?: [A-Z]+)?`?")
"""An option of the command line in a sentence, with the word for its value; a whole command is left."""
PARAMETERS: dict[str, Operation] = {
    "since": {
        "type": "integer",
        "minimum": 0,
        "maximum": 9_007_199_254_740_992,
        "description": "only entries after this one",
    },
    "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "description": "how many at most"},
}


@dataclass(frozen=True, slots=True)
class Operated(Generic[Body]):
    """A verb as an address has it."""

    wants: type[Body]
    does: Does[Body]
    query: tuple[str, ...] = ()
    """Names that may stand after the question mark."""

    async def answer(self, server: Server, request: Request, caller: Caller | None) -> Response:
        """Answer one request."""
        try:
            query = query_of(request, self.query)
            body = await body_of(request, self.wants)
            call = Call(server.root, server.desk, caller, request.path_params, query, body)
            async with server.turns:
                told = await asyncio.to_thread(self.does, call)
        except UnfitError as unfit:
            return refusal(unfit.status, "unfit", str(unfit))
        except SplitrunError as error:
            return troubled(error)
        return Response(encode(told), media_type="application/json")


def troubled(error: SplitrunError) -> Response:
    """Answer with what went wrong."""
    status = STATUS[type(error)]
    again = {"Retry-After": str(AFTER)} if status == STATUS[StoreError] else None
    return Response(encode(named(error_form(error))), status, again, media_type="application/json")


def named(told: object) -> object:
    """Name the fields of a body where a sentence names options of the command line."""
    match told:
        case str():
            return OPTION.sub(field, told)
        case dict():
            return {key: named(value) for key, value in told.items()}
        case list():
            return [named(value) for value in told]
        case _:
            return told


def field(found: re.Match[str]) -> str:
    """Write an option as the field that it is over HTTP."""
    if found[1] is None:
        return found[0]
    name = found[1].replace("-", "_")
    return name if found[0] == found.string else f"`{name}`"


def operation(method: str, path: str, scope: Scope, brief: str, verb: Operated[Body]) -> Endpoint:
    """Declare an address, with the operation that the OpenAPI document tells."""
    named = [
        {"name": part.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}
        for part in path.split("/")
        if part.startswith("{")
    ]
    asked = [{"name": name, "in": "query", "schema": PARAMETERS[name]} for name in verb.query]
    (shape,), parts = schema_components([verb.wants], ref_template="{name}")
    body = {"required": True, "content": {"application/json": {"schema": whole(shape, parts)}}}
    told = {
        "200": {
            "description": "the same JSON form as the command line answers with `--json`",
            "content": {"application/json": {"schema": {"type": "object", "required": ["form"]}}},
        },
        **refusals(
            on_400="the request cannot be read",
            on_401="no key, or none that is known",
            on_403=f"the key has no scope `{scope}`",
            on_404="there is no such experiment or key",
            on_408="the body did not come in time",
            on_409="a rule does not allow this now, or somebody was faster",
            on_413="the body is too long",
            on_415="the body is no JSON",
            on_422="a definition, the data or what was asked needs mending; the mistakes are listed",
            on_503="the registry or the disk refuses",
        ),
    }
    facts: dict[str, object] = {"parameters": [*named, *asked], "responses": told}
    return Endpoint(
        method, path, scope, verb.answer, brief, facts | ({} if method == "GET" else {"requestBody": body})
    )


def whole(shape: object, parts: Mapping[str, object]) -> object:
    """Write a schema with what it refers to in its place."""
    match shape:
        case {"$ref": str(name)}:
            return whole(parts[name], parts)
        case dict():
            return {key: whole(value, parts) for key, value in shape.items()}
        case list():
            return [whole(value, parts) for value in shape]
        case _:
            return shape
