"""OFREP: flags evaluated for any language over HTTP, one by its key or all at once.

https://github.com/open-feature/protocol, version 0.3.0. Nothing of a request is kept, and no exposure is
logged: the answer's metadata carries what an exposure has to say, and whoever shows the variant sends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from msgspec import DecodeError, MsgspecError, Struct, ValidationError
from msgspec.json import Decoder, encode
from starlette.requests import Request
from starlette.responses import Response

from splitrun.assign.evaluation import ErrorCode, Evaluation, Reason
from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.sdk.inner.metadata import metadata
from splitrun.serve.endpoint import Caller, Endpoint, known, refusal
from splitrun.serve.operations import OFREP_BULK, OFREP_SINGLE
from splitrun.serve.rulesets import Served, rulesets_of
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope

__all__ = ["BULK", "ENDPOINTS"]

BULK = "/ofrep/v1/evaluate/flags"
AFTER = len(BULK) + 1
MOST = 65_536
"""Bytes of a context."""
PATIENCE = 10.0
"""Seconds that a context may take to come."""
MANY = 4_096
"""Answers that are kept as bytes; evaluations are made once per outcome, so there are few."""

REASONS = {Reason.DEFAULT: "UNKNOWN", Reason.CACHED: "STATIC", Reason.STALE: "UNKNOWN"}
"""Reasons of OpenFeature that the protocol does not have; the metadata tells them."""

CODES = {ErrorCode.PARSE_ERROR, ErrorCode.TARGETING_KEY_MISSING, ErrorCode.INVALID_CONTEXT}
"""Errors that the protocol has beside GENERAL and FLAG_NOT_FOUND."""

JSON = "application/json"


class Sent(Struct, frozen=True):
    """A request; what else it holds is of no concern."""

    context: dict[str, object]


SENT = Decoder(Sent)


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom flags are asked."""

    unit: str
    attributes: Mapping[str, object]
    opted_out: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Unasked:
    """Why nothing can be evaluated."""

    code: ErrorCode
    says: str


async def asked(request: Request) -> Asked | Unasked:
    """Read for whom flags are asked."""
    body = await whole(request)
    match body:
        case Unasked():
            return body
        case _:
            pass
    try:
        context = SENT.decode(body).context
    except ValidationError as error:
        return Unasked(ErrorCode.INVALID_CONTEXT, f"the request has no context that can be read: {error}")
    except (DecodeError, MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return Unasked(ErrorCode.PARSE_ERROR, f"the request is no JSON: {error}")
    unit = context.pop("targetingKey", None)
    if unit is None:
        says = "the context has no targetingKey; give the unit's id as a text"
        return Unasked(ErrorCode.TARGETING_KEY_MISSING, says)
    if type(unit) is not str:
        return Unasked(ErrorCode.INVALID_CONTEXT, "the targetingKey is no text; give the unit's id as one")
    return Asked(
        unit,
        context,
        "1" in request.headers.get("sec-gpc", "").replace(";", ",").replace(" ", "").split(","),
        body,
    )


async def whole(request: Request) -> bytes | Unasked:
    """Read a body within its bounds."""
    if request.headers.get("content-type", JSON).partition(";")[0].strip().lower() != JSON:
        return Unasked(ErrorCode.PARSE_ERROR, f"the Content-Type is not {JSON}")
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await request.receive()
                if message["type"] != "http.request":
                    return Unasked(ErrorCode.GENERAL, "the client is gone")
                piece: bytes = message.get("body", b"")
                body += piece
                if len(body) > MOST:
                    return Unasked(ErrorCode.INVALID_CONTEXT, f"the request has more than {MOST:,} bytes")
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        return Unasked(ErrorCode.GENERAL, "the request did not come in time")


def here(server: Server, caller: Caller | None) -> Served | None:
    """Find the ruleset of the key's environment."""
    rulesets = rulesets_of(server)
    return None if rulesets is None or caller is None else rulesets.known.get(caller.environment)


def objected(server: Server, served: Served, wanted: Asked) -> bool:
    """Whether the unit takes no part: it says so now, or one of its ids opted out or was forgotten.

    Where the list cannot be read, nobody has said that it takes part.
    """
    if wanted.opted_out or server.people is None:
        return wanted.opted_out
    try:
        unwanted = server.people.unwanted()
    except StoreError:
        return True
    if unwanted is None:
        return False
    own, *others = served.evaluator.ruleset.units or ("",)
    ids = {own: wanted.unit, **{one: wanted.attributes.get(column(served, one)) for one in others}}
    return any(unwanted(Unit(of, str(name))) for of, name in ids.items() if name is not None)


def column(served: Served, unit_type: str) -> str:
    """The attribute that holds the id of a type of units."""
    return served.evaluator.ruleset.units[unit_type]


async def single(server: Server, request: Request, caller: Caller | None) -> Response:
    """Evaluate one flag."""
    served, key = here(server, caller), request.scope["path"][AFTER:]
    if served is None:
        return absent()
    wanted = await asked(request)
    match wanted:
        case Unasked(code, says):
            failed = {"key": key, "errorCode": code.value, "errorDetails": says}
            return Response(encode(failed), 400, media_type=JSON)
        case Asked():
            found = evaluated(served, key, replace(wanted, opted_out=objected(server, served, wanted)))
            if found.error is None:
                return Response(told(served, found), media_type=JSON)
            status = 404 if found.error is ErrorCode.FLAG_NOT_FOUND else 400
            return Response(told(served, found, key), status, media_type=JSON)


async def bulk(server: Server, request: Request, caller: Caller | None) -> Response:
    """Evaluate all flags."""
    served = here(server, caller)
    if served is None:
        return absent()
    wanted = await asked(request)
    match wanted:
        case Unasked(code, says):
            return Response(encode({"errorCode": code.value, "errorDetails": says}), 400, media_type=JSON)
        case Asked():
            wanted = replace(wanted, opted_out=objected(server, served, wanted))
            etag = tagged(served, wanted)
            headers = {"ETag": etag, "Cache-Control": "no-cache"}
            if known(request, etag):
                return Response(status_code=304, headers=headers)
            flags = served.evaluator.ruleset.flags
            each = [
                told(served, evaluated(served, key, wanted), key)
                for key, flag in flags.items()
                if not flag.archived
            ]
            of = {"flagSetId": served.flag_set, "version": str(served.version)}
            body = b'{"flags":[%b],"metadata":%b}' % (b",".join(each), encode(of))
            return Response(body, headers=headers, media_type=JSON)


def evaluated(served: Served, key: str, wanted: Asked) -> Evaluation:
    """Evaluate a flag; never raises."""
    unit, attributes = served.targets.asked(key, wanted.unit, wanted.attributes)
    return served.evaluator.evaluate(key, unit, attributes, opted_out=wanted.opted_out)


def tagged(served: Served, wanted: Asked) -> str:
    """Tell apart what was answered, by what it was made from: the ruleset and the request."""
    made = blake2b(served.etag.encode() + bytes([wanted.opted_out]) + wanted.body, digest_size=16)
    return f'"{made.hexdigest()}"'


def told(served: Served, answer: Evaluation, key: str = "") -> bytes:
    """Write an evaluation as the protocol has it; most were written before."""
    kept = served.told.get(id(answer))
    if kept is not None:
        return kept[1]
    of = {**metadata(answer, served.flag_set), "reason": answer.reason.value}
    if answer.error is not None:
        general = answer.error is not ErrorCode.FLAG_NOT_FOUND and answer.error not in CODES
        code = ErrorCode.GENERAL if general else answer.error
        failed = {"key": key, "errorCode": code.value, "errorDetails": answer.says, "metadata": of}
        return encode(failed)
    written = encode(
        {
            "key": answer.flag,
            "value": answer.value,
            "reason": REASONS.get(answer.reason, answer.reason.value),
            "variant": answer.variant,
            "metadata": of,
        }
    )
    if len(served.told) >= MANY:
        served.told.clear()
    served.told[id(answer)] = answer, written
    return written


def absent() -> Response:
    """Answer where there is nothing to evaluate."""
    says = "nothing was published yet, or this process serves no rulesets"
    return refusal(503, "no_ruleset", says, after=5)


ENDPOINTS = (
    Endpoint(
        "POST", BULK + "/{key}", Scope.EVALUATE, single, "OFREP: evaluate one flag", OFREP_SINGLE, hot=True
    ),
    Endpoint("POST", BULK, Scope.EVALUATE, bulk, "OFREP: evaluate all flags", OFREP_BULK, hot=True),
)
