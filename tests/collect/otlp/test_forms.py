"""Both encodings, and what neither can be: a request that means harm."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from splitrun.collect.codes import Code, Refused
from splitrun.collect.otlp import protobuf, written
from splitrun.collect.otlp.batches import Drafts, drafted
from splitrun.collect.otlp.record import Record
from tests.collect.otlp.sending import (
    AT,
    codes,
    evaluation,
    events,
    in_json,
    log,
    logs,
    meaning,
    meant,
    pairs,
    spans,
)

# the example of https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/logs.json
EXAMPLE = b"""{"resourceLogs": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
  "scopeLogs": [{
    "scope": {"name": "my.library", "version": "1.0.0", "attributes": [
      {"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]},
    "logRecords": [{
      "timeUnixNano": "1544712660300000000", "observedTimeUnixNano": "1544712660300000000",
      "severityNumber": 10, "severityText": "Information",
      "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
      "body": {"stringValue": "Example log record"},
      "attributes": [
        {"key": "string.attribute", "value": {"stringValue": "some string"}},
        {"key": "boolean.attribute", "value": {"boolValue": true}},
        {"key": "int.attribute", "value": {"intValue": "10"}},
        {"key": "double.attribute", "value": {"doubleValue": 637.704}},
        {"key": "array.attribute", "value": {"arrayValue": {"values": [
          {"stringValue": "many"}, {"stringValue": "values"}]}}},
        {"key": "map.attribute", "value": {"kvlistValue": {"values": [
          {"key": "some.map.key", "value": {"stringValue": "some value"}}]}}}]}]}]}]}"""

EVERYTHING = log(
    "order",
    body={"a": 1, "b": [None, b"\x00\xff"]},
    text="ä",
    true=True,
    number=-(2**63),
    fraction=0.5,
    empty=None,
    inner={"x": {"y": [1, [2, 3]]}},
)


def test_the_example_of_the_protocol_is_read() -> None:
    ((found,),) = written.logs(EXAMPLE)

    assert found == Record(
        1544712660300000000,
        "",
        {
            "string.attribute": "some string",
            "boolean.attribute": True,
            "int.attribute": 10,
            "double.attribute": 637.704,
            "array.attribute": ["many", "values"],
            "map.attribute": {"some.map.key": "some value"},
        },
        "Example log record",
        {"service.name": "my.service"},
        "5b8efff798038103d269b633813fc60c",
        "eee19b7ec3c1b174",
    )


def test_both_encodings_tell_the_same() -> None:
    request = logs(EVERYTHING, evaluation(), service__name="shop")

    in_protobuf = list(protobuf.logs(request.SerializeToString()))

    assert list(written.logs(in_json(request))) == in_protobuf
    ((first,), _) = in_protobuf
    assert first == Record(
        AT,
        "order",
        {
            "text": "ä",
            "true": True,
            "number": -(2**63),
            "fraction": 0.5,
            "empty": None,
            "inner": {"x": {"y": [1, [2, 3]]}},
        },
        {"a": 1, "b": [None, "AP8="]},
        {"service.name": "shop"},
        bytes(range(16)).hex(),
        bytes(range(8)).hex(),
    )


def test_events_of_spans_are_read_from_both_encodings() -> None:
    happened = Span.Event(time_unix_nano=AT, name="feature_flag", attributes=pairs({"feature_flag.key": "x"}))
    one = Span(
        trace_id=b"t" * 16, span_id=b"s" * 8, events=[happened] * 2, attributes=pairs({"enduser.id": "u1"})
    )
    request = spans(one, Span(name="quiet"), service__version="7")

    found = list(protobuf.traces(request.SerializeToString()))

    assert list(written.traces(in_json(request))) == found
    ((first, _), quiet) = found
    assert quiet == ()
    assert isinstance(first, Record)
    assert (first.name, first.look("enduser.id"), first.look("service.version")) == (
        "feature_flag",
        "u1",
        "7",
    )


def test_a_resource_that_is_written_in_two_parts_is_one() -> None:
    whole = logs(log("x"), a=1)
    resource = whole.resource_logs[0].resource
    more = type(resource)(attributes=pairs({"b": 2})).SerializeToString()
    group = whole.resource_logs[0].SerializeToString() + b"\x0a" + bytes([len(more)]) + more
    body = b"\x0a" + bytes([len(group)]) + group

    ((found,),) = protobuf.logs(body)

    assert isinstance(found, Record)
    assert found.around == {"a": 1, "b": 2}
    assert ExportLogsServiceRequest.FromString(body).resource_logs[0].resource.attributes[1].key == "b"


def test_a_request_with_nothing_in_it_is_in_order() -> None:
    for body, written_so in ((b"", False), (b"{}", True), (b'{"resourceLogs":null}', True)):
        found = meant(body, json=written_so)
        assert isinstance(found, Drafts)
        assert (found.items, found.batches, found.unfit) == (0, [], [])


@pytest.mark.parametrize("number", ["1.5", '"1e3"', '"12x"', f'"{2**64}"', "1e300", '""'])
def test_a_whole_number_that_is_none_rejects_its_record_alone(number: str) -> None:
    good = in_json(logs(evaluation()))
    bad = b'{"timeUnixNano":"1","attributes":[{"key":"a","value":{"intValue":%b}}]}' % number.encode()

    found = meant(good.replace(b'"logRecords": [', b'"logRecords": [' + bad + b","), json=True)

    assert codes(found) == [Code.NUMBER]
    assert len(events(found)) == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"5", Code.SHAPE),
        (b'{"attributes":5}', Code.SHAPE),
        (b'{"attributes":[{"key":"a"},{"key":"a"}]}', Code.DUPLICATE_KEY),
        (b'{"timeUnixNano":-1}', Code.TIME),
        (b'{"attributes":[{"key":"a","value":{"doubleValue":"much"}}]}', Code.NUMBER),
        (b'{"body":' + b'{"arrayValue":{"values":[' * 40 + b"]}}" * 40 + b"}", Code.DEPTH),
        (b'{"body":{"stringValue":"%b"}}' % (b"x" * 64_000), Code.EVENT_SIZE),
    ],
)
def test_a_bad_record_in_json_rejects_itself_alone(bad: bytes, code: Code) -> None:
    good = in_json(logs(evaluation()))

    found = meant(good.replace(b'"logRecords": [', b'"logRecords": [' + bad + b","), json=True)

    assert codes(found) == [code]
    assert len(events(found)) == 1


def nested(levels: int) -> AnyValue:
    found = AnyValue(string_value="x")
    for _ in range(levels):
        outer = AnyValue()
        outer.array_value.values.append(found)
        found = outer
    return found


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (LogRecord(body=nested(33)), Code.DEPTH),
        (LogRecord(body=nested(45)), Code.DEPTH),
        (LogRecord(attributes=pairs({"a": 1}) * 2), Code.DUPLICATE_KEY),
        (LogRecord(body=AnyValue(string_value="x" * 64_000)), Code.EVENT_SIZE),
    ],
)
def test_a_bad_record_in_protobuf_rejects_itself_alone(bad: LogRecord, code: Code) -> None:
    found = meant(logs(bad, evaluation()))

    assert codes(found) == [code]
    assert len(events(found)) == 1


@pytest.mark.parametrize("bad", [pairs({"a": 1}) * 2, pairs({"a": "x" * 64_000})])
@pytest.mark.parametrize("json", [False, True])
def test_a_bad_resource_rejects_what_it_holds_alone(bad: list[KeyValue], json: bool) -> None:  # noqa: FBT001
    request = logs(log("x"), log("y"))
    request.resource_logs[0].resource.attributes.extend(bad)
    request.MergeFrom(logs(evaluation()))

    found = meant(request, json=json)

    assert codes(found) in ([Code.DUPLICATE_KEY] * 2, [Code.EVENT_SIZE] * 2)
    assert len(events(found)) == 1


def test_a_resource_that_cannot_be_read_rejects_what_it_holds_alone() -> None:
    good = logs(evaluation()).SerializeToString()
    group = b"\x0a" + sized(b"\x0a\x02\xff\xfe") + b"\x12" + sized(b"\x12" + sized(b""))

    assert codes(meant(b"\x0a" + sized(group) + good)) == [Code.SHAPE]
    whole = in_json(logs(evaluation()))[len(b'{"resourceLogs": [') :]
    body = b'{"resourceLogs":[{"resource":5,"scopeLogs":[{"logRecords":[{}]}]},' + whole
    assert codes(meant(body, json=True)) == [Code.SHAPE]


def test_a_bad_span_rejects_itself_alone() -> None:
    happened = Span.Event(time_unix_nano=AT, name="x")
    assert codes(meant(spans(Span(attributes=pairs({"a": 1}) * 2), Span(events=[happened])))) == [
        Code.DUPLICATE_KEY,
        Code.UNMAPPED,
    ]
    found = drafted(
        b"\x0a" + sized(b"\x12" + sized(b"\x12\x02\x0a\x05")), "traces", meaning(), AT, json=False
    )
    assert codes(found) == [Code.SHAPE]
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[5,{"events":[{"name":"x","timeUnixNano":"1"}]}]}]}]}'
    assert codes(drafted(body, "traces", meaning(), AT, json=True)) == [Code.SHAPE, Code.UNMAPPED]
    assert isinstance(drafted(b"[]", "traces", meaning(), AT, json=True), Refused)


def test_a_record_that_is_no_protobuf_rejects_itself_alone() -> None:
    good = evaluation().SerializeToString()
    # a text that is not UTF-8; and a body nested deeper than the library reads
    deep = b""
    for _ in range(120):
        deep = b"\x2a" + sized(b"\x0a" + sized(deep))
    scope = b"".join(b"\x12" + sized(one) for one in (b"\x62\x02\xff\xfe", b"\x2a" + sized(deep), good))
    found = meant(b"\x0a" + sized(b"\x12" + sized(scope)))

    assert codes(found) == [Code.SHAPE, Code.DEPTH]
    assert len(events(found)) == 1


def sized(body: bytes) -> bytes:
    size, found = len(body), b""
    while size > 127:
        found += bytes([size & 127 | 128])
        size >>= 7
    return found + bytes([size]) + body


@pytest.mark.parametrize(
    ("body", "json", "code", "status"),
    [
        (b"\x0a\x05\x01", False, Code.NOT_OTLP, 400),  # cut off
        (b"\x0b", False, Code.NOT_OTLP, 400),  # a group
        (b"\x0a" + b"\xff" * 11, False, Code.NOT_OTLP, 400),  # a length that does not end
        (b"\x0a", False, Code.NOT_OTLP, 400),
        (b"\x0a\x00" * 60_001, False, Code.TOO_MANY, 413),
        (b"\x0a" + sized(b"\x12" + sized(b"\x12\x00" * 20_001)), False, Code.TOO_MANY, 413),
        (b"", True, Code.NOT_OTLP, 400),
        (b"[]", True, Code.NOT_OTLP, 400),
        (b"{", True, Code.NOT_OTLP, 400),
        (b'{"resourceLogs":5}', True, Code.NOT_OTLP, 400),
        (b'{"resourceLogs":[5]}', True, Code.NOT_OTLP, 400),
        (b'{"x":' + b"[" * 100_000, True, Code.NOT_OTLP, 400),
        (b'{"x":' + b'{"values":[' * 9_000 + b"]}" * 9_000 + b"}", True, Code.NOT_OTLP, 400),
        (b'{"resourceLogs":"\xff"}', True, Code.NOT_OTLP, 400),
        (b'{"resourceLogs":[{"resource":{"attributes":[{"key":"\\ud800"}]}}]}', True, Code.NOT_OTLP, 400),
        (b'{"x":[' + b"{}," * 400_001 + b"{}]}", True, Code.TOO_MANY, 413),
        (
            b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"{}," * 20_000 + b"{}]}]}]}",
            True,
            Code.TOO_MANY,
            413,
        ),
    ],
)
def test_what_is_no_request_is_refused_whole(body: bytes, json: bool, code: Code, status: int) -> None:  # noqa: FBT001
    found = meant(body, json=json)

    assert isinstance(found, Refused)
    assert (found.code, found.status) == (code, status)


def test_fields_of_other_kinds_are_passed_over() -> None:
    strange = b"\x78\x05" + b"\x79" + b"x" * 8 + b"\x7d" + b"x" * 4
    body = strange + logs(evaluation()).SerializeToString() + strange

    assert len(events(meant(body))) == 1


SOUND = [logs(EVERYTHING, evaluation(), service__name="shop")]
IN_PROTOBUF = SOUND[0].SerializeToString()
IN_JSON = in_json(SOUND[0])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words = st.text(max_size=8)
trees = st.recursive(scalars, lambda of: st.lists(of, max_size=3) | st.dictionaries(words, of, max_size=3))
FIELDS = ["timeUnixNano", "body", "eventName", "traceId", "attributes"]
NAMES = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")


def several(of: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Draw values that hold others."""
    pair = st.fixed_dictionaries({"key": st.text(max_size=3), "value": of})
    return st.fixed_dictionaries(
        {"arrayValue": st.fixed_dictionaries({"values": st.lists(of, max_size=3)})}
    ) | st.fixed_dictionaries({"kvlistValue": st.fixed_dictionaries({"values": st.lists(pair, max_size=3)})})


values = st.recursive(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, scalars)), several)


@settings(max_examples=150, deadline=None, database=None)
@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_are_answered_for(body: bytes, json: bool) -> None:  # noqa: FBT001
    assert isinstance(meant(body, json=json), Drafts | Refused)


@settings(max_examples=150, deadline=None, database=None)
@given(st.data(), st.booleans())
def test_a_harmed_request_is_answered_for(data: st.DataObject, json: bool) -> None:  # noqa: FBT001
    whole = IN_JSON if json else IN_PROTOBUF
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    body = whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:]

    assert isinstance(meant(body, json=json), Drafts | Refused)


@settings(max_examples=150, deadline=None, database=None)
@given(st.dictionaries(st.sampled_from(FIELDS), trees | values))
def test_a_record_of_any_shape_is_answered_for(record: dict[str, object]) -> None:
    attributes = [{"key": "feature_flag.key", "value": {"stringValue": "checkout"}}]
    whole = {"eventName": "feature_flag.evaluation", "attributes": attributes} | record
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [whole]}]}]}).encode()

    assert isinstance(meant(body, json=True), Drafts | Refused)


@given(st.floats(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20))
@settings(max_examples=50, deadline=None, database=None)
def test_numbers_and_texts_are_the_same_in_both_encodings(fraction: float, number: int, text: str) -> None:
    if any(0xD800 <= ord(sign) < 0xE000 for sign in text):
        return
    request = logs(log("x", fraction=fraction, number=number, text=text))

    ((one,),) = protobuf.logs(request.SerializeToString())
    ((other,),) = written.logs(in_json(request))

    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert one.attributes["number"] == other.attributes["number"] == number
    assert one.attributes["text"] == other.attributes["text"] == text
    seen = other.attributes["fraction"]
    assert isinstance(seen, float)
    assert seen == fraction or (math.isnan(seen) and math.isnan(fraction))
