from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from msgspec.json import decode

import splitrun
from splitrun.assign.evaluation import Detail, ErrorCode, Reason
from splitrun.assign.ruleset import Ruleset, Type
from splitrun.errors import RulesetError, SettingError
from splitrun.sdk.client import Client
from splitrun.sdk.event import Accepted, Alias, Batch, Event, Exposure
from splitrun.sdk.settings import Answer, Clock
from splitrun.sdk.status import Change, Consent, Status
from tests.sdk.shop import document, shop

CONTROL, ONE_PAGE = "u2", "u1"
"""Their variants; see `test_the_units_used_here_have_these_variants`."""


class Kept:
    """A delivery that keeps what it is sent."""

    def __init__(self) -> None:
        self.events: list[Exposure | Event | Alias] = []
        self.status = 202

    def send(self, body: bytes, /) -> Answer:
        if self.status != 202:
            return Answer(self.status, says=f"the server answers {self.status}")
        batch = decode(body, type=Batch)
        self.events.extend(batch.events)
        return Answer(202, Accepted(len(batch.events)))

    def of(self, kind: type[Exposure | Event | Alias]) -> list[Exposure | Event | Alias]:
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def client(kept: Kept) -> Iterator[Client]:
    with Client(ruleset=shop(), delivery=kept, release="4.2.0") as client:
        yield client


def publish(client: Client, ruleset: Ruleset) -> None:
    """Hold another ruleset, as a source would."""
    keeper = client._keeper  # noqa: SLF001 - a client has no verb for it on purpose
    keeper.hold(ruleset, keeper.held.origin)


def exposures(client: Client, kept: Kept) -> list[Exposure]:
    assert client.flush()
    return [event for event in kept.events if isinstance(event, Exposure)]


def events(client: Client, kept: Kept) -> list[Event]:
    assert client.flush()
    return [event for event in kept.events if isinstance(event, Event)]


def test_the_front_door_has_the_clients() -> None:
    assert splitrun.Client is Client
    assert splitrun.AsyncClient.__name__ == "AsyncClient"


def test_the_units_used_here_have_these_variants(client: Client) -> None:
    assert client.variant("checkout", CONTROL) == "control"
    assert client.variant("checkout", ONE_PAGE) == "one-page"


@pytest.mark.requirement("R04")
def test_an_exposure_carries_variant_release_and_declared_attributes_only(client: Client, kept: Kept) -> None:
    client.variant("checkout", ONE_PAGE, country="DE", tier=3, email="a@b.example")

    (exposure,) = exposures(client, kept)
    assert (exposure.flag, exposure.experiment, exposure.variant) == (
        "checkout",
        "one-page-checkout",
        "one-page",
    )
    assert (exposure.unit.type, exposure.unit.id) == ("user", ONE_PAGE)
    assert (exposure.version, exposure.phase, exposure.ruleset, exposure.release) == (1, 1, 1, "4.2.0")
    assert exposure.attributes == {"country": "DE", "tier": 3}
    assert exposure.reason == Reason.SPLIT
    assert exposure.time.endswith("Z")


def test_an_exposure_is_logged_once_per_unit_experiment_and_phase(client: Client, kept: Kept) -> None:
    for _ in range(5):
        client.variant("checkout", ONE_PAGE)
        client.value("checkout", ONE_PAGE, "three")
        client.expose("checkout", ONE_PAGE)
    client.variant("checkout", CONTROL)

    assert sorted(exposure.unit.id for exposure in exposures(client, kept)) == [ONE_PAGE, CONTROL]

    publish(client, shop(2))  # the same phase in a newer ruleset
    client.variant("checkout", ONE_PAGE)
    assert len(exposures(client, kept)) == 2

    publish(client, shop(3, phase=2))
    client.variant("checkout", ONE_PAGE)
    assert [exposure.phase for exposure in exposures(client, kept)] == [1, 1, 2]


def test_a_deferred_exposure_is_logged_when_it_happens(client: Client, kept: Kept) -> None:
    assert client.variant("checkout", ONE_PAGE, expose=False) == "one-page"
    assert exposures(client, kept) == []

    client.expose("checkout", ONE_PAGE)

    assert len(exposures(client, kept)) == 1


def test_a_trigger_is_logged_once_in_control_too(client: Client, kept: Kept) -> None:
    for _ in range(2):
        client.trigger("checkout", CONTROL)
        client.trigger("checkout", ONE_PAGE)
    client.trigger("colour", ONE_PAGE)

    assert sorted((exposure.variant, exposure.trigger) for exposure in exposures(client, kept)) == [
        ("control", True),
        ("one-page", True),
    ]


def test_a_flag_without_an_experiment_logs_no_exposure(client: Client, kept: Kept) -> None:
    assert client.variant("colour", ONE_PAGE) == "blue"

    assert exposures(client, kept) == []


def test_an_experiment_on_accounts_is_logged_by_account_once(client: Client, kept: Kept) -> None:
    for unit in ("u1", "u2", "u3"):
        client.value("billing", unit, False, account_id="acme")  # noqa: FBT003 - the default
    client.trigger("billing", "u9", account_id="acme")

    logged = [(each.unit.type, each.unit.id, each.trigger) for each in exposures(client, kept)]
    assert sorted(logged) == [("account", "acme", False), ("account", "acme", True)]


@pytest.mark.requirement("R18")
def test_code_reads_parameters_of_a_layer_and_the_experiment_is_logged(client: Client, kept: Kept) -> None:
    seen = {tuple(sorted(client.parameters("list", f"u{number}").items())) for number in range(50)}

    assert seen == {(("images", True), ("rows", 20)), (("images", True), ("rows", 50))}
    logged = exposures(client, kept)
    assert len(logged) == 50
    assert {each.experiment for each in logged} == {"dense"}
    assert client.parameters("no-such-layer", "u1") == {}


def test_attributes_may_have_the_names_of_parameters(client: Client, kept: Kept) -> None:
    answer = client.variant("checkout", ONE_PAGE, None, {"country": "DE", "consent": "x"}, flag="f", unit="u")

    assert answer == "one-page"
    assert client.statistics.blunders == 0
    assert exposures(client, kept)[0].attributes == {"country": "DE"}


def test_a_keyword_wins_over_the_mapping(client: Client, kept: Kept) -> None:
    client.variant("checkout", ONE_PAGE, attributes={"country": "DE", "tier": 1}, country="FR")

    assert exposures(client, kept)[0].attributes == {"country": "FR", "tier": 1}


def test_a_value_of_another_type_is_the_default_and_no_exposure(client: Client, kept: Kept) -> None:
    assert client.value("checkout", ONE_PAGE, 3) == 3
    assert client.value("checkout", ONE_PAGE, False) is False  # noqa: FBT003 - the default
    assert client.value("checkout", ONE_PAGE, {"a": 1}) == {"a": 1}
    answer = client.evaluate("checkout", ONE_PAGE, wants=Type.NUMBER)

    assert (answer.error, answer.reason, answer.value) == (ErrorCode.TYPE_MISMATCH, Reason.ERROR, None)
    assert exposures(client, kept) == []
    assert client.value("checkout", ONE_PAGE, "three") == "one"
    assert client.value("limit", ONE_PAGE, 5.5) == 10


@pytest.mark.parametrize(
    "unit", ["", "\0", "\ud800", "x" * 1_000_000, "null", 7, None, ["u"], {"a": 1}], ids=repr
)
def test_a_bad_id_gets_the_default_with_a_reason(client: Client, kept: Kept, unit: str) -> None:
    answer = client.evaluate("checkout", unit)

    assert (answer.value, answer.reason, answer.detail) == ("three", Reason.ERROR, Detail.ERROR)
    assert answer.says
    client.track("buy", unit)
    client.alias(unit, "u1")
    client.flush()
    assert kept.events == []
    assert client.statistics.rejected == 2
    assert client.statistics.blunders == 0


def test_an_unknown_flag_serves_the_codes_default(client: Client) -> None:
    assert client.variant("nonsense", "u1") is None
    assert client.variant("nonsense", "u1", "control") == "control"
    assert client.value("nonsense", "u1", 7) == 7
    assert client.evaluate("nonsense", "u1").error is ErrorCode.FLAG_NOT_FOUND


class Hostile(Mapping[str, object]):
    """A mapping that raises when it is read."""

    def __getitem__(self, name: str) -> object:
        raise ZeroDivisionError(name)

    def __iter__(self) -> Iterator[str]:
        raise ZeroDivisionError

    def __len__(self) -> int:
        return 1


def test_nothing_that_goes_wrong_inside_reaches_the_product() -> None:
    broken = Client(ruleset=shop(), clock=Clock(now=lambda: 1 // 0))

    assert broken.evaluate("checkout", ONE_PAGE).error is ErrorCode.GENERAL
    assert broken.variant("checkout", "u3", "none") == "none"
    broken.track("buy", ONE_PAGE)
    broken.trigger("checkout", ONE_PAGE)

    assert broken.statistics.blunders == 4
    assert "please report it" in broken.trouble
    broken.close()


def test_an_explanation_logs_nothing(client: Client, kept: Kept) -> None:
    explanation = client.explain("checkout", ONE_PAGE, country="DE")

    assert explanation.evaluation.variant == "one-page"
    assert explanation.steps
    assert exposures(client, kept) == []


def test_an_event_carries_value_properties_and_release(client: Client, kept: Kept) -> None:
    client.track("purchase", ONE_PAGE, 19.99, item="lamp", n=2, gift=False, note=None, name="N", unit="m")
    client.track("seat", "acme", unit_type="account")

    bought, seat = events(client, kept)
    assert (bought.name, bought.value, bought.release) == ("purchase", 19.99, "4.2.0")
    assert bought.properties == {
        "item": "lamp",
        "n": 2,
        "gift": False,
        "note": None,
        "name": "N",
        "unit": "m",
    }
    assert (bought.unit.type, seat.unit.type) == ("user", "account")


def test_properties_are_copied_when_the_event_is_made(client: Client, kept: Kept) -> None:
    items, properties = ["lamp"], {"n": 1}
    client.track("purchase", ONE_PAGE, properties=properties, items=items)
    items.append("table")
    properties["n"] = 99

    assert events(client, kept)[0].properties == {"n": 1, "items": ["lamp"]}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "12", object(), 1j], ids=lambda value: type(value).__name__
)
def test_an_event_without_a_finite_number_is_rejected_and_counted(
    client: Client, kept: Kept, value: float
) -> None:
    client.track("purchase", ONE_PAGE, value)
    client.track("purchase", ONE_PAGE, prices=[value, float("-inf")])

    assert events(client, kept) == []
    assert client.statistics.rejected == 2
    assert client.statistics.blunders == 0


def test_ids_of_events_are_unique_and_of_one_process(client: Client, kept: Kept) -> None:
    for number in range(300):
        client.track("view", f"u{number}")

    ids = [event.id for event in events(client, kept)]
    assert len(set(ids)) == 300
    assert {len(each) for each in ids} == {32}
    assert len({each[:16] for each in ids}) == 1


def test_an_alias_links_two_ids(client: Client, kept: Kept) -> None:
    client.alias("cookie-7", ONE_PAGE, was_type="device")

    assert client.flush()
    (alias,) = kept.events
    assert isinstance(alias, Alias)
    assert (alias.was.type, alias.was.id, alias.unit.type, alias.unit.id) == (
        "device",
        "cookie-7",
        "user",
        ONE_PAGE,
    )


def test_after_closing_answers_go_on_and_nothing_is_logged(client: Client, kept: Kept) -> None:
    client.track("view", ONE_PAGE)

    assert client.close()
    assert client.close()

    assert client.status is Status.CLOSED
    assert client.variant("checkout", ONE_PAGE) == "one-page"
    client.track("view", ONE_PAGE)
    assert [type(event) for event in kept.events] == [Event]
    assert client.statistics.dropped == 2


def test_listeners_hear_of_another_ruleset_and_of_the_end(kept: Kept) -> None:
    heard: list[Change] = []
    nothing: list[Change] = []
    client = Client(ruleset=shop(), delivery=kept)
    client.listen(heard.append)
    client.listen(nothing.remove)  # raises: it is not in there

    publish(client, shop(2, phase=2))
    client.close()

    assert [(each.status, each.ruleset, each.flags) for each in heard] == [
        (Status.READY, 2, ("checkout",)),
        (Status.CLOSED, 2, ()),
    ]
    assert client.statistics.blunders == 2


def test_a_client_without_a_place_for_events_counts_them_as_dropped() -> None:
    with Client(ruleset=document()) as client:
        client.track("view", "u1")
        assert client.flush()

        assert client.statistics.dropped == 1
        assert client.statistics.queued == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"relase": "1"}, "did you mean 'release'"),
        ({"ruleset": shop(), "file": "x"}, "both given"),
        ({}, "nowhere to get a ruleset"),
        ({"url": "shop.example"}, "starts with https://"),
        ({"ruleset": shop(), "poll": 0}, "poll is 0"),
        ({"ruleset": shop(), "consent": "maybe"}, "granted, pending or denied"),
        ({"ruleset": shop(), "zzzzzz": 1}, "choose from"),
    ],
)
def test_a_wrong_option_says_what_to_change(options: dict[str, object], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        Client(**options)  # type: ignore[arg-type] # that is what is asked


def test_a_damaged_ruleset_that_is_handed_over_is_told_at_once() -> None:
    with pytest.raises(RulesetError):
        Client(ruleset=document()[:-20])


def test_consent_words_are_the_closed_list() -> None:
    assert [each.value for each in Consent] == ["granted", "pending", "denied"]


def test_large_attributes_and_events_are_weighed(kept: Kept) -> None:
    with Client(ruleset=shop(), delivery=kept, queue_bytes=100_000) as client:
        for number in range(100):
            client.variant("checkout", f"u{number}", country="x" * 10_000, tier=["not carried"])
            client.track("view", f"u{number}", text="x" * 10_000)
            client.alias("c" * 3_000, f"u{number}")
        queue = client._queue  # noqa: SLF001 - memory is what is asked
        assert queue.size <= 100_000
        client.flush()

        statistics = client.statistics
        assert statistics.made == 300
        assert statistics.sent + statistics.dropped == 300


def test_a_unit_is_remembered_over_generations_of_the_bound(kept: Kept) -> None:
    with Client(ruleset=shop(), delivery=kept, remember=10) as client:
        for number in (1, 2, 3, 4, 5, 6, 1, 7):
            client.variant("checkout", f"u{number}")

        assert [each.unit.id for each in exposures(client, kept)] == [f"u{each}" for each in range(1, 8)]


@pytest.mark.parametrize("consent", ["granted", "pending"])
def test_an_event_that_is_too_large_for_the_server_takes_no_room_of_others(kept: Kept, consent: str) -> None:
    with Client(ruleset=shop(), delivery=kept, interval=60, consent=consent) as client:
        client.track("warm", "u1")
        for number in range(900):
            client.track("good", f"u{number}")
        client.track("large", "u1", text="x" * 17_000_000)
        client.alias("x" * 17_000_000, "u1")

        said = client.statistics
        assert (said.dropped, said.rejected, said.made) == (0, 2, 903)
        assert (said.held_back if consent == "pending" else said.queued + said.sent) == 901


def test_an_event_that_memory_has_no_room_for_is_rejected_alone_and_none_goes_for_it(kept: Kept) -> None:
    with Client(ruleset=shop(), delivery=kept, interval=60, queue_bytes=50_000) as client:
        for number in range(20):
            client.track("good", f"u{number}")
        client.track("fits the server", "u1", text="x" * 60_000)
        client.track("fits nothing", "u1", text="x" * 70_000)

        assert "send less of it" in client._sender.note  # noqa: SLF001 - it goes into the log
        assert (client.statistics.dropped, client.statistics.rejected) == (0, 2)


@pytest.mark.parametrize(("number", "rejected"), [(0.5, 0), (0.123456789, 1)])
def test_an_event_is_large_by_what_it_takes_when_it_is_sent(kept: Kept, number: float, rejected: int) -> None:
    with Client(ruleset=shop(), delivery=kept, interval=60, consent="pending") as client:
        client.track("numbers", "u1", many=[number] * 12_000)

        assert (client.statistics.rejected, client.statistics.held_back) == (rejected, 1 - rejected)
        client.consent("u1", "granted")
        assert client.flush(5)
        assert client.statistics.sent == 1 - rejected


def test_an_exposure_that_two_threads_log_at_once_is_sent_once(client: Client, kept: Kept) -> None:
    held = client._keeper.held  # noqa: SLF001 - the second thread asked before the first one remembered
    client.variant("checkout", "u1")
    held.of["one-page-checkout"].fresh.clear()
    client.variant("checkout", "u1")
    client.trigger("checkout", "u1")

    assert [(each.unit.id, each.trigger) for each in exposures(client, kept)] == [("u1", False), ("u1", True)]
    assert (client.statistics.made, client.statistics.sent) == (2, 2)


def test_what_a_unit_meets_after_it_withdrew_and_came_back_is_sent_again(client: Client, kept: Kept) -> None:
    for said in ("granted", "denied", "granted"):
        client.consent("u1", said)
        client.variant("checkout", "u1")

    told = exposures(client, kept)
    assert [(each.unit.id, each.consent) for each in told] == [("u1", ""), ("-", "denied"), ("u1", "")]


@pytest.mark.parametrize("consent", ["granted", "pending"])
def test_a_wrong_type_is_no_exposure_whatever_the_consent(client: Client, kept: Kept, consent: str) -> None:
    assert client.value("checkout", ONE_PAGE, 3, consent=consent) == 3

    assert exposures(client, kept) == []
    assert client.statistics.held_back == 0


def test_accounts_that_grant_later_are_logged_once(kept: Kept) -> None:
    with Client(ruleset=shop(), delivery=kept, consent="pending") as client:
        for unit in ("u1", "u2"):
            client.evaluate("billing", unit, account_id="acme")
            client.trigger("billing", unit, account_id="acme")
        client.consent("u1", "granted")
        client.consent("u2", "granted")

        assert sorted(each.trigger for each in exposures(client, kept)) == [False, True]
