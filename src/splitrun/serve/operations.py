"""Operations of the API as OpenAPI 3.1 tells them."""

from __future__ import annotations

from collections.abc import Mapping

from splitrun.assign.slots import LONGEST

__all__ = ["ERROR", "EVENTS", "OFREP_BULK", "OFREP_SINGLE", "Operation", "refusals"]

Operation = Mapping[str, object]

TEXT: Operation = {"type": "string"}
NAME: Operation = {"type": "string", "minLength": 1, "maxLength": 256}
COUNT: Operation = {"type": "integer", "minimum": 0, "maximum": 2_147_483_647}
TIME: Operation = {"type": "string", "format": "date-time"}
UNIT: Operation = {
    "type": "object",
    "required": ["type", "id"],
    "properties": {"type": NAME, "id": {"type": "string", "minLength": 1, "maxLength": LONGEST}},
}
CARRIED: Operation = {"type": "object", "maxProperties": 256}

ERROR: Operation = {
    "type": "object",
    "required": ["form", "error", "says", "mistakes"],
    "properties": {
        "form": {"const": "splitrun.error/1"},
        "error": {"type": "string", "description": "a word from a closed list"},
        "says": {"type": "string", "description": "what happened and what to do"},
        "mistakes": {"type": "array"},
    },
}


def refusals(**says: str) -> dict[str, object]:
    """Answers other than success, all in the form `splitrun.error/1`.

    Args:
        says: By status, written `on_400`, what it means; those that ask to come again say when.
    """
    again = {"Retry-After": {"description": "seconds to wait at least", "schema": {"type": "integer"}}}
    answers: dict[str, object] = {}
    for name, text in says.items():
        status = name.removeprefix("on_")
        headers = {"headers": again} if status in {"429", "503", "507"} else {}
        answers[status] = {
            "description": text,
            "content": {"application/json": {"schema": ERROR}},
            **headers,
        }
    return answers


def kind(tag: str, required: tuple[str, ...], /, **more: Operation) -> Operation:
    """One kind of event."""
    fields = {"type": {"const": tag}, "id": NAME, "time": TIME, "unit": UNIT, **more}
    return {"type": "object", "required": ["type", "id", "time", "unit", *required], "properties": fields}


EXPOSURE = kind(
    "exposure",
    ("flag", "experiment", "version", "phase", "variant", "ruleset", "reason"),
    flag=NAME,
    experiment=NAME,
    version=COUNT,
    phase=COUNT,
    variant=NAME,
    ruleset={"type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991},
    reason=NAME,
    detail=TEXT,
    trigger={"type": "boolean"},
    enrolling={"type": "boolean"},
    release=TEXT,
    attributes=CARRIED,
)
EVENT = kind(
    "event",
    ("name",),
    name=NAME,
    value={"type": ["number", "null"], "minimum": -1e15, "maximum": 1e15},
    release=TEXT,
    properties=CARRIED,
)
ALIAS = kind("alias", ("was",), was=UNIT)

BATCH: Operation = {
    "type": "object",
    "required": ["sent_at", "sdk", "events"],
    "properties": {
        "sent_at": TIME,
        "sdk": TEXT,
        "events": {"type": "array", "maxItems": 5000, "items": {"oneOf": [EXPOSURE, EVENT, ALIAS]}},
    },
}
ACCEPTED: Operation = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 0},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "code", "says"],
                "properties": {"index": {"type": "integer", "minimum": 0}, "code": TEXT, "says": TEXT},
            },
        },
    },
}

EVENTS: Operation = {
    "parameters": [
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "schema": {"enum": ["identity", "gzip"]},
        }
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": BATCH}}},
    "responses": {
        "202": {
            "description": "durable: what was accepted survives a crash of the server; the rest is named",
            "content": {"application/json": {"schema": ACCEPTED}},
        },
        **refusals(
            on_400="the body is no batch; nothing was kept",
            on_401="no key, or none that is known",
            on_403="the key has no scope `ingest`",
            on_408="the body did not come in time",
            on_413="more than 5 MB, unpacked, or 5,000 events; nothing was kept",
            on_415="neither JSON nor gzipped JSON",
            on_429="the spool is at its cap, or more comes in than the disk takes; nothing was kept",
            on_503="the spool is locked, broken or closing; nothing was kept",
            on_507="the disk is full; nothing was kept",
        ),
    },
}

CONTEXT: Operation = {
    "type": "object",
    "required": ["context"],
    "properties": {
        "context": {
            "type": "object",
            "required": ["targetingKey"],
            "properties": {"targetingKey": {"type": "string", "description": "the unit's id"}},
            "description": "and the unit's attributes",
        }
    },
}
EVALUATED: Operation = {
    "type": "object",
    "required": ["key", "value", "reason", "variant", "metadata"],
    "properties": {
        "key": TEXT,
        "value": {"type": ["boolean", "string", "number", "object"]},
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]},
        "variant": TEXT,
        "metadata": {"type": "object"},
    },
}
FAILED: Operation = {
    "type": "object",
    "required": ["errorCode", "errorDetails"],
    "properties": {
        "key": TEXT,
        "errorCode": {
            "enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL", "FLAG_NOT_FOUND"]
        },
        "errorDetails": TEXT,
        "metadata": {"type": "object"},
    },
}
ASKED: Operation = {"required": True, "content": {"application/json": {"schema": CONTEXT}}}
UNASKED = refusals(
    on_401="no key, or none that is known",
    on_403="the key has neither the scope `evaluate` nor `sdk`",
    on_503="nothing to evaluate yet; see Retry-After",
)


def answered(says: str, schema: Operation) -> Operation:
    """An answer in JSON."""
    return {"description": says, "content": {"application/json": {"schema": schema}}}


OFREP_SINGLE: Operation = {
    "parameters": [{"name": "key", "in": "path", "required": True, "schema": TEXT}],
    "requestBody": ASKED,
    "responses": {
        "200": answered("what the unit gets of the flag", EVALUATED),
        "400": answered("the request or its context cannot be used", FAILED),
        "404": answered("there is no such flag", FAILED),
        **UNASKED,
    },
}
OFREP_BULK: Operation = {
    "parameters": [{"name": "If-None-Match", "in": "header", "required": False, "schema": TEXT}],
    "requestBody": ASKED,
    "responses": {
        "200": answered(
            "what the unit gets of every flag; an ETag",
            {
                "type": "object",
                "required": ["flags", "metadata"],
                "properties": {
                    "flags": {"type": "array", "items": {"anyOf": [EVALUATED, FAILED]}},
                    "metadata": {"type": "object"},
                },
            },
        ),
        "304": {"description": "nothing has changed since the answer that If-None-Match names"},
        "400": answered("the request or its context cannot be used", FAILED),
        **UNASKED,
    },
}
