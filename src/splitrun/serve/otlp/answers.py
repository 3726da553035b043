"""Answers as OTLP asks for them: in the encoding of the request, an error as a `google.rpc.Status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus

from msgspec.json import encode
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.responses import Response

from splitrun.collect.otlp.record import Unfit

__all__ = ["COUNTED", "JSON", "PROTOBUF", "kept", "status", "summed"]

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
COUNTED = {"logs": "rejectedLogRecords", "traces": "rejectedSpans"}
"""What partial success counts, by what was sent."""

CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
"""Codes of `google.rpc` by status; clients go by the status."""
LONGEST = 2_000
"""Characters of a sentence."""


def kept(signal: str, rejected: int, says: str, *, json: bool) -> Response:
    """Answer a request that was taken, with what of it was not."""
    if json:
        told = {"partialSuccess": {COUNTED[signal]: str(rejected), "errorMessage": says}} if rejected else {}
        return Response(encode(told), media_type=JSON)
    return Response(encoded(signal, rejected, says), media_type=PROTOBUF)


def encoded(signal: str, rejected: int, says: str) -> bytes:
    """Write the same in protobuf."""
    if not rejected:
        return b""
    if signal == "logs":
        logs = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=says)
        return ExportLogsServiceResponse(partial_success=logs).SerializeToString()
    spans = ExportTracePartialSuccess(rejected_spans=rejected, error_message=says)
    return ExportTraceServiceResponse(partial_success=spans).SerializeToString()


def summed(signal: str, items: int, rejected: int, unfit: Iterable[Unfit]) -> str:
    """Say what was not taken: how many for each reason, and what to do about the first of each."""
    unfit = list(unfit)
    says: dict[str, str] = {}
    for one in unfit:
        says.setdefault(one.code, one.says)
    counted = Counter(one.code for one in unfit).most_common()
    listed = "; ".join(f"{code} {count:,} ({says[code]})" for code, count in counted)
    what = "log records" if signal == "logs" else "spans"
    told = f"{rejected:,} of {items:,} {what} were not kept: {listed or 'they hold no event of a flag'}"
    return told[:LONGEST]


def status(code: int, says: str, *, json: bool, after: int | None = None) -> Response:
    """Answer a request of which nothing was taken.

    Args:
        code: Of HTTP; 429 and 503 are sent again, everything else is not.
        says: What happened and what to do.
        json: Whether the request is JSON.
        after: Seconds until it may be sent again.
    """
    headers = {} if after is None else {"Retry-After": str(after)}
    number = CODES.get(HTTPStatus(code), 2)
    if json:
        return Response(encode({"code": number, "message": says}), code, headers, media_type=JSON)
    return Response(rpc_status(number, says), code, headers, media_type=PROTOBUF)


def rpc_status(number: int, says: str) -> bytes:
    """Write a `google.rpc.Status`: an `int32 code = 1` and a `string message = 2`."""
    text = says.encode(errors="replace")[:LONGEST]
    return bytes([0x08, number, 0x12]) + varint(len(text)) + text


def varint(number: int) -> bytes:
    """Write a number of variable length."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
