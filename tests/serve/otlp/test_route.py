"""`POST /v1/logs` and `/v1/traces` over real HTTP, with the exporters that products have."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from openfeature import api
from openfeature.contrib.hook.opentelemetry import TracingHook
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType
from openfeature.hook import Hook, HookContext, HookHints
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer, get_current_span

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.transmission import opened
from splitrun.collect.codes import Code
from splitrun.collect.otlp.batches import Drafts
from splitrun.collect.privacy.consent import Asked
from splitrun.conduct.collecting.assembled import committer_of, spool_of
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.access import make_access_key
from splitrun.govern.lifecycle.table import Verb
from splitrun.sdk.openfeature import SplitrunProvider
from splitrun.sdk.openfeature.telemetry import TelemetryHook
from splitrun.serve.events import Intake
from splitrun.serve.otlp.route import Export, keep
from splitrun.serve.otlp.telemetry import Telemetry
from splitrun.serve.running import assembled
from splitrun.serve.server import Server
from splitrun.spec.project import Otlp
from splitrun.store.lake.tables import Table
from splitrun.store.spool.parcel import Origin
from splitrun.store.spool.quality import warnings
from tests.collect.otlp.sending import evaluation, in_json, log, logs, pairs, spans
from tests.conduct.collecting.sending import rows
from tests.conduct.lifecycle.shop import KEY, asked, edited
from tests.sdk.shop import eventually
from tests.serve.live import Served, begun, here
from tests.serve.test_events import answered
from tests.serve.test_events import served as bare_server

OTLP = """\
project: shop
otlp:
  units: {user: enduser.id}
  attributes: {country: geo.country}
  events:
    order.placed: {event: purchase, value: order.total, properties: {currency: order.currency}}
"""
PROTOBUF = "application/x-protobuf"
UNITS = [f"u{number}" for number in range(40)]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = begun(tmp_path_factory.mktemp("market"))
    edited(folder, "project: shop\n", OTLP, "splitrun.yaml")
    return folder


@pytest.fixture(scope="module")
def served(market: Path) -> Iterator[Served]:
    with here(market, ("web", "ingest"), ("https://shop.example",)) as server:
        yield server


@pytest.fixture
def local(served: Served) -> Iterator[Evaluator]:
    """The product: it asks flags through OpenFeature."""
    document = served.get("/v1/ruleset").data
    api.set_provider_and_wait(SplitrunProvider(ruleset=document, consent="granted"))
    yield Evaluator(opened(document))
    api.clear_hooks()
    api.shutdown()


def settled(market: Path, table: Table = Table.EXPOSURES) -> list[dict[str, object]]:
    """Bring what waits into the lake, and read a table."""
    committer = committer_of(market)
    while committer.flush():
        continue
    committer.close()
    found: list[dict[str, object]] = rows(market / "state", table).to_pylist()
    return found


def exposed(market: Path, local: Evaluator, since: list[dict[str, object]]) -> None:
    """Hold the exposures that came since against what the units got."""
    due = [local.evaluate("checkout", unit, {"country": "DE"}) for unit in UNITS]
    met = [one for one in due if one.experiment]
    known = {one["event_id"] for one in since}
    found = [one for one in settled(market) if one["event_id"] not in known]

    told = [(one["experiment"], one["version"], one["phase"], one["variant"]) for one in found]
    assert Counter(told) == Counter((one.experiment, one.version, one.phase, one.variant) for one in met)
    assert {one["outcome"] for one in found} == {"ok"}
    assert len({one["unit_key"] for one in found}) == len(met) > 10
    assert {one["unit_type"] for one in found} == {"user"}


def before(market: Path) -> list[dict[str, object]]:
    with suppress(Exception):  # there is no table yet
        return settled(market)
    return []


@pytest.mark.parametrize("packed", [Compression.NoCompression, Compression.Gzip])
def test_what_our_hook_tells_an_exporter_is_in_the_lake_as_exposures_that_are_ok(
    market: Path, served: Served, local: Evaluator, packed: Compression
) -> None:
    since = before(market)
    exporter = OTLPLogExporter(
        endpoint=f"{served.url}/v1/logs",
        headers={"Authorization": f"Bearer {served.key}"},
        compression=packed,
    )
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    api.add_hooks([TelemetryHook(provider, context_id=True, attributes=["country"])])

    for unit in UNITS:
        api.get_client().get_string_value("checkout", "x", EvaluationContext(unit, {"country": "DE"}))
    provider.shutdown()

    exposed(market, local, since)


def spans_of(served: Served) -> tuple[TracerProvider, Tracer]:
    exporter = OTLPSpanExporter(
        endpoint=f"{served.url}/v1/traces", headers={"Authorization": f"Bearer {served.key}"}
    )
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider, provider.get_tracer("shop")


def test_what_the_published_hook_puts_on_spans_is_in_the_lake_as_exposures(
    market: Path, served: Served, local: Evaluator
) -> None:
    since = before(market)
    provider, tracer = spans_of(served)
    api.add_hooks([TracingHook()])

    for unit in UNITS:
        # the hook does not tell the country that the flag asks; the request's span does
        with tracer.start_as_current_span("request", attributes={"geo.country": "DE"}):
            api.get_client().get_string_value("checkout", "x", EvaluationContext(unit, {"country": "DE"}))
    provider.shutdown()

    exposed(market, local, since)


class OlderHook(Hook):
    """As openfeature-hooks-opentelemetry had it up to 0.2: other names, no unit and no reason."""

    def after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[FlagValueType], hints: HookHints
    ) -> None:
        assert hook_context.provider_metadata is not None
        assert hints is not None
        get_current_span().add_event(
            "feature_flag",
            {
                "feature_flag.key": details.flag_key,
                "feature_flag.variant": details.variant or "",
                "feature_flag.provider_name": hook_context.provider_metadata.name,
            },
        )


def test_what_the_hook_put_on_spans_before_is_in_the_lake_as_exposures(
    market: Path, served: Served, local: Evaluator
) -> None:
    since = before(market)
    provider, tracer = spans_of(served)
    api.add_hooks([OlderHook()])

    for unit in UNITS:
        with tracer.start_as_current_span("request", attributes={"geo.country": "DE", "enduser.id": unit}):
            api.get_client().get_string_value("checkout", "x", EvaluationContext(unit, {"country": "DE"}))
    provider.shutdown()

    exposed(market, local, since)


def test_events_that_are_named_are_events_once_however_often_they_are_sent(
    market: Path, served: Served
) -> None:
    order: dict[str, Any] = {"enduser__id": "u1", "order__total": 49.5, "order__currency": "EUR"}
    request = logs(log("order.placed", **order), log("noise"))
    for json_too in (False, True, True):
        body = in_json(request) if json_too else request.SerializeToString()
        kind = "application/json" if json_too else PROTOBUF
        packed = gzip.compress(body)
        answer = served.post("/v1/logs", packed, **{"Content-Type": kind, "Content-Encoding": "gzip"})
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        if json_too:
            told = answer.json()["partialSuccess"]
            rejected, says = int(told["rejectedLogRecords"]), told["errorMessage"]
        else:
            part = ExportLogsServiceResponse.FromString(answer.data).partial_success
            rejected, says = part.rejected_log_records, part.error_message
        assert rejected == 1
        assert says.startswith("1 of 2 log records were not kept: unmapped 1 (the event 'noise' ")

    found = [one for one in settled(market, Table.EVENTS) if one["name"] == "purchase"]

    assert [(one["value"], one["properties"]) for one in found] == [(49.5, '{"currency":"EUR"}')]


def test_a_request_that_is_kept_whole_says_nothing_more(served: Served) -> None:
    request = logs(log("order.placed", enduser__id="u1"))

    assert served.post("/v1/logs", in_json(request)).json() == {}
    answer = served.post("/v1/logs", request.SerializeToString(), **{"Content-Type": PROTOBUF})
    assert (answer.status, answer.data) == (200, b"")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_spans_of_which_nothing_is_kept_are_counted(served: Served) -> None:
    happened = Span.Event(name="order.placed", time_unix_nano=1_795_334_400_000_000_000)
    good = Span(events=[happened], attributes=pairs({"enduser.id": "u1"}))
    request = spans(good, Span(), Span(events=[happened]))

    answer = served.post("/v1/traces", request.SerializeToString(), **{"Content-Type": PROTOBUF})

    part = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert part.rejected_spans == 2
    assert part.error_message.startswith("2 of 3 spans were not kept: unit 1 (")
    assert served.post("/v1/traces", in_json(spans(Span()))).json() == {
        "partialSuccess": {
            "rejectedSpans": "1",
            "errorMessage": "1 of 1 spans were not kept: they hold no event of a flag",
        }
    }


def test_limits_of_the_intake_hold_here_too(served: Served) -> None:
    request = logs(
        log("order.placed", enduser__id="null"), log("order.placed", enduser__id="u1", order__total=1e16)
    )

    told = served.post("/v1/logs", in_json(request)).json()["partialSuccess"]

    assert told["rejectedLogRecords"] == "2"
    assert "unit 1 (" in told["errorMessage"]
    assert "number 1 (" in told["errorMessage"]


@pytest.mark.requirement("R23")
def test_what_is_turned_away_is_counted_and_only_warned_of_where_somebody_should_look(
    market: Path, served: Served
) -> None:
    outside = evaluation(
        **{"splitrun.experiment": None, "feature_flag.result.reason": "default", "feature_flag.version": None}
    )
    served.post("/v1/logs", in_json(logs(outside, log("secret-4711"), telemetry__sdk__name="x")))
    served.post("/v1/logs", b"{")

    counted = {reason for *_, sdk, reason, _ in spool_of(market).counts() if sdk in {"otlp", ""}}
    assert {"rejected: no_experiment", "rejected: unmapped", "refused: not_otlp"} <= counted
    warned = {one.kind: one.example for one in warnings(spool_of(market))}
    assert "rejected: no_experiment" not in warned
    assert "4711" not in warned["rejected: unmapped"]


REFUSED = [
    (b"{", {}, 400),
    (b"\x0a\x05", {"Content-Type": PROTOBUF}, 400),
    (b"{}", {"Content-Encoding": "gzip"}, 400),
    (b"{}", {"Content-Encoding": "br"}, 415),
    (b"{}", {"Content-Type": "text/plain"}, 415),
    (b" " * 5_000_001, {}, 413),
    (gzip.compress(b" " * 5_000_001), {"Content-Encoding": "gzip"}, 413),
    (b"\x0a\x00" * 60_001, {"Content-Type": PROTOBUF}, 413),
    (b"{}", {"Authorization": "Bearer sr_000000000000_x"}, 401),
    (b"", {"Authorization": "", "Content-Type": PROTOBUF}, 401),
]


@pytest.mark.parametrize(("body", "headers", "status"), REFUSED)
def test_a_refusal_is_a_status_in_the_encoding_of_the_request(
    served: Served, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = served.post("/v1/logs", body, **headers)

    asked = headers.get("Content-Type")
    assert answer.status == status
    assert answer.headers["Content-Type"] == (PROTOBUF if asked == PROTOBUF else "application/json")
    if asked == PROTOBUF:
        told = Status.FromString(answer.data)
        assert told.code
        assert told.message
    else:
        assert answer.json().keys() == {"code", "message"}


def test_a_key_needs_the_scope(market: Path, served: Served) -> None:
    key = make_access_key("reader", ["read"], market).secret

    def answered() -> int:
        return served.post("/v1/logs", {}, Authorization=f"Bearer {key}").status

    assert eventually(lambda: answered() == 403)
    other = {"Authorization": f"Bearer {key}", "Content-Type": PROTOBUF}
    assert "ingest" in Status.FromString(served.post("/v1/traces", b"", **other).data).message


def test_pages_that_the_server_was_told_of_may_send(served: Served) -> None:
    answer = served.post("/v1/logs", {}, Origin="https://shop.example")

    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"


@pytest.mark.requirement("R19")
def test_what_cannot_be_kept_now_is_to_be_sent_again(tmp_path: Path) -> None:
    request = logs(evaluation(feature_flag__key="search", splitrun__experiment=None))
    kept = logs(evaluation(feature_flag__version="1"))
    begun(tmp_path)
    with here(tmp_path, ("ingest",), cap=600) as server:
        answer = server.post("/v1/logs", in_json(kept))
        assert answer.status == 200
        answer = server.post("/v1/logs", in_json(kept))
        assert (answer.status, answer.json()["code"]) == (429, 8)
        assert 5 <= int(answer.headers["Retry-After"]) <= 10
        with closing(sqlite3.connect(tmp_path / "state" / "spool.db", isolation_level=None)) as other:
            other.execute("begin immediate")
            answer = server.post("/v1/logs", request.SerializeToString(), **{"Content-Type": PROTOBUF})
            other.execute("rollback")
        assert (answer.status, Status.FromString(answer.data).code) == (503, 14)
        assert int(answer.headers["Retry-After"]) >= 1


def test_an_evaluation_of_an_older_ruleset_is_held_against_it(tmp_path: Path) -> None:
    bare = {
        "splitrun.experiment": None,
        "feature_flag.result.variant": "one",
        "splitrun.attribute.country": "DE",
    }
    begun(tmp_path)
    old = opened(ruleset_at(tmp_path))
    move(Verb.PAUSE, KEY, asked(tmp_path))
    unit = next(
        f"u{n}"
        for n in range(99)
        if Evaluator(old).evaluate("checkout", f"u{n}", {"country": "DE"}).value == "one"
    )
    with here(tmp_path, ("ingest",)) as server:
        told = {"feature_flag.context.id": unit, "feature_flag.version": str(old.version), **bare}
        assert server.post("/v1/logs", in_json(logs(evaluation(**told), evaluation(**told)))).json() == {}
        answer = server.post("/v1/logs", in_json(logs(evaluation(**{**told, "feature_flag.version": "99"}))))
        assert (
            "ruleset 1 (the ruleset 99 was never published" in answer.json()["partialSuccess"]["errorMessage"]
        )

    (found,) = settled(tmp_path)
    assert (found["ruleset"], found["variant"], found["enrolling"]) == (old.version, "one", True)
    assert found["outcome"] == "ok"


def ruleset_at(folder: Path) -> bytes:
    with home(folder).registry() as registry:
        kept = registry.ruleset("shop", "production")
    assert kept is not None
    return kept.document


def hurried(server: Server) -> None:
    intake = server.parts["intake"]
    assert isinstance(intake, Intake)
    intake.patience, intake.most = 0.2, 2_000


def test_a_body_that_does_not_come_and_one_that_there_is_no_room_for_are_sent_again(tmp_path: Path) -> None:
    begun(tmp_path)
    with here(tmp_path, ("ingest",), made_so=hurried) as server:
        crowded = server.post("/v1/logs", b" " * 2_001)
        head = f"POST /v1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        late = answered(
            int(server.url.rpartition(":")[2]),
            f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode() + b"{",
        )

    assert (crowded.status, crowded.headers["Connection"]) == (429, "close")
    assert late.startswith(b"HTTP/1.1 503")
    assert b"did not come in time" in late, late
    assert b"retry-after: 1" in late.lower()


def test_a_body_without_a_length_is_read_no_further_than_the_limit(served: Served) -> None:
    sent = {"Authorization": f"Bearer {served.key}", "Content-Type": "application/json"}
    pieces = iter([b" " * 65_536] * 76 + [b" " * 20_000])

    answer = urllib3.request("POST", f"{served.url}/v1/logs", body=pieces, headers=sent, retries=False)

    assert answer.status == 413


def test_what_the_intake_refuses_whole_is_answered_for(tmp_path: Path) -> None:
    # a batch is made within the intake's limits; should they change, nothing is lost in silence
    telemetry = assembled(begun(tmp_path), ("ingest",)).parts["telemetry"]
    assert isinstance(telemetry, Telemetry)
    export = Export(
        Intake(spool_of(tmp_path)), telemetry, Origin("shop", "production", "web", 1), "logs", Asked()
    )

    rejected, unfit = asyncio.run(keep(export, Drafts("x", 3, [(b"{", (0, 2))], [])))

    assert rejected == 3
    assert [one.code for one in unfit] == [Code.NOT_JSON] * 2
    assert telemetry.ready() == ""
    assert telemetry.meaning("other", "production").otlp == Otlp()
    assert telemetry.key.hex() not in repr(telemetry)


def test_a_server_that_was_given_no_telemetry_says_so(tmp_path: Path) -> None:
    for running in bare_server(tmp_path, Intake(spool_of(begun(tmp_path)))):
        sent = {"Authorization": f"Bearer {running.key}", "Content-Type": PROTOBUF}
        answer = urllib3.request("POST", f"{running.url}/v1/logs", body=b"", headers=sent, retries=False)
        assert (answer.status, Status.FromString(answer.data).code) == (503, 14)


def test_a_server_that_takes_no_events_takes_no_telemetry(tmp_path: Path) -> None:
    begun(tmp_path)
    with here(tmp_path, ("web",)) as server:
        assert server.post("/v1/logs", {}).status == 404


WHOLE = logs(evaluation(), log("order.placed", enduser__id="u1", order__total=1)).SerializeToString()
WRITTEN = in_json(logs(evaluation(), log("order.placed", enduser__id="u1", order__total=1)))


@settings(max_examples=60, deadline=None, database=None)
@given(st.data())
def test_nothing_that_is_sent_is_a_fault_of_the_server(served: Served, data: st.DataObject) -> None:
    plain = data.draw(st.booleans())
    whole = WRITTEN if plain else WHOLE
    start = data.draw(st.integers(0, len(whole)))
    body = (
        whole[:start] + data.draw(st.binary(max_size=20)) + whole[data.draw(st.integers(start, len(whole))) :]
    )
    packed = data.draw(st.booleans())
    headers = {"Content-Type": "application/json" if plain else PROTOBUF}
    headers |= {"Content-Encoding": "gzip"} if packed else {}

    answer = served.post(
        data.draw(st.sampled_from(["/v1/logs", "/v1/traces"])),
        gzip.compress(body) if packed else body,
        **headers,
    )

    assert answer.status in {200, 400}
    if plain:
        json.loads(answer.data)
