from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, Reason
from splitrun.assign.ruleset import Arm, Experiment, Layer, Run
from splitrun.errors import RulesetError
from splitrun.testing import RecordingClient, forced
from tests.sdk.shop import shop
from tests.sdk.test_client import CONTROL, ONE_PAGE


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient(shop())


def test_a_forced_variant_is_everybodys_until_the_block_ends(client: RecordingClient) -> None:
    assert client.variant("checkout", CONTROL) == "control"

    with forced("checkout", "one-page"):
        assert client.variant("checkout", CONTROL) == "one-page"
        assert client.value("checkout", CONTROL, "?") == "one"
        assert client.variant("checkout", "tester") == "one-page"

    assert client.variant("checkout", CONTROL) == "control"


def test_a_forced_variant_of_an_experiment_is_exposed_as_such(client: RecordingClient) -> None:
    with forced("checkout", "control"):
        client.variant("checkout", ONE_PAGE, country="DE")

    (exposure,) = client.exposures
    assert (exposure.experiment, exposure.variant) == ("one-page-checkout", "control")
    assert (exposure.unit.id, exposure.attributes) == (ONE_PAGE, {"country": "DE"})


def test_a_variant_of_the_flag_alone_is_forced_without_an_exposure(client: RecordingClient) -> None:
    with forced("colour", "grey"):
        answer = client.evaluate("colour", ONE_PAGE)

    assert (answer.value, answer.variant, answer.experiment) == ("grey", "grey", None)
    assert client.exposures == []


def test_a_value_needs_no_flag_in_the_ruleset() -> None:
    client = RecordingClient()

    with forced("banner", "loud", value={"text": "Sale!"}):
        assert client.value("banner", "u1", {}) == {"text": "Sale!"}

    assert client.value("banner", "u1", {"text": ""}) == {"text": ""}


def test_a_value_takes_the_place_of_what_the_flag_serves(client: RecordingClient) -> None:
    with forced("limit", "low", value=3):
        assert client.value("limit", "u1", 0) == 3

    assert client.value("limit", "u1", 0) == 10


def test_a_client_made_in_the_block_is_forced_too() -> None:
    with forced("checkout", "one-page"):
        assert RecordingClient(shop()).variant("checkout", CONTROL) == "one-page"


def test_a_block_in_a_block_adds_to_it(client: RecordingClient) -> None:
    with forced("checkout", "one-page"), forced("colour", "grey"):
        assert client.variant("checkout", CONTROL) == "one-page"
        assert client.variant("colour", CONTROL) == "grey"


def test_who_is_exposed_before_the_block_is_exposed_in_it_again(client: RecordingClient) -> None:
    client.variant("checkout", ONE_PAGE)
    assert len(client.exposures) == 1

    with forced("checkout", "one-page"):
        client.variant("checkout", ONE_PAGE)

    assert [exposure.variant for exposure in client.exposures] == ["one-page", "one-page"]


def test_a_refusal_counts_also_where_a_variant_is_forced(client: RecordingClient) -> None:
    with forced("checkout", "one-page"):
        answer = client.evaluate("checkout", ONE_PAGE, consent="denied")

    assert (answer.value, answer.detail, answer.reason) == ("three", Detail.CONSENT, Reason.DEFAULT)
    assert client.exposures == []


def test_a_variant_nobody_has_is_refused_with_a_suggestion(client: RecordingClient) -> None:
    with (
        pytest.raises(RulesetError, match="no variant 'one-pge'; did you mean 'one-page'"),
        forced("checkout", "one-pge"),
    ):
        pass

    assert client.variant("checkout", CONTROL) == "control"


def test_a_value_that_no_flag_can_serve_is_refused() -> None:
    RecordingClient()

    with pytest.raises(RulesetError, match="a flag cannot serve"), forced("banner", "loud", value=object()):
        pass


def test_a_flag_that_a_client_has_not_is_left_alone(client: RecordingClient) -> None:
    with forced("elsewhere", "on"):
        assert client.variant("elsewhere", "u1", "mine") == "mine"


def test_a_layers_parameters_follow_the_forced_variant() -> None:
    ruleset = shop()
    run = Experiment(
        "colour",
        "user",
        1,
        1,
        "variant:blue:1",
        (Arm("control", "grey", 2**31), Arm("bold", "blue", 2**32, {"rows": 99})),
        layer="list",
        slots=((0, 0),),
    )
    ruleset.experiments["blue"] = run
    ruleset.layers["list"] = Layer("user", "layer:list", {"rows": 20}, ("dense", "blue"))
    ruleset.flags["colour"] = replace(ruleset.flags["colour"], rules=(Run("blue"),))
    client = RecordingClient(ruleset)

    with forced("colour", "bold"):
        assert client.parameters("list", "u1")["rows"] == 99


def test_another_client_without_the_variant_is_left_alone(client: RecordingClient) -> None:
    other = shop(project="elsewhere")
    other.flags["colour"] = replace(other.flags["colour"], variants={"grey": "grey", "blue": "b", "red": "r"})
    elsewhere = RecordingClient(other)

    with forced("colour", "red"):
        assert elsewhere.value("colour", "u1", "?") == "r"
        assert client.value("colour", "u1", "?") == "blue"


@forced("checkout", "one-page")
def under_one_page(client: RecordingClient) -> str | None:
    return client.variant("checkout", CONTROL)


@forced("checkout", "one-page")
async def later_under_one_page(client: RecordingClient) -> str | None:
    await asyncio.sleep(0)
    return client.variant("checkout", CONTROL)


def test_a_decorator_forces_while_the_function_runs(client: RecordingClient) -> None:
    assert under_one_page(client) == "one-page"
    assert asyncio.run(later_under_one_page(client)) == "one-page"
    assert client.variant("checkout", CONTROL) == "control"
