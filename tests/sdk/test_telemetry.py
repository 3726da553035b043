from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from splitrun.sdk.openfeature import SplitrunProvider
from splitrun.sdk.openfeature.telemetry import TelemetryHook
from splitrun.sdk.telemetry import EVENT, EvaluationLog
from splitrun.testing import RecordingClient
from tests.sdk.shop import shop
from tests.sdk.test_client import ONE_PAGE

# Names and values of https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/, and
# that of an error's message of https://opentelemetry.io/docs/specs/semconv/registry/attributes/feature-flag/
OF_THE_EXPERIMENT = {
    "feature_flag.key": "checkout",
    "feature_flag.provider.name": "splitrun",
    "feature_flag.result.variant": "one-page",
    "feature_flag.result.reason": "split",
    "feature_flag.set.id": "shop/production",
    "feature_flag.version": "1",
    "splitrun.experiment": "one-page-checkout",
    "splitrun.experiment_version": 1,
    "splitrun.phase": 1,
    "splitrun.detail": "variant",
}


class Logs:
    """What a product's OpenTelemetry would export."""

    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call] # theirs
        self.provider = LoggerProvider()
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    def only(self) -> Mapping[str, object]:
        (found,) = self.exporter.get_finished_logs()
        assert found.log_record.event_name == EVENT
        return dict(found.log_record.attributes or {})


@pytest.fixture
def logs() -> Iterator[Logs]:
    logs = Logs()
    yield logs
    logs.provider.shutdown()
    api.shutdown()


def asked(key: str, unit: str | None) -> None:
    api.get_client().get_string_value(key, "mine", EvaluationContext(unit))


def test_an_evaluation_is_a_record_without_the_units_id(logs: Logs) -> None:
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))
    api.add_hooks([TelemetryHook(logs.provider)])

    asked("checkout", ONE_PAGE)

    assert logs.only() == OF_THE_EXPERIMENT
    (found,) = logs.exporter.get_finished_logs()
    assert found.log_record.severity_number is SeverityNumber.INFO
    assert found.log_record.timestamp


def test_the_units_id_is_recorded_where_it_is_asked_for(logs: Logs) -> None:
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))
    api.add_hooks([TelemetryHook(logs.provider, context_id=True)])

    asked("checkout", ONE_PAGE)

    assert logs.only() == OF_THE_EXPERIMENT | {"feature_flag.context.id": ONE_PAGE}


@pytest.mark.parametrize(
    ("context_id", "allowed", "told"),
    [
        (True, "denied", {"feature_flag.context.id": ONE_PAGE, "splitrun.consent": "denied"}),
        (True, None, {"feature_flag.context.id": ONE_PAGE}),
        (False, "granted", {}),
    ],
)
def test_what_a_unit_allowed_is_recorded_beside_its_id(
    logs: Logs,
    context_id: bool,  # noqa: FBT001
    allowed: str | None,
    told: dict[str, str],
) -> None:
    known = {ONE_PAGE: allowed}
    log = EvaluationLog(logs.provider, context_id=context_id, consent=known.get)
    client = RecordingClient(shop())

    log.record(client.evaluate("checkout", ONE_PAGE), ONE_PAGE, "shop/production")

    assert logs.only() == OF_THE_EXPERIMENT | told


def test_attributes_are_recorded_where_they_are_asked_for(logs: Logs) -> None:
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))
    api.add_hooks([TelemetryHook(logs.provider, attributes=["country", "tier", "tags", "none"])])
    known: dict[str, object] = {"country": "DE", "tier": 3, "tags": ["a"], "secret": "x"}

    api.get_client().get_string_value("checkout", "mine", EvaluationContext(ONE_PAGE, known))  # type: ignore[arg-type] # as theirs

    assert logs.only() == OF_THE_EXPERIMENT | {
        "splitrun.attribute.country": "DE",
        "splitrun.attribute.tier": 3,
    }


def test_our_own_client_tells_attributes_and_a_pause_of_enrolment(logs: Logs) -> None:
    ruleset = shop()
    paused = replace(ruleset.experiments["one-page-checkout"], enrolling=False)
    experiments = {**ruleset.experiments, "one-page-checkout": paused}
    client = RecordingClient(replace(ruleset, experiments=experiments))
    log = EvaluationLog(logs.provider, attributes=["country"])

    log.record(client.evaluate("checkout", ONE_PAGE), ONE_PAGE, "shop/production", {"country": "DE"})

    assert logs.only() == OF_THE_EXPERIMENT | {
        "splitrun.attribute.country": "DE",
        "splitrun.enrolling": False,
    }


def test_an_error_is_recorded_with_its_type_and_message(logs: Logs) -> None:
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))
    api.add_hooks([TelemetryHook(logs.provider)])

    asked("missing", ONE_PAGE)

    told = logs.only()
    assert told["error.type"] == "flag_not_found"
    assert told["feature_flag.result.reason"] == "error"
    assert told["feature_flag.result.value"] == "mine"
    assert "no flag 'missing'" in str(told["feature_flag.error.message"])


@pytest.mark.parametrize("wanted", [False, True])
def test_a_message_that_quotes_an_id_is_recorded_only_where_ids_are(logs: Logs, wanted: bool) -> None:  # noqa: FBT001
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))
    api.add_hooks([TelemetryHook(logs.provider, context_id=wanted)])

    asked("checkout", "ada\0lovelace")

    told = logs.only()
    assert told["error.type"] == "invalid_context"
    assert ("ada" in str(told)) is wanted


def test_the_hook_tells_of_other_providers_too(logs: Logs) -> None:
    api.set_provider_and_wait(InMemoryProvider({"checkout": InMemoryFlag("a", {"a": "one"})}))
    api.add_hooks([TelemetryHook(logs.provider)])

    asked("checkout", ONE_PAGE)

    assert logs.only() == {
        "feature_flag.key": "checkout",
        "feature_flag.provider.name": "In-Memory Provider",
        "feature_flag.result.variant": "a",
        "feature_flag.result.reason": "static",
    }


def test_what_our_own_client_answers_is_recorded_the_same(logs: Logs) -> None:
    client = RecordingClient(shop())
    log = EvaluationLog(logs.provider)

    log.record(client.evaluate("checkout", ONE_PAGE), ONE_PAGE, "shop/production")

    assert logs.only() == OF_THE_EXPERIMENT


def test_a_value_that_no_attribute_can_hold_is_left_out(logs: Logs) -> None:
    answer = RecordingClient(shop()).evaluate("missing", "u1")

    EvaluationLog(logs.provider).record(answer)

    assert "feature_flag.result.value" not in logs.only()


def test_a_record_belongs_to_the_trace_it_is_made_in(logs: Logs) -> None:
    answer = RecordingClient(shop()).evaluate("colour", "u1")

    with TracerProvider().get_tracer("test").start_as_current_span("request") as span:
        EvaluationLog(logs.provider).record(answer)

    (found,) = logs.exporter.get_finished_logs()
    assert found.log_record.trace_id == span.get_span_context().trace_id


def test_without_an_sdk_nothing_is_emitted_and_nothing_fails() -> None:
    EvaluationLog().record(RecordingClient(shop()).evaluate("colour", "u1"))
