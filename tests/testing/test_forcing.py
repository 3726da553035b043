from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, Reason
from splitrun.assign.ruleset import Arm, Experiment, Layer, Run
from splitrun.errors import RulesetError, SettingError
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


def test_a_flag_that_no_client_has_is_refused_with_a_suggestion(client: RecordingClient) -> None:
    with (
        pytest.raises(
            RulesetError, match=r"no client's ruleset has the flag 'chekout'; did you mean 'checkout'"
        ),
        forced("chekout", "one-page"),
    ):
        pass

    assert client.variant("checkout", CONTROL) == "control"


def test_a_flag_that_another_client_has_is_forced_there(client: RecordingClient) -> None:
    other = shop(project="elsewhere")
    other.flags["theirs"] = replace(other.flags["colour"])
    elsewhere = RecordingClient(other)

    with forced("theirs", "grey"):
        assert elsewhere.variant("theirs", "u1") == "grey"
        assert client.variant("theirs", "u1", "mine") == "mine"


def test_a_block_before_there_is_a_client_waits_for_one() -> None:
    with forced("checkout", "one-page"):
        assert RecordingClient(shop()).variant("checkout", CONTROL) == "one-page"


@pytest.mark.parametrize(
    ("flag", "variant", "says"),
    [
        ("f", 5, "variant is 5; give its key, a text"),
        (None, "on", "flag is None; give its key, a text"),
        ("f", "", "variant is ''; give its key, a text"),
    ],
)
def test_what_is_no_key_is_refused_at_once(flag: object, variant: object, says: str) -> None:
    force: Callable[..., object] = forced  # as code without types writes it

    with pytest.raises(SettingError) as caught:
        force(flag, variant)

    assert str(caught.value) == f"forced: the {says}"


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


class Suite:
    """As pytest finds a class of tests."""

    kept = "as it is"

    def helper(self, client: RecordingClient) -> str | None:
        return client.variant("checkout", CONTROL)

    def test_one(self, client: RecordingClient) -> str | None:
        return self.helper(client)

    async def test_two(self, client: RecordingClient) -> str | None:
        return self.helper(client)

    @staticmethod
    def test_three(client: RecordingClient) -> str | None:
        return client.variant("checkout", CONTROL)


def test_a_decorated_class_stays_a_class_and_each_of_its_tests_is_forced(client: RecordingClient) -> None:
    forcing = forced("checkout", "one-page")(Suite)

    assert forcing is Suite
    assert Suite().test_one(client) == Suite.test_three(client) == "one-page"
    assert asyncio.run(Suite().test_two(client)) == "one-page"
    assert (Suite().helper(client), Suite.kept) == ("control", "as it is")


@forced("checkout", "one-page")
def during(client: RecordingClient) -> Iterator[str | None]:
    yield client.variant("checkout", CONTROL)
    yield client.variant("checkout", CONTROL)


@forced("checkout", "one-page")
async def later_during(client: RecordingClient) -> AsyncIterator[str | None]:
    yield client.variant("checkout", CONTROL)
    await asyncio.sleep(0)
    yield client.variant("checkout", CONTROL)


def test_a_decorated_generator_forces_until_it_ends(client: RecordingClient) -> None:
    steps = during(client)

    assert next(steps) == "one-page"
    # a fixture's test runs here
    assert client.variant("checkout", CONTROL) == "one-page"
    assert list(steps) == ["one-page"]
    assert client.variant("checkout", CONTROL) == "control"


def test_a_decorated_asynchronous_generator_forces_until_it_ends(client: RecordingClient) -> None:
    async def each() -> list[str | None]:
        return [found async for found in later_during(client)]

    assert asyncio.run(each()) == ["one-page", "one-page"]
    assert client.variant("checkout", CONTROL) == "control"


def test_a_decorator_forces_while_the_function_runs(client: RecordingClient) -> None:
    assert under_one_page(client) == "one-page"
    assert asyncio.run(later_under_one_page(client)) == "one-page"
    assert client.variant("checkout", CONTROL) == "control"
