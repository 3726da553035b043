"""The operations of OTLP, as OpenAPI 3.1 tells them."""

from __future__ import annotations

from splitrun.serve.operations import Operation
from splitrun.serve.otlp.answers import JSON, PROTOBUF

__all__ = ["LOGS", "TRACES"]

BINARY: Operation = {"type": "string", "format": "binary", "description": "protobuf"}
MANY = {"maxItems": 20_000}
STATUS: Operation = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "description": "google.rpc.Status",
}
ENCODED: Operation = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "schema": {"enum": ["identity", "gzip"]},
}
AGAIN: Operation = {"Retry-After": {"description": "seconds to wait at least", "schema": {"type": "integer"}}}


def both(says: str, schema: Operation) -> dict[str, object]:
    """An answer in the encoding of the request."""
    return {"description": says, "content": {JSON: {"schema": schema}, PROTOBUF: {"schema": BINARY}}}


def refused(**says: str) -> dict[str, object]:
    """Answers other than success, by status, written `on_400`."""
    return {
        name.removeprefix("on_"): both(text, STATUS)
        | ({"headers": AGAIN} if name in {"on_429", "on_503"} else {})
        for name, text in says.items()
    }


def export(request: str, names: tuple[str, str, str], rejected: str) -> Operation:
    """An export.

    Args:
        request: Name of the message.
        names: Of the lists in each other: resources, their scopes, and what scopes hold.
        rejected: Name of what partial success counts.
    """
    resources, scopes, held = names
    # what a record holds is not told here: one that is wrong is answered for alone, in a partial success
    scope = {"type": "object", "properties": {held: {"type": ["array", "null"], **MANY}}}
    resource = {"type": "object", "properties": {scopes: {"type": ["array", "null"], "items": scope, **MANY}}}
    asked = {
        "type": "object",
        "properties": {resources: {"type": ["array", "null"], "items": resource, **MANY}},
        "description": f"{request} of OTLP 1.x, in its JSON mapping",
    }
    partial = {
        "type": "object",
        "properties": {rejected: {"type": "string"}, "errorMessage": {"type": "string"}},
    }
    answer = {"type": "object", "properties": {"partialSuccess": partial}}
    return {
        "parameters": [ENCODED],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": asked}, PROTOBUF: {"schema": BINARY}},
        },
        "responses": {
            "200": both("durable, as far as it was kept; partialSuccess tells what was not, and why", answer),
            **refused(
                on_400="the body is no export request; nothing was kept",
                on_401="no key, or none that is known",
                on_403="the key has no scope `ingest`",
                on_413="more than 5 MB, unpacked, or 20,000 records; nothing was kept",
                on_415="neither protobuf nor JSON, or packed otherwise than with gzip",
                on_429="the spool is at its cap, or more comes in than the disk takes; send it again",
                on_503="the spool or the registry cannot be used, or the body did not come; send it again",
            ),
        },
    }


LOGS = export("ExportLogsServiceRequest", ("resourceLogs", "scopeLogs", "logRecords"), "rejectedLogRecords")
TRACES = export("ExportTraceServiceRequest", ("resourceSpans", "scopeSpans", "spans"), "rejectedSpans")
