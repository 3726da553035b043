"""Requests of OTLP, in protobuf by its library and in JSON by its mapping."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from splitrun.assign.ruleset import Ruleset
from splitrun.collect.codes import Code, Refused
from splitrun.collect.otlp.batches import Drafts, drafted
from splitrun.collect.otlp.evaluations import Evaluations
from splitrun.collect.otlp.meaning import Meaning
from splitrun.collect.outcomes import Held
from splitrun.sdk.event import Batch, Event, Exposure
from splitrun.spec.project import Otlp
from tests.sdk.shop import shop

__all__ = [
    "AT",
    "KEY",
    "RECEIVED",
    "Shelf",
    "codes",
    "evaluation",
    "events",
    "in_json",
    "log",
    "logs",
    "meaning",
    "meant",
    "pairs",
    "spans",
    "value",
]  # fmt: skip

AT = 1_795_334_400_000_001_000
"""2026-11-22T08:00:00.000001Z in nanoseconds."""
RECEIVED = AT + 2_000_000_000
KEY = b"k" * 32


@dataclass
class Shelf:
    """Rulesets by version; the newest is the one of the highest."""

    rulesets: Mapping[int, Ruleset] = field(default_factory=lambda: {1: shop()})
    asked: list[int] = field(default_factory=list)

    def newest(self) -> Held | None:
        return Held(self.rulesets[max(self.rulesets)]) if self.rulesets else None

    def named(self, version: int) -> Held | None:
        self.asked.append(version)
        found = self.rulesets.get(version)
        return None if found is None else Held(found)


def meaning(otlp: Otlp | None = None, known: Shelf | None = None, key: bytes = KEY) -> Meaning:
    settings = otlp or Otlp()
    return Meaning(settings, Evaluations("shop/production", known or Shelf(), settings), key)


def value(of: object) -> AnyValue:
    match of:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=of)
        case int():
            return AnyValue(int_value=of)
        case float():
            return AnyValue(double_value=of)
        case str():
            return AnyValue(string_value=of)
        case bytes():
            return AnyValue(bytes_value=of)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(value, of)))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(of)))
        case _:
            raise TypeError(of)


def pairs(of: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=name, value=value(one)) for name, one in of.items()]


def log(
    name: str = "feature_flag.evaluation", at: int = AT, body: object = None, **more: object
) -> LogRecord:
    """A log record; attributes are given with `__` for each dot."""
    attributes = {key.replace("__", "."): one for key, one in more.items()}
    return LogRecord(
        event_name=name,
        time_unix_nano=at,
        attributes=pairs(attributes),
        body=None if body is None else value(body),
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
    )


def evaluation(**more: object) -> LogRecord:
    """An evaluation as our SDK's hook tells it, but for what is left out or told otherwise."""
    told: dict[str, Any] = {
        "feature_flag.key": "checkout",
        "feature_flag.provider.name": "splitrun",
        "feature_flag.result.variant": "one-page",
        "feature_flag.result.reason": "split",
        "feature_flag.set.id": "shop/production",
        "feature_flag.version": "1",
        "feature_flag.context.id": "u1",
        "splitrun.experiment": "one-page-checkout",
        "splitrun.experiment_version": 1,
        "splitrun.phase": 1,
        "splitrun.detail": "variant",
    } | {key.replace("__", "."): one for key, one in more.items()}
    return log(**{key.replace(".", "__"): one for key, one in told.items() if one is not None})


def logs(*records: LogRecord, **resource: object) -> ExportLogsServiceRequest:
    around = Resource(attributes=pairs({key.replace("__", "."): one for key, one in resource.items()}))
    scope = ScopeLogs(log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=around, scope_logs=[scope])])


def spans(*found: Span, **resource: object) -> ExportTraceServiceRequest:
    around = Resource(attributes=pairs({key.replace("__", "."): one for key, one in resource.items()}))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=around, scope_spans=[ScopeSpans(spans=found)])]
    )


def in_json(request: ExportLogsServiceRequest | ExportTraceServiceRequest) -> bytes:
    """Write a request as OTLP's mapping has it: as protobuf's own, but for ids, which are hexadecimal."""

    def hexadecimal(of: object) -> object:
        match of:
            case dict():
                return {
                    key: b64decode(one).hex().upper() if key in {"traceId", "spanId"} else hexadecimal(one)
                    for key, one in of.items()
                }
            case list():
                return [hexadecimal(one) for one in of]
            case _:
                return of

    return json.dumps(hexadecimal(MessageToDict(request))).encode()


def meant(
    request: ExportLogsServiceRequest | ExportTraceServiceRequest | bytes,
    means: Meaning | None = None,
    *,
    json: bool = False,
) -> Drafts | Refused:
    signal = "traces" if isinstance(request, ExportTraceServiceRequest) else "logs"
    if isinstance(request, bytes):
        body = request
    else:
        body = in_json(request) if json else request.SerializeToString()
    return drafted(body, signal, means or meaning(), RECEIVED, json=json)


def events(found: Drafts | Refused) -> list[Exposure | Event]:
    """Read what came of a request, as the intake will."""
    assert isinstance(found, Drafts), found
    from msgspec.json import decode  # noqa: PLC0415 - beside the `json` of the arguments

    made = [one for body, _ in found.batches for one in decode(body, type=Batch).events]
    return [one for one in made if isinstance(one, Exposure | Event)]


def codes(found: Drafts | Refused) -> list[Code]:
    assert isinstance(found, Drafts), found
    return [one.code for one in found.unfit]
