from __future__ import annotations

import gc
import json

import pytest

from splitrun.assign.evaluation import Detail
from splitrun.assign.sticky import Kept as KeptVariants
from splitrun.errors import SettingError
from splitrun.sdk.client import Client
from splitrun.sdk.event import Event, Exposure
from splitrun.sdk.outbox.letters import batch
from tests.sdk.server import serving
from tests.sdk.shop import document, eventually, shop
from tests.sdk.test_client import ONE_PAGE, Kept


def logged(client: Client, kept: Kept) -> list[str]:
    assert client.flush()
    return [type(event).__name__ for event in kept.events]


@pytest.mark.requirement("R73")
def test_what_a_unit_has_not_decided_stays_in_memory_until_it_grants() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending") as client:
        for _ in range(3):
            assert client.variant("checkout", ONE_PAGE) == "one-page"
        client.trigger("checkout", ONE_PAGE)
        client.track("view", ONE_PAGE)
        client.track("view", "somebody else")
        client.alias("cookie", ONE_PAGE)
        assert logged(client, kept) == []
        assert client.statistics.held_back == 5

        client.consent(ONE_PAGE, "granted")

        assert sorted(logged(client, kept)) == ["Alias", "Event", "Exposure", "Exposure"]
        assert client.statistics.held_back == 1
        client.variant("checkout", ONE_PAGE)
        client.track("buy", ONE_PAGE)
        assert sorted(logged(client, kept)) == ["Alias", "Event", "Event", "Exposure", "Exposure"]


@pytest.mark.requirement("R73")
def test_what_was_held_back_is_dropped_when_the_unit_denies() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending") as client:
        client.variant("checkout", ONE_PAGE)
        client.track("view", ONE_PAGE)

        client.consent(ONE_PAGE, "denied")
        client.consent(ONE_PAGE, "denied")

        assert client.statistics.held_back == 0
        assert client.variant("checkout", ONE_PAGE) == "three-page"
        client.track("view", ONE_PAGE)
        assert logged(client, kept) == []

        client.consent(ONE_PAGE, "granted")
        client.variant("checkout", ONE_PAGE)
        assert logged(client, kept) == ["Exposure"]


@pytest.mark.requirement("R73")
def test_a_denied_unit_gets_the_default_and_nothing_is_logged_or_kept() -> None:
    kept, variants = Kept(), dict[str, str]()
    with Client(ruleset=shop(), delivery=kept, sticky=KeptVariants(variants)) as client:
        answer = client.evaluate("checkout", ONE_PAGE, consent="denied")
        client.track("view", ONE_PAGE, consent="denied")
        client.alias("cookie", ONE_PAGE, consent="denied")
        client.trigger("checkout", ONE_PAGE, consent="denied")
        parameters = client.parameters("list", "u1", consent="denied")

        assert (answer.value, answer.detail) == ("three", Detail.CONSENT)
        assert parameters == {"rows": 20, "images": True}
        assert logged(client, kept) == []
        assert variants == {}
        client.variant("checkout", ONE_PAGE, consent="pending")
        assert variants == {}
        client.variant("checkout", ONE_PAGE, consent="granted")
        assert list(variants.values()) == ["one-page"]


def test_a_word_that_is_no_consent_is_not_granted() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.track("view", "u1", consent="yes")

        assert logged(client, kept) == []
        assert client.statistics.held_back == 1


@pytest.mark.requirement("R79")
def test_a_unit_that_opted_out_gets_the_default_and_no_events() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, opted_out={ONE_PAGE}) as client:
        answer = client.evaluate("checkout", ONE_PAGE)
        client.track("view", ONE_PAGE)

        assert (answer.value, answer.detail) == ("three", Detail.OPTED_OUT)
        client.variant("checkout", "u2")
        assert logged(client, kept) == ["Exposure"]


@pytest.mark.requirement("R79")
def test_opting_out_while_running_counts_from_then_on_whatever_the_consent() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        assert client.variant("checkout", ONE_PAGE) == "one-page"
        client.track("view", ONE_PAGE, consent="pending")

        client.opt_out(ONE_PAGE)

        assert client.variant("checkout", ONE_PAGE, consent="granted") == "three-page"
        client.track("view", ONE_PAGE, consent="granted")
        client.trigger("checkout", ONE_PAGE)
        client.consent(ONE_PAGE, "granted")
        assert logged(client, kept) == ["Exposure", "Exposure"]
        assert kept.events[0].unit.id == ONE_PAGE


def left(client: Client, kept: Kept) -> list[tuple[str, str, int, str, str]]:
    assert client.flush()
    return [
        (one.unit.id, one.experiment, one.version, one.variant, one.consent)
        for one in kept.events
        if type(one) is Exposure and one.consent
    ]


@pytest.mark.requirement("R73", "R79")
def test_who_leaves_after_exposure_is_told_by_variant_and_not_by_id() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="granted") as client:
        client.variant("checkout", ONE_PAGE)
        client.opt_out("never exposed")
        client.consent(ONE_PAGE, "denied")
        client.consent(ONE_PAGE, "denied")

        assert left(client, kept) == [("-", "one-page-checkout", 1, "one-page", "denied")]


def test_a_batch_says_that_consent_is_known_where_units_are_asked() -> None:
    lines = [b"{}"]

    assert json.loads(batch(lines, 0, "granted"))["consent"] == "granted"
    assert "consent" not in json.loads(batch(lines, 0))


@pytest.mark.parametrize(("usual", "known"), [("granted", ""), ("pending", "granted"), ("denied", "granted")])
def test_consent_is_known_of_what_a_client_sends_where_nobody_is_taken_to_have_granted(
    usual: str, known: str
) -> None:
    with Client(ruleset=shop(), delivery=Kept(), consent=usual) as client:
        assert client._sender.known == known  # noqa: SLF001 - what stands in each of its batches


def test_an_override_comes_before_the_opt_out_and_is_not_logged() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, opted_out=lambda unit: unit == "tester") as client:
        answer = client.evaluate("checkout", "tester")

        assert (answer.value, answer.detail) == ("one", Detail.OVERRIDE)
        assert logged(client, kept) == []


@pytest.mark.requirement("R79")
def test_an_opt_out_that_cannot_be_asked_counts_as_one_until_it_can() -> None:
    away = True

    def register(unit: str) -> bool:
        if away:
            raise LookupError(unit)
        return False

    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, opted_out=register) as client:
        answer = client.evaluate("checkout", ONE_PAGE)
        client.track("view", ONE_PAGE)
        client.alias("cookie", ONE_PAGE)
        client.trigger("checkout", ONE_PAGE)

        assert (answer.value, answer.detail, answer.error) == ("three", Detail.OPTED_OUT, None)
        assert client.explain("checkout", ONE_PAGE).evaluation.value == "three"
        assert logged(client, kept) == []
        assert client.statistics.blunders == 0
        assert "opted_out raised LookupError" in client.trouble

        away = False

        assert client.variant("checkout", ONE_PAGE) == "one-page"
        assert client.trouble == ""
        assert logged(client, kept) == ["Exposure"]


def test_held_back_records_are_bounded_and_the_longest_waiting_unit_loses_first() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending", queue=10) as client:
        for number in range(12):
            client.track("view", f"u{number}")
        client.track("view", "u5")

        assert client.statistics.held_back == 10
        assert client.statistics.dropped == 3
        client.consent("u0", "granted")
        client.consent("u5", "granted")
        assert logged(client, kept) == ["Event", "Event"]


def test_who_granted_is_remembered_up_to_a_bound_and_then_asked_again() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending", queue=2) as client:
        for unit in ("u1", "u2", "u3"):
            client.consent(unit, "granted")
        client.consent("u3", "pending")
        for unit in ("u1", "u2", "u3"):
            client.track("view", unit)

        assert client.flush()
        assert [event.unit.id for event in kept.of(Event)] == ["u2"]
        assert kept.of(Exposure) == []


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("word", ["Denied", "no", "", 5, None, ["denied"]], ids=repr)
def test_a_word_that_is_no_consent_lifts_no_denial(word: str) -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.consent(ONE_PAGE, "denied")

        client.consent(ONE_PAGE, word)

        assert client.variant("checkout", ONE_PAGE) == "three-page"
        client.track("view", ONE_PAGE)
        assert logged(client, kept) == []
        assert client.statistics.held_back == 0


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("word", ["pending", "Granted", "yes"])
def test_a_unit_that_is_still_to_decide_is_held_back_where_others_are_logged(word: str) -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.consent("u1", word)

        client.track("view", "u1")
        client.track("view", "u2")

        assert logged(client, kept) == ["Event"]
        assert client.statistics.held_back == 1
        client.consent("u1", "granted")
        assert logged(client, kept) == ["Event", "Event"]


def test_a_consent_in_a_products_own_words_of_text_is_understood() -> None:
    class Banner(str):
        __slots__ = ()

    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.consent("u1", Banner("denied"))
        client.track("view", "u1")
        client.track("view", "u2", consent=Banner("denied"))

        assert logged(client, kept) == []
        assert client.statistics.held_back == 0


@pytest.mark.parametrize("wrong", ["ada", b"ada", 5, [["ada"]], {7}], ids=repr)
def test_an_opt_out_that_is_no_collection_of_texts_is_refused(wrong: set[str]) -> None:
    with pytest.raises(SettingError, match="give a set of unit ids"):
        Client(ruleset=shop(), opted_out=wrong)


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize("who", ["cookie", "u1"])
@pytest.mark.parametrize("how", ["denied", "opted out"])
def test_two_ids_are_not_linked_where_either_refused(who: str, how: str) -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        if how == "denied":
            client.consent(who, "denied")
        else:
            client.opt_out(who)

        client.alias("cookie", "u1")

        assert logged(client, kept) == []
        assert client.statistics.held_back == 0


@pytest.mark.requirement("R73")
def test_two_ids_are_linked_when_both_have_decided() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.consent("cookie", "pending")
        client.consent("u1", "pending")
        client.alias("cookie", "u1")

        client.consent("u1", "granted")
        assert logged(client, kept) == []
        assert client.statistics.held_back == 1
        client.consent("cookie", "granted")

        assert logged(client, kept) == ["Alias"]


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize("how", ["denied", "opted out"])
def test_kept_variants_of_a_unit_that_refuses_are_forgotten(how: str) -> None:
    kept, variants = Kept(), dict[str, str]()
    with Client(ruleset=shop(), delivery=kept, sticky=KeptVariants(variants)) as client:
        client.variant("checkout", ONE_PAGE)
        client.variant("checkout", "u2")
        assert len(variants) == 2

        if how == "denied":
            client.consent(ONE_PAGE, "denied")
        else:
            client.opt_out(ONE_PAGE)

        assert list(variants) == ["one-page-checkout:1:u2"]


def test_a_variant_is_kept_when_the_unit_is_exposed_and_not_before() -> None:
    kept, variants = Kept(), dict[str, str]()
    with Client(ruleset=shop(), delivery=kept, sticky=KeptVariants(variants)) as client:
        client.variant("checkout", ONE_PAGE, expose=False)
        client.parameters("list", ONE_PAGE, expose=False)
        client.trigger("checkout", ONE_PAGE)
        assert variants == {}

        client.expose("checkout", ONE_PAGE)

        assert list(variants.values()) == ["one-page"]


@pytest.mark.requirement("R73")
def test_a_refusal_that_is_kept_stands_whatever_a_call_says_until_it_is_taken_back() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.consent(ONE_PAGE, "denied")
        answer = client.evaluate("checkout", ONE_PAGE, consent="granted")
        client.track("view", ONE_PAGE, consent="granted")
        client.alias("cookie", ONE_PAGE, consent="granted")
        client.variant("checkout", ONE_PAGE, consent="pending")

        assert (answer.value, answer.detail) == ("three", Detail.CONSENT)
        assert logged(client, kept) == []
        assert client.statistics.held_back == 0

        client.consent(ONE_PAGE, "granted")
        client.track("view", ONE_PAGE, consent="granted")
        assert logged(client, kept) == ["Event"]


def adds_up(client: Client) -> bool:
    """Whether every record made is somewhere."""
    said = client.statistics
    where = (
        said.sent, said.queued, said.spooled, said.held_back, said.dropped, said.rejected, said.forgotten,
    )  # fmt: skip
    return said.made == sum(where)


def test_what_was_made_never_falls_and_is_always_somewhere() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending", queue=10) as client:
        made = 0

        def holds() -> bool:
            nonlocal made
            before, made = made, client.statistics.made
            return made >= before and adds_up(client)

        for number in range(25):
            client.track("view", f"u{number}")
            assert holds()
        assert (made, client.statistics.dropped, client.statistics.held_back) == (25, 15, 10)
        client.consent("u24", "denied")
        assert holds()
        client.opt_out("u23")
        assert holds()
        client.alias("u20", "u22")
        client.consent("u20", "denied")
        assert holds()
        client.consent("u22", "granted")
        assert holds()
        client.variant("checkout", ONE_PAGE)
        client.variant("checkout", ONE_PAGE, consent="granted")
        client.consent(ONE_PAGE, "granted")
        assert holds()
        assert client.flush()
        assert holds()

    # u24, u23 and u20 refused, the last one with the alias; the exposure was logged before its consent
    assert client.statistics.forgotten == 5


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("asked_again", [True, False])
def test_a_phase_that_begins_while_a_unit_decides_is_logged_beside_the_one_before(
    *, asked_again: bool
) -> None:
    kept = Kept()
    with serving() as server:
        server.publish(document(1, 1))
        with Client(server.url, delivery=kept, consent="pending", push=False, poll=0.02) as client:
            assert eventually(lambda: client.variant("checkout", ONE_PAGE))
            server.publish(document(2, 2))
            assert eventually(lambda: client.ruleset.version == 2)
            if asked_again:
                client.variant("checkout", ONE_PAGE)
            client.consent(ONE_PAGE, "granted")
            client.variant("checkout", ONE_PAGE)

            assert client.flush()
            assert [event.phase for event in kept.events if type(event) is Exposure] == [1, 2]
            assert client.statistics.forgotten == 0


@pytest.mark.requirement("R73")
def test_each_account_that_a_unit_met_while_it_decided_is_logged_when_it_grants() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, consent="pending") as client:
        for account in ("A", "B", "A"):
            client.variant("billing", "u1", account_id=account)
        client.consent("u1", "granted")

        assert client.flush()
        assert [(event.unit.type, event.unit.id) for event in kept.events if type(event) is Exposure] == [
            ("account", "A"),
            ("account", "B"),
        ]


@pytest.mark.requirement("R73", "R79")
def test_nobody_leaves_for_an_account_of_the_same_id() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        client.variant("billing", "7", account_id="42")
        client.consent("42", "denied")

        assert left(client, kept) == []


@pytest.mark.requirement("R73", "R79")
def test_who_leaves_right_after_the_memory_began_anew_is_told() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept, remember=2, interval=60) as client:
        client.track("warm", "u0")
        assert client.flush()
        units = [f"u{number}" for number in range(5)]
        for unit in units:
            client.variant("checkout", unit)
        for unit in units:
            client.consent(unit, "denied")

        assert len(left(client, kept)) == 5


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize("interval", [0.01, 60])
def test_who_leaves_what_it_met_in_an_earlier_phase_is_told_once(interval: float) -> None:
    kept = Kept()
    with serving() as server:
        server.publish(document(1, 1))
        with Client(server.url, delivery=kept, push=False, poll=0.02, interval=interval) as client:
            assert eventually(lambda: client.variant("checkout", ONE_PAGE))
            other = client.variant("checkout", "u2")
            for version in (2, 3):
                server.publish(document(version, version))
                assert eventually(lambda: client.evaluate("checkout", ONE_PAGE).phase == version)  # noqa: B023 - at once
            for unit in (ONE_PAGE, "u2", "u3"):
                client.consent(unit, "denied")
                client.consent(unit, "denied")

            assert [one[3] for one in left(client, kept)] == ["one-page", other]


@pytest.mark.requirement("R73")
def test_who_comes_back_is_triggered_again_as_it_is_exposed_again() -> None:
    kept = Kept()
    with Client(ruleset=shop(), delivery=kept) as client:
        for _ in range(2):
            client.variant("checkout", ONE_PAGE)
            client.trigger("checkout", ONE_PAGE)
            client.consent(ONE_PAGE, "denied")
            client.consent(ONE_PAGE, "granted")

        assert client.flush()
        met = [(event.trigger, event.consent) for event in kept.of(Exposure) if isinstance(event, Exposure)]
        assert met == [(False, ""), (True, ""), (False, "denied")] * 2


@pytest.mark.requirement("R73", "R79")
def test_a_variant_that_is_kept_for_an_account_stays_when_a_unit_of_the_same_id_refuses() -> None:
    variants = dict[str, str]()
    with Client(ruleset=shop(), delivery=Kept(), sticky=KeptVariants(variants)) as client:
        client.variant("billing", "7", account_id="42")
        client.variant("checkout", "42")
        client.consent("42", "denied")

        assert list(variants) == ["new-billing:1:42"]


@pytest.mark.requirement("R73", "R79")
def test_who_leaves_is_told_whatever_is_logged_while_it_is_looked_for() -> None:
    kept, threshold = Kept(), gc.get_threshold()
    with Client(ruleset=shop(), delivery=kept, interval=60) as client:
        client.track("warm", "u0")
        assert client.flush()
        units = [f"u{number}" for number in range(50)]
        for unit in units:
            client.variant("checkout", unit)

        def logs(phase: str, _info: dict[str, int]) -> None:
            """Do as an object may whose end is logged."""
            if phase == "start":
                client.track("ended", "u99")

        gc.callbacks.append(logs)
        try:
            for number, unit in enumerate(units):
                gc.set_threshold(1 + number % 10)
                client.consent(unit, "denied")
        finally:
            gc.set_threshold(*threshold)
            gc.callbacks.remove(logs)

        assert client.statistics.blunders == 0
        assert len(left(client, kept)) == 50
