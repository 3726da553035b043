from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode, GeneralError, ProviderFatalError
from openfeature.flag_evaluation import Reason
from openfeature.hook import Hook
from openfeature.provider import FeatureProvider, ProviderStatus
from openfeature.track import TrackingEventDetails

from splitrun.assign.ruleset import Flag, Requirement, Run, Serve, Type
from splitrun.assign.transmission import sealed
from splitrun.sdk.asynchronous import AsyncClient
from splitrun.sdk.context import Context, entered
from splitrun.sdk.openfeature import RequestContext, SplitrunProvider
from splitrun.sdk.openfeature.resolutions import MANY, Kind, boolean, real, string, structure, whole
from splitrun.sdk.status import Consent
from splitrun.testing import RecordingClient
from tests.sdk.server import serving
from tests.sdk.shop import document, eventually, shop
from tests.sdk.test_client import CONTROL, ONE_PAGE

Emitted = tuple[ProviderEvent, ProviderEventDetails]


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    yield
    api.shutdown()


@pytest.fixture
def recording() -> RecordingClient:
    return RecordingClient(shop())


@pytest.fixture
def client(recording: RecordingClient) -> OpenFeatureClient:
    api.set_provider_and_wait(SplitrunProvider(client=recording))
    return api.get_client()


def of(unit: str | None, **attributes: str | int) -> EvaluationContext:
    return EvaluationContext(unit, attributes)


@pytest.fixture
def heard() -> Callable[[ProviderEvent], list[EventDetails]]:
    """What handlers of an event were told; asking begins to listen."""
    told: dict[ProviderEvent, list[EventDetails]] = {}

    def listen(event: ProviderEvent) -> list[EventDetails]:
        if event not in told:
            told[event] = []
            api.add_handler(event, told[event].append)
        return told[event]

    return listen


# ---- answers -----------------------------------------------------------------------------------------


def test_details_tell_variant_reason_and_where_they_come_from(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    details = client.get_string_details("checkout", "?", of(ONE_PAGE, country="DE"))

    assert (details.value, details.variant, details.reason) == ("one", "one-page", Reason.SPLIT)
    assert dict(details.flag_metadata) == {
        "flagSetId": "shop/production",
        "version": "1",
        "ruleset": 1,
        "detail": "variant",
        "experiment": "one-page-checkout",
        "experiment_version": 1,
        "phase": 1,
        "enrolling": True,
    }
    (exposure,) = recording.exposures
    assert (exposure.unit.id, exposure.variant, exposure.attributes) == (
        ONE_PAGE,
        "one-page",
        {"country": "DE"},
    )


def test_an_exposure_is_logged_once_and_the_same_details_are_told(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    first = client.get_string_details("checkout", "?", of(CONTROL))
    second = client.get_string_details("checkout", "?", of(CONTROL))

    assert first == second
    assert len(recording.exposures) == 1


def test_a_number_is_asked_for_as_float_or_as_integer(client: OpenFeatureClient) -> None:
    assert client.get_integer_value("limit", 0, of("u1")) == 10
    assert client.get_integer_value("limit", 0, of("u2")) == 10
    found = client.get_float_value("limit", 0.0, of("u1"))
    assert (found, type(found)) == (10.0, float)


def test_a_flag_that_is_off_serves_its_own_default_and_says_so() -> None:
    ruleset = shop(2)
    ruleset.flags["checkout"] = replace(ruleset.flags["checkout"], on=False)
    api.set_provider_and_wait(SplitrunProvider(ruleset=ruleset))

    details = api.get_client().get_string_details("checkout", "caller's", of(ONE_PAGE))

    assert (details.value, details.variant, details.reason) == ("three", "three-page", Reason.DISABLED)


def numbers() -> RecordingClient:
    """A client whose flag `share` has an experiment between a whole number and one with a fraction."""
    ruleset = shop()
    ruleset.flags["checkout"] = replace(
        ruleset.flags["checkout"],
        type=Type.NUMBER,
        variants={"three-page": 3.0, "one-page": 0.5},
    )
    return RecordingClient(ruleset)


def test_a_fraction_asked_for_as_integer_is_a_mismatch_and_no_exposure() -> None:
    recording = numbers()
    api.set_provider_and_wait(SplitrunProvider(client=recording))

    details = api.get_client().get_integer_details("checkout", 7, of(ONE_PAGE))

    assert (details.value, details.error_code) == (7, ErrorCode.TYPE_MISMATCH)
    assert recording.exposures == []


def test_a_whole_number_written_as_float_is_an_integer_and_exposed() -> None:
    recording = numbers()
    api.set_provider_and_wait(SplitrunProvider(client=recording))

    found = api.get_client().get_integer_value("checkout", 7, of(CONTROL))

    assert (found, type(found)) == (3, int)
    assert [exposure.variant for exposure in recording.exposures] == ["control"]


def test_another_type_is_a_mismatch_and_no_exposure(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    details = client.get_boolean_details("checkout", True, of(ONE_PAGE))  # noqa: FBT003 - their interface

    assert (details.value, details.error_code) == (True, ErrorCode.TYPE_MISMATCH)
    assert recording.exposures == []


def test_what_a_product_does_to_an_object_stays_with_it() -> None:
    ruleset = shop()
    ruleset.flags["page"] = Flag(Type.OBJECT, "user", {"a": {"rows": [1, 2]}}, "a")
    api.set_provider_and_wait(SplitrunProvider(ruleset=ruleset))
    client = api.get_client()

    found = client.get_object_value("page", {}, of("u1"))
    assert isinstance(found, dict)
    found["rows"] = "changed"

    assert client.get_object_value("page", {}, of("u1")) == {"rows": [1, 2]}


def test_what_was_told_is_kept_in_bounds() -> None:
    kind = Kind(Type.STRING, string)
    evaluate = RecordingClient(shop()).evaluate
    answers = [replace(evaluate("colour", "u1")) for _ in range(MANY + 1)]

    for answer in answers:
        kind.told(answer, "", "")

    assert len(kind.known) == 1


@pytest.mark.parametrize(
    ("taken", "value"),
    [(boolean, 1), (string, 1), (whole, True), (whole, 0.5), (real, True), (real, "1"), (structure, "{}")],
)
def test_a_value_of_another_type_is_not_taken(taken: Callable[[object], object], value: object) -> None:
    assert taken(value) is None


# ---- units -------------------------------------------------------------------------------------------


def test_without_a_targeting_key_an_experiment_cannot_answer(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    details = client.get_string_details("checkout", "caller's", of(None))

    assert (details.value, details.error_code) == ("caller's", ErrorCode.TARGETING_KEY_MISSING)
    assert recording.exposures == []


def test_a_flag_that_is_the_same_for_everybody_needs_no_targeting_key(client: OpenFeatureClient) -> None:
    assert client.get_string_value("colour", "?") == "blue"
    assert client.get_integer_value("limit", 0) == 10


def test_a_flag_that_is_dealt_needs_a_targeting_key_however_it_is_dealt() -> None:
    ruleset = shop()
    part = Serve("blue", coverage=2**31, salt="rollout:half")
    ruleset.flags["half"] = replace(ruleset.flags["colour"], rules=(part,))
    ruleset.flags["behind"] = replace(ruleset.flags["colour"], requires=(Requirement("half", ("blue",)),))
    ruleset.flags["off"] = replace(ruleset.flags["half"], on=False)
    api.set_provider_and_wait(SplitrunProvider(ruleset=ruleset))
    client = api.get_client()

    missing = ErrorCode.TARGETING_KEY_MISSING
    assert client.get_string_details("half", "?").error_code is missing
    assert client.get_string_details("behind", "?").error_code is missing
    assert client.get_string_details("off", "?").reason == Reason.DISABLED


def test_a_flag_of_another_unit_type_takes_its_id_from_the_attribute() -> None:
    ruleset = shop()
    ruleset.flags["plan"] = replace(ruleset.flags["billing"], unit="account")
    ruleset.flags["billing"] = replace(ruleset.flags["billing"], rules=())
    ruleset.flags["plan"] = replace(ruleset.flags["plan"], rules=(Run("new-billing"),))
    ruleset.experiments["new-billing"] = replace(ruleset.experiments["new-billing"], flag="plan")
    recording = RecordingClient(ruleset)
    api.set_provider_and_wait(SplitrunProvider(client=recording))
    client = api.get_client()

    client.get_boolean_value("plan", False, of("ada", account_id="acme"))  # noqa: FBT003 - their interface
    client.get_boolean_value("plan", False, of("ada", account_id=42))  # noqa: FBT003
    missing = client.get_boolean_details("plan", False, of("ada"))  # noqa: FBT003

    assert [(each.unit.type, each.unit.id) for each in recording.exposures] == [
        ("account", "acme"),
        ("account", "42"),
    ]
    assert missing.error_code is ErrorCode.TARGETING_KEY_MISSING


def test_an_id_that_is_no_text_is_refused(client: OpenFeatureClient) -> None:
    details = client.get_string_details("checkout", "?", EvaluationContext(3.5))  # type: ignore[arg-type] # that is it

    assert details.error_code is ErrorCode.INVALID_CONTEXT


# ---- requests and consent ----------------------------------------------------------------------------


def test_the_requests_unit_is_the_targeting_key(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    api.set_transaction_context_propagator(RequestContext())
    api.set_transaction_context(of("somebody else"))

    with entered(Context(ONE_PAGE, Consent.GRANTED, {"country": "AT"})):
        assert client.get_string_value("checkout", "?") == "one"

    (exposure,) = recording.exposures
    assert (exposure.unit.id, exposure.attributes) == (ONE_PAGE, {"country": "AT"})


@pytest.mark.requirement("R73", "R79")
def test_who_refuses_gets_the_default_and_is_not_logged(
    client: OpenFeatureClient, recording: RecordingClient
) -> None:
    with entered(Context(ONE_PAGE, Consent.DENIED)):
        details = client.get_string_details("checkout", "?", of(ONE_PAGE))
        client.track("purchase", of(ONE_PAGE))

    assert (details.value, details.flag_metadata["detail"]) == ("three", "consent")
    assert recording.exposures == []
    assert recording.events == []


def test_tracking_carries_value_and_details(client: OpenFeatureClient, recording: RecordingClient) -> None:
    client.track(
        "purchase", of(ONE_PAGE, email="a@b.example"), TrackingEventDetails(12.5, {"currency": "EUR"})
    )
    client.track("seen", of(ONE_PAGE))
    client.track("nobody's", of(None))

    first, second = recording.events
    assert (first.name, first.unit.id, first.value) == ("purchase", ONE_PAGE, 12.5)
    assert first.properties == {"currency": "EUR"}, "attributes of the context are not sent along"
    assert (second.name, second.value) == ("seen", None)
    assert recording.statistics.rejected == 1


def test_hooks_of_the_provider_are_run() -> None:
    hook = Hook()

    assert SplitrunProvider(ruleset=shop(), hooks=[hook]).get_provider_hooks() == [hook]


# ---- life --------------------------------------------------------------------------------------------


def test_before_it_is_initialised_it_answers_that_it_is_not() -> None:
    provider = SplitrunProvider(ruleset=shop())

    provider.track("purchase", of("u1"))
    details = provider.resolve_string_details("checkout", "caller's", of("u1"))

    assert (details.value, details.error_code) == ("caller's", ErrorCode.PROVIDER_NOT_READY)


def test_a_client_that_was_given_stays_open_and_one_that_was_made_is_closed(
    recording: RecordingClient,
) -> None:
    given, made = SplitrunProvider(client=recording), SplitrunProvider(ruleset=shop())
    api.set_provider_and_wait(given, "given")
    api.set_provider_and_wait(made, "made")
    own = made._made  # noqa: SLF001 - whether it is closed can be seen nowhere else
    assert own is not None

    api.shutdown()

    assert (recording.status, own.status) == ("READY", "CLOSED")
    assert made.resolve_string_details("checkout", "?", of("u1")).error_code is ErrorCode.PROVIDER_NOT_READY


def test_initialised_again_it_keeps_its_client() -> None:
    provider = SplitrunProvider(ruleset=shop())
    provider.initialize(EvaluationContext())
    made = provider._made  # noqa: SLF001 - as above

    provider.initialize(EvaluationContext())

    assert provider._made is made  # noqa: SLF001
    provider.shutdown()


def test_shut_down_while_it_waits_it_leaves_no_client_behind() -> None:
    with serving() as server:
        server.delay = 0.3
        provider = SplitrunProvider(server.url, wait=5.0)
        raised: list[GeneralError] = []

        def initialise() -> None:
            try:
                provider.initialize(EvaluationContext())
            except GeneralError as error:
                raised.append(error)

        thread = threading.Thread(target=initialise)
        thread.start()
        eventually(lambda: server.seen)
        provider.shutdown()
        thread.join()

    assert [error.error_code for error in raised] == [ErrorCode.GENERAL]
    assert provider._made is None  # noqa: SLF001 - as above


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        (lambda: SplitrunProvider("ftp://nowhere.example"), "starts with https"),
        (lambda: SplitrunProvider(ruleset=b"<html>"), "no ruleset"),
        (lambda: SplitrunProvider(), "nowhere to get a ruleset from"),  # noqa: PLW0108 - as the others
        (lambda: SplitrunProvider("https://x.example", client=RecordingClient()), "client and"),
    ],
)
def test_what_can_never_answer_is_fatal(provider: Callable[[], SplitrunProvider], says: str) -> None:
    with pytest.raises(ProviderFatalError) as raised:
        api.set_provider_and_wait(provider())

    assert says in str(raised.value.error_message)
    assert api.get_client().get_provider_status() is ProviderStatus.FATAL


def test_a_closed_client_is_fatal(recording: RecordingClient) -> None:
    recording.close()

    with pytest.raises(ProviderFatalError):
        api.set_provider_and_wait(SplitrunProvider(client=recording))


def test_without_a_ruleset_it_is_in_error_until_one_comes(
    heard: Callable[[ProviderEvent], list[EventDetails]],
) -> None:
    ready = heard(ProviderEvent.PROVIDER_READY)
    client = AsyncClient(bootstrap=document(), wait=0.0)

    with pytest.raises(GeneralError):
        api.set_provider_and_wait(SplitrunProvider(client=client))
    assert api.get_client().get_provider_status() is ProviderStatus.ERROR
    details = api.get_client().get_string_details("checkout", "mine", of(ONE_PAGE))
    assert (details.value, details.error_code) == ("mine", ErrorCode.PROVIDER_NOT_READY)

    client._begin()  # noqa: SLF001 - what `open` does, without a loop

    assert eventually(lambda: api.get_client().get_provider_status() is ProviderStatus.STALE)
    assert api.get_client().get_string_value("checkout", "mine", of(ONE_PAGE)) == "one"
    assert [each.provider_name for each in ready if each.provider_name == "splitrun"] == []


def test_changes_are_told_as_events(
    tmp_path: Path, heard: Callable[[ProviderEvent], list[EventDetails]]
) -> None:
    file = tmp_path / "ruleset.json"
    file.write_bytes(document())
    api.set_provider_and_wait(SplitrunProvider(file=file))
    changed, stale = heard(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED), heard(ProviderEvent.PROVIDER_STALE)
    newer = shop(2)
    newer.flags["limit"] = replace(newer.flags["limit"], default="high")

    file.write_bytes(sealed(newer))

    assert eventually(lambda: changed)
    assert (changed[0].flags_changed, changed[0].metadata) == (["limit"], {"ruleset": 2})
    assert api.get_client().get_integer_value("limit", 0, of("u1")) == 20
    assert stale == []


def test_a_provider_whose_source_is_silent_is_stale_and_answers(
    heard: Callable[[ProviderEvent], list[EventDetails]],
) -> None:
    stale = heard(ProviderEvent.PROVIDER_STALE)

    api.set_provider_and_wait(SplitrunProvider("http://127.0.0.1:9", bootstrap=document(), wait=2.0))

    client = api.get_client()
    assert eventually(lambda: client.get_provider_status() is ProviderStatus.STALE)
    assert client.get_string_value("checkout", "?", of(ONE_PAGE)) == "one"
    assert eventually(lambda: stale)
    assert stale[0].provider_name == "splitrun"


def test_a_client_closed_by_the_product_makes_the_provider_stale(recording: RecordingClient) -> None:
    api.set_provider_and_wait(SplitrunProvider(client=recording))

    recording.close()

    assert api.get_client().get_provider_status() is ProviderStatus.STALE


class Owning(SplitrunProvider):
    """As under an SDK of specification 0.9, which announces nothing by itself."""

    legacy: ClassVar[bool] = False


def initialised(provider: SplitrunProvider) -> list[Emitted]:
    """What a provider emits by itself while it is initialised."""
    emitted: list[Emitted] = []

    def emit(_provider: FeatureProvider, event: ProviderEvent, details: ProviderEventDetails) -> None:
        emitted.append((event, details))

    provider.attach(emit)
    try:
        provider.initialize(EvaluationContext())
    except (GeneralError, ProviderFatalError):
        return emitted
    finally:
        provider.shutdown()
    return emitted


def test_under_the_legacy_path_readiness_is_announced_once_by_the_sdk(
    heard: Callable[[ProviderEvent], list[EventDetails]],
) -> None:
    ready = heard(ProviderEvent.PROVIDER_READY)

    assert initialised(SplitrunProvider(ruleset=shop())) == []
    api.set_provider_and_wait(SplitrunProvider(ruleset=shop()))

    assert eventually(lambda: [each for each in ready if each.provider_name == "splitrun"])
    assert len([each for each in ready if each.provider_name == "splitrun"]) == 1


def test_under_specification_0_9_the_provider_tells_how_initialising_ended() -> None:
    ((ready, _),) = initialised(Owning(ruleset=shop()))
    ((fatal, why),) = initialised(Owning("ftp://nowhere.example"))
    ((error, _),) = initialised(Owning("http://127.0.0.1:9", wait=2.0))
    ((stale, _),) = initialised(Owning("http://127.0.0.1:9", bootstrap=document(), wait=2.0))

    assert ready is ProviderEvent.PROVIDER_READY
    assert (fatal, why.error_code) == (ProviderEvent.PROVIDER_ERROR, ErrorCode.PROVIDER_FATAL)
    assert error is ProviderEvent.PROVIDER_ERROR
    assert stale is ProviderEvent.PROVIDER_STALE
