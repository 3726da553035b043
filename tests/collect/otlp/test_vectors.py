"""The vectors of the wire, for other languages: what a body means, and why something is not taken."""

from __future__ import annotations

import json
from base64 import b64decode
from importlib.resources import files
from typing import Any

import pytest
from msgspec.json import decode, encode
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from splitrun.assign.ruleset import Ruleset
from splitrun.collect.intake import Taken, taken
from splitrun.collect.otlp.batches import Drafts, drafted
from splitrun.spec.project import Otlp
from tests.collect.otlp.sending import RECEIVED, Shelf, codes, events, in_json, meaning

VECTORS: dict[str, Any] = json.loads((files("splitrun.collect.otlp") / "vectors.json").read_bytes())
MEANS = meaning(
    Otlp.model_validate(VECTORS["settings"]),
    Shelf({1: decode(json.dumps(VECTORS["ruleset"]), type=Ruleset)}),
)


def test_the_form_is_told() -> None:
    assert VECTORS["form"] == "splitrun.wire/1"


@pytest.mark.parametrize("case", VECTORS["native"], ids=lambda case: case["name"])
def test_a_batch_is_answered_as_told(case: dict[str, Any]) -> None:
    found = taken(json.dumps(case["body"]).encode())

    assert isinstance(found, Taken)
    assert found.events == case["accepted"]
    assert [[one.index, one.code] for one in found.rejected] == case["rejected"]


@pytest.mark.parametrize("case", VECTORS["otlp"], ids=lambda case: case["name"])
@pytest.mark.parametrize("written", [False, True], ids=["protobuf", "json"])
def test_an_export_means_what_is_told(case: dict[str, Any], written: bool) -> None:  # noqa: FBT001
    body = json.dumps(case["json"]).encode() if written else b64decode(case["protobuf"])

    found = drafted(body, case["signal"], MEANS, RECEIVED, json=written)

    assert isinstance(found, Drafts)
    made = [json.loads(encode(one)) for one in events(found)]
    assert all(one.pop("id") for one in made)
    assert [*codes(found), *made] == case["means"]


@pytest.mark.parametrize("case", VECTORS["otlp"], ids=lambda case: case["name"])
def test_both_encodings_of_an_export_are_one_by_the_library_of_the_protocol(case: dict[str, Any]) -> None:
    kind = ExportLogsServiceRequest if case["signal"] == "logs" else ExportTraceServiceRequest
    request = kind.FromString(b64decode(case["protobuf"]))

    assert json.loads(in_json(request)) == case["json"]
